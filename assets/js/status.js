// One line under the pictures: how good the model is in words, what the run is doing, and what went wrong
// together with the button that repairs it.

import { announce, dataOf, followSelection, listen, select, store, summaryOf } from "./core.js";
import {
  formatChoices,
  formatCount,
  formatPercent,
  formatSeconds,
  h,
  oncePerFrame,
  setText,
  unitOf,
} from "./dom.js";
import { command } from "./page.js";
import { newsOf, qualityAt } from "./records.js";

const LASTING = new Set(["nan", "diverged"]); // notices that stay until something is done about them
const OPENED_SHOWN = 120_000; // ms: that the teacher looks on must not be missed
const NOTICE_SHOWN = 12_000; // ms: the others ("recovered", "changed") are on the curve afterwards
const MENDABLE = new Map([
  ["nan", ["Try again with a lower learning rate", "retry"]],
  ["diverged", ["Try again with a lower learning rate", "retry"]],
  ["unwatched", ["Resume", "resume"]],
]);

export function mount(box) {
  return new Status(box);
}

class Status {
  constructor(box) {
    this.quality = h("span", { class: "lv-quality" });
    this.guesses = h("span", { class: "lv-guesses" });
    this.state = h("span", { class: "lv-state" });
    this.notice = h("div", { class: "lv-notice", hidden: true });
    this.seen = { run: null, count: 0, at: 0 };
    this.line = h("div", { class: "lv-status-line" }, this.notice, this.quality, this.guesses, this.state);
    box.replaceChildren(this.line);
    const show = oncePerFrame(() => box.isConnected && this.showNow());
    followSelection(box, { selection: show, step: show, run: show, metrics: show, events: show });
    listen(box, "host", show);
    listen(box, "online", show);
  }

  showNow() {
    const summary = summaryOf();
    const data = dataOf();
    const { step } = store.selection;
    const { loss, accuracy } = qualityAt(data, step);
    setText(this.quality, summary ? qualityOf(summary, loss) : "");
    setText(
      this.guesses,
      summary && Number.isFinite(accuracy) ? `First guess right: ${formatPercent(accuracy)}` : "",
    );
    setText(this.state, summary ? stateOf(summary, Math.max(summary.step ?? 0, data?.step.at(-1) ?? 0)) : "");
    this.state.dataset.status = summary?.status ?? "";
    this.showNotice(summary, data);
    if (summary && !summary.shipped) announce(`${this.quality.textContent}. ${this.state.textContent}`);
  }

  // -------------------------------------------------------------- what went wrong, and the way out

  showNotice(summary, data) {
    const notices = newsOf(data);
    const isNew = this.seen.run !== summary?.id || this.seen.count !== notices.length;
    if (isNew) this.seen = { run: summary?.id, count: notices.length, at: performance.now() };
    const newest = noticeToShow(summary, notices, performance.now() - this.seen.at);
    this.notice.hidden = !newest;
    this.line.classList.toggle("lv-has-notice", Boolean(newest));
    const key = newest ? summary.id + newest.code + newest.text : "";
    if (key === this.noticeKey) return;
    this.noticeKey = key;
    if (!newest) return this.notice.replaceChildren();
    const [label, action] = (summary.mine && MENDABLE.get(newest.code)) || [];
    const mend = label
      ? h("button", { class: "lv-button", onclick: (event) => this.mend(event.target, summary.id, action) }, label)
      : null;
    const sign = newest.code === "changed" ? "◆" : "!"; // the sign that marks it on the curve
    this.notice.replaceChildren(
      h("span", { class: "lv-sign", "aria-hidden": "true" }, sign),
      h("span", { class: "lv-notice-text" }, newest.text),
      mend ?? "",
    );
    announce(newest.text);
  }

  async mend(button, run, action) {
    button.disabled = true;
    const answer = await command(`${run}/do/${action}`); // what is refused, command() says on the page
    button.disabled = false;
    if (answer && answer.run !== run) select({ run: answer.run, step: null });
  }
}

function noticeToShow(summary, notices, age) {
  const newest = notices.at(-1);
  if (newest && LASTING.has(newest.code)) return newest;
  if (newest?.code === "unwatched") return summary?.status === "paused" ? newest : null;
  if (summary?.status === "failed" && summary.reason)
    return { code: newest?.code ?? "failed", text: summary.reason };
  if (newest?.code === "opened") return age < OPENED_SHOWN ? newest : null;
  return newest && age < NOTICE_SHOWN && summary.status !== "finished" ? newest : null;
}

/** "Chooses among about 2 letters (started at 22; best possible 1.9)" */
function qualityOf(summary, loss) {
  if (!Number.isFinite(loss)) return "";
  const asides = [];
  if (summary.data) asides.push(`started at ${formatChoices(summary.data.vocab_size)}`);
  const best = summary.data?.best_possible_loss;
  if (Number.isFinite(best)) asides.push(`best possible ${formatChoices(Math.exp(best))}`);
  const context = asides.length ? ` (${asides.join("; ")})` : "";
  return `Chooses among about ${formatChoices(Math.exp(loss))} ${unitOf(summary)}${context}`;
}

/** What the run is doing, e.g. "training, step 120 of 600, about 12 s left"; in company its share as well:
 * "1 of 12 training now, step 120 of 600; about 40 s left at this pace". */
function stateOf(summary, step) {
  if (summary.source) return `imported: ${summary.source.name}`;
  const where = `step ${formatCount(step)} of ${formatCount(summary.max_steps ?? 0)}`;
  const { active = 1, next_turn_in_s: turn, goes_last: goesLast } = summary.queue ?? {};
  const about = summary.eta_s ? `about ${formatSeconds(summary.eta_s)} left` : "";
  const left = about && (active > 1 ? `; ${about} at this pace` : `, ${about}`);
  switch (summary.status) {
    case "preparing":
      return "preparing the text …";
    case "waiting":
      return `waiting for its turn${turn ? `, next in ${formatSeconds(turn)}` : ""}, ${where}${left}`;
    case "running":
      if (goesLast) return `nobody watches it, so others go first, ${where}${left}`;
      return `${active > 1 ? `1 of ${active} training now` : "training"}, ${where}${left}`;
    case "paused":
      return `paused at ${where}`;
    case "stopped":
      return `stopped at ${where}`;
    case "failed":
      return `stopped by a fault at ${where}`;
    case "finished":
      return `finished, ${where}`;
    default:
      return "";
  }
}
