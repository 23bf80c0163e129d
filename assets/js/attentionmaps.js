// The attention weights of one text through all blocks and heads, as they come from the worker.
//
// One byte a weight, round(sqrt(p) * 255), lower triangle only, in the order [layer][head][row][col <= row].
// The root keeps small weights visible; the price is that a weight read back is off by up to 0.004.

import { fromBase64 } from "./panel.js";
import { label, tokenBytes } from "./tokenview.js";

export class AttentionMaps {
  /**
   * @param {object} message what the job "attention" answers, or a shipped model's opening attention
   * @param {number} window how many tokens a layer sees, the token itself included; 0: all before it
   */
  constructor(message, window = 0) {
    this.window = window || Infinity;
    this.layers = message.n_layer;
    this.heads = message.n_head;
    this.length = message.T; // T, the number of tokens
    this.step = message.step ?? null;
    this.tokens = message.tokens.map((text, i) => tokenBytes(message.token_bytes?.[i], text));
    this.labels = this.tokens.map(label);
    this.names = this.labels.map((text) => text.replace(/^[·⏎]+(?=.)/, "")); // for sentences and axes
    this.triangle = (this.length * (this.length + 1)) / 2;
    this.packed = fromBase64(message.maps);
  }

  /** A letter alone says little: [what stands before it in its word, the token, what comes after]. */
  inItsWord(i) {
    const isLetter = (at) => /^\p{L}$/u.test(this.names[at] ?? "");
    if (!isLetter(i)) return ["", this.names[i], ""];
    let [first, last] = [i, i];
    while (isLetter(first - 1)) first -= 1;
    while (isLetter(last + 1)) last += 1;
    return [this.names.slice(first, i).join(""), this.names[i], this.names.slice(i + 1, last + 1).join("")];
  }

  /** Whether token `row` may look at token `col`: not at later ones, nor at those before its window. */
  sees(row, col) {
    return col <= row && row - col < this.window;
  }

  /** The first token that token `row` sees. */
  firstSeen(row) {
    return Math.max(0, row - this.window + 1);
  }

  /** The byte of a weight; `col` must not be above `row`. */
  byte(layer, head, row, col) {
    return this.packed[(layer * this.heads + head) * this.triangle + (row * (row + 1)) / 2 + col];
  }

  /** How much token `row` looks at token `col`: 0…1, NaN if the row is, 0 where it cannot look. */
  weight(layer, head, row, col) {
    if (!this.sees(row, col)) return 0;
    const byte = this.byte(layer, head, row, col);
    return byte === 0 && this.isBroken(layer, head, row) ? NaN : (byte / 255) ** 2;
  }

  /** Weights of a row sum to 1, so that a row of zero bytes only was not a number. */
  isBroken(layer, head, row) {
    for (let col = 0; col <= row; col += 1) if (this.byte(layer, head, row, col) !== 0) return false;
    return true;
  }

  /** What token `row` looks at, over all T tokens. */
  lookedAtBy(layer, head, row) {
    return Float64Array.from({ length: this.length }, (_, col) => this.weight(layer, head, row, col));
  }

  /** How much each of the T tokens looks at token `col`. */
  lookingAt(layer, head, col) {
    return Float64Array.from({ length: this.length }, (_, row) => this.weight(layer, head, row, col));
  }

  /**
   * Where the eye should land first: the head and the row that look hardest at one earlier word. Left aside are
   * the token itself, its neighbour, the first token (many heads look there for want of better) and signs.
   */
  mostPointed() {
    const words = this.labels.map((text) => /\p{L}{2}/u.test(text));
    const worthy = words.filter(Boolean).length > 2 ? words : this.labels.map((text) => /\p{L}/u.test(text));
    let best = { layer: 0, head: 0, row: this.length - 1, byte: 0 };
    for (let layer = 0; layer < this.layers; layer += 1) {
      for (let head = 0; head < this.heads; head += 1) {
        for (let row = 3; row < this.length; row += 1) {
          for (let col = 1; worthy[row] && col < row - 1; col += 1) {
            const byte = this.byte(layer, head, row, col);
            if (byte > best.byte && worthy[col] && this.labels[row] !== this.labels[col])
              best = { layer, head, row, byte };
          }
        }
      }
    }
    return best;
  }
}

/** The place of the largest weight from `first` to `last`; a NaN is never the largest. */
export function strongest(weights, first, last) {
  let best = first;
  let largest = -Infinity;
  for (let i = first; i <= last; i += 1) if (weights[i] > largest) [best, largest] = [i, weights[i]];
  return best;
}
