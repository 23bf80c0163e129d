// How a token looks: whitespace made visible, bytes that are no text as chips such as ⟨B5⟩, a few pastels.
// A token is bytes. Most are text; some hold a part of a letter (half an emoji) and cannot be shown as text.

import { h } from "./dom.js";

const VISIBLE = { " ": "·", "\n": "⏎", "\t": "⇥", "\r": "␍", "\u00a0": "⍽" };
const encoder = new TextEncoder();
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** "f09f" → Uint8Array [240, 159]. */
export const fromHex = (hex) => Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));

/** [240, 159] → "f0 9f". */
export const toHex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");

/** The bytes of a token, from whichever form the server sent: hex, a list of numbers, or text. */
export function tokenBytes(form, text) {
  if (typeof form === "string") return fromHex(form);
  return form ? Uint8Array.from(form) : encoder.encode(text ?? "");
}

/** The length in bytes of the UTF-8 character that starts at `at`, or 0 if none does. */
function characterLength(bytes, at) {
  const lead = bytes[at];
  const length = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
  if (length === 0 || at + length > bytes.length) return 0;
  try {
    strict.decode(bytes.subarray(at, at + length));
    return length;
  } catch {
    return 0;
  }
}

/**
 * Cut a token's bytes into pieces to show: {kind: "text" | "space" | "byte", text, raw: a space as it is}.
 * Spaces and line ends become signs; what is not text becomes ⟨B5⟩, never the replacement character.
 */
export function pieces(bytes) {
  const found = [];
  for (let at = 0; at < bytes.length;) {
    const length = characterLength(bytes, at);
    const character = length ? strict.decode(bytes.subarray(at, at + length)) : null;
    if (character === null) found.push({ kind: "byte", text: `⟨${toHex([bytes[at]]).toUpperCase()}⟩` });
    else if (character in VISIBLE) found.push({ kind: "space", text: VISIBLE[character], raw: character });
    else if (/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(character))
      found.push({ kind: "byte", text: codePoint(character) });
    else if (found.at(-1)?.kind === "text") found.at(-1).text += character;
    else if (/\p{M}/u.test(character))
      found.push({ kind: "text", text: `◌${character}` }); // an accent alone
    else found.push({ kind: "text", text: character });
    at += length || 1;
  }
  return found;
}

const codePoint = (character) =>
  `⟨U+${character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`;

/** A token in one short string, for canvas labels and sentences. */
export const label = (bytes) =>
  pieces(bytes)
    .map((piece) => piece.text)
    .join("");

/** The pieces as elements, spaces muted and bytes boxed. */
export function pieceElements(bytes) {
  return pieces(bytes).map((piece) =>
    piece.kind === "text" ? piece.text : h("span", { class: piece.kind }, piece.text),
  );
}

/** A coloured chip; its pastel depends on its place, so that neighbours differ. */
export function chip(bytes, index, attributes = {}) {
  return h(
    "span",
    { class: `chip pastel-${index % 4}`, "data-index": index, ...attributes },
    ...pieceElements(bytes),
  );
}

/**
 * Where each token starts and ends in a text of `size` bytes: [[0, 3], [3, 4], …]. What a tokenizer puts before
 * every text, as Llama's do, lies before 0.
 */
export function byteSpans(tokens, size) {
  let end = Math.min(0, size - tokens.reduce((total, bytes) => total + bytes.length, 0));
  return tokens.map((bytes) => [end, (end += bytes.length)]);
}
