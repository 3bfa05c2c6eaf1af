// A machine's screen (noVNC) and serial line (xterm.js), with tickets fetched as needed.
import "./menus.js";
import { letGo, press } from "./keyboards.js";
import { word } from "./page.js";

const { machine, novnc, xterm, fit, nonce } = document.body.dataset;
const $ = (id) => document.getElementById(id);
const screen = $("screen");
const terminal = $("terminal");
const ENDED = 4403; // an administrator ended it, or the right to it is gone
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

// -- what it says about itself -------------------------------------------------------------

const TONES = { connecting: ["busy", "loader-2"], connected: ["good", "circle-filled"], lost: ["warn", "plug-connected-x"], ended: ["idle", "circle-minus"] };
function show(key, said = key) {
  const pill = $("state");
  const [tone, icon] = TONES[key];
  pill.className = `pill ${tone}`;
  const use = pill.querySelector("use");
  use.setAttribute("href", use.getAttribute("href").replace(/#.*/, `#${icon}`));
  pill.lastElementChild.textContent = word(said);
  document.body.dataset.state = key;
}

function problem(text, tone = "bad") {
  $("problem").hidden = !text;
  $("problem").className = `alert ${tone}`;
  $("problem").textContent = text || "";
}

// -- connecting, and again -----------------------------------------------------------------

class Refused extends Error {}

/** A path for the socket: the ticket the page came with, once, else a fresh one. */
let given = location.hash.slice(1);
async function path() {
  if (given) {
    const ticket = given;
    given = "";
    history.replaceState(null, "", location.pathname + location.search);
    return `/console/ws/${ticket}`;
  }
  const body = new FormData($("csrf"));
  body.set("kind", kind);
  const response = await fetch(`/console/${machine}/ticket`, { method: "POST", body, credentials: "same-origin" });
  if (response.redirected || response.status === 403) { location.reload(); throw new Error("signed out"); }
  const reply = await response.json();
  if (reply.problem) throw new Refused(reply.problem);
  believes(reply.keyboard);
  return reply.path;
}

async function connect() {
  clearTimeout(timer);
  close();
  if (!tries) show("connecting");
  try {
    // Libraries first: what the socket says must find its reader.
    const open = kind === "serial" ? await serialLine() : await screenOf();
    const where = await path();
    const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${where}`, ["binary"]);
    socket.binaryType = "arraybuffer";
    // noVNC does not pass the code on.
    socket.addEventListener("close", (event) => { socket.code = event.code; });
    open(socket);
  } catch (error) {
    lost(error instanceof Refused ? error.message : "");
  }
}

function opened() {
  tries = 0;
  problem("");
  show("connected");
}

/** Tries again by itself, later and later up to ten seconds, unless it was ended on purpose. */
function over(socket) {
  if (socket.code !== ENDED) lost();
  else { problem(""); show("ended"); }
}

function lost(reason = "") {
  problem(reason);
  show("lost", reason ? "waiting" : "lost");
  tries += 1;
  clearTimeout(timer);
  timer = setTimeout(connect, reason ? 5000 : Math.min(10000, 250 * 2 ** Math.min(tries, 6)));
}

function close() {
  if (rfb) { const old = rfb; rfb = null; old.disconnect(); }
  if (serial) { const old = serial.socket; serial.socket = null; old?.close(); }
}

async function screenOf() {
  const { default: RFB } = await import(novnc);
  return (socket) => openScreen(RFB, socket);
}

function openScreen(RFB, socket) {
  const mine = new RFB(screen, socket);
  rfb = mine;
  mine.scaleViewport = pressed("scale");
  mine.clipViewport = !mine.scaleViewport;
  mine.background = "#000";
  mine.showDotCursor = true;
  mine.addEventListener("connect", () => { opened(); mine.focus(); });
  mine.addEventListener("disconnect", () => { if (rfb === mine) { rfb = null; over(socket); } });
  mine.addEventListener("clipboard", (event) => {
    $("clip-in").hidden = false;
    $("clip-in").textContent = event.detail.text;
    navigator.clipboard?.writeText(event.detail.text).catch(() => {});
  });
}

async function serialLine() {
  if (!serial) {
    const [{ Terminal }, { FitAddon }] = await Promise.all([import(xterm), import(fit)]);
    const term = new Terminal({ fontSize: 14, cursorBlink: true, scrollback: 5000, fontFamily: 'ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace' });
    const fitter = new FitAddon();
    term.loadAddon(fitter);
    term.open(terminal);
    serial = { term, socket: null };
    const send = (bytes) => { if (serial.socket?.readyState === 1) serial.socket.send(bytes); };
    term.onData((text) => send(new TextEncoder().encode(text)));
    term.onBinary((text) => send(Uint8Array.from(text, (c) => c.charCodeAt(0))));
    new ResizeObserver(() => { if (!terminal.hidden) fitter.fit(); }).observe(terminal);
  }
  return openSerial;
}

function openSerial(socket) {
  serial.socket = socket;
  socket.onopen = () => { opened(); serial.term.focus(); };
  socket.onmessage = (event) => serial.term.write(new Uint8Array(event.data));
  socket.onclose = () => { if (serial.socket === socket) { serial.socket = null; over(socket); } };
}

// -- typing --------------------------------------------------------------------------------

const LAYOUT = `console-keyboard-${machine}`;
const layout = $("layout");
layout.value = localStorage.getItem(LAYOUT) || "";

/** The machine was made with a keyboard of its own; the choice here goes first. */
function believes(keyboard) {
  if (localStorage.getItem(LAYOUT) === null && keyboard !== "us") layout.value = keyboard;
  if (layout.selectedIndex < 0) layout.value = "";
}
layout.addEventListener("change", () => { localStorage.setItem(LAYOUT, layout.value); rfb?.focus(); });

/** Each character as presses of keys: works in any guest, whatever it runs. */
async function type(text) {
  const left = new Set();
  if (rfb) letGo(rfb);
  for (const character of text.replace(/\r\n?/g, "\n")) {
    if (!rfb) return;
    if (!press(rfb, layout.value, character)) left.add(character);
    // A guest's keyboard remembers few presses, and a guest may be slow.
    await new Promise((resolve) => { setTimeout(resolve, 20); });
  }
  problem(left.size ? word("untyped", [...left].slice(0, 30).join(" ")) : "", "warn");
}

// With a layout chosen, what one types is looked up by character, not by the place of the key.
screen.addEventListener("keydown", (event) => {
  const shortcut = event.ctrlKey || event.altKey || event.metaKey || event.getModifierState("AltGraph");
  if (!layout.value || shortcut || event.key.length !== 1 || !rfb) return;
  if (!press(rfb, layout.value, event.key, event.shiftKey)) return;
  event.preventDefault();
  event.stopPropagation();
}, true);

// A telephone shows its keyboard for a field only; what appears there is typed and forgotten.
const touch = $("touch");
touch.addEventListener("beforeinput", (event) => {
  event.preventDefault();
  if (event.inputType.startsWith("delete")) rfb?.sendKey(0xff08, "Backspace");
  else if (event.inputType === "insertLineBreak") rfb?.sendKey(0xff0d, "Enter");
  else if (event.data) type(event.data);
});

const KEYS = { Control_L: [0xffe3, "ControlLeft"], Alt_L: [0xffe9, "AltLeft"], Super_L: [0xffeb, "MetaLeft"], Tab: [0xff09, "Tab"], Escape: [0xff1b, "Escape"], Sys_Req: [0xff15, "PrintScreen"], F1: [0xffbe, "F1"], F2: [0xffbf, "F2"], F4: [0xffc1, "F4"], b: [0x62, "KeyB"] };
function combo(text) {
  const keys = text.split(" ").map((name) => KEYS[name]);
  for (const [code, name] of keys) rfb?.sendKey(code, name, true);
  for (const [code, name] of keys.reverse()) rfb?.sendKey(code, name, false);
  rfb?.focus();
}

// -- the toolbar ---------------------------------------------------------------------------

const button = (what) => document.querySelector(`[data-do="${what}"]`);
const pressed = (what) => button(what).getAttribute("aria-pressed") === "true";

function shot() {
  if (!rfb) return;
  const link = create("a");
  link.href = rfb.toDataURL("image/png");
  link.download = `${document.body.dataset.name} ${new Date().toISOString().slice(0, 19).replaceAll(":", "-")}.png`;
  link.click();
}

const ACTIONS = {
  cad: () => { rfb?.sendCtrlAltDel(); rfb?.focus(); },
  type: () => { $("paste").hidePopover(); type($("paste-text").value); rfb?.focus(); },
  clip: () => { rfb?.clipboardPasteFrom($("paste-text").value); $("paste").hidePopover(); },
  scale: () => {
    const on = !pressed("scale");
    button("scale").setAttribute("aria-pressed", String(on));
    if (rfb) { rfb.scaleViewport = on; rfb.clipViewport = !on; }
  },
  shot,
  touch: () => touch.focus(),
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
  problem("");
  connect();
}

window.addEventListener("pagehide", close);
window.addEventListener("online", () => { if (document.body.dataset.state === "lost") connect(); });
if (kind === "serial") { kind = "vnc"; switchTo("serial"); } else connect();
