// The text a model writes, token by token, each of which can be pointed at.

import { h, setText, weightsOf } from "./dom.js";
import { label, pieces, toHex, tokenBytes } from "./tokenview.js";

const decoder = new TextDecoder();

export class WrittenText {
  #prompt = "";
  #tokens = []; // {id, bytes}
  #spans = []; // {element, first, bytes}: one or, where a letter is spread over several tokens, some tokens
  #pinned = null;
  #began = 0;

  /** @param {(index: number | null) => void} lookBack a token was clicked (null: unpinned) */
  constructor(lookBack) {
    this.lookBack = lookBack;
    this.promptText = h("span", { class: "given" });
    this.output = h("span", { class: "output" });
    this.page = h(
      "div",
      {
        class: "page",
        tabindex: 0,
        role: "group",
        "aria-label": "What the model writes. Arrow keys go from token to token.",
        onpointerover: (event) => this.#point(event.target.closest?.(".written-token")?.dataset.index),
        onpointerleave: () => this.#point(this.#pinned),
        onclick: (event) => this.#pin(event.target.closest?.(".written-token")?.dataset.index),
        onkeydown: (event) => this.#onKey(event),
      },
      this.promptText,
      this.output,
    );
    this.caption = h("p", { class: "which" });
    this.readout = h("p", { class: "readout", "aria-live": "polite" });
    this.element = h(
      "div",
      { class: "written-text" },
      this.page,
      h("div", { class: "under" }, this.readout, this.caption),
    );
  }

  /** The text so far, prompt included. */
  get text() {
    return this.#prompt + decoder.decode(Uint8Array.from(this.#tokens.flatMap(({ bytes }) => [...bytes])));
  }

  clear() {
    this.start("");
    this.promptText.textContent = "";
    setText(this.caption, "");
  }

  start(prompt) {
    this.#prompt = prompt;
    this.#tokens = [];
    this.#spans = [];
    this.#pinned = null;
    this.#began = performance.now();
    this.promptText.textContent = prompt;
    this.output.replaceChildren();
    this.element.classList.remove("old");
    setText(this.readout, "");
  }

  /** What the run wrote earlier, as text: where its tokens end is not known. */
  opening(prompt, text, summary, step) {
    this.start(prompt);
    this.#tokens = [{ id: null, bytes: new TextEncoder().encode(text) }];
    this.output.replaceChildren(text);
    this.from(summary, step);
  }

  get isOpening() {
    return this.#tokens[0]?.id === null;
  }

  /** The same text, now as tokens. */
  replace(tokens) {
    this.start(this.#prompt);
    tokens.forEach((token) => this.add(token));
  }

  from(summary, step) {
    this.source = `by ${summary?.name ?? "this model"}, ${weightsOf(summary, step ?? summary?.step ?? 0)}`;
    setText(this.caption, this.source);
  }

  add({ id, text, bytes: form }) {
    const bytes = tokenBytes(form, text);
    const index = this.#tokens.push({ id, bytes }) - 1;
    const open = this.#spans.at(-1);
    if (open && isOpen(open.bytes) && index - open.first < 4) {
      open.bytes = [...open.bytes, ...bytes];
      open.element.replaceChildren(...asWritten(open.bytes));
      return;
    }
    const element = h("span", { class: "written-token", "data-index": index }, ...asWritten(bytes));
    this.#spans.push({ element, first: index, bytes });
    const atEnd = this.page.scrollHeight - this.page.scrollTop - this.page.clientHeight < 30;
    this.output.append(element);
    if (atEnd) this.page.scrollTop = this.page.scrollHeight;
  }

  finish(unit, how) {
    const count = this.#tokens.length;
    if (!how || !count || this.isOpening) return;
    const seconds = (performance.now() - this.#began) / 1000;
    const wrote = `${count} ${count === 1 ? unit : `${unit}s`} in ${seconds.toFixed(1)} s`;
    setText(this.caption, `${how === "stopped" ? "stopped after" : "wrote"} ${wrote}, ${this.source ?? ""}`);
  }

  /** The header now shows another step: this text is of the one before. */
  markOld() {
    if (this.#tokens.length) this.element.classList.add("old");
  }

  /** What stood before a token, and the token itself. */
  place(index) {
    const before = Uint8Array.from(this.#tokens.slice(0, index).flatMap(({ bytes }) => [...bytes]));
    const { id, bytes } = this.#tokens[index];
    return { before: this.#prompt + decoder.decode(before), id, name: label(bytes) };
  }

  #point(index) {
    this.output.querySelector(".pointed")?.classList.remove("pointed");
    if (index === undefined || index === null) return setText(this.readout, "");
    const span = this.#spans.find(({ first }) => first === Number(index));
    span.element.classList.add("pointed");
    const last = this.#spans[this.#spans.indexOf(span) + 1]?.first ?? this.#tokens.length;
    const ids = this.#tokens
      .slice(span.first, last)
      .map(({ id }) => id)
      .join(", ");
    setText(
      this.readout,
      [
        label(Uint8Array.from(span.bytes)),
        `id ${ids}`,
        `bytes ${toHex(span.bytes)}`,
        `number ${span.first + 1}`,
      ].join("   "),
    );
  }

  #pin(index) {
    this.output.querySelector(".pinned")?.classList.remove("pinned");
    this.#pinned = index === undefined || Number(index) === this.#pinned ? null : Number(index);
    this.#spans.find(({ first }) => first === this.#pinned)?.element.classList.add("pinned");
    if (this.#spans.length) this.lookBack(this.#pinned);
    this.#point(this.#pinned);
  }

  #onKey(event) {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by || !this.#spans.length) return;
    event.preventDefault();
    const at = this.#spans.findIndex(({ first }) => first === this.#pinned);
    const next = at < 0 ? 0 : Math.max(0, Math.min(this.#spans.length - 1, at + by));
    if (next !== at) this.#pin(this.#spans[next].first);
  }
}

/** True while the bytes end inside a letter that the next token may complete. */
const isOpen = (bytes) => {
  const last = pieces(Uint8Array.from(bytes)).at(-1);
  return last?.kind === "byte" && bytes.at(-1) >= 0x80;
};

/** Text as text: real spaces and line ends; bytes that are no text as chips. */
function asWritten(bytes) {
  return pieces(Uint8Array.from(bytes)).map((piece) =>
    piece.kind === "byte" ? h("span", { class: "byte" }, piece.text) : (piece.raw ?? piece.text),
  );
}
