// Moments in the reader's zone and tongue; the exact one on hover.

// The page's language, written as the reader's own country does: en-GB has the day first.
const chosen = document.documentElement.lang || "en";
const language = navigator.languages.find((own) => own.split("-")[0] === chosen.split("-")[0]) || chosen;
const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto", style: "short" });
const exact = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "medium" });
const STEPS = [["year", 31536000], ["month", 2592000], ["day", 86400], ["hour", 3600], ["minute", 60]];

// A blank between figures and Chinese, as everywhere else: “3 小时前”.
const phrase = (count, unit) => relative.format(count, unit).replace(/(\d)(?=[\u3400-\u9fff])/g, "$1 ");

export function ago(date) {
  const seconds = (date - Date.now()) / 1000;
  for (const [unit, size] of STEPS) {
    if (Math.abs(seconds) >= size) return phrase(Math.trunc(seconds / size), unit);
  }
  return phrase(Math.trunc(seconds / 10) * 10, "second");
}

export function tick(root) {
  const times = root.matches?.("time[data-time]") ? [root] : root.querySelectorAll("time[data-time]");
  for (const element of times) {
    const date = new Date(element.dateTime);
    if (Number.isNaN(date.valueOf())) continue;
    const text = element.dataset.time === "full" ? exact.format(date) : ago(date);
    if (element.textContent !== text) element.textContent = text;
    if (element.dataset.time !== "full") element.title = exact.format(date);
  }
}
