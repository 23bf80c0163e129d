// The twenty likeliest next tokens as bars. The page holds the model's score for every token, so moving a
// slider re-shapes them here and now; nothing is asked of the server.

import { h, oncePerFrame, setText } from "./dom.js";
import { CUT_BY_GREED, CUT_BY_TOP_K, CUT_BY_TOP_P, descending, filterLogits, KEPT } from "./logits.js";
import { fromBase64, percent, unitOfOne } from "./panel.js";
import { label, pieceElements, tokenBytes } from "./tokenview.js";

const SHOWN = 20;
const REASONS = {
  [CUT_BY_TOP_K]: "cut by top-k",
  [CUT_BY_TOP_P]: "cut by top-p",
  [CUT_BY_GREED]: "not the likeliest",
};

export class NextTokenBars {
  #rows = [];
  #logits = null; // (V)
  #order = null; // (V) ids, likeliest first: temperature never changes it
  #names = [];
  #chosen = null; // id of the token that was written here, when a written one is looked at

  /** @param {() => {temperature, top_k, top_p}} settings read at every drawing */
  constructor(settings) {
    this.settings = settings;
    this.title = h("h3", { class: "bars-title" }, "What comes next");
    this.list = h("ol", { class: "bars", "aria-label": "The likeliest next tokens" });
    this.summary = h("p", { class: "bars-summary" });
    this.element = h("div", { class: "next" }, this.title, this.list, this.summary);
    this.draw = oncePerFrame(() => this.#draw());
  }

  /**
   * @param {string} base64 float32 logits of the whole vocabulary (V)
   * @param {string[]} names the vocabulary's tokens as text
   * @param {string} title what these are the next tokens of
   */
  show(base64, names, title, chosen = null) {
    this.#logits = new Float32Array(fromBase64(base64).buffer);
    this.#order = descending(this.#logits);
    this.#names = names;
    this.#chosen = chosen;
    setText(this.title, title);
    this.#fillRows();
    this.draw();
  }

  get vocabularySize() {
    return this.#logits?.length ?? 0;
  }

  #fillRows() {
    const shown = [...this.#order.subarray(0, SHOWN)];
    this.#rows = shown.map((id) => {
      const bytes = tokenBytes(null, this.#names[id] ?? `#${id}`);
      const bar = h("i", { class: "bar-after" });
      const ghost = h("i", { class: "bar-before" });
      const value = h("span", { class: "value" });
      const row = h(
        "li",
        { class: id === this.#chosen ? "written" : "", title: `token ${id}` },
        h("span", { class: "name" }, ...pieceElements(bytes)),
        h("span", { class: "track" }, ghost, bar),
        value,
      );
      return { id, row, bar, ghost, value };
    });
    this.list.replaceChildren(...this.#rows.map(({ row }) => row));
  }

  #draw() {
    if (!this.#logits) return;
    if (this.#logits.some(Number.isNaN)) {
      setText(this.summary, "These scores are not numbers: training went wrong before this step.");
      return;
    }
    const { before, after, reason, kept } = filterLogits(this.#logits, this.settings(), this.#order);
    for (const { id, row, bar, ghost, value } of this.#rows) {
      const cut = reason[id] !== KEPT;
      row.classList.toggle("cut", cut);
      bar.style.width = `${after[id] * 100}%`;
      ghost.style.width = `${before[id] * 100}%`;
      setText(value, cut ? `${REASONS[reason[id]]}` : percent(after[id]));
    }
    this.#summarise(after, kept);
  }

  #summarise(after, kept) {
    const size = this.#logits.length;
    const best = this.#order[0];
    const name = label(tokenBytes(null, this.#names[best] ?? `#${best}`));
    const units = `${unitOfOne()}s`;
    const all = size.toLocaleString("en-GB");
    const count =
      kept === size
        ? `All ${all} ${units} can be drawn`
        : `${kept.toLocaleString("en-GB")} of ${all} ${units} can be drawn`;
    setText(this.summary, `${count}; “${name}” comes in ${percent(after[best])} of throws.`);
  }
}
