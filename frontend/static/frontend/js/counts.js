// How many of each: in the side bar and at the bell, read after the page and when things change.

const number = new Intl.NumberFormat(document.documentElement.lang || "en");
let timer = 0;

async function read() {
  timer = 0;
  if (document.hidden || !document.querySelector("[data-count]")) return;
  const response = await fetch("/counts", { credentials: "same-origin" });
  if (!response.ok || response.redirected) return;
  for (const [key, count] of Object.entries(await response.json())) {
    for (const element of document.querySelectorAll(`[data-count="${key}"]`)) {
      element.textContent = number.format(count);
      element.toggleAttribute("data-zero", count === 0);
    }
  }
}

export function recount(delay = 4000) {
  timer ||= setTimeout(read, delay);
}
recount(50);
