// The form of Train is kept by the server (llmviz/ui/form.py): every change of it asks what follows. One question
// at a time: answers to several would come in any order, and each would fill in what another has just changed.

import { store } from "./core.js";

let send = () => {}; // asks Gradio; the toolbar knows how
let asks = {}; // what the next question says besides what the form shows
let open = false; // whether a question is on its way
let again = false; // whether something has changed since

/** Let questions go out by `fn`. */
export function sendBy(fn) {
  send = fn;
}

/** Ask what follows from the form as it is now, and for what `more` says (see `followed` in form.py). */
export function ask(more = {}) {
  asks = { ...asks, ...more };
  again = open;
  if (open) return;
  open = true;
  send();
}

/** Whether something will be asked for that has not left yet. */
export const isAsked = (name) => name in asks;

/** Gradio collects what the form shows; this is what it cannot know. `plan` is the last answer. */
export function formInput({ kept }) {
  const input = { kept, ...asks };
  asks = {};
  return input;
}

/** Gradio has filled in the answer, or there is none. */
export function answered() {
  open = false;
  if (again) ask();
}

/** What a run of `plan` would take now. Of a size as it is, the server tells that all the time. */
export function estimateOf({ size, pristine, estimate }) {
  return (pristine && store.host?.estimates?.[size]) || estimate;
}
