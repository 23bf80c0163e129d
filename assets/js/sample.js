// The Sample panel: the chosen model carries on a prompt, token by token, and the bars show what it
// chooses from.

import { followSelection, job, store, summaryOf } from "./core.js";
import { h, setText } from "./dom.js";
import { NextTokenBars } from "./bars.js";
import { help } from "./help.js";
import {
  chosenModel,
  debounce,
  Latest,
  openPanel,
  sayIfSlow,
  uniqueId,
  unitOfOne,
  whenVisible,
} from "./panel.js";
import { joined, keepSample, newestSample } from "./samples.js";
import { Sliders } from "./sliders.js";
import { WrittenText } from "./written.js";

const HELP = [
  "The model reads the prompt and gives every token it knows a probability; one is drawn, added to the text, " +
    "and the whole is read again. The bars are those probabilities for the very next token, after " +
    "temperature, top-k and top-p.",
  "Set the temperature to 0.2, then to 2, and write each time: which text is dull, which is wild, and how do " +
    "the bars differ?",
];

export function mount(box, props) {
  openPanel(box, "sample");
  new SamplePanel(box, props.value?.controls ?? []);
}

class SamplePanel {
  constructor(box, controls) {
    this.box = box;
    this.visible = false;
    this.stale = true;
    this.vocabulary = { run: null, names: [] };
    this.writing = new Latest();
    this.guessing = new Latest();
    this.sliders = new Sliders(controls, () => this.bars.draw());
    this.bars = new NextTokenBars(() => this.sliders.values());
    this.written = new WrittenText((index) => this.#lookBack(index));
    this.#build();
    followSelection(box, {
      selection: () => this.#newRun(),
      step: () => this.#newStep(),
      run: () => this.#newWeights(),
    });
    whenVisible(box, (visible) => {
      this.visible = visible;
      if (visible && this.stale && !this.settling) this.#guess();
    });
  }

  #build() {
    const id = uniqueId("prompt");
    const guessSoon = debounce(() => this.#guess(), 300);
    this.prompt = h("textarea", {
      id,
      class: "field prompt",
      rows: 2,
      spellcheck: "false",
      maxlength: 2000,
      oninput: () => {
        this.typed = true;
        guessSoon();
      },
      onkeydown: (event) => {
        if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
        event.preventDefault();
        this.#write();
      },
    });
    const button = (text, onclick, extra = "") =>
      h("button", { type: "button", class: `button ${extra}`, onclick }, text);
    this.writeButton = button("Write", () => this.#write(), "primary");
    this.stopButton = button("Stop", () => this.#stop());
    this.copyButton = button("Copy", () => this.#copy());
    this.stopButton.disabled = this.copyButton.disabled = true;
    this.written.page.addEventListener("pointerenter", () => this.#cutOpening());
    this.notice = h("p", { class: "notice", role: "status", hidden: true });
    const { temperature, top_k, top_p, sample_seed, max_new_tokens } = this.sliders.elements;
    this.box.append(
      h(
        "div",
        { class: "sample-body" },
        h(
          "section",
          { class: "writing", "aria-label": "Writing" },
          h(
            "div",
            { class: "bar-top" },
            h("label", { for: id, class: "label" }, "Prompt"),
            this.prompt,
            help(...HELP, "sample"),
          ),
          h(
            "div",
            { class: "actions" },
            this.writeButton,
            this.stopButton,
            this.copyButton,
            sample_seed,
            max_new_tokens,
          ),
          this.notice,
          this.written.element,
        ),
        h(
          "section",
          { class: "choosing", "aria-label": "Choosing the next token" },
          h("div", { class: "sliders" }, temperature, top_k, top_p),
          this.bars.element,
        ),
      ),
    );
  }

  // ------------------------------------------------------------ following the header

  async #newRun() {
    const { run } = store.selection;
    this.#stop();
    this.written.clear();
    this.stale = true;
    if (!run) return;
    this.settling = true; // the prompt is about to be filled in
    const sample = await newestSample(run);
    if (run !== store.selection.run) return;
    this.settling = false;
    if (!this.typed) this.prompt.value = sample?.prompt ?? "";
    this.sliders.follow({ ...summaryOf(run)?.settings, ...sample });
    if (sample) this.#showOpening(sample);
    this.#guess();
  }

  /** What the run wrote before is there at once. */
  #showOpening({ prompt = "", text, step }) {
    this.opening = { run: store.selection.run, text: joined(prompt, text).slice(prompt.length) };
    this.written.opening(prompt, this.opening.text, summaryOf(), step);
    this.copyButton.disabled = false;
  }

  /** Where the tokens of that text end is asked for only when somebody comes to look. */
  async #cutOpening() {
    const opening = this.opening;
    this.opening = null;
    if (!opening || !this.written.isOpening) return;
    const answer = await job("tokenize", {
      run: opening.run,
      step: null,
      text: opening.text,
      names: ["model"],
    });
    const { ids, tokens, bytes } = answer?.model ?? {};
    const stillShown = this.written.isOpening && opening.run === store.selection.run;
    if (ids?.length && stillShown) {
      this.written.replace(ids.map((id, i) => ({ id, text: tokens[i], bytes: bytes[i] })));
    }
  }

  #newStep() {
    this.written.markOld();
    this.#guess();
  }

  /** A run that trains has saved newer weights. */
  #newWeights() {
    const step = summaryOf()?.checkpoint_step;
    if (store.selection.step !== null || step === undefined || step === this.savedStep) return;
    this.savedStep = step;
    this.#guess();
  }

  // ------------------------------------------------------------ what comes next

  async #guess(text = this.prompt.value, title = titleAfter(text), chosen = null) {
    this.stale = true;
    const { run } = store.selection;
    if (!this.visible || !run) return;
    this.stale = false;
    const signal = this.guessing.next();
    const arrived = sayIfSlow((sentence) => this.#say(sentence), signal);
    const vocab = this.vocabulary.run !== run; // the same for all steps of a run: fetched once
    await job(
      "logits",
      { ...chosenModel(), text, vocab },
      (message) => {
        arrived();
        if (signal.aborted) return;
        this.#say(message.error);
        if (message.error) return;
        if (message.vocab) this.vocabulary = { run, names: message.vocab };
        this.bars.show(message.logits, this.vocabulary.names, title, chosen);
        this.sliders.limit("top_k", this.bars.vocabularySize);
      },
      signal,
    );
    arrived();
  }

  /** What a written token was chosen from: the bars for the text before it; null for the prompt's again. */
  #lookBack(index) {
    if (index === null) return this.#guess();
    const { before, name, id } = this.written.place(index);
    this.#guess(before, `What ${name} was chosen from`, id);
  }

  // ------------------------------------------------------------ writing

  async #write() {
    const { run } = store.selection;
    if (!run) return;
    const signal = this.writing.next();
    const { sample_seed: seed, ...shape } = this.sliders.values();
    this.#busy(true);
    this.#say(null);
    this.written.start(this.prompt.value);
    const last = await job(
      "sample",
      { ...chosenModel(), prompt: this.prompt.value, ...shape, seed },
      (message) => {
        if (signal.aborted) return;
        if (message.error) this.#say(message.error);
        else if (message.bytes !== undefined || message.text !== undefined) this.written.add(message);
        else if (!message.done) this.written.from(summaryOf(run), message.step);
        this.copyButton.disabled = this.written.text === "";
      },
      signal,
    );
    if (signal.aborted) return;
    this.#busy(false);
    this.written.finish(unitOfOne(), last?.error ? null : "done");
    if (this.written.text) keepSample(run, this.written.text);
  }

  #stop() {
    if (this.stopButton.disabled) return;
    this.writing.cancel();
    this.#busy(false);
    this.written.finish(unitOfOne(), "stopped");
    if (this.written.text) keepSample(store.selection.run, this.written.text);
  }

  #busy(busy) {
    this.stopButton.disabled = !busy;
    this.writeButton.disabled = busy;
    this.box.classList.toggle("writing-now", busy);
  }

  async #copy() {
    await copyText(this.written.text);
    setText(this.copyButton, "Copied");
    setTimeout(() => setText(this.copyButton, "Copy"), 1500);
  }

  #say(sentence) {
    setText(this.notice, sentence ?? "");
    this.notice.hidden = !sentence;
  }
}

function titleAfter(text) {
  const end = text.split(/\s+/).slice(-3).join(" ");
  return end ? `What comes after “${end.length < text.length ? "…" : ""}${end}”` : "What comes first";
}

/** Plain http on a classroom network has no clipboard API; the old way works everywhere. */
async function copyText(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text).catch(() => {});
  const field = h("textarea", { class: "off-screen" });
  field.value = text;
  document.body.append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}
