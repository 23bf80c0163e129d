// How the loss chart looks: the paper under the line and the glass over it. Functions of a scene
// (see Chart.sceneOf), so that what is drawn depends on nothing else.

import { formatChoices, formatCount, formatLoss } from "./dom.js";
import { newsOf } from "./records.js";
import { choiceTicks, logTicks, niceTicks } from "./scales.js";

const DASHED = [7, 5];
const DOTTED = [2, 5];

/** Axes, grid, the dashed line of a blind guess and the dotted line of the best possible. */
export function drawPaper(layer, scene) {
  layer.clear();
  drawLossAxis(layer, scene);
  drawChoicesAxis(layer, scene);
  drawStepAxis(layer, scene);
  drawBounds(layer, scene);
}

function drawLossAxis(layer, { frame, palette }) {
  const { left, right } = frame.plot;
  const count = (frame.plot.bottom - frame.plot.top) / (palette.textSize * 3.5);
  for (const tick of niceTicks(frame.y0, frame.y1, count)) {
    const y = Math.round(frame.y(tick)) + 0.5;
    layer.line(left, y, right, y, palette.line, tick === frame.y0 ? 1.5 : 1);
    layer.text(String(tick), left - 7, y, palette.muted, { align: "right" });
  }
}

/** The same height read as a number of choices: e^loss. */
function drawChoicesAxis(layer, { frame, palette, vocabulary }) {
  const ticks = choiceTicks({
    low: frame.y0,
    high: frame.y1,
    first: vocabulary,
    toPixel: frame.y,
    gap: palette.textSize * 1.7,
  });
  for (const { n, y } of ticks) {
    const { right } = frame.plot;
    layer.line(right, Math.round(y) + 0.5, right + 4, Math.round(y) + 0.5, palette.muted);
    layer.text(formatChoices(n), right + 8, y, palette.ink);
  }
}

function drawStepAxis(layer, { frame, palette, tail }) {
  const { left, right, bottom } = frame.plot;
  const count = (right - left) / (palette.textSize * 7);
  const ticks = frame.log ? logTicks(frame.x0, frame.x1) : niceTicks(frame.x0, frame.x1, count);
  const end = tail ? `step ${formatCount(frame.x1)}` : `${formatCount(frame.x1)} steps`;
  const y = bottom + palette.textSize * 0.9;
  const roomFor = right - layer.context.measureText(end).width - 8;
  for (const tick of ticks) {
    const x = frame.x(tick);
    const words = formatCount(tick);
    layer.line(x, bottom, x, bottom + 4, palette.muted);
    if (x + layer.context.measureText(words).width / 2 < roomFor) {
      layer.text(words, x, y, palette.muted, { align: "center" });
    }
  }
  layer.text(end, right, y, palette.muted, { align: "right" });
}

function drawBounds(layer, { frame, palette, blind, best, vocabulary, unit }) {
  const { left, right } = frame.plot;
  const lift = palette.textSize * 0.75;
  if (blind <= frame.y1) {
    const y = frame.y(blind);
    layer.line(left, y, right, y, palette.blind, palette.lineWidth, DASHED);
    const words = `blind guess: any of ${formatCount(vocabulary)} ${unit}`;
    const above = Math.max(y - lift, palette.textSize / 2 + 2); // inside the picture, however flat it is
    layer.text(words, right - 4, above, palette.blind, { align: "right", halo: palette.surface });
  }
  if (best !== null && best >= frame.y0 && best <= frame.y1) {
    const y = frame.y(best);
    layer.line(left, y, right, y, palette.best, palette.lineWidth, DOTTED);
    const below = y + lift + palette.textSize < frame.plot.bottom;
    const words = `best possible ${formatLoss(best)}`;
    layer.text(words, left + 6, below ? y + lift : y - lift, palette.best, { halo: palette.surface });
  }
}

/** Validation, end labels, markers, the chosen step and the crosshair. */
export function drawGlass(layer, scene, { cursor, selected }) {
  layer.clear();
  drawMarkers(layer, scene);
  if (selected !== null) drawSelected(layer, scene, selected);
  drawValidation(layer, scene);
  drawEnds(layer, scene);
  if (cursor !== null) drawCrosshair(layer, scene, cursor);
}

/**
 * Points joined by dashes. Step 0 stands alone: a straight line across the steepest part of the curve
 * would show a gap to the training loss that nobody measured.
 */
function drawValidation(layer, { frame, palette, data }) {
  const shown = data.evals.filter(
    ([step, loss]) => frame.x(step) >= frame.plot.left - 1 && Number.isFinite(loss),
  );
  const c = layer.context;
  c.strokeStyle = palette.validation;
  c.lineWidth = palette.lineWidth;
  c.setLineDash([6, 4]);
  c.beginPath();
  for (const [step, loss] of shown) if (step > 0) c.lineTo(frame.x(step), heightOf(frame, loss));
  c.stroke();
  c.setLineDash([]);
  const radius = shown.length > 40 ? palette.lineWidth : palette.lineWidth * 1.5;
  for (const [step, loss] of shown)
    layer.dot(frame.x(step), heightOf(frame, loss), radius, palette.validation);
}

const heightOf = (frame, nats) => Math.max(frame.plot.top, frame.y(nats));

/** Where each line is now: a dot, its name and its value. At step 0 there is nothing but a blind guess. */
function drawEnds(layer, scene) {
  const { frame, palette, data, blind } = scene;
  const ends = [];
  const last = data.step.length - 1;
  if (last >= 0)
    ends.push({ name: "training", step: data.step[last], nats: data.loss[last], colour: palette.training });
  const evaluation = data.evals.at(-1);
  if (evaluation && (evaluation[0] > 0 || last >= 0)) {
    ends.push({ name: "validation", step: evaluation[0], nats: evaluation[1], colour: palette.validation });
  }
  if (last < 0 || data.step[last] === 0) return drawBlindGuess(layer, scene, evaluation?.[1] ?? blind);
  placeLabels(
    layer,
    scene,
    ends.filter((end) => Number.isFinite(end.nats) && frame.x(end.step) >= frame.plot.left),
  );
}

function drawBlindGuess(layer, { frame, palette }, nats) {
  const x = frame.x(0);
  const y = heightOf(frame, nats);
  layer.dot(x, y, palette.lineWidth * 3, palette.training);
  layer.text("step 0: a blind guess", x + 12, y + palette.textSize * 1.1, palette.ink, {
    halo: palette.surface,
  });
}

/** End labels beside their dots or, where the right edge is too near, stacked above the line. */
function placeLabels(layer, { frame, palette }, ends) {
  const gap = palette.textSize * 1.25;
  const labels = ends.map((end) => {
    const words = `${end.name} ${formatLoss(end.nats)}${end.nats > frame.y1 ? " ↑" : ""}`;
    const x = frame.x(end.step);
    return {
      ...end,
      words,
      x,
      y: heightOf(frame, end.nats),
      right: x + 12 + layer.context.measureText(words).width,
    };
  });
  labels.sort((a, b) => a.y - b.y); // the higher line's label goes on top
  const stacked = labels.some((label) => label.right > frame.plot.right);
  let line = -Infinity;
  labels.forEach((label, i) => {
    const above = labels[0].y - gap * (labels.length - i);
    const beside = Math.max(label.y - (labels.length > 1 && i === 0 ? gap : 0), line + gap);
    line = Math.max(stacked ? above : beside, frame.plot.top + gap * (i + 0.5));
    layer.dot(label.x, label.y, palette.lineWidth * 1.75, label.colour);
    const [at, align] = stacked ? [frame.plot.right - 4, "right"] : [label.x + 9, "left"];
    layer.text(label.words, at, line, label.colour, { align, halo: palette.surface });
  });
}

/** Live changes and notices: a thin line with a flag at its foot; the words are in the tooltip and status. */
function drawMarkers(layer, { frame, palette, data }) {
  const { top, bottom, left } = frame.plot;
  for (const event of newsOf(data)) {
    if (event.step === undefined) continue;
    const x = Math.round(frame.x(event.step)) + 0.5;
    if (x < left || x > frame.plot.right + 1) continue;
    const change = event.code === "changed";
    const colour = change ? palette.accent : palette.notice;
    layer.line(x, top, x, bottom, colour, palette.thin, change ? [1, 3] : [3, 3]);
    layer.text(change ? "◆" : "!", x, bottom - palette.textSize * 0.7, colour, {
      align: "center",
      halo: palette.surface,
    });
  }
}

/** The step the time machine stands at. */
function drawSelected(layer, { frame, palette }, step) {
  const { top, bottom, left, right } = frame.plot;
  const x = frame.x(step);
  if (x < left - 1 || x > right + 1) return;
  layer.line(x, top, x, bottom, palette.accent, palette.lineWidth);
  const onLeft = x > (left + right) / 2;
  const words = `step ${formatCount(step)}`;
  layer.text(words, x + (onLeft ? -6 : 6), bottom - palette.textSize * 0.9, palette.accent, {
    align: onLeft ? "right" : "left",
    halo: palette.surface,
  });
}

function drawCrosshair(layer, { frame, palette, data }, step) {
  const index = data.step.indexOf(step);
  const x = frame.x(step);
  if (x < frame.plot.left - 1) return;
  layer.line(x, frame.plot.top, x, frame.plot.bottom, palette.muted, palette.thin);
  const nats = data.loss[index];
  if (!Number.isFinite(nats)) return;
  const y = heightOf(frame, nats);
  layer.line(frame.plot.left, y, frame.plot.right, y, palette.muted);
  layer.dot(x, y, palette.lineWidth * 2, palette.training);
}
