// Menus are popovers; they open at their button, inside the window, and answer to arrows.

let opener = null;
document.addEventListener("click", (event) => {
  const button = event.target.closest("[popovertarget]");
  if (button) opener = button;
}, true);

document.addEventListener("toggle", (event) => {
  const menu = event.target;
  if (!menu.matches?.(".menu[popover]") || event.newState !== "open") return;
  const button = document.querySelector(`[popovertarget="${CSS.escape(menu.id)}"]`) || opener;
  if (!button) return;
  place(menu, button);
  new ResizeObserver((_, observer) => {
    if (menu.matches(":popover-open")) place(menu, button);
    else observer.disconnect();
  }).observe(menu);
  const first = menu.querySelector("input:not([type=hidden]), select");
  if (first?.matches("input:not([type=checkbox], [role=combobox])")) first.focus();
}, true);

function place(menu, button) {
  const at = button.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = menu;
  const left = Math.min(Math.max(6, at.left), innerWidth - width - 6);
  const below = at.bottom + 4;
  const top = below + height > innerHeight - 6 ? Math.max(6, at.top - height - 4) : below;
  menu.style.left = `${Math.max(6, left)}px`;
  menu.style.top = `${top}px`;
}

document.addEventListener("keydown", (event) => {
  const menu = event.target.closest?.(".menu:popover-open");
  const open = menu || document.querySelector(".menu:popover-open");
  if (!open || !["ArrowDown", "ArrowUp"].includes(event.key)) return;
  if (!menu && !event.target.matches?.("[popovertarget]")) return;
  if (event.target.matches("select, textarea")) return;
  const items = [...open.querySelectorAll(".item")];
  if (!items.length) return;
  event.preventDefault();
  const step = event.key === "ArrowDown" ? 1 : -1;
  const next = (items.indexOf(document.activeElement) + step + items.length) % items.length;
  items[next].focus();
});

// A choice that opens something else closes the menu behind it.
document.addEventListener("click", (event) => {
  if (event.target.closest('[aria-disabled="true"]')) { event.preventDefault(); return; }
  const item = event.target.closest(".menu a.item, .menu [data-drawer], .menu form:not([data-dress]) button.item");
  if (item) item.closest(".menu:popover-open")?.hidePopover();
});
document.addEventListener("htmx:afterRequest", (event) => {
  const menu = event.target.closest?.(".menu:popover-open");
  if (menu && event.target.matches("form") && !menu.matches(".tasks") && event.target.id !== "scope-q" && !event.target.matches(".filter")) menu.hidePopover();
});
