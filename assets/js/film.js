// The film strip: what the model wrote at steps 0, 4, 16, 64 … and what it writes now, always from the same
// beginning and the same sampling seed. All rows stand there from the first moment, so nothing reflows.

import { dataOf, followSelection, job, select, store, summaryOf } from "./core.js";
import { formatCount, h, oncePerFrame, setText } from "./dom.js";
import { help } from "./help.js";
import { command } from "./page.js";
import { wordNodes, wordsOf } from "./words.js";

const ACTIVE = new Set(["preparing", "waiting", "running", "paused"]);

const HELP = [
  "Every row is the same model at another step of its training; all write from the same beginning with the same " +
    "dice, so that only what it has learned differs. Underlined words occur in its text, dotted ones are new.",
  "Find the first row that holds a whole word of the text, then click its step: the other tabs now show the " +
    "model as it was at that moment.",
];

/** The steps whose rows stay: 0, 4, 16, 64, 256 … as far as the budget goes. */
export function filmSteps(maxSteps) {
  const steps = [0];
  for (let step = 4; step < maxSteps; step *= 4) steps.push(step);
  return steps;
}

export function mount(box) {
  return new Film(box);
}

class Film {
  constructor(box) {
    this.box = box;
    this.known = null; // words of the corpus
    this.own = null; // {prompt, rows, error, running} once the reader typed a beginning
    this.build();
    this.show = oncePerFrame(() => box.isConnected && this.showNow());
    new ResizeObserver(() => this.fitLines()).observe(this.strip);
    followSelection(box, {
      selection: () => this.newRun(),
      step: () => this.show(),
      run: () => this.onRun(),
      events: () => this.show(),
    });
  }

  build() {
    this.input = h("input", {
      class: "lv-input",
      type: "text",
      maxlength: 200,
      autocomplete: "off",
      spellcheck: "false",
      placeholder: "your own beginning …",
      "aria-label": "Your own beginning for every row",
    });
    this.button = h("button", { class: "lv-button", type: "submit" }, "Write");
    const form = h(
      "form",
      { class: "lv-film-form", onsubmit: (event) => this.onSubmit(event) },
      this.input,
      this.button,
    );
    this.strip = h("ol", { class: "lv-strip", "aria-label": "What the model wrote at each step" });
    this.legend = h("div", { class: "lv-film-legend" });
    this.box.replaceChildren(
      h(
        "div",
        { class: "lv-film-bar" },
        h("span", { class: "lv-caption" }, "What it writes"),
        help(...HELP, "film"),
        form,
      ),
      this.strip,
      this.legend,
    );
  }

  newRun() {
    this.abort?.abort();
    this.own = null;
    this.known = null;
    this.planned = null;
    this.input.value = "";
    this.onRun();
  }

  onRun() {
    const summary = summaryOf();
    if (summary?.data && !summary.source && !this.known) {
      const { run } = store.selection;
      wordsOf(summary).then(
        (words) => {
          if (run !== store.selection.run) return;
          this.known = words;
          this.written?.fill(null); // write every row again, now with its underlines
          this.show();
        },
        () => {},
      );
    }
    this.show();
  }

  // -------------------------------------------------------------- another beginning

  onSubmit(event) {
    event.preventDefault();
    const { run } = store.selection;
    const summary = summaryOf(run);
    if (!run) return;
    if (summary?.mine && ACTIVE.has(summary.status)) command(`${run}/change`, { prompt: this.input.value });
    this.ask(this.input.value);
  }

  /** Fill every row anew from the snapshots. */
  async ask(prompt) {
    this.abort?.abort();
    this.abort = new AbortController();
    const { signal } = this.abort;
    this.own = { prompt, rows: [], error: null, running: true };
    this.show();
    await job("film", { run: store.selection.run, prompt }, (message) => this.hear(message), signal);
    if (signal.aborted) return;
    this.own.running = false;
    this.show();
  }

  hear(message) {
    if (message.error) this.own.error = message.error;
    if (message.rows) this.own.rows = message.rows;
    this.show();
  }

  // -------------------------------------------------------------- the rows

  /** Every row there will ever be in this run, empty until its step comes. */
  plan(summary) {
    const last = ACTIVE.has(summary.status) ? summary.max_steps : summary.step; // some end before their time
    const key = summary.source ? "imported" : `${summary.max_steps} ${last}`;
    if (this.planned === key) return;
    this.planned = key;
    // Nobody has those of an imported model.
    const earlier = summary.source ? [] : filmSteps(summary.max_steps).filter((step) => step < last);
    const steps = [...earlier, null]; // null: now
    this.rows = steps.map((step) => {
      const label = h("button", { class: "lv-film-step", title: "Look at the model as it was at this step" });
      const text = h("div", { class: "lv-film-text" });
      const element = h("li", { class: step === null ? "lv-film-row lv-now" : "lv-film-row" }, label, text);
      label.addEventListener("click", () => select({ step }));
      return { step, element, label, text };
    });
    this.written = this.rows.map(() => null);
    this.strip.replaceChildren(...this.rows.map((row) => row.element));
    const above = earlier.length ? `repeat(${earlier.length}, minmax(1.25em, 1fr)) ` : "";
    this.strip.style.gridTemplateRows = `${above}minmax(1.25em, 1.7fr)`;
    this.fitLines();
    this.strip.scrollTop = this.strip.scrollHeight; // where there is no room for all, the newest are seen
  }

  showNow() {
    const summary = summaryOf();
    setText(this.legend, "");
    if (!summary?.max_steps && !summary?.source)
      return this.strip.replaceChildren(
        h("li", { class: "lv-chart-note" }, "What a model writes appears here, from its first step on."),
      );
    this.plan(summary);
    const samples = this.samples(summary);
    const newest = samples.at(-1);
    this.rows.forEach((row, i) => {
      const sample = row.step === null ? newest : samples.find((one) => one.step === row.step);
      const shownAbove = row.step === null && this.isShownAbove(summary, newest);
      this.write(i, shownAbove ? null : sample);
      const name = row.step !== null ? formatCount(row.step) : this.nameOfNewest(summary, newest);
      setText(row.label, name);
      row.label.disabled = !sample;
    });
    this.highlight();
    this.explain();
  }

  /** One sample a step, ascending, all from the beginning now in use. */
  samples(summary) {
    const prompt = this.own?.prompt ?? null;
    const events = (dataOf()?.events ?? []).filter(
      (event) => event.kind === "sample" || event.kind === "now",
    );
    const first = events.at(-1)?.prompt ?? "";
    const fitting = events.filter((event) => (event.prompt ?? "") === (prompt ?? first));
    const asked = this.own?.rows.map((row) => ({ prompt, ...row })) ?? [];
    const byStep = new Map([...asked, ...fitting].map((sample) => [sample.step, sample]));
    const opening = summary.opening?.sample;
    if (!byStep.size && opening && prompt === null)
      byStep.set(summary.step, { step: summary.step, ...opening });
    return [...byStep.values()].sort((a, b) => a.step - b.step);
  }

  /** Whether the last row would only repeat another. While a run trains it may: it says what is written now. */
  isShownAbove(summary, newest) {
    if (ACTIVE.has(summary.status)) return newest?.step === 0 && this.rows.length > 1;
    return this.rows.some((row) => row.step !== null && row.step === newest?.step);
  }

  nameOfNewest(summary, newest) {
    if (ACTIVE.has(summary.status) || summary.source || !newest) return "now";
    return formatCount(this.isShownAbove(summary, newest) ? summary.step : newest.step);
  }

  write(i, sample) {
    const key = sample ? `${sample.prompt ?? ""}\n${sample.text}` : "";
    if (this.written[i] === key) return;
    this.written[i] = key;
    const { text } = this.rows[i];
    if (!sample)
      return text.replaceChildren(h("span", { class: "lv-film-empty" }, this.own?.running ? "…" : "·"));
    const prompt = sample.prompt ?? "";
    const wrote = prompt && sample.text.startsWith(prompt) ? sample.text.slice(prompt.length) : sample.text;
    text.replaceChildren(
      prompt ? h("b", { class: "lv-prompt" }, prompt) : "",
      ...wordNodes(wrote, this.known),
    );
    text.title = prompt + wrote;
  }

  /** The row of the step the time machine stands at: the last one not after it. */
  highlight() {
    const { step } = store.selection;
    const chosen = step === null ? null : this.rows.findLast((row) => row.step !== null && row.step <= step);
    for (const row of this.rows) {
      row.element.classList.toggle("lv-chosen", row === chosen);
      row.label.setAttribute("aria-pressed", String(row === chosen));
    }
  }

  explain() {
    const imported = Boolean(summaryOf()?.source);
    if (this.own?.error) return setText(this.legend, this.own.error);
    if (this.own?.running) return setText(this.legend, "Every kept step writes from your beginning …");
    if (imported) return setText(this.legend, "Write a beginning above, and the model carries on from it.");
    this.legend.replaceChildren(
      h("span", { class: "lv-word" }, "word of the text"),
      " · ",
      h("span", { class: "lv-word lv-new" }, "new word"),
      " · click a step to look at that model",
    );
  }

  /** Whole lines only: half a line at the foot of a row looks like a mistake. */
  fitLines() {
    for (const { element, text } of this.rows ?? []) {
      const lineHeight = parseFloat(getComputedStyle(text).lineHeight) || 18;
      const lines = Math.max(1, Math.floor((element.clientHeight - 4) / lineHeight));
      text.style.maxHeight = `${lines * lineHeight}px`;
      text.classList.toggle("lv-one-line", lines === 1);
    }
  }
}
