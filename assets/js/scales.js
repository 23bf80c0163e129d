// Where numbers go on an axis: pure functions, no canvas.

/** Round steps (1, 2 or 5 times a power of ten) inside [low, high], about `count` of them. */
export function niceTicks(low, high, count) {
  const span = high - low;
  if (!(span > 0)) return [low];
  const rough = span / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((digit) => digit * power).find((candidate) => candidate >= rough);
  const ticks = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k++) {
    ticks.push(Number((k * step).toPrecision(12)));
  }
  return ticks;
}

/** Ticks of a step axis drawn as log(1 + step): 0, 1, 10, 100 … within [low, high]. */
export function logTicks(low, high) {
  const ticks = [0, 1];
  for (let tick = 10; tick <= high; tick *= 10) ticks.push(tick);
  return ticks.filter((tick) => tick >= low && tick <= high);
}

// Numbers of choices in the order in which we would rather print them.
const CHOICES = [1, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 30, 1.5, 7, 15, 70, 4, 6];

/**
 * Ticks for "chooses among about N", placed at y = ln N. `first` (the vocabulary) is wanted most.
 * `toPixel(nats)` and `gap` (pixels) keep the labels from touching.
 */
export function choiceTicks({ low, high, first, toPixel, gap }) {
  const fine = Array.from({ length: 60 }, (_, k) => 1 + k / 20); // for a zoom into the tail
  const taken = [];
  for (const n of [first, ...CHOICES, ...fine]) {
    const nats = Math.log(n);
    if (!(nats >= low && nats <= high)) continue;
    const y = toPixel(nats);
    if (taken.every((other) => Math.abs(other.y - y) >= gap)) taken.push({ n, y });
    if (taken.length >= 7) break;
  }
  return taken;
}

/**
 * A frame maps (step, nats) to pixels. `log` draws steps as log(1 + step), so that step 0 has a place.
 * `plot` is {left, top, right, bottom} in CSS pixels.
 */
export function makeFrame({ x0, x1, y0, y1, log, plot }) {
  const bend = log ? Math.log1p : (step) => step;
  const straighten = log ? Math.expm1 : (value) => value;
  const from = bend(x0);
  const perStep = (plot.right - plot.left) / Math.max(1e-9, bend(x1) - from);
  const perNat = (plot.bottom - plot.top) / Math.max(1e-9, y1 - y0);
  return {
    x0,
    x1,
    y0,
    y1,
    log,
    plot,
    x: (step) => plot.left + (bend(step) - from) * perStep,
    y: (nats) => plot.bottom - (nats - y0) * perNat,
    stepAt: (pixel) => straighten(from + (pixel - plot.left) / perStep),
  };
}

/**
 * The last third of what was trained, or null while there is too little. The bounds move in twenty-fourths
 * of the budget and tenths of a nat, so that the picture jumps rarely instead of creeping always.
 */
export function tailOf({ step: steps, loss, evals }, budget) {
  if (steps.length < 8) return null;
  const last = steps[steps.length - 1];
  const notch = Math.max(1, budget / 24);
  const x0 = Math.floor((last * 2) / 3 / notch) * notch;
  const x1 = Math.ceil(last / notch) * notch;
  const inside = [
    ...loss.filter((_, i) => steps[i] >= x0),
    ...evals.filter(([at]) => at >= x0).map(([, nats]) => nats),
  ];
  const finite = inside.filter(Number.isFinite);
  if (!(x1 > x0) || !finite.length) return null;
  const low = finite.reduce((a, b) => Math.min(a, b));
  const high = finite.reduce((a, b) => Math.max(a, b));
  return { x0, x1, y0: Math.max(0, Math.floor(low * 10 - 0.5) / 10), y1: Math.ceil(high * 10 + 0.5) / 10 };
}
