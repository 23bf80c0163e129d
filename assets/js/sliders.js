// Sliders made from the settings' own metadata (label, bounds, step, default, help): one definition, one place.

import { h } from "./dom.js";
import { uniqueId } from "./panel.js";

// A setting may be valid far beyond what is handy: the slider ends here, the number beside it does not.
const HANDY = { temperature: 2, top_k: 100, max_new_tokens: 400 };

export class Sliders {
  #fields = new Map(); // name -> {range, number, control}
  #touched = false; // by the reader: from then on they stay where they are

  /**
   * @param {{name, label, unit, min, max, step, default, help}[]} controls
   * @param {(name: string) => void} changed called while a slider moves
   */
  constructor(controls, changed) {
    this.changed = changed;
    this.elements = Object.fromEntries(controls.map((control) => [control.name, this.#field(control)]));
  }

  /** {temperature: 0.8, top_k: 0, …}: always within bounds. */
  values() {
    const valid = ({ number, control }) => {
      const value = number.value === "" ? control.default : Number(number.value);
      const inside = Math.min(control.max ?? Infinity, Math.max(control.min ?? -Infinity, value));
      return Number.isInteger(control.step) ? Math.round(inside) : inside;
    };
    return Object.fromEntries([...this.#fields].map(([name, field]) => [name, valid(field)]));
  }

  /** Stand where a sample was written with these settings, unless the reader has chosen others. */
  follow(settings) {
    if (this.#touched) return;
    for (const [name, { range, number, control }] of this.#fields) {
      number.value = settings[name] ?? control.default;
      if (range) range.value = number.value;
    }
  }

  /** Nobody can keep more tokens than there are. */
  limit(name, largest) {
    const { range, control } = this.#fields.get(name);
    if (range) range.max = Math.min(largest, HANDY[name] ?? control.max);
  }

  #field(control) {
    const { name, label, unit, min, max, step, help } = control;
    const id = uniqueId(name);
    // Above its bound by a hair ("greater than 0") a slider starts one step up.
    const lowest = name === "top_p" ? Math.max(min, step) : min;
    const seed = name === "sample_seed";
    const number = h("input", {
      id,
      type: "number",
      class: "number",
      min: lowest,
      max,
      step,
      value: control.default,
      title: help,
      oninput: () => this.#moved(name, number, range),
    });
    const range = seed
      ? null
      : h("input", {
          type: "range",
          min: lowest,
          max: Math.min(max ?? Infinity, HANDY[name] ?? Infinity),
          step,
          value: control.default,
          "aria-label": label,
          title: help,
          oninput: () => this.#moved(name, range, number),
        });
    const another =
      seed &&
      h(
        "button",
        {
          type: "button",
          class: "button small",
          title: "Throw other dice",
          onclick: () => this.#set(name, Math.floor(Math.random() * 1000)),
        },
        "Another",
      );
    this.#fields.set(name, { range, number, control });
    return h(
      "div",
      { class: `slider slider-${name}` },
      h("label", { for: id, title: help }, label, unit?.startsWith("(") ? h("small", {}, ` ${unit}`) : null),
      number,
      range ?? another,
    );
  }

  #set(name, value) {
    const { number, range } = this.#fields.get(name);
    number.value = value;
    this.#moved(name, number, range);
  }

  #moved(name, from, to) {
    this.#touched = true;
    if (to) to.value = from.value;
    this.changed(name);
  }
}
