// Small forms come from the right; Esc closes, the page behind stays as it was.
import { again, announce, fragment, say } from "./page.js";
import { refreshList } from "./lists.js";

const drawer = document.getElementById("drawer");
const body = document.getElementById("drawer-body");

export async function openDrawer(url) {
  const response = await fragment(url);
  if (!response.ok && response.status !== 422) return say("failed");
  show(await response.text());
  return undefined;
}

function show(html) {
  body.innerHTML = html;
  announce(body);
  if (!drawer.open) drawer.showModal();
  focusFirst();
}

function focusFirst() {
  const wrong = body.querySelector(".wrong :is(input, select, textarea)");
  const fields = body.querySelectorAll(".form :is(input, select, textarea):not([type=hidden])");
  const first = [...fields].find((field) => field.checkVisibility());
  (wrong || first || body.querySelector("footer button, footer a"))?.focus();
}

export function closeDrawer() {
  if (drawer.open) drawer.close();
  body.replaceChildren();
}

if (drawer) {
  drawer.addEventListener("close", () => body.replaceChildren());
  drawer.addEventListener("click", (event) => {
    if (event.target === drawer) closeDrawer();
  });
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-drawer]");
    if (opener && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      event.stopPropagation();
      document.getElementById("palette")?.close();
      openDrawer(opener.dataset.drawer);
      return;
    }
    const closer = event.target.closest("[data-close-drawer]");
    if (closer && drawer.open) {
      event.preventDefault();
      closeDrawer();
      if (closer.hasAttribute("data-done")) refresh();
    }
  }, true);

  // A refusal of something that asked nothing first opens the drawer with the reason.
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target !== body) return;
    if (!drawer.open) drawer.showModal();
    focusFirst();
  });
  document.addEventListener("done", () => { closeDrawer(); refresh(); });
  document.addEventListener("changed-many", () => refreshList());
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.xhr?.getResponseHeader("HX-Location")) closeDrawer();
  });
}

/** What the page shows is read again after something was done. */
export function refresh() {
  const page = document.querySelector("[data-again]");
  if (page) again(page);
  refreshList();
  document.dispatchEvent(new Event("jobs-changed"));
}
