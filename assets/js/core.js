// What every component shares: the store (which run, which step, its numbers), who we are (owner.js),
// requests to the server, colours, and the one voice that speaks to a screen reader.
//
// Data flows one way: stream.js hears the server and writes the store; components listen to topics.

import { owner } from "./owner.js";

export { owner };

/** Where our routes live: …/gradio_api/llmviz/, whatever proxy prefix the page was served under. */
export const base = new URL("../../", import.meta.url).href;

// ---------------------------------------------------------------- store

const listeners = new Map(); // topic -> Set of functions

/**
 * The page's whole state.
 * `data` holds columns of equal length (`step`, `loss`, `accuracy`, `lr`, `grad_norm`, `tok_s`), `evals` as
 * `[step, val_loss, val_accuracy, full]`, the film's `events`, and the `cursors` to carry on from.
 */
export const store = {
  selection: { run: null, step: null }, // step null: the newest
  order: [], // ids as the server lists them: shipped first, then mine
  summaries: new Map(), // id -> summary
  data: new Map(), // id -> columns
  plan: null, // what the form describes: its estimate, the diagram of its model
  host: null, // workers, active runs, estimates
  watching: null, // the run whose newest weights somebody looks at (attention, live)
  online: true,

  /** Call `fn(detail)` whenever `topic` changes; returns the function that stops it. */
  on(topic, fn) {
    if (!listeners.has(topic)) listeners.set(topic, new Set());
    listeners.get(topic).add(fn);
    return () => listeners.get(topic).delete(fn);
  },

  emit(topic, detail) {
    for (const fn of [...(listeners.get(topic) ?? [])]) {
      try {
        fn(detail);
      } catch (error) {
        console.error(`llmviz: a listener of "${topic}" failed`, error); // one panel must not stop the others
      }
    }
  },
};

/** Like `store.on`, for as long as `element` stays in the page (Gradio drops hidden tabs). */
export function listen(element, topic, fn) {
  let seen = false;
  const off = store.on(topic, (detail) => {
    if (element.isConnected) seen = true;
    else if (seen) return off();
    fn(detail);
  });
  return off;
}

/**
 * Follow whichever run is selected: `handlers` maps "run", "metrics" and "events" to functions of its id.
 * Every handler is also called once when the selection moves to another run.
 */
export function followSelection(element, handlers) {
  let offs = [];
  let current;
  const attach = () => {
    const { run } = store.selection;
    if (run === current) return handlers.step?.(run);
    offs.forEach((off) => off());
    current = run;
    offs = Object.entries(handlers)
      .filter(([topic]) => topic !== "selection" && topic !== "step")
      .map(([topic, fn]) => listen(element, `${topic}:${run}`, () => fn(run)));
    handlers.selection?.(run);
  };
  listen(element, "selection", attach);
  attach();
}

export const summaryOf = (run = store.selection.run) => store.summaries.get(run) ?? null;
/** A setting as a run trains with it now: the last change of it, or what it began with. */
export const inForce = ({ settings, changes = [] }, name) => changes.filter((change) => name in change).at(-1)?.[name] ?? settings[name];
export const dataOf = (run = store.selection.run) => store.data.get(run) ?? null;

// ---------------------------------------------------------------- selection, mirrored in the URL

/** Choose a run and a step of it (null: the newest). Another run starts at its newest step. */
export function select({ run = store.selection.run, step } = {}) {
  if (step === undefined) step = run === store.selection.run ? store.selection.step : null;
  if (run === store.selection.run && step === store.selection.step) return;
  store.selection = { run, step };
  const url = new URL(location.href);
  setOrDelete(url.searchParams, "run", run);
  setOrDelete(url.searchParams, "step", step);
  history.replaceState(history.state, "", url);
  store.emit("selection", store.selection);
}

function setOrDelete(params, name, value) {
  if (value === null || value === undefined) params.delete(name);
  else params.set(name, value);
}

/** The link we were opened with: from then on the address follows the selection. */
export const openedWith = location.search;

/** The run and the step of that link. What is malformed is ignored here; the server says what is wrong. */
export function selectionFromURL() {
  const params = new URLSearchParams(openedWith);
  const run = params.get("run");
  const step = params.get("step");
  return {
    run: run && /^[\w-]{1,64}$/.test(run) ? run : null,
    step: step && /^\d{1,9}$/.test(step) ? Number(step) : null,
  };
}

/** Ask the worker to publish its newest weights of `run` while somebody looks (null: nobody does). */
export function watchLive(run) {
  if (store.watching === run) return;
  store.watching = run;
  store.emit("watching", run);
}

// ---------------------------------------------------------------- requests

const UNREACHABLE = "The server cannot be reached just now. Nothing is lost; please try again in a moment.";

/** Headers that every request of this page carries: who asks. teacher.js adds the teacher's session. */
export const credentials = {};

export function post(path, body, signal) {
  return fetch(base + path, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-LLMViz-Owner": owner(), ...credentials },
    body: JSON.stringify(body),
    signal,
  });
}

/** GET a JSON document under our routes. Throws an Error with a plain sentence. */
export async function getJSON(path) {
  let response;
  try {
    response = await fetch(base + path, { headers: { "X-LLMViz-Owner": owner() } });
  } catch {
    throw new Error(UNREACHABLE);
  }
  if (!response.ok) throw new Error((await sentenceOf(response)) ?? UNREACHABLE);
  return response.json();
}

async function sentenceOf(response) {
  const body = await response.json().catch(() => null);
  return body?.errors?.join(" ") ?? null;
}

/** Run an interactive job, as `messagesOf` does. */
export const job = (kind, payload, onMessage, signal) => messagesOf(`job/${kind}`, payload, onMessage, signal);

/**
 * Ask for what takes a while; `onMessage` hears every message as it arrives, errors included as
 * `{"error": sentence}`. Resolves with the last message, or null when `signal` aborted. Never rejects.
 */
export async function messagesOf(path, payload, onMessage = () => {}, signal = undefined) {
  let last = null;
  const hear = (message) => onMessage((last = message));
  try {
    const response = await asked(path, payload, signal);
    if (!response.ok) hear({ error: (await sentenceOf(response)) ?? UNREACHABLE });
    else for await (const line of linesOf(response.body)) hear(JSON.parse(line));
  } catch (error) {
    if (signal?.aborted) return null;
    console.error(`llmviz: ${path}`, error);
    hear({ error: UNREACHABLE });
  }
  return last;
}

const CLASS_PAUSED = 409;
const ASK_AGAIN = 1_000; // ms

/** What a panel asks while the teacher has paused the class is answered as soon as the lesson goes on. */
async function asked(path, payload, signal) {
  for (;;) {
    const response = await post(path, payload, signal);
    if (response.status !== CLASS_PAUSED) return response;
    do {
      await new Promise((done) => setTimeout(done, ASK_AGAIN));
      signal?.throwIfAborted();
    } while (store.host?.class?.frozen);
  }
}

/** The non-empty lines of a byte stream, as soon as each is complete. */
export async function* linesOf(body) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    rest += decoder.decode(value, { stream: !done });
    const lines = rest.split("\n");
    rest = done ? "" : lines.pop();
    for (const line of lines) if (line.trim()) yield line;
    if (done) return;
  }
}

// ---------------------------------------------------------------- colours

const COLOUR_NAMES = [
  "ink",
  "muted",
  "line",
  "surface",
  "accent",
  "training",
  "validation",
  "blind",
  "best",
  "notice",
  "negative",
  "zero",
  "positive",
  "nan",
];

/** The palette of the moment (light, dark or projector), e.g. `colors().training`. */
export function colors() {
  const style = getComputedStyle(document.body);
  const palette = {};
  for (const name of COLOUR_NAMES) palette[name] = style.getPropertyValue(`--lv-${name}`).trim();
  palette.font = style.getPropertyValue("--font").trim() || style.fontFamily;
  palette.mono = style.getPropertyValue("--lv-mono").trim();
  palette.textSize = parseFloat(style.getPropertyValue("--lv-text")) || 13; // px
  palette.lineWidth = parseFloat(style.getPropertyValue("--lv-stroke")) || 2; // px
  palette.thin = palette.lineWidth < 4 ? 1 : palette.lineWidth; // a projector swallows hairlines
  return palette;
}

/** Call `fn` when the page turns dark, light, or projector; returns the function that stops it. */
export function onTheme(fn) {
  return store.on("theme", fn);
}

export function watchTheme() {
  const observer = new MutationObserver(() => store.emit("theme"));
  for (const node of [document.documentElement, document.body]) {
    observer.observe(node, { attributes: true, attributeFilter: ["class"] });
  }
}

// ---------------------------------------------------------------- the one voice

const SPEAK_EVERY = 10_000; // ms: a screen reader must be able to finish its sentence
let voice = null;
let spokenAt = -Infinity;
let waitingToSpeak = null;

/** Say `text` politely; of what arrives within ten seconds only the newest is said. */
export function announce(text) {
  const wait = spokenAt + SPEAK_EVERY - performance.now();
  clearTimeout(waitingToSpeak);
  waitingToSpeak = setTimeout(
    () => {
      if (!voice) {
        voice = document.createElement("div");
        voice.className = "lv-visually-hidden lv-voice";
        voice.setAttribute("aria-live", "polite");
        document.body.append(voice);
      }
      if (voice.textContent !== text) voice.textContent = text;
      spokenAt = performance.now();
    },
    Math.max(0, wait),
  );
}
