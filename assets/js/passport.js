// The passport: what this model is, in numbers that were all measured on it.

import { dataOf, store, summaryOf } from "./core.js";
import {
  formatBytes,
  formatCount,
  formatLoss,
  formatPercent,
  formatSeconds,
  formatShort,
  h,
  unitOf,
} from "./dom.js";
import { evaluationAt } from "./records.js";

const CORPORA = {
  stories: "stories",
  dinosaurs: "dinosaur names",
  rhymes: "rhymes",
  "python-docs": "Python's documentation",
  "python-source": "Python source code",
  text: "a text of the reader's",
};
const READ_AS = {
  chars: "letters",
  bytes: "bytes",
  bpe: "byte-pair tokens",
  file: "a tokenizer from a file",
};
const ARCHITECTURES = {
  gpt2: "GPT-2 (the book's)",
  modern: "modern",
  llama: "Llama",
  transformer: "Transformer of 2017",
  bigram: "bigram",
};

const OPTIMIZERS = { adamw: "AdamW", muon: "Muon", sgd: "SGD", lion: "Lion" };
const SCHEDULES = {
  cosine: "along a cosine",
  linear: "straight down",
  constant: "constant",
  wsd: "constant, then down",
};

/** A button that opens the passport beneath it. Returns {button, panel, refresh}. */
export function passport(button) {
  const panel = h("div", {
    class: "lv-popover lv-passport",
    hidden: true,
    role: "dialog",
    "aria-label": "Passport of this model",
    tabindex: -1,
  });
  button.setAttribute("aria-haspopup", "dialog");
  const show = (open, giveFocusBack = true) => {
    if (panel.hidden === !open) return;
    panel.hidden = !open;
    button.setAttribute("aria-expanded", String(open));
    if (open) {
      refresh();
      panel.focus();
    } else if (giveFocusBack) button.focus();
  };
  const refresh = () => !panel.hidden && fill(panel, () => show(false));
  button.setAttribute("aria-expanded", "false");
  button.addEventListener("click", () => show(panel.hidden));
  panel.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault(); // one thing at a time: no panel beneath closes as well
    show(false);
  });
  document.addEventListener("pointerdown", (event) => {
    if (!panel.contains(event.target) && !button.contains(event.target)) show(false, false);
  });
  return { panel, refresh };
}

function fill(panel, close) {
  const summary = summaryOf();
  const hadFocus = panel.contains(document.activeElement);
  panel.replaceChildren(
    h(
      "div",
      { class: "lv-passport-head" },
      h("b", {}, summary?.name ?? "No model yet"),
      h("button", { class: "lv-button", "aria-label": "Close the passport", onclick: close }, "Close"),
    ),
    h(
      "dl",
      {},
      ...(summary ? rowsOf(summary) : []).flatMap(([name, value, help]) => [
        h("dt", { title: help }, name),
        h("dd", {}, value),
      ]),
    ),
  );
  if (hadFocus) panel.focus();
}

function rowsOf(summary) {
  const settings = summary.settings ?? {};
  const { step } = store.selection;
  const at = step === null ? summary.step : step;
  const evaluation = evaluationAt(dataOf(), step);
  const valLoss = evaluation?.[1] ?? summary.val_loss;
  const full = step === null ? summary.evaluated_full : evaluation?.[3];
  const kind = full ? "" : ", estimate";
  const when =
    step !== null && evaluation && evaluation[0] !== step ? ` (at step ${formatCount(evaluation[0])})` : "";
  if (summary.source) return importedRows(summary, settings).filter(([, value]) => value);
  const dropout = overTime(summary, "dropout", step);
  const rows = [
    ["stage", `pretrained, ${nameOfStatus(summary)}`],
    ["shown at", `step ${formatCount(at)} of ${formatCount(summary.max_steps)}`],
    ...sizeRows(summary),
    [`${unitOf(summary)} seen`, step === null && summary.tokens_seen && formatCount(summary.tokens_seen)],
    [
      "validation loss",
      Number.isFinite(valLoss) && `${formatLoss(valLoss)} nats${kind}${when}`,
      "the mean surprise at the true next token, in natural units: e to its power is how many it chooses among",
    ],
    ["first guess right", Number.isFinite(evaluation?.[2]) && formatPercent(evaluation[2]) + when],
    ["bits per byte", step === null && summary.bits_per_byte && summary.bits_per_byte.toFixed(3) + kind],
    ["speed", summary.tok_s && `${formatShort(summary.tok_s)} ${unitOf(summary)} a second`],
    ["trained for", summary.seconds && formatSeconds(summary.seconds)],
    ["text", CORPORA[settings.corpus] ?? settings.corpus],
    ...shapeRows(summary, settings),
    ["batch", settings.batch_size && `${formatCount(settings.batch_size)} windows`],
    ["optimizer", optimizerOf(settings, overTime(summary, "learning_rate", step))],
    ["dropout", dropout !== "0" && dropout],
    ["schedule", SCHEDULES[settings.schedule]],
    ["seed", String(settings.seed ?? "")],
    ["threads", summary.threads && String(summary.threads)],
  ];
  return rows.filter(([, value]) => value);
}

/** What a setting was at the start, and every change of it before `step`: "0.004, from step 300 on 0.001". */
function overTime({ settings, changes = [] }, name, step) {
  const changed = changes.filter((change) => name in change && (step === null || change.step < step));
  return [settings?.[name], ...changed.map((change) => `from step ${formatCount(change.step)} on ${change[name]}`)].join(", ");
}

function optimizerOf({ optimizer, matrix_learning_rate: matrices }, rate) {
  const rates = optimizer === "muon" ? `${rate}, matrices ${matrices} at the start` : rate;
  return OPTIMIZERS[optimizer] && `${OPTIMIZERS[optimizer]}, learning rate ${rates}`;
}

/** Of a model from elsewhere we know what it is, and nothing of how it came about. */
function importedRows(summary, settings) {
  const { name, revision } = summary.source;
  return [
    ["stage", "pretrained elsewhere, imported"],
    ["from", revision ? `${name}, version ${revision.slice(0, 8)}` : name],
    ...sizeRows(summary),
    ...shapeRows(summary, settings),
  ];
}

const sizeRows = ({ n_parameters: n }) => [
  ["parameters", n && `${formatCount(n)} (${formatShort(n)})`],
  ["size", n && `${formatBytes(n * 4)} of weights, 32 bits each`],
];

const shapeRows = (summary, settings) => [
  [
    "read as",
    READ_AS[settings.tokenizer] &&
      `${READ_AS[settings.tokenizer]}, ${formatCount(summary.data?.vocab_size ?? 0)} different ones`,
  ],
  ["architecture", architectureOf(summary, settings)],
  ["shape", shapeOf(settings)],
  ["context", settings.block_size && `${formatCount(settings.block_size)} ${unitOf(summary)}`],
];

/** The architecture's name, and which parts of it are others: "modern, with Positions: ALiBi, Smear: on". */
function architectureOf({ changed_parts: changed }, { architecture }) {
  const name = ARCHITECTURES[architecture] ?? architecture;
  const parts = Object.entries(changed ?? {}).map(([part, value]) => `${part}: ${value}`);
  return parts.length ? `${name}, with ${parts.join(", ")}` : name;
}

function shapeOf({ architecture, n_layer: layers, n_head: heads, n_embd: width }) {
  return architecture === "bigram" ? "one table" : `${layers} layers, ${heads} heads, ${width} wide`;
}

const STATUS = {
  preparing: "being prepared",
  waiting: "waiting for its turn",
  running: "in training",
  paused: "paused",
  finished: "finished",
  stopped: "stopped early",
  failed: "failed",
};
export const nameOfStatus = (summary) => (summary?.source ? "imported" : (STATUS[summary?.status] ?? ""));
