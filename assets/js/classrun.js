// What a teacher may do with one run: a line at the foot of the screen for the card that was pressed.

import { select } from "./core.js";
import { formatCount, formatLoss, formatSeconds, h, setText } from "./dom.js";
import { ENDED, stepOf } from "./classcard.js";
import { teach } from "./teacher.js";

export class RunActions {
  constructor(onclose) {
    this.told = null;
    this.words = h("span", { class: "lv-class-words" });
    const button = (label, onclick, title = "") => h("button", { type: "button", class: "lv-button", title, onclick }, label);
    this.pause = button("Pause", () => this.act(this.told.status === "paused" ? "resume" : "pause"));
    this.stop = button("Stop", () => this.act("stop"));
    this.delete = button("Delete", () => this.remove());
    this.open = button("Open (the student sees it)", () => this.look(), "Look into the run; its owner is told");
    const close = button("Close", onclose);
    this.element = h("div", { class: "lv-class-run", hidden: true }, this.words, this.pause, this.stop, this.delete, this.open, close);
  }

  show(told) {
    this.told = told;
    this.element.hidden = !told;
    if (!told) return;
    const over = ENDED.has(told.status);
    setText(this.words, wordsOf(told));
    setText(this.pause, told.status === "paused" ? "Resume" : "Pause");
    this.pause.disabled = this.stop.disabled = over;
  }

  act(action) {
    return teach(`runs/${this.told.key}/do/${action}`);
  }

  remove() {
    if (confirm(`Delete “${this.told.name}”, with its model and its text? This cannot be undone.`)) this.act("delete");
  }

  async look() {
    const answer = await teach(`runs/${this.told.key}/open`);
    if (!answer) return;
    select({ run: answer.run, step: null });
    [...document.querySelectorAll("#lv-tabs [role=tab]")].find((tab) => tab.textContent.trim() === "Train")?.click();
  }
}

function wordsOf(told) {
  const { name, status, max_steps: most, loss, eta_s: left } = told;
  const parts = [`${name}: ${status}`, `step ${formatCount(stepOf(told))} of ${formatCount(most ?? 0)}`];
  if (Number.isFinite(loss)) parts.push(`loss ${formatLoss(loss)}`);
  if (told.queue) parts.push(`${told.queue.training_now} of ${told.queue.active} train at a time`);
  if (left) parts.push(`about ${formatSeconds(left)} left`);
  return parts.join(", ");
}
