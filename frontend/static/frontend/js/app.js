// Starts everything once; each part looks after the elements that its attributes mark.
import "./menus.js";
import "./drawer.js";
import "./lists.js";
import "./palette.js";
import "./forms.js";
import "./combobox.js";
import "./dress.js";
import "./dock.js";
import "./counts.js";
import "./live.js";
import "./charts.js";
import { tick } from "./times.js";
import { onContent, say } from "./page.js";

onContent(tick);
// A bar of many tabs is longer than the window: show the one we are in.
onContent((root) => {
  const tab = root.querySelector?.(".tabs [aria-current]");
  if (tab) tab.parentElement.scrollLeft = tab.offsetLeft - tab.parentElement.clientWidth / 2;
});
setInterval(() => tick(document), 30000);

// What is shown once can be kept as a file, which ends its last line.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-save]");
  if (!button) return;
  const text = button.closest("p").previousElementSibling.querySelector("pre").textContent.trim();
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([`${text}\n`], { type: "application/x-pem-file" }));
  link.download = button.dataset.save;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
});

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  event.preventDefault();
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
  } catch {
    const area = document.createElement("textarea"); // plain http has no clipboard API
    area.value = button.dataset.copy;
    (button.closest("dialog") || document.body).append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  say("copied");
  button.classList.add("done");
  setTimeout(() => button.classList.remove("done"), 1200);
});

// The side bar is not swapped with the page: mark where we are.
document.addEventListener("htmx:afterSettle", () => {
  const here = document.getElementById("page")?.dataset.here;
  for (const link of document.querySelectorAll(".sidebar [data-key], .thumbbar [data-key]")) {
    if (link.dataset.key === here) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  for (const input of document.querySelectorAll("[data-here-path]")) {
    input.value = location.pathname + location.search;
  }
});
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target?.id !== "page" || !event.detail.boosted) return;
  document.getElementById("page")?.focus({ preventScroll: true });
  document.querySelector(".sidebar")?.removeAttribute("data-open");
});
document.addEventListener("click", (event) => {
  const bar = document.querySelector(".sidebar");
  if (event.target.closest("[data-open-nav]")) bar.toggleAttribute("data-open");
  else if (bar?.hasAttribute("data-open") && !bar.contains(event.target)) bar.removeAttribute("data-open");
});
document.addEventListener("htmx:sendError", () => say("failed"));
