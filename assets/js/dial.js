// One dial for the size of a model: the rest of the form follows, and each value says why.

import { listen } from "./core.js";
import { h } from "./dom.js";
import { ask, isAsked } from "./form.js";

/** `props.value`: {deepest, depth (of the form as it opens)}. What it says comes with the plan of the form:
 * {derived: [{name, label, value, reason}], own: [label of what the reader has chosen], error}. */
export function mount(box, props) {
  const { deepest } = props.value;
  const dial = h("input", { type: "range", min: 1, max: deepest, step: 1, id: "lv-dial-depth" });
  const shown = h("output", { for: "lv-dial-depth" });
  const reasons = h("ul", { class: "lv-dial-reasons" });
  const label = h("label", { for: "lv-dial-depth" }, "Depth, and all else from it");
  box.replaceChildren(h("div", { class: "lv-dial-row" }, label, dial, shown), reasons);

  function show(depth) {
    dial.value = depth;
    shown.textContent = depth === 1 ? "1 layer" : `${depth} layers`;
  }
  show(props.value.depth);
  dial.addEventListener("input", () => show(Number(dial.value)));
  dial.addEventListener("change", () => ask({ depth: Number(dial.value) }));

  let said = {};
  function explain(values) {
    const { derived = [], own = [], error } = said;
    const lines = derived.map(({ name, label, value, reason }) =>
      values[name] === value ? reason : `${label}: now ${values[name]}; the dial took ${value}.`,
    );
    if (own.length) lines.push(`Chosen by you, and left as it is: ${own.join(", ")}.`);
    if (derived.length) lines.push("These are a start: every value below can be changed.");
    reasons.replaceChildren(...(error ? [error] : lines).map((line) => h("li", {}, line)));
  }

  listen(box, "plan", (plan) => {
    if (!plan.values) return; // the form has just opened
    said = plan.dial ?? said;
    if (!plan.errors && !isAsked("depth")) show(plan.values.n_layer); // else it has been turned on meanwhile
    explain(plan.values);
  });
}
