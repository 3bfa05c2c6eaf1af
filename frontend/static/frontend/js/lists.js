// Lists: selection and its bar, rows that changed, the list read again.
import { announce, fragment, morph, onContent, word } from "./page.js";

const listing = () => document.getElementById("list");

function count() {
  const list = listing();
  const bar = list?.querySelector(".bulkbar");
  if (!bar) return;
  const boxes = [...list.querySelectorAll("[data-select]")];
  const chosen = boxes.filter((box) => box.checked).length;
  bar.hidden = chosen === 0;
  bar.querySelector("[data-selected]").textContent = word("selected", chosen);
  const all = list.querySelector("[data-select-all]");
  all.checked = chosen > 0 && chosen === boxes.length;
  all.indeterminate = chosen > 0 && chosen < boxes.length;
}

let last = null;
document.addEventListener("click", (event) => {
  const box = event.target;
  const list = listing();
  if (!list || !box.matches) return;
  if (box.closest("[data-select-none]")) {
    for (const other of list.querySelectorAll("[data-select]")) other.checked = false;
    count();
  } else if (box.matches("[data-select-all]")) {
    for (const other of list.querySelectorAll("[data-select]")) other.checked = box.checked;
    count();
  } else if (box.matches("[data-select]")) {
    const boxes = [...list.querySelectorAll("[data-select]")];
    if (event.shiftKey && last && boxes.includes(last)) {
      const [a, b] = [boxes.indexOf(last), boxes.indexOf(box)].sort((x, y) => x - y);
      for (const other of boxes.slice(a, b + 1)) other.checked = box.checked;
    }
    last = box;
    count();
  }
});
onContent(count);

/** Some rows of the list again; those that are gone go. */
export async function refreshRows(ids) {
  const list = listing();
  if (!list) return;
  const response = await fragment(`${list.dataset.rows}&ids=${[...ids].join(",")}`);
  if (!response.ok) return;
  const holder = document.createElement("template");
  holder.innerHTML = `<table><tbody>${await response.text()}</tbody></table>`;
  const came = new Map([...holder.content.querySelectorAll("tr")].map((row) => [row.id, row]));
  for (const id of ids) {
    const row = document.getElementById(`row-${id}`);
    if (!row) continue;
    const now = came.get(row.id);
    if (!now) { row.remove(); continue; }
    const checked = row.querySelector("[data-select]")?.checked;
    morph(row, now.outerHTML);
    const fresh = document.getElementById(`row-${id}`);
    if (checked) fresh.querySelector("[data-select]").checked = true;
    announce(fresh);
  }
  count();
}

let waiting = null;
/** The whole list again, at most every other second. */
export function refreshList(delay = 0) {
  if (waiting || !listing()) return;
  waiting = setTimeout(async () => {
    const list = listing();
    waiting = null;
    if (!list || list.querySelector(":popover-open")) return;
    const response = await fragment(location.pathname + location.search, { headers: { "HX-Target": "list" } });
    if (!response.ok || !listing()) return;
    const html = await response.text();
    if (!html.includes('id="list"')) return;
    const holder = document.createElement("template");
    holder.innerHTML = html;
    const chosen = new Set([...list.querySelectorAll("[data-select]:checked")].map((box) => box.value));
    morph(listing(), holder.content.getElementById("list").outerHTML);
    for (const box of listing().querySelectorAll("[data-select]")) box.checked = chosen.has(box.value);
    announce(listing());
  }, delay);
}

// "/" goes to the filter, as in many a program.
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.target.matches("input, textarea, select")) return;
  const box = document.getElementById("filter-q");
  if (box) { event.preventDefault(); box.focus(); box.select(); }
});
