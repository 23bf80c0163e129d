// The model that the form describes, part by part, before anything is trained: shapes with real numbers, and
// what each part costs. It follows every setting; the numbers come from the server, which counts without torch.

import { listen, store } from "./core.js";
import { formatBytes, formatCount, formatOperations, formatShort, h, oncePerFrame, setText, timeOf } from "./dom.js";
import { estimateOf } from "./form.js";
import { help } from "./help.js";

const HELP = [
  "The model that these settings make, from tokens to scores. At each part stands the shape of what comes " +
    "out: windows, tokens, numbers for each token.",
  "Double the width: which parts grow fourfold, and which only double?",
];
const ASK = "Point at a part, or tap it: here it says what the part does.";
const MOVES = { ArrowUp: -1, ArrowDown: 1, Home: -Infinity, End: Infinity };

export function mount(box) {
  return new Diagram(box);
}

/** For the line with the panel's Close, which stays in sight. */
export function titleOfDiagram() {
  const title = h("strong", {}, "The model these settings make");
  return h("div", { class: "lv-diagram-title" }, title, help(...HELP, "diagram"));
}

class Diagram {
  constructor(box) {
    this.against = h("p", { class: "lv-diagram-against" });
    this.totals = h("p", { class: "lv-diagram-totals" });
    this.notes = h("p", { class: "lv-diagram-notes" });
    this.explanation = h("p", { class: "lv-diagram-explanation" });
    const partAt = (event) => event.target.closest(".lv-diagram-part");
    this.picture = h("div", {
      class: "lv-diagram-picture",
      role: "listbox",
      "aria-label": "From tokens to scores, part by part",
      onpointerover: (event) => this.explain(partAt(event) ?? this.focused),
      onpointerleave: () => this.explain(this.focused),
      onclick: (event) => partAt(event)?.focus(), // so that what was tapped stays explained
      onfocusin: (event) => this.arriveAt(event.target),
      onkeydown: (event) => this.onKey(event),
    });
    box.replaceChildren(this.against, this.totals, this.notes, this.picture, this.explanation);
    this.drawn = null; // the newest that could be made
    const show = oncePerFrame(() => this.show());
    listen(box, "plan", show);
    listen(box, "host", show);
  }

  show() {
    const { diagram, usual, errors, beyond } = store.plan ?? {};
    setText(this.against, (errors ?? beyond ?? []).join("\n"));
    setText(this.totals, errors ? "" : totalsOf(estimateOf(store.plan ?? {}), usual));
    this.picture.classList.toggle("lv-diagram-old", Boolean(errors));
    if (diagram && diagram !== this.drawn) this.draw(diagram);
  }

  draw(diagram) {
    const place = this.parts.indexOf(this.focused);
    this.drawn = diagram;
    setText(this.notes, diagram.notes.join(" "));
    this.picture.replaceChildren(rowOf("lv-diagram-headings", HEADINGS), ...sectionsOf(diagram));
    this.parts[0].tabIndex = 0; // one stop for the Tab key; arrows go on from there
    this.parts[Math.min(place, this.parts.length - 1)]?.focus({ preventScroll: true });
    this.explain(this.focused);
  }

  // -------------------------------------------------------------- what is pointed at

  get parts() {
    return [...this.picture.querySelectorAll(".lv-diagram-part")];
  }

  get focused() {
    return this.parts.find((part) => part === document.activeElement) ?? null;
  }

  explain(part) {
    for (const each of this.parts) each.setAttribute("aria-selected", String(each === part));
    setText(this.explanation, part?.getAttribute("aria-label") ?? ASK);
  }

  arriveAt(part) {
    for (const each of this.parts) each.tabIndex = each === part ? 0 : -1;
    this.explain(part);
  }

  onKey(event) {
    if (!(event.key in MOVES)) return;
    event.preventDefault();
    const { parts } = this;
    const to = parts.indexOf(this.focused) + MOVES[event.key];
    parts[Math.max(0, Math.min(parts.length - 1, to))].focus();
  }
}

/** "0.42M parameters (1.3 × the preset's) · 61 MB · 2.4 T operations in all · about 12 s" */
function totalsOf(estimate, usual) {
  if (!estimate) return "";
  const part = (value, text, ordinary) => {
    const ratio = Number((ordinary ? value / ordinary : 1).toPrecision(2)); // as it is read
    return ratio === 1 ? text : `${text} (${ratio.toLocaleString("en-GB", { maximumSignificantDigits: 2 })} × the preset's)`;
  };
  return [
    part(estimate.parameters, `${formatShort(estimate.parameters)} parameters`, usual?.parameters),
    part(estimate.memory_mb, formatBytes(estimate.memory_mb * 1e6), usual?.memory_mb),
    part(estimate.flops, `${formatOperations(estimate.flops)} in all`, usual?.flops),
    timeOf(estimate),
  ].join(" · ");
}

// -------------------------------------------------------------- the picture

const HEADINGS = { name: "", shape: "what comes out", parameters: "parameters", operations: "operations a step" };

function sectionsOf({ before, block, after, layers }) {
  const name = layers === 1 ? "1 block" : `${layers} blocks like this one`;
  const title = h("div", { class: "lv-diagram-count", "aria-hidden": "true" }, name);
  const blocks = h("div", { class: "lv-diagram-block", role: "group", "aria-label": name }, title, ...block.map(partOf));
  return [...before.map(partOf), layers ? blocks : "", ...after.map(partOf)];
}

function partOf(part) {
  const row = rowOf(`lv-diagram-part lv-diagram-${part.place}`, {
    name: part.name,
    detail: part.detail,
    shape: tuple(part.shape),
    parameters: part.parameters ? formatShort(part.parameters) : "",
    operations: part.flops ? formatOperations(part.flops).replace(" operations", "") : "",
  });
  for (const [name, value] of Object.entries({ role: "option", tabindex: -1, "aria-label": explanationOf(part) }))
    row.setAttribute(name, value);
  return row;
}

const rowOf = (kind, { name, detail, shape, parameters, operations }) =>
  h(
    "div",
    { class: `lv-diagram-row ${kind}` },
    h("span", { class: "lv-diagram-name" }, name, detail ? h("small", {}, detail) : null),
    h("span", { class: "lv-diagram-shape" }, shape),
    h(
      "span",
      { class: "lv-diagram-costs" },
      h("span", { "data-unit": " parameters" }, parameters),
      h("span", { "data-unit": " operations" }, operations),
    ),
  );

const tuple = (shape) => `(${shape.map(formatCount).join(", ")})`;

/** "Head, the embeddings once more, (8, 64, 60). A score for every possible next token. 20 M operations a step." */
function explanationOf({ name, detail, shape, says, parameters, flops }) {
  const costs = [parameters && `${formatCount(parameters)} parameters`, flops && `${formatOperations(flops)} a step`];
  const figures = costs.filter(Boolean).join(", ");
  return [`${[name, detail, tuple(shape)].filter(Boolean).join(", ")}.`, says, figures && `${figures}.`]
    .filter(Boolean)
    .join(" ");
}
