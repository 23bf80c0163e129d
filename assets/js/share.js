// Share: copy the link of this run at this step. Plain http has no navigator.clipboard, and then the old
// copy command is tried; where that is refused too, the link is laid out for copying by hand.

import { announce } from "./core.js";
import { h, setText } from "./dom.js";

const THANKS = 2_000; // ms the button says that it worked

export function shareButton() {
  const field = h("input", { class: "lv-input", readonly: true, "aria-label": "Link to this model" });
  const panel = h("div", { class: "lv-popover lv-share", hidden: true }, "Copy this link:", field);
  const label = h("span", { "aria-live": "off" }, "Share");
  const button = h("button", { class: "lv-button", title: "Copy a link to this model at this step" }, label);
  button.addEventListener("click", async () => {
    const link = location.href; // core.select keeps run and step in it
    if (await copy(link)) {
      panel.hidden = true;
      setText(label, "Copied");
      announce("The link is copied.");
      setTimeout(() => setText(label, "Share"), THANKS);
      return;
    }
    panel.hidden = !panel.hidden;
    field.value = link;
    if (!panel.hidden) field.select();
  });
  panel.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault(); // one thing at a time: no panel beneath closes as well
    panel.hidden = true;
    button.focus();
  });
  return h("div", { class: "lv-share-box" }, button, panel);
}

/** Put `text` on the clipboard; false where the browser refuses. `within`: the open dialog, if one is. */
export async function copy(text, within = document.body) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyTheOldWay(text, within);
  }
}

function copyTheOldWay(text, within) {
  const focused = document.activeElement;
  const area = h("textarea", { class: "lv-visually-hidden", readonly: true });
  area.value = text;
  within.append(area); // outside an open dialog nothing can be selected
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  focused?.focus();
  return copied;
}
