// Turning what a model wrote into nodes: words of the corpus underlined, new ones dotted, bytes that are
// not text as chips such as ⟨B5⟩, and line ends as a quiet sign, so that a row keeps its height.

import { getJSON } from "./core.js";
import { h } from "./dom.js";

const wordSets = new Map(); // data sha256 -> Promise of a Set

/** The distinct words of a run's corpus; runs on the same text share one request. */
export function wordsOf(summary) {
  const key = summary.data?.sha256 ?? summary.id;
  if (!wordSets.has(key)) {
    const asked = getJSON(`runs/${summary.id}/words`).then((answer) => new Set(answer.words));
    asked.catch(() => wordSets.delete(key)); // ask again next time
    wordSets.set(key, asked);
  }
  return wordSets.get(key);
}

// A byte the server has named already; a word with its apostrophes; a line end. In the text that the server
// sends nothing else is invisible.
const PIECES = /(?<byte>⟨[0-9A-F]{2}⟩)|(?<word>[\p{L}\p{M}]+(?:['’][\p{L}\p{M}]+)*)|(?<end>\n)/gu;

/** The nodes of `text`; `known` (a Set, or null while it loads) decides about underlines. */
export function wordNodes(text, known) {
  const nodes = [];
  let from = 0;
  for (const match of text.matchAll(PIECES)) {
    if (match.index > from) nodes.push(text.slice(from, match.index));
    from = match.index + match[0].length;
    const cutShort = from === text.length; // the budget may have ended inside this word
    nodes.push(nodeOf(match, known, cutShort));
  }
  if (from < text.length) nodes.push(text.slice(from));
  return nodes;
}

function nodeOf({ 0: piece, groups }, known, cutShort) {
  if (groups.word) {
    if (!known) return piece;
    const inCorpus = known.has(piece) || known.has(piece.toLowerCase());
    if (!inCorpus && cutShort) return piece;
    return h("span", { class: inCorpus ? "lv-word" : "lv-word lv-new" }, piece);
  }
  if (groups.end) return h("span", { class: "lv-line-end", title: "line end" }, "↵ ");
  return h("span", { class: "lv-chip", title: "a byte that is not text" }, piece);
}
