// A .txt file of the reader's own, read in the browser and put into the text box beside it.

import { h, setText } from "./dom.js";

const MAX_BYTES = 5_000_000;

export function mount(box) {
  const said = h("span", { class: "lv-said", role: "status" });
  const file = h("input", { type: "file", accept: ".txt,text/plain", id: "lv-file", onchange: () => read(file, said) });
  box.replaceChildren(h("label", { class: "lv-button" }, "Choose a .txt file ", file), said);
}

async function read(input, said) {
  const [file] = input.files;
  if (!file) return;
  if (file.size > MAX_BYTES) {
    return setText(said, `This file has ${(file.size / 1e6).toFixed(1)} MB; at most ${MAX_BYTES / 1e6} MB can be used.`);
  }
  try {
    fill(new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer()));
    setText(said, "The file is in the box; press Train to learn from it.");
  } catch {
    setText(said, "This file is not UTF-8 text. Save it as plain text (UTF-8) and choose it again.");
  }
  input.value = "";
}

/** Svelte listens for "input": setting the value alone would leave Gradio with the old text. */
function fill(text) {
  const area = document.querySelector("#lv-text textarea");
  area.value = text;
  area.dispatchEvent(new Event("input", { bubbles: true }));
}
