// A machine's screen (noVNC) and serial line (xterm.js), with tickets fetched as needed.
import "./menus.js";
import { word } from "./page.js";

const { machine, novnc, keysyms, xterm, fit, nonce } = document.body.dataset;
const screen = document.getElementById("screen");
const terminal = document.getElementById("terminal");
let kind = document.body.dataset.kind;
let rfb = null;
let serial = null;
let tries = 0;
let timer = 0;

// Both libraries write style elements; under our policy those need the page's nonce.
const create = document.createElement.bind(document);
document.createElement = (name, options) => {
  const element = create(name, options);
  if (String(name).toLowerCase() === "style") element.nonce = nonce;
  return element;
};

function show(tone, key) {
  const pill = document.getElementById("state");
  pill.className = `pill ${tone}`;
  pill.lastElementChild.textContent = word(key);
}

function problem(text) {
  const line = document.getElementById("problem");
  line.hidden = !text;
  line.textContent = text || "";
}

/** A path for the socket: the ticket the page came with, once, else a fresh one. */
let given = location.hash.slice(1);
async function path() {
  if (given) {
    const ticket = given;
    given = "";
    history.replaceState(null, "", location.pathname + location.search);
    return `/console/ws/${ticket}`;
  }
  const body = new FormData(document.getElementById("csrf"));
  body.set("kind", kind);
  const response = await fetch(`/console/${machine}/ticket`, { method: "POST", body, credentials: "same-origin" });
  if (response.redirected || response.status === 403) { location.reload(); throw new Error("signed out"); }
  const reply = await response.json();
  if (reply.problem) throw new Refused(reply.problem);
  return reply.path;
}
class Refused extends Error {}

const address = (where) => `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${where}`;

async function connect() {
  clearTimeout(timer);
  close();
  show("busy", tries ? "lost" : "connecting");
  try {
    const where = await path();
    if (kind === "serial") await openSerial(address(where));
    else await openScreen(address(where));
  } catch (error) {
    problem(error instanceof Refused ? error.message : "");
    lost();
  }
}

function lost() {
  show("warn", "lost");
  tries += 1;
  clearTimeout(timer);
  timer = setTimeout(connect, Math.min(10000, 500 * 2 ** Math.min(tries, 5)));
}

function close() {
  if (rfb) { const old = rfb; rfb = null; old.disconnect(); }
  if (serial) { const old = serial.socket; serial.socket = null; old?.close(); }
}

async function openScreen(url) {
  const { default: RFB } = await import(novnc);
  const mine = new RFB(screen, url, { wsProtocols: ["binary"] });
  rfb = mine;
  mine.scaleViewport = pressed("scale");
  mine.resizeSession = false;
  mine.background = "#000";
  mine.showDotCursor = true;
  mine.addEventListener("connect", () => { tries = 0; problem(""); show("good", "connected"); mine.focus(); });
  mine.addEventListener("disconnect", () => { if (rfb === mine) { rfb = null; lost(); } });
  mine.addEventListener("clipboard", (event) => {
    const line = document.getElementById("clip-in");
    line.hidden = false;
    line.textContent = event.detail.text;
    navigator.clipboard?.writeText(event.detail.text).catch(() => {});
  });
}

async function openSerial(url) {
  if (!serial) {
    const [{ Terminal }, { FitAddon }] = await Promise.all([import(xterm), import(fit)]);
    const term = new Terminal({ fontSize: 14, cursorBlink: true, scrollback: 5000, fontFamily: 'ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace' });
    const fitter = new FitAddon();
    term.loadAddon(fitter);
    term.open(terminal);
    serial = { term, fitter, socket: null };
    const send = (text) => { if (serial.socket?.readyState === 1) serial.socket.send(new TextEncoder().encode(text)); };
    term.onData(send);
    new ResizeObserver(() => fitter.fit()).observe(terminal);
  }
  const socket = new WebSocket(url, ["binary"]);
  socket.binaryType = "arraybuffer";
  serial.socket = socket;
  socket.onopen = () => { tries = 0; problem(""); show("good", "connected"); serial.term.focus(); };
  socket.onmessage = (event) => serial.term.write(typeof event.data === "string" ? event.data : new Uint8Array(event.data));
  socket.onclose = () => { if (serial.socket === socket) { serial.socket = null; lost(); } };
}

const button = (what) => document.querySelector(`[data-do="${what}"]`);
const pressed = (what) => button(what).getAttribute("aria-pressed") === "true";

/** Each character as a key press: works in any guest, whatever it runs. */
async function type(text) {
  const { default: keysymdef } = await import(keysyms);
  for (const character of text.replace(/\r\n/g, "\n")) {
    const code = character === "\n" ? 0xff0d : character === "\t" ? 0xff09 : keysymdef.lookup(character.codePointAt(0));
    if (code && rfb) rfb.sendKey(code, null);
    await new Promise((resolve) => { setTimeout(resolve, 8); });
  }
}

const KEYS = { Control_L: [0xffe3, "ControlLeft"], Alt_L: [0xffe9, "AltLeft"], Super_L: [0xffeb, "MetaLeft"], Tab: [0xff09, "Tab"], Escape: [0xff1b, "Escape"], Sys_Req: [0xff15, "PrintScreen"], F1: [0xffbe, "F1"], F2: [0xffbf, "F2"], F4: [0xffc1, "F4"], b: [0x62, "KeyB"] };
function combo(text) {
  const keys = text.split(" ").map((name) => KEYS[name]);
  for (const [code, name] of keys) rfb?.sendKey(code, name, true);
  for (const [code, name] of keys.reverse()) rfb?.sendKey(code, name, false);
  rfb?.focus();
}

const ACTIONS = {
  cad: () => { rfb?.sendCtrlAltDel(); rfb?.focus(); },
  type: () => { document.getElementById("paste").hidePopover(); type(document.getElementById("paste-text").value); rfb?.focus(); },
  clip: () => { rfb?.clipboardPasteFrom(document.getElementById("paste-text").value); document.getElementById("paste").hidePopover(); },
  scale: () => { const on = !pressed("scale"); button("scale").setAttribute("aria-pressed", String(on)); if (rfb) rfb.scaleViewport = on; },
  shot: () => { if (rfb) { const link = create("a"); link.href = rfb.toDataURL("image/png"); link.download = `${document.title.split(" · ")[0]}.png`; link.click(); } },
  again: () => { tries = 0; connect(); },
  full: () => { if (document.fullscreenElement) document.exitFullscreen(); else document.documentElement.requestFullscreen(); },
};

document.addEventListener("click", (event) => {
  const action = event.target.closest("[data-do]")?.dataset.do;
  if (action) ACTIONS[action]();
  const keys = event.target.closest("[data-combo]");
  if (keys) { combo(keys.dataset.combo); keys.closest(".menu")?.hidePopover(); }
  const wanted = event.target.closest("[data-show]")?.dataset.show;
  if (wanted && wanted !== kind) switchTo(wanted);
});

function switchTo(wanted) {
  kind = wanted;
  document.body.dataset.kind = kind;
  screen.hidden = kind !== "vnc";
  terminal.hidden = kind !== "serial";
  for (const one of document.querySelectorAll("[data-show]")) one.setAttribute("aria-pressed", String(one.dataset.show === kind));
  tries = 0;
  connect();
}

window.addEventListener("pagehide", close);
if (kind === "serial") { kind = "vnc"; switchTo("serial"); } else connect();
