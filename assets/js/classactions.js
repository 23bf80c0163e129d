// What a teacher does with the whole class: eyes on me, the end of the lesson, its plan, everything to take
// home, and a clean table afterwards.

import { base, store } from "./core.js";
import { formatCount, h, setText } from "./dom.js";
import { clockTime } from "./lesson.js";
import { complain } from "./page.js";
import { teach } from "./teacher.js";

const LIMITS = { parameters: "Parameters", steps: "Steps", context: "Context", runs: "Runs each" };

export class ClassActions {
  /** @param {() => object | null} message the newest that is known of the class */
  constructor(message, presets) {
    this.message = message;
    const button = (label, onclick, more = {}) => h("button", { type: "button", class: "lv-button", onclick, ...more }, label);
    this.freeze = button("Eyes on me", () => teach("freeze", { frozen: !store.host?.class?.frozen }), { id: "lv-freeze" });
    this.time = h("input", { type: "time", class: "lv-input", "aria-label": "Time at which the lesson is done" });
    this.end = button("Done at", () => this.setDeadline(), { id: "lv-done-at" });
    this.noEnd = button("No deadline", () => teach("deadline", { deadline: null }));
    this.plan = new Plan(presets);
    this.take = button("Download all", () => this.download());
    this.element = h(
      "div",
      { class: "lv-class-actions" },
      this.freeze,
      h("span", { class: "lv-class-end" }, this.end, this.time, this.noEnd),
      this.plan.button,
      this.take,
      button("Clear the class", () => this.clear()),
      this.plan.panel,
    );
  }

  show() {
    const lesson = store.host?.class ?? {};
    setText(this.freeze, lesson.frozen ? "Go on" : "Eyes on me");
    this.freeze.setAttribute("aria-pressed", String(Boolean(lesson.frozen)));
    this.noEnd.hidden = !lesson.deadline;
    setText(this.noEnd, lesson.deadline ? `Not at ${clockTime(lesson.deadline)}` : "");
    this.plan.show();
  }

  /** The time is the one on the teacher's wall; the server counts seconds, so time zones do not matter. */
  setDeadline() {
    const [hours, minutes] = this.time.value.split(":").map(Number);
    if (!this.time.value) return complain(["Please choose the time at which the lesson is done."]);
    const at = new Date();
    at.setHours(hours, minutes, 0, 0);
    return teach("deadline", { deadline: at.getTime() / 1000 });
  }

  async download() {
    this.take.disabled = true;
    setText(this.take, "Packing …");
    const answer = await teach("zip");
    this.take.disabled = false;
    setText(this.take, "Download all");
    if (answer) location.assign(`${base}teacher/zip/${answer.ticket}`);
  }

  async clear() {
    const count = (this.message()?.runs.length ?? 0) + (this.message()?.hidden ?? 0);
    const question = `Delete all ${formatCount(count)} runs of the class, with their models and texts? This cannot be undone.`;
    if (confirm(question)) await teach("clear");
  }
}

/** The size that everybody's Train begins with, and limits lower than the machine's. */
class Plan {
  constructor(presets) {
    const options = Object.entries(presets).map(([name, label]) => h("option", { value: name }, label));
    const free = h("option", { value: "" }, "as on any other day");
    this.preset = h("select", { class: "lv-input", id: "lv-plan-preset" }, free, ...options);
    this.limits = Object.fromEntries(
      Object.keys(LIMITS).map((name) => [name, h("input", { type: "number", class: "lv-input", min: 1, step: 1, id: `lv-plan-${name}` })]),
    );
    this.panel = h(
      "form",
      { class: "lv-popover lv-plan", hidden: true, onsubmit: (event) => this.apply(event) },
      h("label", {}, "Train begins with", this.preset),
      ...Object.entries(this.limits).map(([name, input]) => h("label", {}, `${LIMITS[name]}, at most`, input)),
      h("button", { type: "submit", class: "lv-button lv-primary" }, "Use in this lesson"),
    );
    this.button = h("button", { type: "button", class: "lv-button", "aria-expanded": "false", onclick: () => this.toggle() }, "Lesson");
    this.panel.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.toggle(false);
    });
  }

  toggle(open = this.panel.hidden) {
    this.panel.hidden = !open;
    this.button.setAttribute("aria-expanded", String(open));
    if (open) this.preset.focus();
  }

  /** Filled in anew while nobody is writing in it. */
  show() {
    const { limits = {}, class: lesson = {} } = store.host ?? {};
    if (!this.panel.hidden || !lesson.on) return;
    this.preset.value = lesson.preset ?? "";
    for (const [name, input] of Object.entries(this.limits)) {
      input.placeholder = limits[name] ? `now ${formatCount(limits[name])}` : "";
      input.value = lesson.limits?.[name] ?? "";
    }
  }

  async apply(event) {
    event.preventDefault();
    const limits = Object.fromEntries(
      Object.entries(this.limits).map(([name, { value }]) => [name, value === "" ? null : Number(value)]),
    );
    if (await teach("plan", { preset: this.preset.value || null, limits })) this.toggle(false);
  }
}
