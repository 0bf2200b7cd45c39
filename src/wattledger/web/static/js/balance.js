// The page of the equation: the stacked chart or its table, read by mouse, touch and keys.

import { Pointer, energy } from "./pointer.js";
import { StackChart, heights } from "./stack.js";

const data = JSON.parse(document.getElementById("chart-data").textContent);
data.kwh = heights(data);
data.metered = data.meter.some((value) => value !== null);
const views = document.getElementById("views");
const pane = document.getElementById("chart-view");
const table = document.getElementById("table-view");
let started = false;

function show(view) {
  pane.hidden = view === "table";
  table.hidden = view !== "table";
  for (const button of views.querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(button.dataset.view === view));
  }
  sessionStorage.setItem("balance-view", view);
  if (view !== "table" && !started) start();
}

/** A column in words: the meter first, then every part and the rest, which sum to it. */
function words(i) {
  const meter = data.meter[i];
  const parts = data.parts.filter((part) => part.kwh[i] > 0).map((part) => {
    const guessed = part.guessed[i] > 0 ? (part.guessed[i] === part.kwh[i] ? ", derived" : ", partly derived") : "";
    return `${part.name} ${energy(part.kwh[i])}${guessed}`;
  });
  const rest = data.rest[i] === null ? [] : [`Rest ${energy(data.rest[i])}${data.rest[i] < 0 ? ", more explained than metered" : ""}`];
  return [meter === null ? "Meter not known" : energy(meter), data.long[i], ...parts, ...rest];
}

function start() {
  started = true;
  const box = document.getElementById("chart");
  const chart = new StackChart(box, data);
  const open = (i) => { if (data.links.deeper) location.assign(data.links.deeper.replace("DAY", data.days[i])); };
  return new Pointer(box, {
    last: data.labels.length - 1,
    at: (event) => chart.at(event.clientX),
    place: (i) => chart.place(i),
    words,
    open,
  });
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.target.closest("input, select, textarea")) return;
  const links = { "[": data.links.previous, "]": data.links.next, d: data.links.day, w: data.links.week, m: data.links.month, y: data.links.year };
  if (links[event.key]) location.assign(links[event.key]);
  if (event.key === "t") show(table.hidden ? "table" : "chart");
});
views.addEventListener("click", (event) => {
  if (event.target.dataset.view) show(event.target.dataset.view);
});
views.hidden = false;
show(sessionStorage.getItem("balance-view") === "table" ? "table" : "chart");
