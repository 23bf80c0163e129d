// The prompt as a line of tokens, a bar over each: how much the chosen token looks at it (or, asked the other
// way round, how much each token looks at the chosen one). Arcs lead to the three strongest.

import { h, oncePerFrame } from "./dom.js";
import { percent } from "./panel.js";
import { chip } from "./tokenview.js";

const ARCS = 3;
const WEAKEST_ARC = 0.08;
const SVG = "http://www.w3.org/2000/svg";

export class TokenStrip {
  #view = null;
  #maps = null;
  #buttons = [];

  /**
   * @param {{preview, pin}} hear preview(cell | null) under the pointer, pin(cell) on a tap; the cell is
   *   {row, col: null, by: "row"}: the token that looks
   */
  constructor(hear) {
    this.hear = hear;
    this.arcs = document.createElementNS(SVG, "svg");
    this.arcs.setAttribute("class", "arcs");
    this.arcs.setAttribute("aria-hidden", "true");
    this.line = h("div", {
      class: "strip-line",
      role: "group",
      "aria-label": "Tokens; the chosen one looks at the others",
    });
    this.element = h("div", { class: "strip" }, this.line, this.arcs);
    this.drawArcs = oncePerFrame(() => this.#drawArcs());
    new ResizeObserver(this.drawArcs).observe(this.element);
  }

  show(view) {
    this.#view = view;
    if (view.maps.labels.join("\n") !== this.#maps?.labels.join("\n")) this.#fill(view.maps);
    this.#maps = view.maps;
    const { row, col, by, weights, scale } = view;
    const chosen = by === "row" ? row : col;
    this.#buttons.forEach((button, i) => {
      const weight = weights[i];
      const reach = by === "row" ? view.maps.sees(row, i) : view.maps.sees(i, col);
      button.classList.toggle("chosen", i === chosen);
      button.classList.toggle("target", i === (by === "row" ? col : row));
      button.classList.toggle("unseen", !reach);
      button.tabIndex = i === chosen ? 0 : -1;
      const bar = button.firstChild;
      bar.style.height = reach ? `${Math.max(0, Number.isNaN(weight) ? 1 : weight) * 100}%` : "0";
      bar.style.background = scale.colour(reach ? Math.max(weight, 0.25) : 0);
      button.setAttribute(
        "aria-label",
        `Token ${i + 1}, ${view.maps.labels[i]}: ${reach ? percent(weight) : "not visible"}`,
      );
    });
    this.drawArcs();
  }

  #fill(maps) {
    const single = maps.labels.every((text) => [...text].length === 1);
    this.line.classList.toggle("letters", single);
    this.#buttons = maps.tokens.map((bytes, i) => {
      const cell = { row: i, col: null, by: "row" };
      return h(
        "button",
        {
          type: "button",
          class: "strip-token",
          onpointerenter: (event) => event.pointerType === "mouse" && this.hear.preview(cell),
          onpointerleave: () => this.hear.preview(null),
          onclick: () => this.hear.pin(cell),
          onkeydown: (event) => this.#onKey(event, i),
        },
        h("span", { class: "bar" }),
        chip(bytes, i),
      );
    });
    this.line.replaceChildren(...this.#buttons);
  }

  #onKey(event, i) {
    const next = i + ({ ArrowLeft: -1, ArrowRight: 1 }[event.key] ?? 0);
    if (next === i || !this.#buttons[next]) return;
    event.preventDefault();
    this.hear.pin({ row: next, col: null, by: "row" });
    this.#buttons[next].focus();
  }

  #drawArcs() {
    if (!this.#view) return;
    const { row, col, by, scale } = this.#view;
    const [chosen, target] = by === "row" ? [row, col] : [col, row];
    const ends = this.#strongest(chosen);
    const roomy = ends.filter((i) => this.#buttons[i].offsetWidth > 36); // two shares must not overlap
    const arcs = ends.map((i) => this.#arc(chosen, i, this.#view.weights[i], scale));
    // All is measured by now: measuring after a change would make the browser lay out once a token.
    this.arcs.replaceChildren(...arcs);
    this.#buttons.forEach((button, i) => {
      if (i === target || roomy.includes(i)) button.firstChild.dataset.share = percent(this.#view.weights[i]);
      else delete button.firstChild.dataset.share;
    });
  }

  #strongest(chosen) {
    const { weights } = this.#view;
    return [...weights.keys()]
      .filter((i) => i !== chosen && weights[i] >= WEAKEST_ARC)
      .sort((a, b) => weights[b] - weights[a])
      .slice(0, ARCS);
  }

  /** A curve between two chips: below them on one line, else down from line to line. Its width is the weight. */
  #arc(from, to, weight, scale) {
    const [upper, lower] = [from, to].map((i) => this.#buttons[i]).sort((a, b) => a.offsetTop - b.offsetTop);
    const middle = (button) => button.offsetLeft + button.offsetWidth / 2;
    const foot = (button) => button.offsetTop + button.offsetHeight + 1;
    const [x1, y1, x2] = [middle(upper), foot(upper), middle(lower)];
    const oneLine = Math.abs(upper.offsetTop - lower.offsetTop) < 4;
    const y2 = oneLine ? y1 : lower.lastChild.offsetTop - 2;
    const bend = oneLine ? Math.min(24, 8 + Math.abs(x2 - x1) * 0.1) : (y2 - y1) / 2;
    const path = document.createElementNS(SVG, "path");
    path.setAttribute(
      "d",
      `M${x1} ${y1} C${x1} ${y1 + bend} ${x2} ${oneLine ? y2 + bend : y2 - bend} ${x2} ${y2}`,
    );
    path.setAttribute("stroke", scale.colour(Math.max(weight, 0.25)));
    path.setAttribute("stroke-width", 1.5 + weight * 3.5);
    return path;
  }
}
