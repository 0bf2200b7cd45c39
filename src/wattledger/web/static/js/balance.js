// The page of the equation: stacked chart, heat map or table, read by mouse, touch and keys.

import { go } from "./go.js";
import { hourWords, HeatMap } from "./heat.js";
import { Pointer, energy } from "./pointer.js";
import { StackChart, heights } from "./stack.js";

const data = JSON.parse(document.getElementById("chart-data").textContent);
data.kwh = heights(data);
data.metered = data.meter.some((value) => value !== null);
const pane = document.getElementById("chart-view");
const table = document.getElementById("table-view");
const png = document.getElementById("png");

/** A column in words: the meter first, then every part and the rest, which sum to it. */
function words(i) {
  const meter = data.meter[i];
  const parts = data.parts.filter((part) => part.kwh[i] > 0).map((part) => {
    const guessed = part.guessed[i] > 0 ? (part.guessed[i] === part.kwh[i] ? ", derived" : ", partly derived") : "";
    return `${part.name} ${energy(part.kwh[i])}${guessed}`;
  });
  const rest = data.rest[i] === null ? [] : [`Rest ${energy(data.rest[i])}${data.rest[i] < 0 ? ", more explained than metered" : ""}`];
  const before = data.before?.[i] ?? null;
  return [meter === null ? "Meter not known" : energy(meter), data.long[i], ...parts, ...rest, ...(before === null ? [] : [`${energy(before)} then`])];
}

function stack(box) {
  const chart = new StackChart(box, data);
  const open = (i) => { if (data.links.deeper) go(data.links.deeper.replace("DAY", data.days[i])); };
  new Pointer(box, {
    last: data.labels.length - 1,
    at: (event) => chart.at(event.clientX),
    place: (i) => chart.place(i),
    words,
    open,
  });
  png.hidden = false;
  png.addEventListener("click", () => save(box.querySelector("canvas")));
}

async function heat(box) {
  const answer = await fetch(box.dataset.source, { headers: { accept: "application/json" } });
  const found = await answer.json();
  const map = new HeatMap(box, found);
  new Pointer(box, { ...hourWords(map, found), open: (i) => go(data.links.day.replace(/start=[^&]*/, `start=${found.dates[Math.floor(i / 25)]}`).replace(/&view=heat|&what=[^&]*/g, "")) });
  png.hidden = false;
  png.addEventListener("click", () => save(box.querySelector("canvas")));
}

/** The chart as a picture on the page's own ground. */
function save(canvas) {
  const copy = document.createElement("canvas");
  copy.width = canvas.width;
  copy.height = canvas.height;
  const pen = copy.getContext("2d");
  pen.fillStyle = getComputedStyle(document.querySelector(".card")).backgroundColor;
  pen.fillRect(0, 0, copy.width, copy.height);
  pen.drawImage(canvas, 0, 0);
  copy.toBlob((blob) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = `${data.title.replaceAll(" ", "-")}.png`;
    link.click();
    URL.revokeObjectURL(link.href);
  });
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.target.closest("input, select, textarea")) return;
  const { links } = data;
  const turn = { "[": links.previous, "]": links.next, d: links.day, w: links.week, m: links.month, y: links.year, t: pane.hidden ? links.stack : links.table };
  if (turn[event.key]) go(turn[event.key]);
});

if (pane.dataset.view !== "table") {
  pane.hidden = false;
  table.hidden = true;
  const [chart, map] = [document.getElementById("chart"), document.getElementById("heat")];
  if (chart) stack(chart);
  if (map) heat(map);
}
