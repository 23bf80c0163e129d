// Every head at once: a mosaic of small maps. Its left edge picks the block (slabs, stacked like the blocks of
// the model), its top edge picks the head (round, one of several side by side), a small map picks both.

import { h, oncePerFrame } from "./dom.js";
import { fitCanvas, isNarrow } from "./panel.js";
import { hatch } from "./attentionscale.js";

const GAP = 4; // px between thumbnails

export class HeadMosaic {
  #view = null;
  #shape = "";
  #thumb = 0; // side of a thumbnail, px
  #images = null; // one small canvas per head, in the order [layer][head]
  #painted = null; // version of the weights in #images
  #drawn = ""; // what the canvas shows: hovering over the large map changes nothing here

  /** @param {(layer: number, head: number) => void} pick */
  constructor(pick) {
    this.pick = pick;
    this.canvas = h("canvas", {
      class: "mosaic-canvas",
      role: "img",
      onclick: (event) => {
        const [layer, head] = this.#headAt(event);
        if (this.#exists(layer, head)) this.pick(layer, head);
      },
      onpointermove: (event) => {
        const [layer, head] = this.#headAt(event);
        this.canvas.title = this.#exists(layer, head) ? `Block ${layer + 1}, head ${head + 1}` : "";
      },
    });
    this.blocks = h("div", { class: "slabs", role: "radiogroup", "aria-label": "Block" });
    this.heads = h("div", { class: "rounds", role: "radiogroup", "aria-label": "Head" });
    this.element = h(
      "div",
      { class: "mosaic" },
      h("span", { class: "corner" }, "head"),
      this.heads,
      this.blocks,
      this.canvas,
    );
    this.draw = oncePerFrame(() => this.#draw());
  }

  show(view) {
    this.#view = view;
    const { maps, layer, head } = view;
    const shape = `${maps.layers}x${maps.heads}`;
    if (shape !== this.#shape) {
      this.#shape = shape;
      this.#fillPicker(
        this.blocks,
        maps.layers,
        (i) => `Block ${i + 1}`,
        (i) => this.pick(i, this.#view.head),
      );
      this.#fillPicker(
        this.heads,
        maps.heads,
        (i) => `${i + 1}`,
        (i) => this.pick(this.#view.layer, i),
      );
    }
    check(this.blocks, layer);
    check(this.heads, head);
    this.canvas.setAttribute(
      "aria-label",
      `${maps.layers * maps.heads} small attention maps, one for each head`,
    );
    this.draw();
  }

  #fillPicker(group, count, name, choose) {
    const buttons = Array.from({ length: count }, (_, i) =>
      h(
        "button",
        {
          type: "button",
          role: "radio",
          "aria-label": `${group.getAttribute("aria-label")} ${i + 1}`,
          onclick: () => choose(i),
        },
        name(i),
      ),
    );
    group.onkeydown = (event) => {
      const by = { ArrowUp: -1, ArrowLeft: -1, ArrowDown: 1, ArrowRight: 1 }[event.key];
      if (!by) return;
      event.preventDefault();
      const next = (buttons.indexOf(document.activeElement) + by + count) % count;
      buttons[next].focus();
      choose(next);
    };
    group.replaceChildren(...buttons);
  }

  #headAt(event) {
    const box = this.canvas.getBoundingClientRect();
    const pitch = this.#thumb + GAP;
    return [Math.floor((event.clientY - box.top) / pitch), Math.floor((event.clientX - box.left) / pitch)];
  }

  #exists(layer, head) {
    const { maps } = this.#view;
    return layer >= 0 && head >= 0 && layer < maps.layers && head < maps.heads;
  }

  #draw() {
    const available = this.element.parentElement?.clientWidth;
    if (!this.#view || !available) return;
    const { maps, layer, head, scale, version } = this.#view;
    const slab = isNarrow(this.element) ? 0 : Math.round(scale.text * 5.7); // px, the width of a block's button
    const high = Math.max(300, Math.min(520, window.innerHeight * 0.58)) / maps.layers;
    const wide = (available - slab) / maps.heads;
    this.#thumb = Math.max(14, Math.min(64, Math.floor(Math.min(high, wide)) - GAP));
    this.element.style.setProperty("--thumb", `${this.#thumb}px`);
    this.element.style.setProperty("--gap", `${GAP}px`);
    this.element.style.setProperty("--slab", `${slab}px`);
    const key = [version, layer, head, this.#thumb].join();
    if (key === this.#drawn) return;
    this.#drawn = key;
    if (this.#painted !== version) this.#images = paintHeads(maps, scale);
    this.#painted = version;
    const pitch = this.#thumb + GAP;
    const context = fitCanvas(this.canvas, pitch * maps.heads, pitch * maps.layers);
    context.imageSmoothingQuality = "high";
    for (let i = 0; i < maps.layers * maps.heads; i += 1) {
      const [x, y] = [(i % maps.heads) * pitch, Math.floor(i / maps.heads) * pitch];
      this.#drawThumbnail(context, this.#images[i], x + GAP / 2, y + GAP / 2);
    }
    context.strokeStyle = scale.focus;
    context.lineWidth = 3;
    context.strokeRect(head * pitch + 1.5, layer * pitch + 1.5, pitch - 3, pitch - 3);
  }

  #drawThumbnail(context, image, x, y) {
    const size = this.#thumb;
    const step = size / image.width;
    context.imageSmoothingEnabled = step < 1;
    context.drawImage(image, x, y, size, size);
    context.beginPath();
    context.moveTo(x + step, y);
    context.lineTo(x + size, y);
    context.lineTo(x + size, y + size - step);
    context.closePath();
    const { maps } = this.#view;
    const seen = (maps.window / maps.length) * size; // how far down the first column is seen
    if (seen < size) {
      context.moveTo(x, y + seen);
      context.lineTo(x, y + size);
      context.lineTo(x + size - seen, y + size);
      context.closePath();
    }
    context.globalAlpha = size < 30 ? 0.5 : 1; // a small hatching must not drown a small map
    hatch(context, this.#view.scale.hatch, 4);
    context.globalAlpha = 1;
    context.strokeStyle = this.#view.scale.line;
    context.lineWidth = 1;
    context.strokeRect(x + 0.5, y + 0.5, size - 1, size - 1);
  }
}

/** Mark one button of a picker; only that one can be reached with Tab, arrows reach the others. */
function check(group, chosen) {
  [...group.children].forEach((button, i) => {
    button.setAttribute("aria-checked", i === chosen);
    button.tabIndex = i === chosen ? 0 : -1;
  });
}

const FINEST = 48; // cells along a thumbnail: of more, the strongest of neighbouring weights is shown

/** One small canvas for each head; what is masked stays transparent. */
function paintHeads(maps, scale) {
  const images = [];
  for (let layer = 0; layer < maps.layers; layer += 1) {
    for (let head = 0; head < maps.heads; head += 1) images.push(paintHead(maps, layer, head, scale));
  }
  return images;
}

function paintHead(maps, layer, head, { table, nan }) {
  const side = Math.min(maps.length, FINEST);
  const bin = (i) => Math.floor((i * side) / maps.length);
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = side;
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(side, side);
  const strongest = new Int16Array(side * side).fill(-1);
  for (let row = 0; row < maps.length; row += 1) {
    const broken = maps.isBroken(layer, head, row);
    for (let col = maps.firstSeen(row); col <= row; col += 1) {
      const at = bin(row) * side + bin(col);
      const byte = maps.byte(layer, head, row, col);
      if (byte <= strongest[at] && !broken) continue;
      strongest[at] = byte;
      for (let channel = 0; channel < 3; channel += 1) {
        pixels.data[at * 4 + channel] = broken ? nan[channel] : table[byte * 3 + channel];
      }
      pixels.data[at * 4 + 3] = 255;
    }
  }
  context.putImageData(pixels, 0, 0);
  return canvas;
}
