// The chart of the equation: the rest below, the parts on it, the meter's line over all of them.

import { LedgerChart, TOP } from "./chart.js";
import { colours, hatch } from "./paint.js";

export class StackChart extends LedgerChart {
  draw() {
    this.paint = colours();
    this.gapped = hatch(this.paint.gap, this.paint["gap-fill"], 8, 1);
    this.hatched = {};
    for (const part of this.data.parts) {
      this.hatched[part.colour] ??= hatch(this.paint[part.colour], this.paint.card, 6, 3);
    }
    this.chart.setOption(this.option(), true);
  }

  /** One column as shapes; what goes beyond the meter stands above its line. */
  bar(api) {
    const { i, zero, steps, x, right } = this.column(api);
    const y = (kwh) => api.coord([i, kwh])[1];
    const children = [];
    const box = (from, to, fill) =>
      children.push({ type: "rect", silent: true, shape: { x, y: to, width: right - x, height: Math.max(0, from - to) }, style: { fill } });

    if (this.data.known[i] < 1 && this.data.metered) box(zero, TOP, this.gapped);
    let at = Math.max(0, this.data.rest[i] ?? 0);
    if (at > 0) box(zero, y(at), this.paint.rest);
    for (const part of [...this.data.parts].reverse()) {
      const [solid, guessed] = [part.kwh[i] - part.guessed[i], part.guessed[i]];
      if (solid > 0) box(y(at), y(at + solid), this.paint[part.colour]);
      if (guessed > 0) box(y(at + solid), y(at + solid + guessed), this.hatched[part.colour]);
      at += part.kwh[i];
    }
    this.before(api, i, x, right, children);
    if (this.data.meter[i] !== null) children.push(this.line(api, i, x, right, steps));
    return { type: "group", children };
  }

  /** The meter over one column, joined to the one before. */
  line(api, i, x, right, steps) {
    const top = api.coord([i, this.data.meter[i]])[1];
    const before = steps && i > 0 ? this.data.meter[i - 1] : null;
    const points = [[x, top], [right, top]];
    if (before !== null) points.unshift([x, api.coord([i - 1, before])[1]]);
    return { type: "polyline", silent: true, z2: 5, shape: { points }, style: { stroke: this.paint.meter, lineWidth: 1.5, fill: null, lineJoin: "miter" } };
  }
}

/** How high each column reaches: the meter, or the parts where they are above it. */
export function heights(data) {
  return data.labels.map((_, i) => {
    const parts = data.parts.reduce((sum, part) => sum + part.kwh[i], Math.max(0, data.rest[i] ?? 0));
    return Math.max(parts, data.meter[i] ?? 0);
  });
}
