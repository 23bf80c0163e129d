// One calm line under the pictures: how the training is doing inside, in plain words. Details open on demand:
// all readings, a row for each layer, and what is hard to guess.

import { announce, dataOf, followSelection, getJSON, store, summaryOf } from "./core.js";
import { formatCount, h, oncePerFrame, setText } from "./dom.js";
import { detailsOf } from "./healthdetails.js";
import { help } from "./help.js";
import { Latest, uniqueId } from "./panel.js";

const HELP = [
  "How the training is doing inside: every 50 steps the model is examined on one batch, layer by layer. " +
    "The line says what stands out; the details have the numbers.",
  "Train with a learning rate of 0.3: which alarm comes first, and which one before the loss shows anything?",
];
const SIGNS = { alarm: "▲", note: "●", fine: "✓" };
const NOT_EXAMINED = "This run was not examined from inside.";
const FROM_ELSEWHERE = "This model was trained elsewhere: how that went is not known here.";
const UNDER_WAY = ["preparing", "waiting", "running"];
const OVER = ["finished", "stopped"]; // then a run is told its speed, examined or not

export function mount(box) {
  return new Health(box);
}

class Health {
  constructor(box) {
    this.box = box;
    this.sign = h("span", { class: "lv-health-sign", "aria-hidden": "true" });
    this.text = h("span", { class: "lv-health-text" });
    const id = uniqueId("health");
    this.panel = h("div", { class: "lv-health-panel", id, popover: "auto", role: "dialog", "aria-label": "Inside the training" });
    this.button = h("button", { class: "lv-button lv-health-more", type: "button", hidden: true }, "Details");
    this.button.popoverTargetElement = this.panel;
    const follow = oncePerFrame(() => box.isConnected && this.follow());
    this.panel.addEventListener("toggle", () => {
      this.showDetails();
      if (!this.found?.unmeasured || !this.panel.matches(":popover-open")) return;
      this.known = ""; // the machine's limit may have been measured since
      follow();
    });
    box.replaceChildren(
      h("div", { class: "lv-health-line" }, this.sign, this.text, this.button, help(...HELP, "health")),
      this.panel,
    );
    this.latest = new Latest();
    this.found = null;
    this.known = "";
    followSelection(box, { selection: follow, step: follow, run: follow, metrics: follow });
    new IntersectionObserver(follow).observe(this.text); // a hidden tab asks for nothing; shown, it catches up
  }

  /** Ask the server when there is something new to hear: another run, another step, another diagnosis. */
  async follow() {
    const { run, step } = store.selection;
    const diagnosed = dataOf()?.diagnosed ?? null;
    const status = summaryOf()?.status;
    const key = `${run} ${step} ${diagnosed} ${status}`;
    if (!run || !status || key === this.known || this.text.offsetParent === null) return;
    this.known = key;
    const signal = this.latest.next();
    if (diagnosed === null && !OVER.includes(status)) return this.show(null);
    try {
      const found = await getJSON(`runs/${run}/diagnostics${step === null ? "" : `?step=${step}`}`);
      if (!signal.aborted) this.show(found);
    } catch {
      if (!signal.aborted) this.known = ""; // the next record asks again
    }
  }

  show(found) {
    this.found = found;
    const first = found?.readings[0];
    setText(this.sign, SIGNS[first?.level] ?? "");
    this.sign.dataset.level = first?.level ?? "";
    setText(this.text, first?.text ?? whyNothing(summaryOf()));
    this.text.title = first?.text ?? "";
    this.button.hidden = !(first || found?.roofline || found?.unmeasured);
    const more = first ? found.readings.length - 1 : 0;
    setText(this.button, more > 0 ? `Details, and ${formatCount(more)} more` : "Details");
    if (first?.level === "alarm") announce(first.text);
    this.showDetails();
  }

  showDetails() {
    if (!this.panel.matches(":popover-open")) return;
    const close = h("button", { class: "lv-button", type: "button", onclick: () => this.panel.hidePopover() }, "Close");
    this.panel.replaceChildren(...(this.found ? detailsOf(this.found, close) : [close]));
  }
}

function whyNothing(summary) {
  if (summary?.source) return FROM_ELSEWHERE;
  return UNDER_WAY.includes(summary?.status) ? "" : NOT_EXAMINED;
}
