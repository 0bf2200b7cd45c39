// Points at one place of a chart, by mouse, finger or arrow keys, and says what is there.

/** Kilowatt-hours as the table writes them. */
export function energy(value) {
  return `${value.toLocaleString("en-US", { minimumFractionDigits: 3, maximumFractionDigits: 3 })} kWh`;
}

export class Pointer {
  /**
   * `what`: last (greatest index), at(event) -> index or -1, place(i) -> [x, width, top?, bottom?] in px,
   * words(i) -> value, time and further lines, open(i), across (places between a column and the next; 1 unless told).
   */
  constructor(box, what) {
    this.box = box;
    this.what = { across: 0, ...what };
    this.chosen = -1;
    this.cursor = box.appendChild(document.createElement("div"));
    this.cursor.className = "cursor";
    this.tip = box.appendChild(document.createElement("div"));
    this.tip.className = "tip";
    box.setAttribute("aria-valuemin", 0);
    box.setAttribute("aria-valuemax", what.last);
    box.setAttribute("aria-valuenow", 0);
    box.setAttribute("aria-valuetext", "nothing is read yet");
    box.addEventListener("pointermove", (event) => this.read(what.at(event)));
    box.addEventListener("pointerdown", (event) => this.read(what.at(event)));
    box.addEventListener("pointerleave", (event) => { if (event.pointerType !== "touch") this.read(-1); });
    box.addEventListener("blur", () => this.read(-1));
    box.addEventListener("click", (event) => {
      if (event.pointerType !== "touch" && what.at(event) >= 0) what.open(what.at(event));
    });
    box.addEventListener("keydown", (event) => this.key(event));
    this.read(-1);
  }

  key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const { last, across } = this.what;
    const column = across || 1;
    const moves = {
      ArrowLeft: this.chosen - column, ArrowRight: this.chosen < 0 ? 0 : this.chosen + column,
      ...(across ? { ArrowUp: this.chosen - 1, ArrowDown: this.chosen + 1 } : {}),
      Home: 0, End: last,
    };
    if (event.key in moves) {
      event.preventDefault();
      this.read(Math.max(0, Math.min(last, moves[event.key])));
    }
    if (event.key === "Enter" && this.chosen >= 0) this.what.open(this.chosen);
    if (event.key === "Escape") this.read(-1);
  }

  /** Point at place `i`, or at none. */
  read(i) {
    this.chosen = i;
    this.cursor.hidden = this.tip.hidden = i < 0;
    if (i < 0) return;
    const [value, when, ...known] = this.what.words(i);
    this.box.setAttribute("aria-valuenow", i);
    this.box.setAttribute("aria-valuetext", `${when}: ${value}, ${known.join(", ")}`);
    this.tip.replaceChildren(line("b", value), line("span", when), ...known.map((text) => line("span", text)));
    this.put(...this.what.place(i));
  }

  put(x, width, top, bottom) {
    const { style } = this.cursor;
    style.left = `${x}px`;
    style.width = `${Math.max(1, width)}px`;
    if (top !== undefined) {
      style.top = `${top}px`;
      style.bottom = `${this.box.clientHeight - bottom}px`;
    }
    const room = this.box.clientWidth - this.tip.offsetWidth;
    const beside = x + width + 10 > room ? x - this.tip.offsetWidth - 10 : x + width + 10;
    this.tip.style.left = `${Math.max(0, Math.min(beside, room))}px`;
  }
}

function line(kind, text) {
  const made = document.createElement(kind);
  made.textContent = text;
  return made;
}
