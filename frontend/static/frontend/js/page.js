// What the other parts share: words, the spoken status line, reading a fragment again.

const words = {};
for (const term of document.querySelectorAll("#words dt")) {
  words[term.textContent] = term.nextElementSibling.textContent;
}

export function word(key, ...values) {
  return (words[key] || key).replace(/\{(\d)\}/g, (_, n) => values[n]);
}

/** Said to who cannot see it, too. */
export function say(key, ...values) {
  const line = document.getElementById("status");
  if (line) line.textContent = word(key, ...values);
}

/** Runs `prepare(root)` for the page as it is and for everything that comes into it. */
export function onContent(prepare) {
  prepare(document);
  document.addEventListener("htmx:load", (event) => prepare(event.detail.elt));
  document.addEventListener("content", (event) => prepare(event.target));
}

export function announce(element) {
  window.htmx?.process(element);
  element.dispatchEvent(new CustomEvent("content", { bubbles: true }));
}

export async function fragment(url, options = {}) {
  const response = await fetch(url, {
    credentials: "same-origin",
    ...options,
    headers: { "HX-Request": "true", ...options.headers },
  });
  if (response.headers.get("HX-Redirect")) location.href = response.headers.get("HX-Redirect");
  return response;
}

/** Turns `element` into what `html` says, keeping focus, open menus and what is being typed. */
export function morph(element, html) {
  window.Idiomorph.morph(element, html, { morphStyle: "outerHTML", ignoreActiveValue: true });
}

/** Reads the element marked with `data-again` anew. */
export async function again(element) {
  const url = element.dataset.again;
  const response = await fragment(url);
  if (response.status === 404) return location.assign(document.querySelector(".crumbs a")?.href || "/");
  if (!response.ok) return undefined;
  const id = element.id;
  morph(element, await response.text());
  const now = document.getElementById(id);
  if (now) announce(now);
  return now;
}
