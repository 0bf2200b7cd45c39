// The heat map of a month or a year: a column for each day, a cell for each hour, darker is more.

import { BOTTOM, RIGHT, TOP, left } from "./chart.js";
import { colours, hatch } from "./paint.js";
import { energy } from "./pointer.js";

export class HeatMap {
  /** `data` is what pages/heat.py makes: columns by day. */
  constructor(box, data) {
    this.data = data;
    this.canvas = box.appendChild(document.createElement("canvas"));
    this.canvas.className = "heat";
    this.box = box;
    this.rows = Math.max(...data.kwh.map((day) => day.length));
    // a few extreme hours must not bleach all others
    const known = data.kwh.flat().filter((v) => v !== null).sort((a, b) => a - b);
    this.most = known[Math.floor(known.length * 0.99)] || 1;
    const draw = () => this.draw();
    new ResizeObserver(draw).observe(box);
    document.addEventListener("themechange", draw);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  }

  draw() {
    const { clientWidth: width, clientHeight: height } = this.box;
    if (!width) return;
    const scale = devicePixelRatio || 1;
    this.canvas.width = width * scale;
    this.canvas.height = height * scale;
    const pen = this.canvas.getContext("2d");
    pen.scale(scale, scale);
    this.paint = colours();
    this.low = rgb(this.paint["meter-fill"]);
    this.high = rgb(this.paint.meter);
    this.top = rgb(this.paint.ink);
    const gap = hatch(this.paint.gap, this.paint["gap-fill"], 8, 1);
    this.gapped = pen.createPattern(gap.image, "repeat");
    this.axis(pen, width, height);
    this.data.days.forEach((_, day) => this.column(pen, day));
  }

  axis(pen, width, height) {
    pen.fillStyle = this.paint.soft;
    pen.font = `12px ${getComputedStyle(this.box).fontFamily}`;
    pen.textAlign = "right";
    pen.textBaseline = "middle";
    for (const hour of [0, 6, 12, 18]) {
      const text = String(hour).padStart(2, "0");
      pen.fillText(left() < 40 ? text : `${text}:00`, left() - 6, this.y(hour) + 6);
    }
    pen.textAlign = "center";
    const every = this.data.days.length > 40 ? 0 : width < 560 ? 5 : 1;
    this.data.dates.forEach((date, i) => {
      const first = date.endsWith("-01") && (width > 560 || Number(date.slice(5, 7)) % 3 === 1);
      if (every ? i % every === 0 : first) {
        const text = every ? String(Number(date.slice(8))) : this.data.days[i].split(" ")[2];
        const [from, until] = this.place(i);
        pen.fillText(text, every ? (from + until) / 2 : from + (width - left() - RIGHT) / 24, height - BOTTOM + 14);
      }
    });
  }

  column(pen, day) {
    const [from, until] = this.place(day);
    const wide = until - from > 6;
    const energy = this.data.kwh[day];
    for (let hour = 0; hour < energy.length; hour += 1) {
      const state = this.data.state[day][hour];
      if (state === ".") continue;
      const y = this.y(hour);
      const size = [from, y, until - from - (wide ? 1 : 0), this.y(hour + 1) - y - (wide ? 1 : 0)];
      pen.fillStyle = state === "m" ? this.gapped : this.shade(energy[hour]);
      pen.fillRect(...size);
      if (state === "e" && wide) this.strike(pen, ...size);
    }
  }

  /** The hatch of an estimate over one cell. */
  strike(pen, x, y, width, height) {
    pen.save();
    pen.beginPath();
    pen.rect(x, y, width, height);
    pen.clip();
    pen.strokeStyle = this.paint.card;
    pen.lineWidth = 1.5;
    pen.beginPath();
    for (let at = x - height; at < x + width; at += 5) {
      pen.moveTo(at, y + height);
      pen.lineTo(at + height, y);
    }
    pen.stroke();
    pen.restore();
  }

  /** The colour of an hour: pale, the meter's, then towards the ink. */
  shade(kwh) {
    const part = Math.min(1, kwh / this.most);
    const [a, b, at] = part < 0.7 ? [this.low, this.high, part / 0.7] : [this.high, this.top, ((part - 0.7) / 0.3) * 0.7];
    return `rgb(${a.map((v, i) => Math.round(v + (b[i] - v) * at)).join(" ")})`;
  }

  y(hour) {
    const height = this.box.clientHeight - TOP - BOTTOM;
    return Math.round(TOP + (Math.min(hour, this.rows) / this.rows) * height);
  }

  /** Left and right edge of a day, px. */
  place(day) {
    const width = this.box.clientWidth - left() - RIGHT;
    return [left() + this.data.x[day] * width, left() + this.data.x[day + 1] * width];
  }

  /** The day and hour under a point of the page; null outside. */
  at(clientX, clientY) {
    const frame = this.box.getBoundingClientRect();
    const part = (clientX - frame.left - left()) / (frame.width - left() - RIGHT);
    const day = this.data.x.findIndex((edge, i) => part >= edge && part < this.data.x[i + 1]);
    const hour = this.data.kwh[day]?.findIndex((_, i) => clientY - frame.top < this.y(i + 1)) ?? -1;
    return day < 0 || hour < 0 || clientY - frame.top < TOP ? null : [day, hour];
  }
}

const KNOWN = { a: "actual", e: "estimated", ".": "not here yet" };
const SIZE = 25;

/** What a Pointer needs to read a heat map hour by hour; places are 25 to a day. */
export function hourWords(map, found) {
  const words = (i) => {
    const [day, hour] = [Math.floor(i / SIZE), i % SIZE];
    const value = found.kwh[day][hour] ?? null;
    const state = found.state[day][hour];
    const known = state === "m" ? (value === null ? "missing" : "partly missing") : (KNOWN[state] ?? "");
    return [value === null ? "not known" : energy(value), `${found.days[day]}, hour ${hour + 1}`, known];
  };
  const at = (event) => {
    const cell = map.at(event.clientX, event.clientY);
    return cell ? cell[0] * SIZE + cell[1] : -1;
  };
  const place = (i) => {
    const [from, until] = map.place(Math.floor(i / SIZE));
    return [from, until - from, map.y(i % SIZE), map.y((i % SIZE) + 1)];
  };
  return { last: found.days.length * SIZE - 1, across: SIZE, at, place, words };
}

function rgb(text) {
  return text.match(/[\d.]+/g).slice(0, 3).map(Number);
}
