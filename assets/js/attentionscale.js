// One sequential scale for attention, fixed to 0…1: the colour follows the square root of the weight, so that
// one per cent can still be told from nothing. The legend prints it. Masked cells are hatched, NaN has a
// colour of its own.

import { h } from "./dom.js";

const TICKS = [0, 0.01, 0.05, 0.25, 0.5, 1];

/**
 * The colours of the moment, read from the stylesheet so that light and dark each have their own.
 * @returns {{table: Uint8ClampedArray, nan: number[], hatch: string, colour: (weight: number) => string}}
 *   `table` holds red, green, blue for each of the 256 bytes a weight can be
 */
export function readScale(element) {
  const style = getComputedStyle(element);
  const stops = style
    .getPropertyValue("--lvx-ramp")
    .trim()
    .split(/\s*,\s*/)
    .map(rgb);
  const nan = rgb(style.getPropertyValue("--lvx-nan").trim());
  const table = new Uint8ClampedArray(256 * 3);
  for (let byte = 0; byte < 256; byte += 1) table.set(between(stops, byte / 255), byte * 3);
  const colour = (weight) => {
    if (Number.isNaN(weight)) return `rgb(${nan})`;
    const at = Math.round(Math.sqrt(weight) * 255) * 3;
    return `rgb(${table.subarray(at, at + 3).join()})`;
  };
  return { table, nan, hatch: style.getPropertyValue("--lvx-hatch").trim(), colour };
}

const rgb = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));

function between(stops, share) {
  const at = share * (stops.length - 1);
  const low = Math.min(Math.floor(at), stops.length - 2);
  return stops[low].map((channel, i) => channel + (stops[low + 1][i] - channel) * (at - low));
}

const tiles = new Map(); // "colour spacing" -> canvas

function hatchTile(colour, spacing) {
  const key = `${colour} ${spacing}`;
  if (!tiles.has(key)) {
    const tile = document.createElement("canvas");
    tile.width = tile.height = spacing;
    const pen = tile.getContext("2d");
    pen.strokeStyle = colour;
    for (const shift of [-spacing, 0, spacing]) {
      pen.moveTo(shift, spacing);
      pen.lineTo(shift + spacing, 0);
    }
    pen.stroke();
    tiles.set(key, tile);
  }
  return tiles.get(key);
}

/** Fill the current path with thin diagonal lines: "cannot be looked at". */
export function hatch(context, colour, spacing) {
  context.fillStyle = context.createPattern(hatchTile(colour, spacing), "repeat");
  context.fill();
}

/** What is hatched, in words; `window` is Infinity where a token sees all before it. */
export const unseenInWords = (window) =>
  `later${Number.isFinite(window) ? ", or before the last " + window : ""}: cannot be seen`;

/** The printed legend: the scale with its numbers, and what hatching and the NaN colour mean. */
export function legend() {
  const ticks = TICKS.map((weight) => {
    const tick = h("span", { class: "tick" }, weight === 0 ? "0" : `${weight * 100}`);
    tick.style.left = `${Math.sqrt(weight) * 100}%`;
    return tick;
  });
  return h(
    "div",
    { class: "legend", "aria-label": "Colours: how much a token looks, from 0 to 100 per cent" },
    h("span", { class: "scale" }, h("span", { class: "gradient" }), ...ticks),
    h("span", { class: "of" }, "% of its look"),
    h("span", { class: "key" }, h("i", { class: "swatch masked" }), h("span", { class: "unseen" })),
    h("span", { class: "key key-nan", hidden: true }, h("i", { class: "swatch nan" }), "not a number"),
  );
}
