// Colours of the page for a canvas, and the hatches that mark what is estimated or missing.

const NAMES = ["ink", "soft", "line", "card", "meter", "meter-fill", "gap", "gap-fill", "rest", "car", "ac-0", "ac-1", "ac-2", "ac-3", "ac-4"];

/** The house's colours as the page shows them now. */
export function colours() {
  const probe = document.body.appendChild(document.createElement("i"));
  const found = {};
  for (const name of NAMES) {
    probe.style.color = `var(--${name})`;
    found[name] = getComputedStyle(probe).color;
  }
  probe.remove();
  return found;
}

/** A fill of 45 degree lines: `ink` on `ground`, `gap` px apart and `width` px wide. */
export function hatch(ink, ground, gap, width) {
  const tile = document.createElement("canvas");
  const scale = Math.max(1, Math.round(devicePixelRatio || 1));
  tile.width = tile.height = gap * scale;
  const pen = tile.getContext("2d");
  pen.scale(scale, scale);
  pen.fillStyle = ground;
  pen.fillRect(0, 0, gap, gap);
  pen.strokeStyle = ink;
  pen.lineWidth = width;
  for (const shift of [-gap, 0, gap]) {
    pen.beginPath();
    pen.moveTo(shift - 1, gap + 1);
    pen.lineTo(shift + gap + 1, -1);
    pen.stroke();
  }
  return { image: tile, repeat: "repeat", scaleX: 1 / scale, scaleY: 1 / scale };
}
