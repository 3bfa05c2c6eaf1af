// A select with more choices than fit becomes a box one types in; the portal finds the rest.
import { onContent, word } from "./page.js";

const ENOUGH = 8; // so many choices are quicker to see than to type
let number = 0;

function enhance(select) {
  select.dataset.ready = "";
  const id = `combo-${(number += 1)}`;
  const box = document.createElement("div");
  box.className = "combo";
  const input = document.createElement("input");
  Object.assign(input, { type: "text", autocomplete: "off", placeholder: word("choose") });
  input.id = `${id}-input`;
  for (const [name, value] of Object.entries({ role: "combobox", "aria-expanded": "false", "aria-controls": id, "aria-autocomplete": "list" })) input.setAttribute(name, value);
  const label = select.closest(".field")?.querySelector(".name");
  if (label) { label.id ||= `${id}-label`; input.setAttribute("aria-labelledby", label.id); if (label.htmlFor) label.htmlFor = input.id; }
  const list = document.createElement("ul");
  Object.assign(list, { id, hidden: true });
  list.setAttribute("role", "listbox");
  if (label) list.setAttribute("aria-labelledby", label.id);
  const chips = document.createElement("div");
  chips.className = "chosen";
  select.before(box);
  box.append(...(select.multiple ? [chips] : []), input, list, select);
  select.hidden = true;
  new Combo(select, input, list, chips);
}

class Combo {
  constructor(select, input, list, chips) {
    Object.assign(this, { select, input, list, chips, at: -1, timer: 0, asked: 0 });
    input.addEventListener("focus", () => { input.select(); this.find(""); });
    input.addEventListener("input", () => { clearTimeout(this.timer); this.timer = setTimeout(() => this.find(input.value), 120); });
    input.addEventListener("keydown", (event) => this.key(event));
    input.addEventListener("blur", () => setTimeout(() => this.close(), 120));
    list.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      const item = event.target.closest("li[data-value]");
      if (item) this.take(item);
    });
    chips.addEventListener("click", (event) => {
      const value = event.target.closest("[data-value]")?.dataset.value;
      if (value) this.drop(value);
    });
    this.show();
  }

  /** What is chosen, as words. */
  show() {
    if (!this.select.multiple) {
      const option = this.select.selectedOptions[0];
      this.input.value = option?.value ? option.textContent : "";
      return;
    }
    this.input.value = "";
    this.chips.replaceChildren(...[...this.select.selectedOptions].map((option) => {
      const chip = document.createElement("button");
      chip.type = "button";
      chip.className = "small";
      chip.dataset.value = option.value;
      chip.textContent = `${option.textContent} ×`;
      chip.setAttribute("aria-label", `${word("remove")}: ${option.textContent}`);
      return chip;
    }));
  }

  async find(text) {
    const ask = (this.asked += 1);
    const among = (this.select.dataset.among ? `&${this.select.dataset.among}` : "") + this.near();
    const response = await fetch(`/pick/${this.select.dataset.pick}?q=${encodeURIComponent(text)}${among}`, { credentials: "same-origin" });
    if (!response.ok || ask !== this.asked || document.activeElement !== this.input) return;
    const { choices, total } = await response.json();
    const items = choices.map((choice) => this.item(choice));
    if (!this.select.multiple && !this.select.required) items.unshift(this.item({ value: "", text: "–" }));
    if (total > choices.length || !choices.length) {
      const more = document.createElement("li");
      more.className = "hint";
      more.textContent = word(choices.length ? "more" : "nothing");
      items.push(more);
    }
    this.list.replaceChildren(...items);
    this.list.hidden = false;
    this.input.setAttribute("aria-expanded", "true");
    this.move(choices.length && text ? 0 : -1, true);
  }

  /** What the form says about place and owner narrows the choice; the portal ignores the rest. */
  near() {
    const fields = this.select.form?.matches("[data-form]") ? this.select.form.elements : {};
    return ["zoneid", "podid", "clusterid", "domainid"]
      .filter((name) => fields[name]?.value && fields[name] !== this.select)
      .map((name) => `&${name}=${encodeURIComponent(fields[name].value)}`).join("");
  }

  item(choice) {
    const item = document.createElement("li");
    item.id = `${this.list.id}-${choice.value || "none"}`;
    item.dataset.value = choice.value;
    item.setAttribute("role", "option");
    item.textContent = choice.text;
    if (choice.detail) {
      const small = document.createElement("small");
      small.textContent = choice.detail;
      item.append(small);
    }
    item.dataset.text = choice.text;
    return item;
  }

  key(event) {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (this.list.hidden) this.find(""); else this.move(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter" && !this.list.hidden && !event.ctrlKey) {
      event.preventDefault();
      const item = this.options()[this.at];
      if (item) this.take(item);
    } else if (event.key === "Escape" && !this.list.hidden) {
      event.preventDefault();
      event.stopPropagation();
      this.close();
    } else if (event.key === "Backspace" && this.select.multiple && !this.input.value) {
      const last = [...this.select.selectedOptions].pop();
      if (last) this.drop(last.value);
    }
  }

  options() { return [...this.list.querySelectorAll("[data-value]")]; }

  move(step, absolute = false) {
    const all = this.options();
    this.at = absolute ? step : (this.at + step + all.length) % Math.max(all.length, 1);
    all.forEach((item, i) => item.setAttribute("aria-selected", String(i === this.at)));
    all[this.at]?.scrollIntoView({ block: "nearest" });
    this.input.setAttribute("aria-activedescendant", all[this.at]?.id || "");
  }

  take(item) {
    const { value, text } = item.dataset;
    let option = [...this.select.options].find((one) => one.value === value);
    if (!option) { option = new Option(text, value); this.select.append(option); }
    option.selected = true;
    this.done();
    if (this.select.multiple) this.find(""); else this.close();
  }

  drop(value) {
    for (const option of this.select.options) if (option.value === value) option.selected = false;
    this.done();
  }

  done() {
    this.show();
    this.select.dispatchEvent(new Event("change", { bubbles: true }));
  }

  close() {
    this.list.hidden = true;
    this.asked += 1;
    this.input.setAttribute("aria-expanded", "false");
    this.show();
  }
}

onContent((root) => {
  for (const select of root.querySelectorAll("select[data-pick]:not([data-ready])")) {
    const many = Number(select.dataset.total || 0) > ENOUGH || select.hasAttribute("data-lazy");
    if (many || select.multiple) enhance(select);
  }
});
