// One run on the teacher's screen: its name, how far it is, and its curve on the axes that all share.

import { colors } from "./core.js";
import { formatLoss, formatPercent, h, setText } from "./dom.js";
import { Layer, strokeSeries } from "./layers.js";
import { makeFrame } from "./scales.js";

export const ENDED = new Set(["finished", "stopped", "failed"]);
const SIGNS = { preparing: "◌", waiting: "◌", running: "●", paused: "‖", finished: "✓", stopped: "■", failed: "!" };

export class Card {
  constructor(onclick) {
    this.sign = h("span", { class: "lv-class-sign", "aria-hidden": "true" });
    this.name = h("span", { class: "lv-class-name" });
    this.share = h("span", { class: "lv-class-share" });
    this.area = h("span", { class: "lv-class-curve" });
    this.loss = h("span", { class: "lv-class-loss" });
    this.layer = new Layer(this.area);
    this.area.append(this.loss);
    this.button = h(
      "button",
      { type: "button", class: "lv-class-card", onclick },
      h("span", { class: "lv-class-head" }, this.sign, this.name, this.share),
      this.area,
    );
    this.element = h("div", { role: "listitem" }, this.button);
  }

  show(told, axes, chosen) {
    setText(this.sign, SIGNS[told.status] ?? "");
    setText(this.name, told.name);
    setText(this.share, shareOf(told));
    const newest = told.curve[1].at(-1) ?? told.loss; // the state is written once a second, the records sooner
    setText(this.loss, Number.isFinite(newest) ? formatLoss(newest) : "");
    this.button.dataset.status = told.status;
    this.button.setAttribute("aria-pressed", String(chosen));
    this.button.setAttribute("aria-label", `${told.name}, ${told.status}, ${shareOf(told)}, loss ${this.loss.textContent}`);
    this.draw(told.curve, axes);
  }

  draw([steps, losses], axes) {
    const { clientWidth: width, clientHeight: height } = this.area;
    if (!width) return;
    const palette = colors();
    this.layer.resize(width, height);
    const plot = { left: 1, top: 2, right: width - 1, bottom: height - 2 };
    const frame = makeFrame({ x0: 0, x1: axes.steps, y0: 0, y1: axes.loss, plot });
    this.layer.line(0, height - 1, width, height - 1, palette.line);
    strokeSeries(this.layer, frame, steps, losses, 0, palette.training, palette.lineWidth);
  }
}

/** "64 %"; of a run that ended, that it did. */
function shareOf(told) {
  if (told.status === "finished") return "done";
  return told.max_steps ? formatPercent(Math.min(1, stepOf(told) / told.max_steps)) : "";
}

export const stepOf = ({ step, curve }) => Math.max(step ?? 0, curve[0].at(-1) ?? 0);
