// The meter's page: chart, heat map or table; reading by mouse, touch and keys; keys that move in time.

import { LedgerChart } from "./chart.js";
import { go } from "./go.js";
import { HeatMap, hourWords } from "./heat.js";
import { Pointer, energy } from "./pointer.js";

const data = JSON.parse(document.getElementById("chart-data").textContent);
const views = document.getElementById("views");
const pane = document.getElementById("chart-view");
const table = document.getElementById("table-view");
const boxes = { chart: document.getElementById("chart"), heat: document.getElementById("heat") };
const started = {};
const title = document.getElementById("chart-title");
const heading = title.textContent;

/** Show `chart`, `heat` or `table`; what the page lacks becomes the chart. */
function show(wanted) {
  const view = wanted === "table" || boxes[wanted] ? wanted : "chart";
  pane.hidden = view === "table";
  table.hidden = view !== "table";
  for (const [name, box] of Object.entries(boxes)) if (box) box.hidden = name !== view;
  for (const button of views.querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(button.dataset.view === view));
  }
  sessionStorage.setItem("view", view);
  title.textContent = view === "heat" ? "Every hour, kWh" : heading;
  if (view !== "table" && !started[view]) started[view] = view === "chart" ? startChart() : startHeat();
}

function open(day) {
  if (day && data.links.deeper) go(data.links.deeper.replace("DAY", day));
}

function startChart() {
  const chart = new LedgerChart(boxes.chart, data);
  const last = data.kwh.length - 1;
  const words = (i) => {
    const value = data.kwh[i] === null ? "not known" : energy(data.kwh[i]);
    const part = data.estimated[i] > 0 && data.estimated[i] !== data.kwh[i];
    const known = data.known[i] + (part ? `, ${energy(data.estimated[i])} of it estimated` : "");
    const before = data.before?.[i] ?? null;
    return [value, data.long[i], known, ...(before === null ? [] : [`${energy(before)} the ${data.by} before`])];
  };
  return new Pointer(boxes.chart, {
    last,
    at: (event) => chart.at(event.clientX),
    place: (i) => chart.place(i),
    words,
    open: (i) => open(data.days[i]),
  });
}

async function startHeat() {
  const answer = await fetch(boxes.heat.dataset.source, { headers: { accept: "application/json" } });
  const found = await answer.json();
  const map = new HeatMap(boxes.heat, found);
  return new Pointer(boxes.heat, {
    ...hourWords(map, found),
    open: (i) => go(data.links.day.replace(/start=[^&]*/, `start=${found.dates[Math.floor(i / 25)]}`)),
  });
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.target.closest("input, select, textarea")) return;
  const links = { "[": data.links.previous, "]": data.links.next, d: data.links.day, w: data.links.week, m: data.links.month, y: data.links.year };
  if (links[event.key]) go(links[event.key]);
  if (event.key === "t") show(table.hidden ? "table" : "chart");
  if (event.key === "h") show("heat");
});
views.addEventListener("click", (event) => {
  if (event.target.dataset.view) show(event.target.dataset.view);
});
views.hidden = false;
show(sessionStorage.getItem("view") ?? "chart");
