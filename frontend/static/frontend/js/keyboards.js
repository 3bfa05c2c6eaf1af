// Where characters are on the keyboards that guests believe they have. Text becomes presses of
// keys, with Shift and AltGr, because a guest sees keys and never characters.

const CODES = (
  "Backquote Digit1 Digit2 Digit3 Digit4 Digit5 Digit6 Digit7 Digit8 Digit9 Digit0 Minus Equal "
  + "KeyQ KeyW KeyE KeyR KeyT KeyY KeyU KeyI KeyO KeyP BracketLeft BracketRight Backslash "
  + "KeyA KeyS KeyD KeyF KeyG KeyH KeyJ KeyK KeyL Semicolon Quote "
  + "IntlBackslash KeyZ KeyX KeyC KeyV KeyB KeyN KeyM Comma Period Slash IntlYen IntlRo"
).split(" ");

// Each row of keys as CODES has it, a space where there is nothing: plain, with Shift, with AltGr.
const LAYOUTS = {
  us: ["`1234567890-=qwertyuiop[]\\asdfghjkl;' zxcvbnm,./", "~!@#$%^&*()_+QWERTYUIOP{}|ASDFGHJKL:\" ZXCVBNM<>?", ""],
  uk: ["`1234567890-=qwertyuiop[]#asdfghjkl;'\\zxcvbnm,./", "¬!\"£$%^&*()_+QWERTYUIOP{}~ASDFGHJKL:@|ZXCVBNM<>?", "    €"],
  de: ["^1234567890ß´qwertzuiopü+#asdfghjklöä<yxcvbnm,.-", "°!\"§$%&/()=?`QWERTZUIOPÜ*'ASDFGHJKLÖÄ>YXCVBNM;:_", "  ²³   {[]}\\ @ €        ~            |      µ"],
  fr: ["²&é\"'(-è_çà)=azertyuiop^$*qsdfghjklmù<wxcvbn,;:!", " 1234567890°+AZERTYUIOP¨£µQSDFGHJKLM%>WXCVBN?./§", "  ~#{[|`\\^@]}  €"],
  es: ["º1234567890'¡qwertyuiop`+çasdfghjklñ´<zxcvbnm,.-", "ª!\"·$%&/()=?¿QWERTYUIOP^*ÇASDFGHJKLÑ¨>ZXCVBNM;:_", "\\|@#~€¬        €       []}          {"],
  jp: [" 1234567890-^qwertyuiop@[]asdfghjkl;: zxcvbnm,./ \\", " !\"#$%&'() =~QWERTYUIOP`{}ASDFGHJKL+* ZXCVBNM<>?|_", ""],
};
// These wait for the next key on that keyboard; a space after them gives the character itself.
const DEAD = { de: "^´`", fr: "^¨`~", es: "`´^¨" };
const PLAIN = { "\n": "Enter", "\t": "Tab", " ": "Space" };
const SHIFT = [0xffe1, "ShiftLeft"];
const ALTGR = [0xfe03, "AltRight"];

/** How to type a character: {code, shift, altgr, dead}, or undefined where it has no key. */
export function stroke(layout, character) {
  if (PLAIN[character]) return { code: PLAIN[character] };
  const rows = LAYOUTS[layout] || LAYOUTS.us;
  for (const [level, row] of rows.entries()) {
    const at = character === " " ? -1 : row.indexOf(character);
    if (at >= 0) return { code: CODES[at], shift: level === 1, altgr: level === 2, dead: (DEAD[layout] || "").includes(character) };
  }
  return undefined;
}

/** X11's name of a character, which a guest with a keymap of its own goes by. */
function keysym(character) {
  if (character === "\n") return 0xff0d;
  if (character === "\t") return 0xff09;
  const code = character.codePointAt(0);
  return code < 0x100 ? code : 0x01000000 | code;
}

/** A guest that was too busy to notice may believe that these are still held. */
export function letGo(rfb) {
  for (const key of [SHIFT, ALTGR]) rfb.sendKey(...key, false);
}

/** Presses and lets go of a character's keys; `held` says whether Shift is down already. */
export function press(rfb, layout, character, held = false) {
  const how = stroke(layout, character);
  if (!how) return false;
  const shift = Boolean(how.shift);
  if (shift !== held) rfb.sendKey(...SHIFT, shift);
  if (how.altgr) rfb.sendKey(...ALTGR, true);
  const sym = keysym(character);
  rfb.sendKey(sym, how.code, true);
  rfb.sendKey(sym, how.code, false);
  if (how.altgr) rfb.sendKey(...ALTGR, false);
  if (shift !== held) rfb.sendKey(...SHIFT, held);
  if (how.dead) press(rfb, layout, " ", held);
  return true;
}
