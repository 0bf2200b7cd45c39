// The meter's page: chart or table, reading by mouse, touch and keyboard, keys that move in time.

import { LedgerChart } from "./chart.js";

const data = JSON.parse(document.getElementById("chart-data").textContent);
const box = document.getElementById("chart");
const views = document.getElementById("views");
const panes = { chart: document.getElementById("chart-view"), table: document.getElementById("table-view") };
let chart = null;
let chosen = -1;

const cursor = document.createElement("div");
cursor.className = "cursor";
const tip = document.createElement("div");
tip.className = "tip";

function show(view) {
  for (const [name, pane] of Object.entries(panes)) pane.hidden = name !== view;
  for (const button of views.querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(button.dataset.view === view));
  }
  sessionStorage.setItem("view", view);
  if (view === "chart" && !chart) {
    chart = new LedgerChart(box, data);
    box.append(cursor, tip);
    read(-1);
  }
}

/** Kilowatt-hours as the table writes them. */
function kwh(value) {
  return value.toLocaleString("en-US", { minimumFractionDigits: 3, maximumFractionDigits: 3 });
}

/** What one bar says, in words. */
function words(i) {
  const value = data.kwh[i] === null ? "not known" : `${kwh(data.kwh[i])} kWh`;
  const guess = data.estimated[i] > 0 && data.estimated[i] !== data.kwh[i] ? `, ${kwh(data.estimated[i])} of it estimated` : "";
  return { when: data.long[i], value, known: data.known[i] + guess };
}

/** Point at bar `i`, or at none. */
function read(i) {
  chosen = i;
  cursor.hidden = tip.hidden = i < 0;
  if (i < 0) return;
  const said = words(i);
  box.setAttribute("aria-valuenow", i);
  box.setAttribute("aria-valuetext", `${said.when}: ${said.value}, ${said.known}`);
  tip.replaceChildren(line("b", said.value), line("span", said.when), line("span", said.known));
  const [x, width] = chart.place(i);
  cursor.style.left = `${x}px`;
  cursor.style.width = `${Math.max(1, width)}px`;
  const room = box.clientWidth - tip.offsetWidth;
  const beside = x + width + 10 > room ? x - tip.offsetWidth - 10 : x + width + 10;
  tip.style.left = `${Math.max(0, Math.min(beside, room))}px`;
}

function line(kind, text) {
  const made = document.createElement(kind);
  made.textContent = text;
  return made;
}

function open(i) {
  if (i >= 0 && data.links.deeper) location.assign(data.links.deeper.replace("DAY", data.days[i]));
}

box.setAttribute("aria-valuemin", 0);
box.setAttribute("aria-valuemax", data.kwh.length - 1);
box.addEventListener("pointermove", (event) => read(chart.at(event.clientX)));
box.addEventListener("pointerleave", () => read(-1));
box.addEventListener("click", (event) => { if (event.pointerType !== "touch") open(chart.at(event.clientX)); });
box.addEventListener("blur", () => read(-1));
box.addEventListener("keydown", (event) => {
  const last = data.kwh.length - 1;
  const moves = { ArrowLeft: Math.max(0, chosen - 1), ArrowRight: Math.min(last, chosen + 1), Home: 0, End: last };
  if (event.key in moves && !event.altKey && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    read(moves[event.key]);
  }
  if (event.key === "Enter") open(chosen);
  if (event.key === "Escape") read(-1);
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.target.closest("input, select, textarea")) return;
  const links = { "[": data.links.previous, "]": data.links.next, d: data.links.day, w: data.links.week, m: data.links.month, y: data.links.year };
  if (links[event.key]) location.assign(links[event.key]);
  if (event.key === "t") show(panes.table.hidden ? "table" : "chart");
});

views.addEventListener("click", (event) => {
  if (event.target.dataset.view) show(event.target.dataset.view);
});
views.hidden = false;
show(sessionStorage.getItem("view") === "table" ? "table" : "chart");
