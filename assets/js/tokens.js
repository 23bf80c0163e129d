// The Tokens panel: one text as six tokenizers cut it. Point at a token and its id, its bytes, and whatever
// the other tokenizers made of the same bytes light up with it.

import { followSelection, job, listen, store, summaryOf } from "./core.js";
import { h, setText } from "./dom.js";
import { help } from "./help.js";
import { chosenModel, debounce, Latest, openPanel, uniqueId, whenVisible } from "./panel.js";
import { firstText } from "./samples.js";
import { byteSpans, chip, toHex, tokenBytes } from "./tokenview.js";

const HELP = [
  "A model does not read letters but tokens: pieces of text, each with a number (its id). Every row cuts the " +
    "same text in another way; at the side are the ids of one of them, and the bytes each token is made of.",
  "Type a long word and a rare one: which is cut into more pieces? Then try an emoji, and find its four bytes.",
];

/** Names are those of the job "tokenize". */
const TOKENIZERS = [
  { name: "chars", title: "Letters" },
  { name: "bytes", title: "Bytes" },
  { name: "model", title: "This model" },
  { name: "gpt2", title: "GPT-2", note: "50k tokens" },
  { name: "cl100k_base", title: "GPT-4", note: "100k tokens" },
  { name: "o200k_base", title: "GPT-4o", note: "200k tokens" },
];

const EXAMPLES = [
  ["Story", "Once upon a time, Mia lost her red ball in the garden."],
  ["Long words", "antidisestablishmentarianism, unbelievably, tokenization"],
  ["Emoji and accents", "Café 😊 naïve 👩‍🚀 日本"],
  ["Numbers", "3.14159 + 1234567 = ?"],
  ["Code", "def add(a, b):\n    return a + b"],
];

const SHOWN = 400; // chips a row: more would only slow the page down

export function mount(box) {
  openPanel(box, "tokens");
  new TokensPanel(box);
}

class TokensPanel {
  constructor(box) {
    this.box = box;
    this.visible = false;
    this.stale = true;
    this.chosen = "model"; // the tokenizer shown in detail
    this.touched = false; // whether the reader chose the text
    this.results = new Map(); // name -> {tokens: [bytes], ids, spans} or {error}
    this.size = 0; // bytes of the text that they are of
    this.requests = new Latest();
    this.#build();
    followSelection(box, { selection: () => this.#newRun(), run: () => this.#showModelName() });
    listen(box, "online", (online) => online && this.#ask());
    whenVisible(box, (visible) => {
      this.visible = visible;
      if (visible && this.stale) this.#ask();
    });
  }

  #build() {
    const id = uniqueId("text");
    const askSoon = debounce(() => this.#ask(), 250);
    this.text = h("textarea", {
      id,
      class: "field",
      rows: 2,
      spellcheck: "false",
      maxlength: 5000,
      oninput: () => {
        this.touched = true;
        askSoon();
      },
    });
    this.text.value = EXAMPLES[0][1];
    const examples = EXAMPLES.map(([name, text]) =>
      h(
        "button",
        {
          type: "button",
          class: "button small",
          onclick: () => {
            this.touched = true;
            this.text.value = text;
            this.#ask();
          },
        },
        name,
      ),
    );
    this.notice = h("p", { class: "notice", role: "status", hidden: true });
    this.rows = new Map(TOKENIZERS.map((tokenizer) => [tokenizer.name, this.#row(tokenizer)]));
    this.detail = h("section", { class: "detail", "aria-label": "Ids and bytes" });
    this.box.append(
      h(
        "div",
        { class: "bar-top" },
        h("label", { for: id, class: "label" }, "Text"),
        this.text,
        help(...HELP, "tokens"),
      ),
      h(
        "div",
        { class: "examples", role: "group", "aria-label": "Examples" },
        h("span", { class: "label" }, "Try"),
        ...examples,
      ),
      this.notice,
      h(
        "div",
        {
          class: "tokens-body",
          onpointerover: (event) => this.#hover(event),
          onpointerleave: () => this.#highlight(null),
          onfocusin: (event) => this.#hover(event),
          onkeydown: moveAmongCards,
        },
        h("div", { class: "rows" }, ...[...this.rows.values()].map(({ element }) => element)),
        this.detail,
      ),
    );
  }

  #row({ name, title, note }) {
    const heading = h(
      "button",
      {
        type: "button",
        class: "row-title",
        "aria-pressed": name === this.chosen,
        title: "Show its ids and bytes",
        onclick: () => this.#choose(name),
      },
      h("b", {}, title),
      h("small", {}, note ?? ""),
    );
    const count = h("span", { class: "row-count" });
    const chips = h("div", { class: "chips", "data-name": name });
    return {
      heading,
      count,
      chips,
      element: h("div", { class: "row", "data-name": name }, heading, count, chips),
    };
  }

  // ------------------------------------------------------------ asking

  #newRun() {
    if (!this.touched) this.text.value = EXAMPLES[0][1];
    this.#ask();
  }

  /** The first text, where it holds letters that this model has never seen, gives way to one it can read. */
  async #beginWithItsOwn(signal) {
    if (this.touched || this.text.value !== EXAMPLES[0][1]) return;
    const text = await firstText(store.selection.run);
    if (!text || this.touched || signal.aborted) return;
    this.text.value = text;
    this.#ask();
  }

  async #ask() {
    this.#showModelName();
    this.stale = true;
    if (!this.visible) return;
    this.stale = false;
    const text = this.text.value;
    const names = TOKENIZERS.map(({ name }) => name).filter(
      (name) => name !== "model" || store.selection.run,
    );
    const signal = this.requests.next();
    this.size = tokenBytes(null, text).length;
    await job(
      "tokenize",
      { ...chosenModel(), text, names },
      (message) => {
        if (signal.aborted) return;
        this.#say(message.error);
        for (const { name } of TOKENIZERS) if (message[name]) this.#receive(name, message[name]);
        this.#showDetail();
        if (message.model?.error) this.#beginWithItsOwn(signal);
      },
      signal,
    );
  }

  #receive(name, { ids, tokens, bytes, error }) {
    if (error) this.results.set(name, { error });
    else {
      const cut = tokens.map((text, i) => tokenBytes(bytes?.[i], text));
      this.results.set(name, { tokens: cut, ids, spans: byteSpans(cut, this.size) });
    }
    this.#showRow(name);
  }

  #showModelName() {
    const { heading } = this.rows.get("model");
    setText(heading.lastChild, summaryOf()?.name ?? "");
  }

  // ------------------------------------------------------------ showing

  #showRow(name) {
    const row = this.rows.get(name);
    const { chips, element } = row;
    const { tokens, error } = this.results.get(name);
    element.classList.toggle("failed", Boolean(error));
    if (error) {
      row.count.replaceChildren();
      chips.replaceChildren(h("span", { class: "why" }, error));
      return;
    }
    const size = tokens.reduce((total, bytes) => total + bytes.length, 0);
    element.classList.toggle("tight", size < 2 * tokens.length); // letters and bytes: many small chips
    const each = tokens.length ? (size / tokens.length).toFixed(tokens.length === size ? 0 : 2) : "0";
    const count = h(
      "span",
      {},
      h("b", {}, tokens.length.toLocaleString("en-GB")),
      tokens.length === 1 ? " token" : " tokens",
    );
    row.count.replaceChildren(count, h("small", {}, `${each} ${each === "1" ? "byte" : "bytes"}/token`));
    chips.replaceChildren(...tokens.slice(0, SHOWN).map((bytes, i) => chip(bytes, i)), more(tokens));
  }

  #choose(name) {
    this.chosen = name;
    for (const [other, { heading }] of this.rows) heading.setAttribute("aria-pressed", other === name);
    this.#showDetail();
  }

  /** The chosen tokenizer's tokens one by one: chip, id, bytes. */
  #showDetail() {
    const { tokens, ids, error } = this.results.get(this.chosen) ?? {};
    for (const [name, { element }] of this.rows) element.classList.toggle("chosen", name === this.chosen);
    const { title } = TOKENIZERS.find(({ name }) => name === this.chosen);
    const heading = h("h3", {}, `${title}: token, id, bytes`);
    if (!tokens) return this.detail.replaceChildren(heading, h("p", { class: "why" }, error ?? ""));
    const cards = tokens
      .slice(0, SHOWN)
      .map((bytes, i) =>
        h(
          "div",
          { class: "card", "data-index": i, tabindex: i === 0 ? 0 : -1 },
          chip(bytes, i),
          h("span", { class: "id" }, String(ids[i])),
          h("span", { class: "hex" }, toHex(bytes)),
        ),
      );
    this.detail.replaceChildren(
      heading,
      h("div", { class: "cards", "data-name": this.chosen }, ...cards, more(tokens)),
    );
  }

  // ------------------------------------------------------------ pointing

  #hover(event) {
    const token = event.target.closest?.("[data-index]");
    const name = token?.closest("[data-name]")?.dataset.name;
    const span = name && this.results.get(name)?.spans?.[token.dataset.index];
    this.#highlight(span ?? null);
  }

  /** Light up every token, in every tokenizer, that shares a byte with [start, end). */
  #highlight(span) {
    for (const lit of this.box.querySelectorAll(".lit")) lit.classList.remove("lit");
    if (!span) return;
    for (const group of this.box.querySelectorAll(".chips, .cards")) {
      const { spans } = this.results.get(group.dataset.name) ?? {};
      for (const token of group.children) {
        const [start, end] = spans?.[token.dataset.index] ?? [0, 0];
        if (start < span[1] && span[0] < end) token.classList.add("lit");
      }
    }
  }

  #say(sentence) {
    setText(this.notice, sentence ?? "");
    this.notice.hidden = !sentence;
  }
}

/** Tab reaches the first card, arrows the others. */
function moveAmongCards(event) {
  const card = event.target.closest?.(".card");
  const next = { ArrowRight: card?.nextElementSibling, ArrowLeft: card?.previousElementSibling }[event.key];
  if (!next?.matches(".card")) return;
  event.preventDefault();
  next.focus();
}

const more = ({ length }) =>
  length > SHOWN ? h("span", { class: "more" }, `and ${(length - SHOWN).toLocaleString("en-GB")} more`) : "";
