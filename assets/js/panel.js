// What the Tokens, Attention and Sample panels share: waiting for a pause in typing, hidden tabs, and words
// for the chosen model.

import { store, summaryOf } from "./core.js";

const PATIENCE = 2500; // ms after which it is said what takes so long

/** Empty the panel's box, and let explore.css have it. */
export function openPanel(box, name) {
  box.classList.add("lvx", `lvx-${name}`);
  box.replaceChildren();
}

let serial = 0;
/** An id no other element of the page has, for labels to point at. */
export const uniqueId = (stem) => `lvx-${stem}-${(serial += 1)}`;

/** Call `fn` once the calls have stopped coming for `milliseconds`. */
export function debounce(fn, milliseconds) {
  let timer = null;
  return (...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => fn(...args), milliseconds);
  };
}

/** Tell `fn(true | false)` when the element comes into view or leaves it: a hidden tab is out of view. */
export function whenVisible(element, fn) {
  let before = null;
  new IntersectionObserver((entries) => {
    const now = entries[entries.length - 1].isIntersecting;
    if (now !== before) fn((before = now));
  }).observe(element);
}

/** Only the newest request counts: starting one cancels the one before. */
export class Latest {
  #controller = null;

  /** @returns {AbortSignal} aborted at the next `next` or `cancel` */
  next() {
    this.cancel();
    this.#controller = new AbortController();
    return this.#controller.signal;
  }

  cancel() {
    this.#controller?.abort();
    this.#controller = null;
  }
}

/** Say why an answer takes so long, if it does; returns what is to be called when it is there. */
export function sayIfSlow(say, signal) {
  const sentence = "The model is being opened and read: a large one takes a while.";
  const timer = setTimeout(() => signal.aborted || say(sentence), PATIENCE);
  return () => clearTimeout(timer);
}

/** Size a canvas for the screen's pixel density; drawing units stay CSS pixels. */
export function fitCanvas(canvas, width, height) {
  const density = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * density);
  canvas.height = Math.round(height * density);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d");
  context.setTransform(density, 0, 0, density, 0, 0);
  return context;
}

/** The bytes of a base64 text. A loop: for a megabyte it is several times faster than Uint8Array.from. */
export function fromBase64(text) {
  const characters = atob(text);
  const bytes = new Uint8Array(characters.length);
  for (let i = 0; i < bytes.length; i += 1) bytes[i] = characters.charCodeAt(i);
  return bytes;
}

/** On a phone the panels are one column, as explore.css has it. */
export const isNarrow = (element) => element.closest(".lvx").clientWidth <= 700;

/** 0.6243 → "62 %", 0.004 → "0.4 %". The space is narrow and does not break. */
export function percent(share) {
  if (!Number.isFinite(share)) return "not a number";
  const hundredths = share * 100;
  if (hundredths === 0) return "0\u202f%";
  if (hundredths < 0.05) return "<\u202f0.1\u202f%";
  return `${hundredths < 9.95 ? hundredths.toFixed(1) : Math.round(hundredths)}\u202f%`;
}

/** Which weights a job is to use: a run, and a step of it (null: the newest). */
export const chosenModel = () => ({ run: store.selection.run, step: store.selection.step ?? null });

/** True while the chosen run trains and the header asks for its newest step. */
export function isLive() {
  return store.selection.step === null && ["running", "waiting"].includes(summaryOf()?.status);
}

/** "letter", "byte" or "token": what the chosen model reads and writes. */
export const unitOfOne = () => (summaryOf()?.data?.unit ?? "tokens").replace(/s$/, "");
