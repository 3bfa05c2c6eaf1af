// Figures over time; the library is read only by the pages that have some.
import { onContent } from "./page.js";

const hours = new Intl.DateTimeFormat(document.documentElement.lang || "en", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const days = new Intl.DateTimeFormat(document.documentElement.lang || "en", { month: "short", day: "numeric" });
let library = null;
async function uplot() {
  if (!library) {
    const style = document.createElement("link");
    style.rel = "stylesheet";
    style.href = new URL("../../npm/uplot/dist/uPlot.min.css", import.meta.url);
    document.head.append(style);
    library = (await import(new URL("../../npm/uplot/dist/uPlot.esm.js", import.meta.url))).default;
  }
  return library;
}

// Where nothing was told for long there is no line.
function breakGaps(times, values) {
  const steps = times.slice(1).map((time, i) => time - times[i]).sort((a, b) => a - b);
  const usual = steps[steps.length >> 1];
  for (let i = times.length - 1; i > 0; i -= 1) {
    if (times[i] - times[i - 1] > 5 * usual) {
      times.splice(i, 0, times[i - 1] + usual);
      values.splice(i, 0, null);
    }
  }
}

onContent(async (root) => {
  const charts = [...root.querySelectorAll(".chart:not([data-ready])")];
  if (!charts.length) return;
  for (const element of charts) element.dataset.ready = "";
  const Plot = await uplot();
  const look = getComputedStyle(document.documentElement);
  const colour = (name) => look.getPropertyValue(name).trim();
  for (const element of charts) {
    const times = element.dataset.times.split(",").map((text) => Date.parse(text) / 1000);
    const values = element.dataset.values.split(",").map(Number);
    breakGaps(times, values);
    const axis = { stroke: colour("--muted"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line") } };
    const shown = times.at(-1) - times[0] > 2 * 86400 ? days : hours;
    const clock = (plot, moments) => moments.map((moment) => shown.format(moment * 1000));
    const most = Number(element.dataset.most) || 0;
    const limit = Number(element.dataset.limit) || 0;
    const series = [{}, { stroke: colour("--accent"), fill: colour("--accent-soft"), width: 1.5 }];
    const data = [times, values];
    if (limit) {
      series.push({ stroke: colour("--warn"), width: 1, dash: [4, 4], points: { show: false } });
      data.push(times.map(() => limit));
    }
    new Plot({
      width: element.clientWidth, height: 190, axes: [{ ...axis, values: clock, space: 70 }, { ...axis, size: 56 }], legend: { show: false },
      // A first point alone stands in the middle of ten minutes, not of days.
      scales: { x: { range: (plot, first, last) => (last - first < 600 ? [first - 300, last + 300] : [first, last]) }, y: { range: (plot, low, high) => [0, most || Math.max(high * 1.15, 1)] } },
      series,
    }, data, element);
  }
});
