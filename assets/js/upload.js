// A .txt file of the reader's own, read in the browser and put into the text box beside it.

import { store } from "./core.js";
import { h, setText } from "./dom.js";
import { fillText } from "./owntext.js";

const LETTER_BYTES = 4; // at most, in UTF-8

export function mount(box) {
  const said = h("span", { class: "lv-said", role: "status" });
  const file = h("input", { type: "file", accept: ".txt,text/plain", id: "lv-file", onchange: () => read(file, said) });
  box.replaceChildren(h("label", { class: "lv-button" }, "Choose a .txt file ", file), said);
}

async function read(input, said) {
  const [file] = input.files;
  if (!file) return;
  const most = store.host?.limits?.text ?? Infinity; // not known yet: the server says so in its turn
  const tooLong = (size, unit) => setText(said, `This file has ${size.toLocaleString("en")} ${unit}; at most ${most.toLocaleString("en")} letters can be used here.`);
  if (file.size > LETTER_BYTES * most) return tooLong(file.size, "bytes");
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
    if (text.length > most) return tooLong(text.length, "letters");
    fillText(text);
    setText(said, "The file is in the box; press Train to learn from it.");
  } catch {
    setText(said, "This file is not UTF-8 text. Save it as plain text (UTF-8) and choose it again.");
  }
  input.value = "";
}
