// Figures over time; the library is read only by the pages that have some.
import { onContent } from "./page.js";

const hours = new Intl.DateTimeFormat(document.documentElement.lang || "en", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
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
    const axis = { stroke: colour("--muted"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line") } };
    const clock = (plot, moments) => moments.map((moment) => hours.format(moment * 1000));
    new Plot({
      width: element.clientWidth, height: 190, axes: [{ ...axis, values: clock }, { ...axis, size: 56 }], legend: { show: false },
      scales: { y: { range: (plot, low, high) => [0, Math.max(high * 1.15, 1)] } },
      series: [{}, { stroke: colour("--accent"), fill: colour("--accent-soft"), width: 1.5 }],
    }, [times, values], element);
  }
});
