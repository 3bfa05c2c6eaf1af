// Forms: checked as typed by the rules the API declared, nothing lost to an error.
import { onContent, word } from "./page.js";

const FIELDS = "input:not([type=hidden]), select, textarea";

function problem(field) {
  const state = field.validity;
  if (state.valueMissing) return word("required");
  if (state.badInput || state.stepMismatch) return word("number");
  if (state.rangeUnderflow) return word("low", field.min);
  if (state.rangeOverflow) return word("high", field.max);
  if (state.tooLong || (field.maxLength > 0 && field.value.length > field.maxLength)) return word("long", field.maxLength);
  return field.validationMessage;
}

function mark(field) {
  const box = field.closest(".field");
  if (!box || field.closest(".combo")) return;
  const text = field.validity.valid ? "" : problem(field);
  let line = box.querySelector(".error");
  box.classList.toggle("wrong", Boolean(text));
  field.setAttribute("aria-invalid", String(Boolean(text)));
  if (text && !line) {
    line = document.createElement("span");
    line.className = "error";
    box.append(line);
  }
  if (line) line.textContent = text;
}

document.addEventListener("change", (event) => {
  if (event.target.matches?.(`.form :is(${FIELDS})`)) mark(event.target);
});
document.addEventListener("input", (event) => {
  if (event.target.matches?.(".form .wrong :is(input, select, textarea)")) mark(event.target);
});

// Look before sending; the portal looks again.
function check(event) {
  const form = event.target.closest?.("form[data-form]");
  if (!form) return;
  const wrong = [...form.elements].filter((field) => field.matches(FIELDS) && !field.validity.valid);
  if (!wrong.length) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  for (const field of wrong) {
    mark(field);
    field.closest("details")?.setAttribute("open", "");
  }
  (wrong[0].closest(".combo")?.querySelector("input") || wrong[0]).focus();
}
document.addEventListener("submit", check, true);

// What was asked as one typed answers into a page that is about to go.
document.addEventListener("submit", (event) => {
  for (const part of event.target.querySelectorAll?.("[aria-live][hx-post]") || []) window.htmx?.trigger(part, "htmx:abort");
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
  const form = event.target.closest?.("form");
  if (form?.method === "post") { event.preventDefault(); form.requestSubmit(form.querySelector("footer button")); }
});

// Passwords are never sent back by the portal; the browser puts them in again itself.
let kept = new Map();
document.addEventListener("htmx:beforeRequest", (event) => {
  kept = new Map([...event.target.querySelectorAll?.("input[type=password]") || []].map((f) => [f.name, f.value]));
});
onContent((root) => {
  for (const field of root.querySelectorAll(".form input[type=password]")) {
    if (!field.value && kept.has(field.name)) field.value = kept.get(field.name);
  }
});

// Browsers name the chosen file in their own language; this is ours.
document.addEventListener("change", (event) => {
  const shown = event.target.matches(".file input") && event.target.parentElement.querySelector("output");
  if (shown) shown.textContent = event.target.files[0]?.name || "";
});

document.addEventListener("click", (event) => {
  const tab = event.target.closest(".formtabs [data-tab]");
  if (!tab) return;
  const form = tab.closest("form");
  for (const other of form.querySelectorAll(".formtabs [data-tab]")) other.setAttribute("aria-selected", String(other === tab));
  for (const panel of form.querySelectorAll("[data-panel]")) panel.hidden = panel.dataset.panel !== tab.dataset.tab;
});
