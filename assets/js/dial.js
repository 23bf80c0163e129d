// One dial for the size of a model: the rest of the form follows, and each value says why.

import { h } from "./dom.js";

/** `props.value`: {deepest, depth, reasons}; the server fills the form and sends the reasons back. */
export function mount(box, props, trigger, watch) {
  const { deepest } = props.value;
  const dial = h("input", { type: "range", min: 1, max: deepest, step: 1, value: 4, id: "lv-dial-depth" });
  const shown = h("output", { for: "lv-dial-depth" });
  const reasons = h("ul", { class: "lv-dial-reasons" });
  const label = h("label", { for: "lv-dial-depth" }, "Depth, and all else from it");
  box.replaceChildren(h("div", { class: "lv-dial" }, label, dial, shown), reasons);
  dial.addEventListener("input", () => (shown.textContent = dial.value));
  dial.addEventListener("change", () => trigger("select", { depth: Number(dial.value) }));
  watch("value", () => {
    const items = props.value.reasons.map((reason) => h("li", {}, reason));
    const change = "These are a start: every value below can be changed.";
    reasons.replaceChildren(...items, h("li", {}, change));
  });
}
