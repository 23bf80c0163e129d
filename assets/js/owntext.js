// A text of the reader's own stays in the browser until its reader agrees to what it tells of people.

import { h } from "./dom.js";
import { findPersonal, withoutPersonal } from "./personal.js";

const SHOWN = 3; // of each kind
const KINDS = { "e-mail": ["e-mail address", "e-mail addresses"], phone: ["phone number", "phone numbers"] };

let corpus = null; // what the form learns from; null: the one the page began with
let agreed = ""; // the text as it may be sent

/** Gradio tells which text the form learns from, as soon as that is chosen. */
export function chooseCorpus(chosen) {
  corpus = chosen;
}

/** The only way of a text to the server: what its reader has agreed to send; "" where none is learned from. */
export const agreedText = () => (corpus === "text" ? agreed : "");

const area = () => document.querySelector("#lv-text textarea");

/** Put a text into the box. Svelte listens for "input": setting the value alone would leave Gradio without. */
export function fillText(text) {
  area().value = text;
  area().dispatchEvent(new Event("input", { bubbles: true }));
}

/** Look for personal data and, if there are any, ask. Resolves to whether training may begin. */
export async function mayBeSent(opener) {
  if (corpus !== "text") return true;
  const text = area()?.value ?? "";
  if (text === agreed) return true;
  const found = findPersonal(text);
  const answer = found.length ? await ask(found, opener) : "use";
  if (answer === "back") return false;
  agreed = answer === "remove" ? withoutPersonal(text, found) : text;
  if (agreed !== text) fillText(agreed);
  return true;
}

/** Resolves to "remove", "use" or "back". */
function ask(found, opener) {
  return new Promise((resolve) => {
    const choice = (label, answer, more = "") =>
      h("button", { type: "button", class: `lv-button ${more}`, onclick: () => dialog.close(answer) }, label);
    const dialog = h(
      "dialog",
      { class: "lv-you lv-personal", "aria-labelledby": "lv-personal-title" },
      h("h2", { id: "lv-personal-title" }, "Is this about real people?"),
      h("p", {}, "Nothing has been sent yet. In your text there seem to be:"),
      h("ul", {}, ...Object.keys(KINDS).map((kind) => listed(kind, found))),
      h(
        "p",
        {},
        "The machine that runs LLMViz would keep them with the text, and the model may write them out again, letter by letter, for everybody who has its link.",
      ),
      h(
        "div",
        { class: "lv-you-row" },
        choice("Remove them", "remove", "lv-primary"),
        choice("Use it all the same", "use"),
        choice("Back to the text", "back"),
      ),
    );
    dialog.addEventListener("close", () => {
      dialog.remove();
      opener.focus();
      resolve(dialog.returnValue || "back"); // Escape
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** "3 e-mail addresses: a@b.de, c@d.fr, e@f.it" */
function listed(kind, found) {
  const texts = found.filter((one) => one.kind === kind).map(({ text }) => text);
  if (!texts.length) return null;
  const different = [...new Set(texts)];
  const more = different.length > SHOWN ? " …" : "";
  const name = KINDS[kind][texts.length === 1 ? 0 : 1];
  return h("li", {}, h("b", {}, `${texts.length.toLocaleString("en-GB")} ${name}: `), different.slice(0, SHOWN).join(", ") + more);
}
