// The details of a diagnosis as tables: one row a layer, then the loss by position and by kind of token.

import { formatCount, formatLoss, formatOperations, h } from "./dom.js";
import { percent } from "./panel.js";

const COLUMNS = [
  ["", "where in the model"],
  ["activations", "root mean square of the residual stream where this part leaves it"],
  ["gradients", "root mean square of the gradients of this part's weights"],
  ["a step moves", "how far one step moves the weights, as a share of their length; about 1 % is healthy"],
  ["silent units", "units of the MLP that were zero for every token of the batch"],
  ["heads look around", "for each head: 100 % looks at all it can see alike, 0 % at a single token"],
];

const UNMEASURED =
  "Speed: what this machine can reach at most is measured when nothing trains; then it is said here how close " +
  "this run came.";

/** The elements that show what /diagnostics answered. A run that was never examined has its speed alone. */
export function detailsOf({ diagnosis, readings, noise_scale: needed, roofline, unmeasured }, close) {
  const speed = roofline ? speedOf(roofline) : unmeasured ? UNMEASURED : "";
  const when = diagnosis ? `, before step ${formatCount(diagnosis.diagnostics + 1)}` : "";
  return [
    h("div", { class: "lv-health-head" }, h("h2", {}, `Inside the training${when}`), close),
    ...(diagnosis ? insideOf(diagnosis, readings, needed) : []),
    speed && h("p", { class: "lv-caption lv-health-roof" }, speed),
  ];
}

function insideOf(diagnosis, readings, needed) {
  return [
    h("ul", {}, ...readings.map(({ level, text }) => h("li", { "data-level": level }, text))),
    layersOf(diagnosis),
    h(
      "div",
      { class: "lv-health-bars" },
      bars("Loss by position in the window", positionsOf(diagnosis.positions)),
      bars("Loss by kind of token", Object.entries(diagnosis.classes)),
    ),
    h("p", { class: "lv-caption" }, noiseOf(diagnosis, needed)),
  ];
}

function layersOf({ activation, gradient, update, dead, entropy }) {
  const head = COLUMNS.map(([name, says]) => h("th", { scope: "col", title: says }, name));
  const rows = activation.map((_, place) => {
    const below = place - 1; // what a layer alone has does not begin with the outside
    const cells = [
      number(activation[place]),
      number(gradient[place]),
      known(update[place], percent),
      place ? known(dead[below], percent) : "",
      place ? (entropy[below] ?? []).map((wide) => known(wide, percent)).join("  ") : "",
    ];
    const name = place ? `layer ${place}` : "outside of the layers";
    return h("tr", {}, h("th", { scope: "row" }, name), ...cells.map((cell) => h("td", {}, cell)));
  });
  return h(
    "div",
    { class: "lv-health-scroll", tabindex: 0, role: "region", "aria-label": "Layer by layer" },
    h("table", {}, h("thead", {}, h("tr", {}, ...head)), h("tbody", {}, ...rows)),
  );
}

const known = (value, format) => (value === null || value === undefined ? "–" : format(value));
const number = (value) => known(value, (n) => (n < 1000 ? String(Number(n.toPrecision(2))) : formatCount(n.toPrecision(2))));

/** [["first", 3.2], ["2nd", …], ["3rd–4th", …]]: positions are counted from 1, as readers do. */
function positionsOf(losses) {
  return losses.map((loss, k) => {
    const first = k === 0 ? 1 : 2 ** (k - 1) + 1;
    const last = k === 0 ? 1 : 2 ** k;
    return [first === last ? `token ${first}` : `tokens ${first}–${last}`, loss];
  });
}

function bars(title, rows) {
  const most = Math.max(...rows.map(([, loss]) => loss ?? 0), 1e-9);
  return h(
    "table",
    {},
    h("caption", {}, title),
    h(
      "tbody",
      {},
      ...rows.map(([name, loss]) =>
        h(
          "tr",
          {},
          h("th", { scope: "row" }, name),
          h("td", {}, known(loss, formatLoss)),
          h("td", { "aria-hidden": "true" }, h("i", { style: `width: ${(100 * (loss ?? 0)) / most}%` })),
        ),
      ),
    ),
  );
}

function noiseOf({ windows, noise }, needed) {
  if (noise === null) return "With one window in a batch, signal and noise cannot be told apart.";
  const scale = Number.isFinite(needed)
    ? `${batchOf(needed)} as much signal as noise`
    : "signal cannot be told from noise";
  return `Gradient noise: ${scale}. Read on ${formatCount(windows)} windows of this step's batch, without dropout.`;
}

function batchOf(windows) {
  if (windows <= 1) return "a single window already has at least";
  const about = Math.round(Number(windows.toPrecision(2)));
  return `a batch of about ${formatCount(about)} window${about === 1 ? "" : "s"} would have`;
}

function speedOf({ reached, roof, share, by }) {
  return (
    `Speed: ${formatOperations(reached)} a second, ${percent(share)} of the ${formatOperations(roof)} that large ` +
    `matrix products reach on this machine with ${by}. The smaller the model, the more time goes elsewhere.`
  );
}
