// What a run wrote last, wherever it was written: in the Sample tab, during training, or with a shipped model.
// Attention takes it as a text to look at.

import { dataOf, getJSON, store, summaryOf } from "./core.js";

const LETTERS = 64; // as many as a map shows legibly
const LETTERS_A_TOKEN = 4; // about, where a token is more than a letter

const written = new Map(); // run -> the text the Sample tab wrote last

export const keepSample = (run, text) => written.set(run, text);

const openings = new Map(); // run -> promise of what a shipped run shows before anything is computed

/** `{sample: {prompt, text}, attention}` of a shipped run; an empty object for any other. */
export function openingOf(run) {
  if (!summaryOf(run)?.shipped) return Promise.resolve({});
  if (!openings.has(run)) {
    const found = getJSON(`runs/${run}`).then((answer) => answer.opening ?? {});
    found.catch(() => openings.delete(run)); // ask again next time
    openings.set(run, found);
  }
  return openings.get(run).catch(() => ({}));
}

/** What `run` wrote last during training, or brought along: {prompt, text, step?}; null if nothing yet. */
export async function newestSample(run) {
  const samples = (dataOf(run)?.events ?? []).filter(
    (event) => typeof event.text === "string" && event.kind !== "notice",
  );
  return (await openingOf(run)).sample ?? samples.at(-1) ?? null;
}

/** A piece of what `run` wrote last, short enough for its context; null while it has written nothing. */
export async function takeSample(run) {
  const sample = await newestSample(run);
  const text = written.get(run) ?? (sample && joined(sample.prompt, sample.text));
  return text ? beginning(text, run) : null;
}

/**
 * A text to begin with: a shipped model's, where it learned from the same corpus (it writes better than a run
 * that has just begun), else the run's own.
 */
export async function firstText(run) {
  const corpus = summaryOf(run)?.settings?.corpus;
  const others = [...store.summaries.values()].filter(({ id, shipped }) => shipped && id !== run);
  const teacher = others.find(({ settings }) => corpus && settings?.corpus === corpus);
  const { sample } = teacher ? await openingOf(teacher.id) : {};
  return sample ? beginning(joined(sample.prompt, sample.text), run) : takeSample(run);
}

/** A sample's text may or may not repeat its prompt. */
export const joined = (prompt = "", text = "") => (text.startsWith(prompt) ? text : prompt + text);

/** The beginning of a text, cut between words. */
function beginning(text, run) {
  const summary = summaryOf(run);
  const context = Math.min(summary?.settings?.block_size ?? LETTERS, LETTERS);
  const limit = (summary?.data?.unit ?? "tokens") === "tokens" ? context * LETTERS_A_TOKEN : context;
  const trimmed = text.trim();
  if (trimmed.length <= limit) return trimmed;
  const cut = trimmed.slice(0, limit + 1);
  return cut.slice(0, Math.max(cut.lastIndexOf(" "), cut.lastIndexOf("\n"), limit >> 1)).trim();
}
