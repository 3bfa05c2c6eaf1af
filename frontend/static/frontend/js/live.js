// One socket for the tab. It says what changed; the page reads what it shows of it.
import { again, fragment, announce, morph } from "./page.js";
import { refreshList, refreshRows } from "./lists.js";
import { recount } from "./counts.js";

let socket = null;
let tries = 0;
let was = false;
let pings = 0;
const heard = new Map(); // kind → ids since the last look
let timer = 0;

function connect() {
  socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/live`);
  socket.onopen = () => {
    tries = 0;
    document.getElementById("offline").hidden = true;
    // What happened meanwhile is unknown; since the page was drawn, too, where things are under way.
    if (was || document.querySelector("#page .pill.busy, #page .progress")) reread();
    was = true;
    pings = setInterval(() => socket.send("{}"), 25000);
  };
  socket.onmessage = (event) => {
    const { kind, id } = JSON.parse(event.data);
    if (!heard.has(kind)) heard.set(kind, new Set());
    heard.get(kind).add(id);
    timer ||= setTimeout(look, 150);
  };
  socket.onclose = (event) => {
    clearInterval(pings);
    if (event.code === 4401) { location.href = `/signin?next=${encodeURIComponent(location.pathname)}`; return; }
    tries += 1;
    if (was && tries > 1) document.getElementById("offline").hidden = false;
    setTimeout(connect, Math.min(15000, 400 * 2 ** Math.min(tries, 6)) * (0.7 + Math.random() * 0.6));
  };
}

function reread() {
  const page = document.querySelector("[data-again]");
  if (page) again(page);
  refreshList();
  tray();
}

function look() {
  timer = 0;
  const news = new Map(heard);
  heard.clear();
  const rows = new Set();
  const pages = new Set();
  for (const [kind, ids] of news) {
    for (const id of ids) mark(kind, id, rows, pages);
    const page = document.querySelector("[data-live-page]");
    if (page?.dataset.livePage.split(",").includes(kind)) pages.add(page);
  }
  for (const page of pages) slowly(page);
  if (rows.size) refreshRows(rows);
  if (news.has("asyncjob")) tray();
  recount();
}

function mark(kind, id, rows, pages) {
  let seen = false;
  const marked = [...document.querySelectorAll(`[data-live="${kind}:${CSS.escape(id)}"]`)];
  if (kind === "asyncjob") marked.push(...document.querySelectorAll(`.progress[href="/jobs/${CSS.escape(id)}"]`));
  for (const element of marked) {
    const row = element.closest("#list tr");
    const detail = element.closest("#detail");
    if (row) { rows.add(row.id.slice(4)); seen = true; }
    else if (detail) { pages.add(detail); seen = true; }
  }
  const list = document.getElementById("list");
  if (!seen && list?.dataset.liveList === kind) refreshList(1500);
}

const due = new WeakMap();
function slowly(page) {
  if (due.has(page)) return;
  due.set(page, true);
  setTimeout(() => { due.delete(page); if (page.isConnected && !busy(page)) again(page); }, page.id === "detail" ? 0 : 1500);
}

/** Somebody is typing or choosing there; do not pull it away. */
function busy(page) {
  return Boolean(page.querySelector(":popover-open")) || (page.contains(document.activeElement) && document.activeElement.matches("input, textarea, select"));
}

let trayTimer = 0;
function tray() {
  trayTimer ||= setTimeout(async () => {
    trayTimer = 0;
    const response = await fragment("/tasks");
    if (!response.ok) return;
    const html = await response.text();
    const holder = document.createElement("div");
    holder.innerHTML = html;
    const open = Number(holder.querySelector("[data-open-jobs]")?.dataset.openJobs || 0);
    const badge = document.getElementById("tasks-count");
    badge.textContent = open;
    badge.hidden = open === 0;
    const panel = document.getElementById("tasks");
    if (panel.matches(":popover-open")) {
      window.Idiomorph.morph(panel, html, { morphStyle: "innerHTML" });
      announce(panel);
    }
  }, 300);
}
document.addEventListener("jobs-changed", tray);

if (document.getElementById("offline")) connect();
