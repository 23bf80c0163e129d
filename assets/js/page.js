// Between Gradio's events and our store: what an event is told about the page, and what it answers.

import { announce, owner, post, select, store } from "./core.js";
import { h } from "./dom.js";
import { copy } from "./share.js";

/** The hidden first input of every event: who we are and what we look at. */
export function selectionInput() {
  const compared = [store.selection.run, ...(store.compare ?? [])].filter((run) => store.summaries.has(run));
  return JSON.stringify({
    ...store.selection,
    owner: owner(),
    kept: store.plan?.kept ?? null,
    prompt: store.prompt ?? "",
    dark: document.body.classList.contains("dark"),
    projector: document.documentElement.classList.contains("lv-projector"),
    explore: compared.map((run) => [run, store.summaries.get(run).name ?? run]),
  });
}

/** What the server answered to Train: the new run, or a sentence for everything that is wrong. */
export function reply(text) {
  if (!text) return;
  const { run, errors, of_form, link } = JSON.parse(text);
  if (errors) return complain(errors, Boolean(of_form));
  complain([]);
  if (link) return giveLink(`${location.origin}${location.pathname}?${link}`);
  select({ run, step: null });
  announce("Training has been asked for.");
}

async function giveLink(link) {
  complain([(await copy(link)) ? `Copied: ${link}` : `Copy this link: ${link}`]);
}

let complaint = null;
let ofForm = false;

/**
 * Show plain sentences in a box that stays until it is closed or the next try; [] takes it away.
 * What is said of the form holds until the form is changed (see `formChanged`).
 */
export function complain(sentences, saidOfForm = false) {
  complaint?.remove();
  complaint = null;
  ofForm = saidOfForm;
  if (!sentences.length) return;
  const close = h("button", { class: "lv-button", type: "button", onclick: () => complain([]) }, "Close");
  const said = sentences.length === 1 ? h("p", {}, sentences[0]) : h("ul", {}, ...sentences.map((one) => h("li", {}, one)));
  complaint = h("div", { class: "lv-complaint", role: "alert" }, said, close);
  document.body.append(complaint);
}

/** The form says something else now, against which this speaks: a complaint about it is brought up to date. */
export function formChanged(sentences) {
  if (complaint && ofForm) complain(sentences, true);
}

/** Ask for `runs/{run}/{path}`; what is refused is said on the page. Resolves to the answer or null. */
export async function command(path, body = {}) {
  try {
    const response = await post(`runs/${path}`, body);
    const answer = await response.json();
    if (response.ok) {
      if (!ofForm) complain([]); // what was refused before has been put right
      return answer;
    }
    complain(answer.errors);
  } catch {
    complain(["The server cannot be reached just now. Nothing is lost; please try again in a moment."]);
  }
  return null;
}
