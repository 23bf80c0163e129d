// The model that the form describes, part by part, before anything is trained: shapes with real numbers, and
// what each part costs. It follows every setting; the numbers come from the server, which counts without torch.

import { listen, store } from "./core.js";
import { formatBytes, formatOperations, formatShort, h, oncePerFrame, setText, timeOf } from "./dom.js";
import { estimateOf } from "./form.js";
import { help } from "./help.js";

const HELP = [
  "The model that these settings make, from tokens to scores. At each part stands the shape of what comes " +
    "out: windows, tokens, numbers for each token.",
  "Double the width: which parts grow fourfold, and which only double?",
];
const NARROW = 460; // px: below it a part takes two lines
const DETAIL = 18; // px: a line more, for a choice that neither name nor shape shows
const STREAM = 14; // x of the residual stream
const BRANCH = 44; // x where the parts beside it begin

export function mount(box) {
  const title = h("strong", {}, "The model these settings make");
  const totals = h("p", { class: "lv-diagram-totals" });
  const notes = h("p", { class: "lv-diagram-notes" });
  const picture = h("div", { class: "lv-diagram-picture" });
  box.replaceChildren(h("div", { class: "lv-diagram-head" }, title, help(...HELP, "diagram")), totals, notes, picture);
  let diagram = null; // the newest that could be made
  const show = oncePerFrame(() => {
    const { usual, errors } = store.plan ?? {};
    diagram = store.plan?.diagram ?? diagram;
    if (!diagram || !picture.clientWidth) return; // not open yet
    setText(totals, errors ? errors.join("\n") : totalsOf(estimateOf(store.plan), usual));
    picture.classList.toggle("lv-diagram-old", Boolean(errors));
    setText(notes, diagram.notes.join(" "));
    picture.replaceChildren(draw(diagram, picture.clientWidth));
  });
  listen(box, "plan", show);
  listen(box, "host", show);
  new ResizeObserver(show).observe(picture);
}

/** "0.42M parameters (1.3 times the size's own) · 61 MB · 2.4 T operations · about 12 s" */
function totalsOf(estimate, usual) {
  if (!estimate) return "";
  const part = (value, text, ordinary) => {
    const ratio = ordinary ? value / ordinary : 1;
    return Math.abs(ratio - 1) < 0.005 ? text : `${text} (${Number(ratio.toPrecision(2))} × the preset's)`;
  };
  return [
    part(estimate.parameters, `${formatShort(estimate.parameters)} parameters`, usual?.parameters),
    part(estimate.memory_mb, formatBytes(estimate.memory_mb * 1e6), usual?.memory_mb),
    part(estimate.flops, `${formatOperations(estimate.flops)} in all`, usual?.flops),
    timeOf(estimate),
  ].join(" · ");
}

function svg(tag, attributes = {}, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

function draw({ before, block, after, layers }, width) {
  const narrow = width < NARROW;
  const height = narrow ? 46 : 30;
  const sections = [
    [before, ""],
    [block, layers === 1 ? "1 block" : `${layers} blocks like this one`],
    [after, ""],
  ];
  const canvas = svg("svg", { role: "img", "aria-label": spoken(before, block, after, layers), width });
  const stream = canvas.appendChild(svg("line", { class: "lv-diagram-line" }));
  let y = 4;
  if (!narrow) {
    canvas.append(...headings(width));
    y = 22;
  }
  const first = y;
  for (const [parts, title] of sections) {
    if (!parts.length) continue;
    const top = y;
    if (title) y += 22;
    for (const part of parts) {
      const tall = height + (part.detail ? DETAIL : 0);
      canvas.append(partAt(part, y, { width, narrow, height: tall }));
      y += tall + 4;
    }
    if (title) {
      canvas.append(
        svg("rect", { class: "lv-diagram-block", x: 1, y: top, width: width - 2, height: y - top, rx: 8 }),
        svg("text", { class: "lv-diagram-title", x: BRANCH, y: top + 16 }, title),
      );
      y += 6;
    }
  }
  for (const [name, value] of Object.entries({ x1: STREAM, x2: STREAM, y1: first + 8, y2: y - 12 }))
    stream.setAttribute(name, value);
  canvas.setAttribute("height", y);
  return canvas;
}

function partAt({ name, says, shape, parameters, flops, place, detail }, y, { width, narrow, height }) {
  const middle = y + height / 2;
  const line = narrow ? y + 18 : middle + (detail ? -5 : 4);
  const group = svg("g", { class: `lv-diagram-part lv-diagram-${place}` }, svg("title", {}, says));
  if (place === "branch") {
    group.append(
      svg("line", { class: "lv-diagram-wire", x1: STREAM, x2: BRANCH, y1: middle, y2: middle }),
      svg("rect", { x: BRANCH, y, width: width - BRANCH - 8, height, rx: 6 }),
    );
  } else if (place === "stream") {
    group.append(svg("rect", { x: STREAM - 8, y, width: width - STREAM, height, rx: 6 }));
  } else {
    group.append(
      svg("circle", { cx: STREAM, cy: middle, r: 8 }),
      svg("text", { class: "lv-diagram-plus", x: STREAM, y: middle + 4 }, "+"),
    );
  }
  const shaped = `(${shape.map((n) => n.toLocaleString("en-GB")).join(", ")})`;
  const text = (words, x, more = {}) => group.append(svg("text", { x, y: line, ...more }, words));
  text(name, BRANCH + 10);
  if (detail) text(detail, BRANCH + 10, { class: "lv-diagram-cost", y: y + height - 10 });
  if (narrow) {
    const costs = [parameters && `${formatShort(parameters)} parameters`, flops && formatOperations(flops)];
    text(shaped, width - 18, { class: "lv-diagram-shape lv-diagram-end" });
    text(costs.filter(Boolean).join(" · "), width - 18, { class: "lv-diagram-cost lv-diagram-end", y: y + 36 });
  } else {
    const [shapes, ...costs] = columns(width);
    text(shaped, shapes, { class: "lv-diagram-shape" });
    const figures = [parameters && formatShort(parameters), flops && short(flops)];
    figures.forEach((figure, n) => text(figure || "", costs[n], { class: "lv-diagram-cost lv-diagram-end" }));
  }
  return group;
}

/** Where shape, parameters and operations stand; the last two end there. */
const columns = (width) => [width * 0.42, width * 0.78, width - 18];
const short = (flops) => formatOperations(flops).replace(" operations", "");

function headings(width) {
  const [shapes, ...costs] = columns(width);
  const said = (words, x, more = "") => svg("text", { class: `lv-diagram-cost ${more}`, x, y: 14 }, words);
  return [
    said("what comes out", shapes),
    said("parameters", costs[0], "lv-diagram-end"),
    said("operations a step", costs[1], "lv-diagram-end"),
  ];
}

function spoken(before, block, after, layers) {
  const names = (parts) => parts.map(({ name, detail, shape }) => `${name}${detail && `, ${detail}`} (${shape.join(", ")})`).join("; ");
  const inside = layers ? ` Then ${layers} times: ${names(block)}. Then ${names(after)}.` : "";
  return `From tokens to scores: ${names(before)}.${inside}`;
}
