// Small multiples: learning rate, gradient norm and tokens a second, each a line with its newest value.

import { colors, dataOf, followSelection, onTheme, summaryOf } from "./core.js";
import { formatCount, formatShort, h, oncePerFrame, setText } from "./dom.js";
import { Layer, strokeSeries } from "./layers.js";
import { nearest } from "./records.js";
import { makeFrame } from "./scales.js";

const SERIES = {
  lr: { label: "learning rate", format: (v) => v.toPrecision(2) },
  grad_norm: { label: "gradient norm", format: (v) => v.toPrecision(2) },
  tok_s: { label: "tokens per second", format: formatShort },
};

/** `props.series`: which of lr, grad_norm, tok_s to show (all, if not said). */
export function mount(box, props) {
  const names = props.series ?? Object.keys(SERIES);
  const sparks = names.map((name) => new Spark(name));
  box.replaceChildren(...sparks.map((spark) => spark.element));
  const draw = oncePerFrame(() => box.isConnected && sparks.forEach((spark) => spark.draw()));
  for (const spark of sparks) {
    new ResizeObserver(draw).observe(spark.area);
    spark.onmove = draw;
  }
  onTheme(draw);
  followSelection(box, { selection: draw, step: draw, run: draw, metrics: draw });
}

class Spark {
  constructor(name) {
    this.name = name;
    this.value = h("b", {}, "–");
    this.area = h("div", { class: "lv-spark-area" });
    this.layer = new Layer(this.area);
    this.element = h(
      "div",
      { class: "lv-spark-one" },
      h("div", { class: "lv-spark-head" }, h("span", {}, SERIES[name].label), this.value),
      this.area,
    );
    this.hover = null; // pixel
    this.area.addEventListener("pointermove", (event) => this.moveTo(event.offsetX));
    this.area.addEventListener("pointerleave", () => this.moveTo(null));
  }

  moveTo(pixel) {
    this.hover = pixel;
    this.onmove();
  }

  draw() {
    const { clientWidth: width, clientHeight: height } = this.area;
    const data = dataOf();
    if (!width) return;
    this.layer.resize(width, height);
    setText(this.value, "–");
    if (!data?.step.length) return;
    const values = data[this.name];
    const palette = colors();
    const frame = makeFrame({
      x0: 0,
      x1: Math.max(summaryOf()?.max_steps ?? 0, data.step.at(-1), 1),
      y0: 0,
      y1: highest(values) * 1.08,
      plot: { left: 2, top: 3, right: width - 2, bottom: height - 3 },
    });
    this.layer.line(2, height - 2.5, width - 2, height - 2.5, palette.line);
    strokeSeries(this.layer, frame, data.step, values, 0, palette.training, palette.lineWidth * 0.8);
    const at = this.hover === null ? values.length - 1 : nearest(data.step, frame.stepAt(this.hover));
    if (!Number.isFinite(values[at])) return;
    this.layer.dot(frame.x(data.step[at]), frame.y(values[at]), palette.lineWidth * 1.5, palette.training);
    const where = this.hover === null ? "" : ` at step ${formatCount(data.step[at])}`;
    setText(this.value, SERIES[this.name].format(values[at]) + where);
  }
}

function highest(values) {
  let high = 0;
  for (const value of values) if (Number.isFinite(value) && value > high) high = value;
  return high || 1;
}
