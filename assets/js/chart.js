// The loss chart: one canvas component that keeps still. y runs from 0 to ln V + 0.3 and x over the whole
// budget from the first moment, so an update only ever adds a few strokes at the end of a line.
//
// Three layers: the paper (axes, blind guess, best possible), the ink (training loss, only ever appended to)
// and the glass (validation, labels, markers, crosshair: cheap to wipe).

import { colors, dataOf, followSelection, listen, onTheme, store, summaryOf } from "./core.js";
import { chartTable } from "./chart-table.js";
import { drawGlass, drawPaper } from "./chart-drawing.js";
import { formatChoices, formatCount, formatPercent, h, oncePerFrame, setText, unitOf } from "./dom.js";
import { help } from "./help.js";
import { Layer, strokeSeries } from "./layers.js";
import { evaluationAt, nearest } from "./records.js";
import { makeFrame, tailOf } from "./scales.js";

const HEADROOM = 0.3; // nats above a blind guess
const NEAR_MARKER = 8; // px

const HELP = [
  "The loss is how surprised the model was by the true next token; the axis on the right says the same as a " +
    "choice, as unsure as if it guessed among so many. The training line comes from the text it learns from, the " +
    "validation line from text it never learns from. Up to step 200 a point is one step, which is jagged; later " +
    "it is the mean of a tenth of a second of steps, which is smoother: the training itself did not change.",
  "Point at the steepest part of the line and read the step; then compare the rows of “What it writes” before " +
    "and after it: what has the model just learned?",
];

export function mount(box, props, trigger) {
  return new Chart(box, props, trigger);
}

class Chart {
  constructor(box, props, trigger) {
    this.box = box;
    this.view = { log: false, tail: false };
    this.cursor = null; // the step under the pointer or the keyboard
    this.pinned = false;
    this.drawn = { upTo: 0, version: -1, frame: "" };
    this.build(props, trigger);
    this.draw = oncePerFrame(() => this.drawNow());
    new ResizeObserver(() => this.fit()).observe(this.area);
    onTheme(() => this.redraw());
    followSelection(box, {
      selection: () => this.newRun(),
      step: () => this.draw(),
      run: () => this.draw(),
      metrics: () => this.draw(),
      events: () => this.draw(),
    });
    listen(box, "host", () => this.draw());
    this.fit();
  }

  // -------------------------------------------------------------- the elements

  build(props, trigger) {
    this.area = h("div", {
      class: "lv-chart-area",
      tabindex: 0,
      role: "slider",
      "aria-valuemin": 0,
      "aria-label": "Loss over the steps of training. Arrow keys move the cursor, Enter pins it.",
    });
    this.paper = new Layer(this.area);
    this.ink = new Layer(this.area);
    this.glass = new Layer(this.area);
    this.tip = h("div", { class: "lv-tip", hidden: true });
    this.note = h("div", { class: "lv-chart-note", hidden: true });
    this.area.append(this.tip, this.note);
    this.table = chartTable(() => ({ summary: summaryOf(), data: dataOf() }));
    const bar = h(
      "div",
      { class: "lv-chart-bar" },
      h("span", { class: "lv-caption" }, "loss"),
      h(
        "div",
        { class: "lv-tools", role: "group", "aria-label": "How the chart is drawn" },
        this.toggle("Log steps", "log", "Stretch the first steps"),
        this.toggle("Zoom to tail", "tail", "Show only the last third of what was trained"),
        this.table.button,
        props.explore
          ? h(
              "button",
              {
                class: "lv-button",
                title: "Zoom, hover and compare in Plotly",
                onclick: () => trigger("explore", { run: store.selection.run }),
              },
              "Explore",
            )
          : null,
        help(...HELP, "chart"),
      ),
      h("span", { class: "lv-caption" }, "chooses among about"),
    );
    this.box.replaceChildren(bar, this.area, this.table.panel);
    this.listenToPointer();
    this.area.addEventListener("keydown", (event) => this.onKey(event));
  }

  toggle(label, name, title) {
    const button = h("button", { class: "lv-button", title, "aria-pressed": "false" }, label);
    button.addEventListener("click", () => {
      this.view[name] = !this.view[name];
      button.setAttribute("aria-pressed", String(this.view[name]));
      this.redraw();
    });
    return button;
  }

  // -------------------------------------------------------------- drawing

  fit() {
    const { clientWidth, clientHeight } = this.area;
    if (!clientWidth || !clientHeight) return;
    for (const layer of [this.paper, this.ink, this.glass]) layer.resize(clientWidth, clientHeight);
    this.redraw();
  }

  newRun() {
    this.cursor = null;
    this.pinned = false;
    this.redraw();
  }

  /** Start afresh at the next frame: other axes, other colours, other points. */
  redraw() {
    this.drawn.frame = "";
    this.draw();
  }

  drawNow() {
    if (!this.paper.width || !this.box.isConnected) return;
    const summary = summaryOf();
    const data = dataOf();
    const scene = this.sceneOf(summary, data);
    this.scene = scene;
    setText(this.note, scene ? "" : whyEmpty(summary));
    this.note.hidden = Boolean(scene);
    this.area.setAttribute("aria-valuemax", scene ? scene.frame.x1 : 0);
    this.area.setAttribute("aria-valuenow", this.cursor ?? data?.step.at(-1) ?? 0);
    if (!scene) {
      this.tip.hidden = true;
      this.drawn.frame = ""; // what comes next is drawn afresh, in whatever colours hold then
      return [this.paper, this.ink, this.glass].forEach((layer) => layer.clear());
    }
    const sameFrame = this.drawn.frame === scene.key && this.drawn.version === data.version;
    if (!sameFrame) this.startAfresh(scene, data);
    this.appendInk(scene, data);
    drawGlass(this.glass, scene, { cursor: this.cursor, selected: store.selection.step });
    this.showTip();
  }

  startAfresh(scene, data) {
    for (const layer of [this.paper, this.ink, this.glass]) {
      layer.context.font = `${scene.palette.textSize}px ${scene.palette.font}`;
    }
    drawPaper(this.paper, scene);
    this.ink.clear();
    this.drawn = { upTo: 0, version: data.version, frame: scene.key };
  }

  /** Only the new end of the training line is stroked. */
  appendInk(scene, data) {
    if (this.drawn.upTo === data.step.length) return;
    const { frame, palette } = scene;
    const { context } = this.ink;
    const { left, top, right, bottom } = frame.plot;
    context.save();
    context.beginPath();
    context.rect(left, top - 4, right - left + 4, bottom - top + 8);
    context.clip();
    const start = Math.max(0, this.drawn.upTo - 1);
    strokeSeries(this.ink, frame, data.step, data.loss, start, palette.training, palette.lineWidth);
    context.restore();
    this.drawn.upTo = data.step.length;
  }

  /** Everything a drawing needs, in one plain object; null while the vocabulary is not known. */
  sceneOf(summary, data) {
    const vocabulary = summary?.data?.vocab_size;
    if (!vocabulary || !data || summary.source) return null;
    const palette = this.drawn.frame ? this.scene.palette : colors();
    const blind = Math.log(vocabulary);
    const best = summary.data.best_possible_loss ?? null;
    const budget = Math.max(summary.max_steps ?? 0, data.step.at(-1) ?? 0, 1);
    const size = palette.textSize;
    const plot = {
      left: size * 2.6,
      top: size / 2,
      right: this.paper.width - size * 3.2,
      bottom: this.paper.height - size * 1.8,
    };
    const whole = { x0: 0, x1: budget, y0: 0, y1: blind + HEADROOM };
    const bounds = (this.view.tail && tailOf(data, budget)) || whole;
    const frame = makeFrame({ ...bounds, log: this.view.log, plot });
    const key = [
      summary.id,
      Object.values(bounds),
      this.view.log,
      this.paper.width,
      this.paper.height,
      best,
    ].join();
    return {
      frame,
      key,
      palette,
      blind,
      best,
      vocabulary,
      summary,
      data,
      unit: unitOf(summary),
      tail: bounds !== whole,
    };
  }

  // -------------------------------------------------------------- reading values

  listenToPointer() {
    const stepAt = (event) =>
      this.scene?.frame.stepAt(event.clientX - this.area.getBoundingClientRect().left);
    this.area.addEventListener("pointermove", (event) => {
      if (!this.pinned) this.moveTo(stepAt(event));
    });
    this.area.addEventListener("pointerleave", () => {
      if (!this.pinned) this.moveTo(null);
    });
    this.area.addEventListener("click", (event) => {
      const step = stepAt(event);
      const samePlace = this.pinned && Math.abs(step - this.cursor) < (this.scene?.frame.x1 ?? 0) / 100;
      this.moveTo(samePlace ? null : step);
      this.pinned = this.cursor !== null; // of a chart without points there is nothing to pin
    });
  }

  onKey(event) {
    const steps = dataOf()?.step ?? [];
    if (!steps.length) return;
    const last = steps.length - 1;
    const at = this.cursor === null ? last : nearest(steps, this.cursor);
    const far = Math.max(1, Math.round(steps.length / 10));
    const moves = {
      ArrowLeft: at - 1,
      ArrowDown: at - 1,
      ArrowRight: at + 1,
      ArrowUp: at + 1,
      PageDown: at - far,
      PageUp: at + far,
      Home: 0,
      End: last,
      Enter: at,
    };
    if (event.key === "Escape") {
      this.pinned = false;
      this.moveTo(null);
    } else if (event.key in moves) {
      this.pinned = true;
      this.moveTo(steps[Math.min(last, Math.max(0, moves[event.key]))]);
    } else return;
    event.preventDefault();
  }

  moveTo(step) {
    const steps = dataOf()?.step ?? [];
    this.cursor = step === null || step === undefined || !steps.length ? null : steps[nearest(steps, step)];
    if (this.cursor !== null && this.scene) {
      this.area.setAttribute(
        "aria-valuetext",
        valuesAt(this.scene, this.cursor)
          .map((row) => row.join(" "))
          .join(", "),
      );
    }
    this.draw();
  }

  showTip() {
    this.tip.hidden = this.cursor === null;
    if (this.cursor === null) return;
    const { frame } = this.scene;
    const rows = valuesAt(this.scene, this.cursor);
    this.tip.replaceChildren(
      ...rows.map(([name, value]) =>
        h("div", { class: "lv-tip-row" }, h("span", {}, name), h("b", {}, value)),
      ),
    );
    this.tip.classList.toggle("lv-pinned", this.pinned);
    const x = frame.x(this.cursor);
    const onLeft = x > (frame.plot.left + frame.plot.right) / 2;
    this.tip.style.left = `${onLeft ? x - this.tip.offsetWidth - 12 : x + 12}px`;
    this.tip.style.top = `${frame.plot.top + 4}px`;
  }
}

/** The exact numbers at `step`, as [name, value] pairs. */
function valuesAt({ data, frame, unit }, step) {
  const index = nearest(data.step, step);
  const evaluation = evaluationAt(data, step);
  const rows = [
    ["step", formatCount(step)],
    ["training loss", exactly(data.loss[index])],
  ];
  if (evaluation) {
    const estimate = evaluation[3] ? "" : ", estimate";
    rows.push([`validation loss (step ${formatCount(evaluation[0])}${estimate})`, exactly(evaluation[1])]);
  }
  rows.push(["chooses among about", `${formatChoices(Math.exp(data.loss[index]))} ${unit}`]);
  if (Number.isFinite(data.accuracy[index]))
    rows.push(["first guess right", formatPercent(data.accuracy[index])]);
  const near = data.events.filter(
    (event) => event.kind === "notice" && Math.abs(frame.x(event.step) - frame.x(step)) < NEAR_MARKER,
  );
  for (const notice of near) rows.push([`step ${formatCount(notice.step)}`, notice.text]);
  return rows;
}

const exactly = (nats) => (Number.isFinite(nats) ? nats.toFixed(4) : "not a number");

function whyEmpty(summary) {
  if (!summary) return "Choose a model above, or press Train.";
  if (summary.source)
    return `${summary.source.name} was trained elsewhere, so there is no curve to show. The other tabs look inside it.`;
  if (summary.status === "failed") return summary.reason ?? "This run could not start.";
  return "Preparing the text…";
}
