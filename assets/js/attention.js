// The Attention panel: which tokens look at which, in any block and head of the chosen model.
//
// The numbers come in one message (all heads of one text); choosing a head, hovering and pinning are then
// matters of this page alone. A shipped model's opening maps are drawn at once, with no job.

import { followSelection, job, listen, onTheme, store, summaryOf, watchLive } from "./core.js";
import { h, setText, weightsOf } from "./dom.js";
import { AttentionGrid } from "./attentiongrid.js";
import { HeadMosaic } from "./attentionheads.js";
import { AttentionMaps, strongest } from "./attentionmaps.js";
import { TokenStrip } from "./attentionstrip.js";
import { help } from "./help.js";
import {
  chosenModel,
  debounce,
  isLive,
  Latest,
  openPanel,
  percent,
  sayIfSlow,
  uniqueId,
  unitOfOne,
  whenVisible,
} from "./panel.js";
import { firstText, openingOf, takeSample } from "./samples.js";
import { legend, readScale, unseenInWords } from "./attentionscale.js";

const LIVE_EVERY = 1000; // ms between two looks at a run that trains

const HELP = [
  "Each token looks back at the tokens before it and mixes in what it finds; the stronger a cell's colour, " +
    "the more of its look goes there (each row sums to 100\u202f%). Every head of every block looks in its own " +
    "way, and these are the real weights, rounded so that the third decimal may be off by up to 4.",
  "Pick a pronoun such as “she” and go through the heads: does one of them look at the name it stands for?",
];

export function mount(box) {
  openPanel(box, "attention");
  new AttentionPanel(box);
}

class AttentionPanel {
  constructor(box) {
    this.box = box;
    this.maps = null;
    this.version = 0; // counts new weights and new colours: what is drawn from them is redone
    this.chosenHead = null; // {layer, head}, once somebody picked one
    this.pinned = null; // the cell a click fixed, or null: the strongest of the last row
    this.preview = null; // the cell under the pointer
    this.visible = false;
    this.stale = true;
    this.requests = new Latest();
    this.#build();
    this.#listen();
  }

  // ------------------------------------------------------------ what is on the page

  #build() {
    const id = uniqueId("prompt");
    const askSoon = debounce(() => this.#ask(), 350);
    this.prompt = h("textarea", {
      id,
      class: "field prompt",
      rows: 1,
      spellcheck: "false",
      maxlength: 2000,
      oninput: () => {
        this.touched = true;
        askSoon();
      },
    });
    this.sampleButton = h(
      "button",
      { type: "button", class: "button", onclick: () => this.#takeSample() },
      "Take the sample",
    );
    const hear = {
      preview: (cell) => this.#setPreview(cell),
      pin: (cell) => this.#pin(cell),
      move: (rows, cols) => this.#move(rows, cols),
    };
    this.mosaic = new HeadMosaic((layer, head) => this.#pickHead(layer, head));
    this.grid = new AttentionGrid(hear);
    this.strip = new TokenStrip(hear);
    this.notice = h("p", { class: "notice", role: "status", hidden: true });
    this.which = h("p", { class: "which" });
    this.sentence = h("p", { class: "sentence" });
    this.numbers = h("p", { class: "numbers" });
    this.spoken = h("span", { class: "unseen-voice", "aria-live": "polite" });
    this.legend = legend();
    this.body = h(
      "div",
      { class: "attention-body empty" },
      h("section", { class: "heads", "aria-label": "All heads" }, this.mosaic.element),
      h("section", { class: "map", "aria-label": "One head" }, this.grid.element, this.which),
      h(
        "section",
        { class: "look", "aria-label": "What the chosen token looks at" },
        this.sentence,
        this.numbers,
        this.strip.element,
        this.legend,
      ),
    );
    this.box.append(
      h(
        "div",
        { class: "bar-top" },
        h("label", { for: id, class: "label" }, "Prompt"),
        this.prompt,
        this.sampleButton,
        help(...HELP, "attention", () => this.maps?.length ?? 0),
      ),
      this.notice,
      this.body,
      this.spoken,
    );
  }

  #listen() {
    const runChanged = debounce(() => this.#runChanged(), 300);
    followSelection(this.box, { selection: () => this.#newRun(), step: () => this.#ask(), run: runChanged });
    onTheme(() => this.#recolour());
    new ResizeObserver(() => this.#show()).observe(this.box);
    whenVisible(this.box, (visible) => {
      this.visible = visible;
      if (visible && this.stale && !this.settling) this.#fillAndAsk();
      this.#followLive();
    });
    listen(this.box, "online", (online) => online && this.stale && this.#ask());
  }

  // ------------------------------------------------------------ getting the weights

  /** Another run: a shipped one brings its text and maps along, for the rest the worker is asked. */
  async #newRun() {
    const { run } = store.selection;
    this.requests.cancel();
    this.maps = this.pinned = this.preview = this.chosenHead = null;
    this.body.classList.add("empty"); // what was drawn is another model's
    this.stale = true;
    this.settling = false;
    if (!run || this.touched) return this.#ask();
    this.settling = true; // the prompt is about to be filled in
    const { attention } = await openingOf(run);
    if (run !== store.selection.run) return;
    this.settling = false;
    if (attention && store.selection.step === null) {
      this.prompt.value = attention.text ?? attention.tokens.join("");
      this.stale = false;
      this.#receive(attention);
    } else this.#fillAndAsk();
  }

  /** A text this run can read, until the reader types one: others may hold letters it has never seen. */
  async #fillAndAsk() {
    const { run } = store.selection;
    if (!this.touched && run) {
      const text = await firstText(run);
      if (run !== store.selection.run) return;
      if (!this.touched) this.prompt.value = text ?? this.prompt.value;
    }
    await this.#ask();
  }

  /** News of the run: it started or stopped training, or has weights at last. */
  #runChanged() {
    const stopped = this.liveTimer && !isLive(); // what is drawn may be older than its last weights
    this.#followLive();
    if (isLive() || this.settling) return;
    if (stopped) this.#ask();
    else if (this.stale) this.#fillAndAsk();
  }

  async #takeSample() {
    this.prompt.value = (await takeSample(store.selection.run)) ?? "";
    this.prompt.focus();
    this.#ask();
  }

  /** Ask for the maps of the prompt, unless nobody is looking: then when somebody does. */
  async #ask() {
    this.stale = true;
    if (!this.visible || !store.selection.run) return;
    if (!this.prompt.value) return this.#say("Type a few words to see what looks at what.");
    this.stale = false;
    const signal = this.requests.next();
    const arrived = sayIfSlow((sentence) => this.#say(sentence), signal);
    const payload = { ...chosenModel(), text: this.prompt.value };
    if (isLive()) payload.step = "live";
    await job(
      "attention",
      payload,
      (message) => {
        arrived();
        if (signal.aborted) return;
        this.stale = Boolean(message.error);
        if (message.error) this.#say(message.error);
        else this.#receive(message);
      },
      signal,
    );
    arrived();
  }

  #receive(message) {
    this.maps = new AttentionMaps(message, summaryOf()?.settings?.window);
    this.body.classList.remove("empty");
    this.version += 1;
    const { length } = this.maps;
    const gone = (cell) => cell !== null && Math.max(cell.row ?? 0, cell.col ?? 0) >= length;
    if (gone(this.pinned)) this.pinned = null;
    if (gone(this.preview)) this.preview = null;
    this.#say(message.cut > 0 ? this.#whyCut(message) : null);
    this.#show();
    this.#followLive();
  }

  /** Of a long text the end is read: all that the model sees, or all whose maps can be drawn at once. */
  #whyCut({ T, context = T, n_layer: layers, n_head: heads }) {
    if (T >= context) return `The model sees ${T} ${unitOfOne()}s at a time: these are the last of the text.`;
    return (
      `Of the ${layers * heads} heads of this model, maps of at most ${T} ${unitOfOne()}s are drawn: these are ` +
      "the last of the text, read as if nothing stood before them."
    );
  }

  /** While the chosen run trains and this panel is looked at, look again every second. */
  #followLive() {
    const live = this.visible && isLive() && !document.hidden;
    watchLive(live ? store.selection.run : null);
    if (!live) {
      clearTimeout(this.liveTimer);
      this.liveTimer = null;
    } else if (!this.liveTimer) {
      this.liveTimer = setTimeout(async () => {
        if (!this.maps) await this.#fillAndAsk();
        else if (summaryOf()?.step !== this.maps.step) await this.#ask();
        this.liveTimer = null;
        this.#followLive();
      }, LIVE_EVERY);
    }
    this.#showWhich();
  }

  // ------------------------------------------------------------ choosing

  #pickHead(layer, head) {
    this.chosenHead = { layer, head };
    this.#show();
  }

  #pin(cell) {
    this.pinned = cell;
    this.preview = null;
    this.#show();
  }

  #setPreview(cell) {
    if (cell?.row === this.preview?.row && cell?.col === this.preview?.col) return;
    this.preview = cell;
    this.#show();
  }

  #move(rows, cols) {
    const { row, col, maps } = this.view;
    const inside = (i) => Math.max(0, Math.min(maps.length - 1, i));
    const next = { row: inside(row + rows), by: "row" };
    // The hatched parts have no values to read.
    next.col = Math.max(maps.firstSeen(next.row), Math.min(inside(col + cols), next.row));
    this.#pin(next);
    setText(this.spoken, `${this.sentence.textContent}. ${this.numbers.textContent}`);
  }

  // ------------------------------------------------------------ showing

  #show() {
    if (!this.maps || !this.box.clientWidth) return;
    this.scale ??= this.#readScale();
    const { maps, version, scale } = this;
    if (!this.chosenHead || this.chosenHead.layer >= maps.layers || this.chosenHead.head >= maps.heads) {
      const { layer, head, row } = maps.mostPointed();
      this.chosenHead = { layer, head };
      this.pinned ??= { row, col: null, by: "row" };
    }
    const { layer, head } = this.chosenHead;
    const { row, col, by } = this.preview ?? this.pinned ?? { row: maps.length - 1, col: null, by: "row" };
    const weights = by === "row" ? maps.lookedAtBy(layer, head, row) : maps.lookingAt(layer, head, col);
    this.view = {
      maps,
      version,
      scale,
      layer,
      head,
      by,
      weights,
      row: row ?? strongest(weights, col, maps.length - 1), // only what comes later can look at it
      col: col ?? strongest(weights, maps.firstSeen(row), row),
    };
    this.mosaic.show(this.view);
    this.grid.show(this.view);
    this.strip.show(this.view);
    this.#showSentence();
    this.#showWhich();
    setText(this.legend.querySelector(".unseen"), unseenInWords(maps.window));
    this.legend.querySelector(".key-nan").hidden = !weights.some(Number.isNaN);
  }

  #showSentence() {
    const { maps, layer, head, row, col, by } = this.view;
    const token = (i) =>
      h(
        "span",
        { class: "word" },
        ...maps.inItsWord(i).map((part, at) => (at === 1 ? h("b", {}, part) : part)),
      );
    const weight = maps.weight(layer, head, row, col);
    const share = h("b", { class: "share" }, percent(weight));
    const seen = maps.sees(row, col);
    const why = col > row ? ": it comes later" : `: it sees the last ${maps.window} only`;
    if (!seen) this.sentence.replaceChildren(token(row), " cannot see ", token(col), why);
    else if (by === "row") this.sentence.replaceChildren(token(row), " looks at ", token(col), " ", share);
    else this.sentence.replaceChildren(token(col), " is looked at most by ", token(row), " ", share);
    const value =
      !seen ? "masked" : Number.isNaN(weight) ? "not a number" : `weight ${weight.toFixed(3)}`;
    setText(
      this.numbers,
      `row ${row + 1}, column ${col + 1} · ${value} · block ${layer + 1}, head ${head + 1}`,
    );
  }

  #showWhich() {
    if (!this.maps) return;
    const { step } = this.maps;
    const which = step === null ? "" : `weights of ${weightsOf(summaryOf(), step)}`;
    setText(this.which, isLive() ? `${which}, live` : which);
    this.which.classList.toggle("live", isLive());
  }

  #say(sentence) {
    setText(this.notice, sentence ?? "");
    this.notice.hidden = !sentence;
  }

  #readScale() {
    const style = getComputedStyle(this.box);
    const named = (name) => style.getPropertyValue(name).trim();
    return {
      ...readScale(this.box),
      family: style.fontFamily,
      text: parseFloat(named("--lvx-small")), // px, of the axes: larger on a projector
      ink: named("--lvx-ink"),
      muted: named("--lvx-muted"),
      line: named("--lvx-line"),
      band: named("--lvx-band"),
      focus: named("--lvx-focus"),
    };
  }

  #recolour() {
    this.scale = null;
    this.version += 1;
    this.#show();
  }
}
