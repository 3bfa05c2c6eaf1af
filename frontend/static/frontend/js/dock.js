// Consoles stay open at the bottom as tabs while one goes elsewhere; a reload finds them again.
import { word } from "./page.js";

const dock = document.getElementById("dock");
const KEY = "consoles";
const open = new Map(); // machine → {tab, frame}

function remember() {
  const list = [...open].map(([url, { name }]) => ({ url, name }));
  sessionStorage.setItem(KEY, JSON.stringify(list));
}

function show(url) {
  for (const [other, { tab, frame }] of open) {
    tab.toggleAttribute("data-active", other === url);
    tab.querySelector("[role=tab]").setAttribute("aria-selected", String(other === url));
    frame.hidden = other !== url;
  }
}

function close(url) {
  const { tab, frame } = open.get(url);
  tab.remove();
  frame.remove();
  open.delete(url);
  remember();
  if (open.size) show([...open.keys()].pop());
  else dock.hidden = true;
}

export function openConsole(url, name) {
  dock.hidden = false;
  if (dock.dataset.size === "small") delete dock.dataset.size;
  if (!open.has(url)) {
    const tab = document.createElement("span");
    tab.className = "dock-tab";
    const choose = document.createElement("button");
    Object.assign(choose, { type: "button", textContent: name, onclick: () => { delete dock.dataset.size; show(url); } });
    choose.setAttribute("role", "tab");
    const end = document.createElement("button");
    Object.assign(end, { type: "button", textContent: "×", onclick: () => close(url) });
    end.setAttribute("aria-label", `${word("close")}: ${name}`);
    tab.append(choose, end);
    const frame = document.createElement("iframe");
    frame.src = `${url}?dock=1`;
    frame.title = name;
    frame.allow = "clipboard-read; clipboard-write; fullscreen";
    dock.querySelector(".dock-tabs").append(tab);
    dock.querySelector(".frames").append(frame);
    open.set(url, { tab, frame, name });
    remember();
  }
  show(url);
}

if (dock) {
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-console]");
    if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey && innerWidth > 760) {
      event.preventDefault();
      openConsole(link.dataset.console, link.dataset.name);
    }
    const size = event.target.closest("[data-dock]")?.dataset.dock;
    if (size === "minimize") dock.dataset.size = "small";
    if (size === "maximize") dock.dataset.size = dock.dataset.size === "large" ? "" : "large";
  });
  for (const { url, name } of JSON.parse(sessionStorage.getItem(KEY) || "[]")) openConsole(url, name);
}
