// The Class tab: every run of the class on one screen, and what a teacher does with them all.

import { listen, onTheme, store } from "./core.js";
import { formatCount, h, oncePerFrame, setText } from "./dom.js";
import { Card, ENDED } from "./classcard.js";
import { ClassActions } from "./classactions.js";
import { RunActions } from "./classrun.js";
import { whenVisible } from "./panel.js";
import { isTeacher, watchClass } from "./teacher.js";

/** `props.value.presets`: {name: what it is called}. */
export function mount(box, props) {
  return new ClassView(box, props.value?.presets ?? {});
}

class ClassView {
  constructor(box, presets) {
    this.cards = new Map(); // key -> Card
    this.message = null;
    this.chosen = null; // the key of the run whose actions are shown
    this.summary = h("p", { class: "lv-class-summary" });
    this.axes = h("p", { class: "lv-class-axes" });
    this.grid = h("div", { class: "lv-class-grid", role: "list" });
    this.earlier = h("div", { class: "lv-class-grid", role: "list" });
    this.earlierTitle = h("h3", { class: "lv-class-earlier" }, "Earlier runs of the same students");
    this.actions = new ClassActions(() => this.message, presets);
    this.run = new RunActions(() => this.choose(null));
    box.replaceChildren(
      h("div", { class: "lv-class-bar" }, this.summary, this.actions.element),
      this.axes,
      this.grid,
      this.earlierTitle,
      this.earlier,
      this.run.element,
    );
    this.show = oncePerFrame(() => box.isConnected && this.showNow());
    new ResizeObserver(this.show).observe(this.grid);
    onTheme(this.show);
    listen(box, "host", this.show);
    listen(box, "teacher", () => this.connect());
    document.addEventListener("visibilitychange", () => this.connect());
    whenVisible(box, (visible) => {
      this.visible = visible;
      this.connect();
    });
    this.show();
  }

  /** Listen while somebody looks, and only then. */
  connect() {
    const wanted = this.visible && isTeacher() && !document.hidden;
    if (wanted === Boolean(this.listening)) return;
    this.listening?.abort();
    this.listening = wanted ? new AbortController() : null;
    if (!isTeacher()) this.message = null;
    if (wanted) watchClass((message) => this.hear(message), this.listening.signal);
    this.show();
  }

  hear(message) {
    this.message = message;
    this.show();
  }

  choose(key) {
    this.chosen = key === this.chosen ? null : key;
    this.show();
  }

  showNow() {
    const message = this.message;
    this.actions.show();
    if (!message) {
      this.grid.replaceChildren();
      this.earlier.replaceChildren();
      this.cards.clear();
      this.run.show(null);
      return setText(this.summary, isTeacher() ? "Looking at the class …" : "Please sign in to see the class.");
    }
    setText(this.summary, summaryOf(message));
    const axes = axesOf(message.runs);
    setText(this.axes, message.runs.length ? sentenceOf(axes, message) : "No run yet: the class appears here.");
    this.place(message.runs);
    for (const told of message.runs) this.cards.get(told.key).show(told, axes, told.key === this.chosen);
    this.run.show(message.runs.find(({ key }) => key === this.chosen) ?? null);
  }

  /** A card for every run: the newest of each student first, in the order in which they came. */
  place(runs) {
    for (const { key } of runs) {
      if (!this.cards.has(key)) this.cards.set(key, new Card(() => this.choose(key)));
    }
    const keys = new Set(runs.map(({ key }) => key));
    for (const key of [...this.cards.keys()]) if (!keys.has(key)) this.cards.delete(key);
    const newest = runs.filter((run) => run.newest);
    const older = runs.filter((run) => !run.newest);
    fill(this.grid, newest.map(({ key }) => this.cards.get(key).element));
    fill(this.earlier, older.map(({ key }) => this.cards.get(key).element));
    this.earlierTitle.hidden = !older.length;
  }
}

/** Replace the children only where they differ: a card that is pressed must not move. */
function fill(parent, children) {
  const same = parent.children.length === children.length && children.every((child, at) => parent.children[at] === child);
  if (!same) parent.replaceChildren(...children);
}

/** The same for all curves: steps to the right, loss upwards. */
function axesOf(runs) {
  const steps = runs.map((run) => Math.max(run.max_steps ?? 0, run.curve[0].at(-1) ?? 0));
  const losses = runs.flatMap((run) => run.curve[1]);
  return { steps: Math.max(1, ...steps), loss: Math.max(0.1, ...losses) };
}

function sentenceOf({ steps, loss }, { hidden }) {
  const left_out = hidden ? ` ${formatCount(hidden)} older runs are not shown.` : "";
  return `Every curve: loss from 0 to ${loss.toFixed(1)}, steps from 0 to ${formatCount(steps)}.${left_out}`;
}

function summaryOf({ runs, training, busy, cores, memory }) {
  const ended = runs.filter((run) => ENDED.has(run.status)).length;
  return [
    `${formatCount(runs.length)} ${runs.length === 1 ? "run" : "runs"}: ${training} training, ${ended} ended`,
    `${busy} of ${cores} cores busy`,
    `memory ${(memory.used / 1e9).toFixed(1)} of ${(memory.total / 1e9).toFixed(1)} GB`,
  ].join(" · ");
}
