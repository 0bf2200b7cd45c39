// The one chart of the house: bars or steps of energy, hatched where estimated, drawn as a gap where
// nothing is known. The table beside it has the same numbers; the ribbon below it is in the page.

import { init } from "../vendor/echarts-6.1.0.esm.min.js";
import { colours, hatch } from "./paint.js";

export const RIGHT = 10;
export const BOTTOM = 26;
export const TOP = 12;
const narrow = matchMedia("(max-width: 760px)");

/** Where the plot lies inside the chart's box; the ribbon's padding in ledger.css agrees with it. */
export const left = () => (narrow.matches ? 36 : 44);

export class LedgerChart {
  /** `data` is what pages/chart.py makes: columns by bar. */
  constructor(box, data) {
    this.box = box;
    this.data = data;
    this.chart = init(box, null, { renderer: "canvas" });
    this.draw();
    new ResizeObserver(() => this.resize()).observe(box);
    const redraw = () => this.draw();
    document.addEventListener("themechange", redraw);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
    narrow.addEventListener("change", redraw);
  }

  resize() {
    if (this.box.clientWidth) this.chart.resize();
  }

  draw() {
    this.paint = colours();
    const { meter, gap } = this.paint;
    this.hatched = hatch(meter, this.paint["meter-fill"], 7, 2);
    this.gapped = hatch(gap, this.paint["gap-fill"], 8, 1);
    this.chart.setOption(this.option(), true);
  }

  option() {
    const text = { color: this.paint.soft, fontSize: 12, fontFamily: getComputedStyle(this.box).fontFamily };
    const rule = { lineStyle: { color: this.paint.line, width: 1 } };
    return {
      animation: false,
      textStyle: text,
      grid: { left: left(), right: RIGHT, top: TOP, bottom: BOTTOM },
      xAxis: {
        type: "category",
        data: this.data.labels.map((_, i) => i),
        axisLine: { ...rule, onZero: false },
        axisTick: { show: false },
        axisLabel: { ...text, hideOverlap: true, margin: 8, interval: (i) => this.labelled(i), formatter: (i) => this.data.labels[i] },
      },
      yAxis: {
        type: "value",
        min: 0,
        splitNumber: narrow.matches ? 4 : 5,
        axisLabel: { ...text, formatter: short },
        splitLine: rule,
      },
      series: [{
        type: "custom",
        clip: true,
        data: this.data.kwh.map((value, i) => [i, value ?? 0, this.data.before?.[i] ?? 0]),
        encode: { x: 0, y: [1, 2] },
        renderItem: (_, api) => this.bar(api),
      }],
    };
  }

  /** Where one column stands: touching its neighbours for quarter-hours and hours, apart for days and months. */
  column(api) {
    const i = api.value(0);
    const [centre, zero] = api.coord([i, 0]);
    const band = api.size([1, 0])[0];
    const steps = this.data.step === "interval" || this.data.step === "hour";
    const width = steps ? band : Math.max(2, Math.min(band * 0.72, 46));
    const x = steps ? Math.round(centre - band / 2) : centre - width / 2;
    const right = steps ? Math.round(centre + band / 2) : x + width;
    return { i, zero, steps, x, right };
  }

  /** Which bars have their label on the axis. */
  labelled(i) {
    const { step, labels, long } = this.data;
    if (step === "interval") return /^(00|04|08|12|16|20):00$/.test(labels[i]) && labels.indexOf(labels[i]) === i;
    if (step === "hour") return long[i].includes(", 12:00");
    if (step === "day") return !narrow.matches || i % 3 === 0;
    return true;
  }

  /** One bar as shapes. Quarter-hours and hours touch and carry a step line; days and months stand apart. */
  bar(api) {
    const { i, zero, steps, x, right } = this.column(api);
    const kwh = this.data.kwh[i];
    const children = [];
    const box = (y, bottom, style, r) =>
      children.push({ type: "rect", shape: { x, y, width: right - x, height: Math.max(0, bottom - y), r }, style, silent: true });

    if (kwh === null) {
      this.before(api, i, x, right, children);
      if (this.data.quality[i] !== "pending") box(TOP, zero, { fill: this.gapped });
      return { type: "group", children };
    }
    if (steps && this.data.share[i] < 1) box(TOP, zero, { fill: this.gapped });
    const top = api.coord([i, kwh])[1];
    const solid = api.coord([i, kwh - this.data.estimated[i]])[1];
    const round = steps ? 0 : [3, 3, 0, 0];
    if (solid < zero) box(solid, zero, { fill: steps ? this.paint["meter-fill"] : this.paint.meter }, solid - top < 1 ? round : 0);
    if (solid - top > 0.3) box(top, solid, { fill: this.hatched }, round);
    if (steps) children.push(this.step(api, i, x, right, top));
    if (!steps && this.data.share[i] < 1) box(top - 6, top - 3, { fill: this.paint.gap });
    this.before(api, i, x, right, children);
    return { type: "group", children };
  }

  /** The period before: a thin step line, or a mark across the place of a bar that stands apart. */
  before(api, i, x, right, children) {
    const { before, step } = this.data;
    const value = before?.[i] ?? null;
    if (value === null) return;
    const steps = step === "interval" || step === "hour";
    const y = api.coord([i, value])[1];
    const points = [[x, y], [right, y]];
    const last = steps && i > 0 ? before[i - 1] : null;
    if (last !== null) points.unshift([x, api.coord([i - 1, last])[1]]);
    const style = { stroke: this.paint.ink, lineWidth: steps ? 1 : 2, opacity: 0.6, fill: null };
    children.push({ type: "polyline", silent: true, z2: 5, shape: { points }, style });
  }

  /** The meter's line over one bar, joined to the bar before. */
  step(api, i, x, right, top) {
    const before = i > 0 ? this.data.kwh[i - 1] : null;
    const from = before === null ? top : api.coord([i - 1, before])[1];
    const points = before === null ? [[x, top], [right, top]] : [[x, from], [x, top], [right, top]];
    return { type: "polyline", silent: true, shape: { points }, style: { stroke: this.paint.meter, lineWidth: 1.5, fill: null, lineJoin: "miter" } };
  }

  /** The bar under a point of the page, -1 outside. */
  at(clientX) {
    const frame = this.box.getBoundingClientRect();
    const part = (clientX - frame.left - left()) / (frame.width - left() - RIGHT);
    return part < 0 || part >= 1 ? -1 : Math.floor(part * this.data.kwh.length);
  }

  /** Left edge and width of a bar in the chart's box, px. */
  place(i) {
    const width = (this.box.clientWidth - left() - RIGHT) / this.data.kwh.length;
    return [left() + i * width, width];
  }
}

/** Axis numbers without needless zeros: 0.5, 12, 1.2k. */
function short(value) {
  return value >= 10000 ? `${value / 1000}k` : Number(value.toFixed(3)).toLocaleString("en-US");
}
