// The large map of one head: rows look, columns are looked at. A canvas, with the tokens along both sides.

import { h, oncePerFrame } from "./dom.js";
import { fitCanvas } from "./panel.js";
import { hatch } from "./attentionscale.js";

const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

export class AttentionGrid {
  #view = null; // {maps, layer, head, row, col, by, scale}
  #place = null; // {left, top, side, cell …}: where the cells were last drawn
  #head = null; // canvas of the head's cells alone, redrawn only when they change
  #drawn = ""; // what #head shows

  /**
   * @param {{preview, pin, move}} hear preview(cell | null) while the pointer moves, pin(cell) on a click,
   *   move(rows, cols) on arrow keys; a cell is {row, col, by: "row" | "column"}
   */
  constructor(hear) {
    this.canvas = h("canvas", {
      class: "grid-canvas",
      tabindex: 0,
      role: "application",
      "aria-label": "Attention map. Arrow keys move from cell to cell.",
      onpointermove: (event) => hear.preview(this.#cellAt(event)),
      onpointerleave: () => hear.preview(null),
      onclick: (event) => {
        const cell = this.#cellAt(event);
        if (cell) hear.pin(cell);
      },
      onkeydown: (event) => {
        const step = STEPS[event.key];
        if (step) hear.move(...step);
        else if (event.key === "Escape") hear.pin(null);
        else return;
        event.preventDefault();
      },
    });
    this.element = this.canvas;
    this.draw = oncePerFrame(() => this.#draw());
  }

  show(view) {
    this.#view = view;
    this.draw();
  }

  /** Side of the cells' square and the gutters for the labels, in CSS pixels. */
  #layout() {
    const { maps } = this.#view;
    const available = this.canvas.parentElement.clientWidth;
    const size = Math.min(available, Math.max(300, Math.min(560, window.innerHeight * 0.62)));
    const { text } = this.#view.scale;
    const title = text + 5; // room for the words along the axes
    const context = this.canvas.getContext("2d");
    context.font = this.#font(text + 1);
    const longest = Math.max(...maps.names.map((name) => context.measureText(name).width));
    const gutter = Math.ceil(Math.min(6.5 * text, longest)) + 8;
    const left = title + gutter;
    const upright = longest <= text + 1; // single letters need no turning
    const top = title + (upright ? title : gutter);
    const side = Math.floor(size - Math.max(left, top));
    return {
      left,
      top,
      side,
      cell: side / maps.length,
      upright,
      width: left + side + 1,
      height: top + side + 1,
    };
  }

  #font(size, weight = 400) {
    return `${weight} ${size}px ${this.#view.scale.family}`;
  }

  #cellAt(event) {
    if (!this.#place) return null;
    const { left, top, cell } = this.#place;
    const { length } = this.#view.maps;
    const box = this.canvas.getBoundingClientRect();
    const col = Math.floor((event.clientX - box.left - left) / cell);
    const row = Math.floor((event.clientY - box.top - top) / cell);
    const inside = (i) => i >= 0 && i < length;
    if (inside(row) && inside(col)) return { row, col, by: "row" };
    if (inside(row) && col < 0) return { row, col: null, by: "row" };
    if (inside(col) && row < 0) return { row: null, col, by: "column" };
    return null;
  }

  #draw() {
    if (!this.#view || !this.canvas.parentElement?.clientWidth) return;
    const layout = (this.#place = this.#layout());
    const context = fitCanvas(this.canvas, layout.width, layout.height);
    this.canvas.dataset.cells = `${layout.left} ${layout.top} ${layout.side}`; // where the tests point
    this.#drawHead(layout);
    context.drawImage(this.#head, layout.left, layout.top, layout.side, layout.side);
    this.#drawFocus(context, layout);
    this.#drawLabels(context, layout);
  }

  /** The cells: redrawn when the head, its weights, the colours or the size change; not while hovering. */
  #drawHead({ side, cell }) {
    const { maps, layer, head, scale, version } = this.#view;
    const key = [version, layer, head, side].join();
    if (key === this.#drawn) return;
    this.#drawn = key;
    this.#head = document.createElement("canvas");
    const context = fitCanvas(this.#head, side, side);
    const gap = cell >= 10 ? 1 : 0;
    const edge = (i) => Math.round(i * cell);
    for (let row = 0; row < maps.length; row += 1) {
      for (let col = maps.firstSeen(row); col <= row; col += 1) {
        context.fillStyle = scale.colour(maps.weight(layer, head, row, col));
        context.fillRect(
          edge(col),
          edge(row),
          edge(col + 1) - edge(col) - gap,
          edge(row + 1) - edge(row) - gap,
        );
      }
    }
    context.beginPath();
    for (let row = 0; row < maps.length; row += 1) {
      const high = edge(row + 1) - edge(row);
      context.rect(0, edge(row), edge(maps.firstSeen(row)), high);
      context.rect(edge(row + 1), edge(row), side - edge(row + 1), high);
    }
    hatch(context, scale.hatch, 6);
  }

  #drawFocus(context, { left, top, side, cell }) {
    const { row, col, by, scale } = this.#view;
    const x = left + Math.round(col * cell);
    const y = top + Math.round(row * cell);
    const size = Math.max(3, Math.round(cell));
    context.lineWidth = 1.5;
    context.strokeStyle = scale.band;
    if (by === "row") context.strokeRect(left - 0.5, y - 1, side, size + 1);
    else context.strokeRect(x - 1, top - 0.5, size + 1, side);
    context.strokeStyle = scale.focus;
    context.lineWidth = 3;
    context.strokeRect(x - 1.5, y - 1.5, size + 2, size + 2);
  }

  #drawLabels(context, { left, top, side, cell, upright }) {
    const { maps, row, col, scale } = this.#view;
    const size = Math.max(scale.text - 3, Math.min(scale.text + 1, cell * 0.72));
    const every = Math.ceil((size + 1) / cell); // too many tokens: every second, third … is named
    const near = (i, chosen) => i !== chosen && Math.abs(i - chosen) < every;
    context.textBaseline = "middle";
    for (let i = 0; i < maps.length; i += 1) {
      for (const [axis, chosen] of [
        ["row", row],
        ["column", col],
      ]) {
        if (i !== chosen && (i % every !== 0 || near(i, chosen))) continue;
        const at = (axis === "row" ? top : left) + (i + 0.5) * cell;
        context.font = this.#font(i === chosen ? scale.text : size, i === chosen ? 700 : 400);
        context.fillStyle = i === chosen ? scale.ink : scale.muted;
        if (axis === "row") this.#text(context, maps.names[i], left - 6, at, 0, "right");
        else if (upright) this.#text(context, maps.names[i], at, top - scale.text / 2 - 3, 0, "center");
        else this.#text(context, maps.names[i], at, top - 6, -Math.PI / 2, "left");
      }
    }
    context.font = this.#font(scale.text - 1);
    context.fillStyle = scale.muted;
    this.#text(context, "this token …", scale.text / 2 + 2, top + side / 2, -Math.PI / 2, "center");
    this.#text(context, "… looks at this one", left + side / 2, scale.text / 2 + 2, 0, "center");
  }

  #text(context, text, x, y, angle, align) {
    context.save();
    context.translate(x, y);
    context.rotate(angle);
    context.textAlign = align;
    context.fillText(text, 0, 0);
    context.restore();
  }
}
