// Folding what the stream says into columns. Pure functions of (columns, message): no page, no network.

export const COLUMNS = ["step", "loss", "accuracy", "lr", "grad_norm", "tok_s"];

export function emptyColumns() {
  const cursors = { metrics: null, events: null };
  // diagnosed: the step of the newest examination from inside
  const columns = { evals: [], events: [], diagnosed: null, cursors, version: 0 };
  for (const name of COLUMNS) columns[name] = [];
  return columns;
}

/** How many leading entries of an ascending column lie below `step`. */
export function countBelow(steps, step) {
  let low = 0;
  let high = steps.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (steps[middle] < step) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The index of the entry nearest to `step`, or -1 in an empty column. */
export function nearest(steps, step) {
  const right = countBelow(steps, step);
  if (right === 0) return steps.length ? 0 : -1;
  if (right === steps.length) return right - 1;
  return step - steps[right - 1] <= steps[right] - step ? right - 1 : right;
}

/**
 * Fold a "metrics" message. Returns "gap" when records in between are missing (ask again from our cursor),
 * "known" when it says nothing new, else "new" (only appended) or "redraw" (older points changed).
 */
export function foldMetrics(columns, message) {
  const { cursors } = columns;
  if (message.reset) {
    for (const name of COLUMNS) columns[name] = [...(message[name] ?? [])];
    columns.evals = [...(message.evals ?? [])];
    columns.diagnosed = message.diagnosed ?? null;
    cursors.metrics = message.to;
    columns.version += 1; // whoever drew the old points has to start afresh
    return "redraw";
  }
  if (cursors.metrics === null || message.from > cursors.metrics) return "gap";
  if (message.to <= cursors.metrics) return "known";
  if (message.from < cursors.metrics) return "gap"; // half known: cheaper to ask than to take apart
  const rewound = message.rewind !== undefined && message.rewind !== null;
  if (rewound) dropFrom(columns, message.rewind);
  for (const name of COLUMNS) columns[name].push(...(message[name] ?? []));
  for (const evaluation of message.evals ?? []) addEvaluation(columns, evaluation);
  columns.diagnosed = message.diagnosed ?? columns.diagnosed;
  cursors.metrics = message.to;
  return rewound ? "redraw" : "new";
}

/** A later evaluation of the same step counts: the full sweep at the end replaces the estimate. */
function addEvaluation(columns, evaluation) {
  if (columns.evals.at(-1)?.[0] === evaluation[0]) columns.evals.pop();
  columns.evals.push(evaluation);
}

/** The worker went back to its last checkpoint: steps from `step` on will be trained again. */
function dropFrom(columns, step) {
  const keep = countBelow(columns.step, step);
  for (const name of COLUMNS) columns[name].length = Math.min(keep, columns[name].length);
  columns.evals = columns.evals.filter(([at]) => at < step);
  columns.version += 1;
}

/** Fold an "events" message; of the running "now" samples only the newest is kept. */
export function foldEvents(columns, message) {
  const { cursors } = columns;
  if (!message.reset && cursors.events !== null && message.to <= cursors.events) return "known";
  if (message.reset) columns.events = [];
  columns.events.push(...message.events);
  const newest = columns.events.findLast((event) => event.kind === "now");
  columns.events = columns.events.filter((event) => event.kind !== "now" || event === newest);
  cursors.events = message.to;
  return "new";
}

/** What the reader is told of, oldest first. Automatic threads follow whoever else trains or looks at something,
 * as often as not: that is written down, and the chart's tooltip has it, but it is no news. */
export const newsOf = (data) =>
  (data?.events ?? []).filter((event) => event.kind === "notice" && event.code !== "threads");

/** Newest evaluation at or before `step` (null: the newest of all). */
export function evaluationAt(columns, step = null) {
  const known = columns?.evals ?? [];
  return known.findLast(([at]) => step === null || at <= step) ?? null;
}

const SMOOTHED = 10; // records: a single batch says little

/** The mean of a column over the last few records up to index `end` (null: none is a number). */
function recentMean(column, end) {
  const recent = column.slice(Math.max(0, end + 1 - SMOOTHED), end + 1).filter(Number.isFinite);
  return recent.length ? recent.reduce((sum, value) => sum + value, 0) / recent.length : null;
}

/**
 * How good the model is at `step` (null: the newest), as {loss, accuracy}: from an evaluation if there is one
 * of that very step, else from the training records just before it.
 */
export function qualityAt(columns, step = null) {
  if (!columns) return { loss: null, accuracy: null };
  const evaluation = evaluationAt(columns, step);
  const end = step === null ? columns.step.length - 1 : nearest(columns.step, step);
  const wanted = step ?? Math.max(evaluation?.[0] ?? 0, columns.step.at(-1) ?? 0);
  if (evaluation && (evaluation[0] === wanted || end < 0))
    return { loss: evaluation[1], accuracy: evaluation[2] };
  return { loss: recentMean(columns.loss, end), accuracy: recentMean(columns.accuracy, end) };
}
