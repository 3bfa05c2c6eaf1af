// Ctrl-K: type, choose with the arrows, Enter.
const dialog = document.getElementById("palette");
const input = document.getElementById("palette-input");
const hits = () => [...document.querySelectorAll("#palette-hits .hit")];

function open() {
  if (!dialog || dialog.open) return;
  document.getElementById("drawer")?.close();
  dialog.showModal();
  input.select();
  input.dispatchEvent(new Event("palette"));
}

function choose(step) {
  const all = hits();
  if (!all.length) return;
  const now = all.findIndex((hit) => hit.getAttribute("aria-selected") === "true");
  const next = (now + step + all.length) % all.length;
  all.forEach((hit, i) => hit.setAttribute("aria-selected", String(i === next)));
  all[next].scrollIntoView({ block: "nearest" });
  input.setAttribute("aria-activedescendant", all[next].id);
}

document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    if (dialog?.open) dialog.close(); else open();
  }
});
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-open-palette]")) open();
  if (event.target === dialog) dialog.close();
  const hit = event.target.closest("#palette-hits .hit");
  if (hit && !hit.dataset.drawer && !event.ctrlKey && !event.metaKey) { event.preventDefault(); go(hit); }
});
function go(hit) {
  dialog.close();
  if (hit.pathname.startsWith("/console/")) { location.href = hit.href; return; }
  const link = document.createElement("a");
  link.href = hit.href;
  document.getElementById("page").append(link);
  window.htmx.process(link);
  link.click();
}
input?.addEventListener("keydown", (event) => {
  if (event.key === "Escape") { event.preventDefault(); dialog.close(); } // not only empty the box
  if (event.key === "ArrowDown") { event.preventDefault(); choose(1); }
  if (event.key === "ArrowUp") { event.preventDefault(); choose(-1); }
  if (event.key === "Enter") {
    event.preventDefault();
    const hit = hits().find((one) => one.getAttribute("aria-selected") === "true");
    if (!hit) return;
    if (hit.dataset.drawer) hit.click(); else go(hit);
  }
});
