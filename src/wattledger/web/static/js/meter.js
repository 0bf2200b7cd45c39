// The meter's page: chart, heat map or table; reading by mouse, touch and keys; keys that move in time.

import { LedgerChart } from "./chart.js";
import { HeatMap } from "./heat.js";
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
  if (day && data.links.deeper) location.assign(data.links.deeper.replace("DAY", day));
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
  const size = 25;
  const words = (i) => {
    const [day, hour] = [Math.floor(i / size), i % size];
    const value = found.kwh[day][hour];
    const known = { a: "actual", e: "estimated", m: value === null || value === undefined ? "missing" : "partly missing", ".": "not here yet" };
    return [value === null || value === undefined ? "not known" : energy(value), `${found.days[day]}, hour ${hour + 1}`, known[found.state[day][hour]] ?? ""];
  };
  return new Pointer(boxes.heat, {
    last: found.days.length * size - 1,
    across: size,
    at: (event) => {
      const cell = map.at(event.clientX, event.clientY);
      return cell ? cell[0] * size + cell[1] : -1;
    },
    place: (i) => {
      const [from, until] = map.place(Math.floor(i / size));
      return [from, until - from, map.y(i % size), map.y((i % size) + 1)];
    },
    words,
    open: (i) => location.assign(data.links.day.replace(/start=[^&]*/, `start=${found.dates[Math.floor(i / size)]}`)),
  });
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.target.closest("input, select, textarea")) return;
  const links = { "[": data.links.previous, "]": data.links.next, d: data.links.day, w: data.links.week, m: data.links.month, y: data.links.year };
  if (links[event.key]) location.assign(links[event.key]);
  if (event.key === "t") show(table.hidden ? "table" : "chart");
  if (event.key === "h") show("heat");
});
views.addEventListener("click", (event) => {
  if (event.target.dataset.view) show(event.target.dataset.view);
});
views.hidden = false;
show(sessionStorage.getItem("view") ?? "chart");
