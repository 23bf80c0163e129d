// What may be changed while a run trains, what else is measured at every step, and the run as a file.

import { base, inForce, listen, messagesOf, owner, select, store, summaryOf } from "./core.js";
import { h, setText } from "./dom.js";
import { command, complain } from "./page.js";

const LIVE = [
  ["learning_rate", "Learning rate", "A change scales what is left of the schedule."],
  ["dropout", "Dropout", "From the next step on."],
];

const SHIPPED = "This model ships with LLMViz: it can be looked at but not renamed or deleted.";
const FOREIGN = "Not your run: only its owner can rename or delete it.";

export function mount(box, props, trigger) {
  const fields = LIVE.map(([name, label, help]) => {
    const input = h("input", { type: "number", step: "any", name, id: `lv-live-${name}`, "aria-describedby": `lv-live-${name}-help` });
    // known: what the run trains with; stands: what the field holds if its reader has not edited it.
    return { name, input, known: null, stands: "", node: h("label", {}, label, input, h("small", { id: `lv-live-${name}-help` }, help)) };
  });
  const apply = h("button", { type: "submit", class: "lv-button" }, "Change it now");
  const said = h("span", { class: "lv-said", role: "status" });
  const form = h("form", { class: "lv-live", onsubmit: change }, h("strong", {}, "While it trains"), ...fields.map((field) => field.node), apply, said);
  const link = h("button", { type: "button", class: "lv-button", onclick: () => trigger("copy") }, "Copy a link to these settings");
  const limits = h("small", { id: "lv-limits" });
  const file = runFile();
  box.replaceChildren(form, file.element, fromHub(), h("div", { class: "lv-run-file" }, h("strong", {}, "Settings of the next run"), link, limits));
  const showLimits = () => setText(limits, store.host?.limits?.sentence ?? "");
  listen(box, "host", showLimits);
  showLimits();

  async function change(event) {
    event.preventDefault();
    setText(said, "");
    const edited = fields.filter(isEdited);
    if (fields.every(({ input }) => input.value === "")) return setText(said, "Type a learning rate or a dropout first.");
    if (!edited.length) return setText(said, "Nothing is different: it trains with these values already.");
    const changes = Object.fromEntries(edited.map(({ name, input }) => [name, Number(input.value)]));
    const answer = await command(`${store.selection.run}/change`, changes);
    setText(said, answer ? "Changed; the curve is marked where it takes effect." : "");
    if (answer) for (const field of edited) field.stands = field.input.value;
  }

  let off = () => {};
  function follow() {
    off();
    off = listen(box, `run:${store.selection.run}`, show);
    setText(said, "");
    for (const field of fields) fill(field, null);
    show();
  }
  function fill(field, value) {
    field.known = value;
    field.input.value = field.stands = String(value ?? "");
  }
  function show() {
    const summary = summaryOf(); // of a run just started it comes a moment later
    for (const field of summary?.settings ? fields : []) {
      const value = inForce(summary, field.name);
      if (value !== field.known && !isEdited(field)) fill(field, value);
    }
    const open = summary?.mine && ["preparing", "waiting", "running", "paused"].includes(summary.status);
    for (const control of form.querySelectorAll("input, button")) control.disabled = !open;
    file.show(summary);
  }
  listen(box, "selection", follow);
  follow();
}

const isEdited = ({ input, stands }) => input.value !== "" && Number(input.value) !== Number(stands);

/** Download, rename, delete and open again: a run is a folder, and the folder is the reader's. `show` is
 * told which run is in view. */
function runFile() {
  const link = (path) => () => location.assign(`${base}runs/${store.selection.run}/${path}`);
  const button = (label, onclick) => h("button", { type: "button", class: "lv-button", onclick }, label);
  const name = h("input", { type: "text", maxlength: "40", "aria-label": "New name of this run", placeholder: "New name" });
  const rename = button("Rename", () => command(`${store.selection.run}/rename`, { name: name.value }));
  const del = button("Delete", remove);
  const showRename = () => (name.hidden = rename.hidden = Boolean(store.host?.class?.on)); // no free names in a class
  listen(name, "host", showRename);
  showRename();
  const file = h("input", { type: "file", accept: ".zip", onchange: () => open(file) });
  const element = h("div", { class: "lv-run-file" },
    h("strong", {}, "This run"),
    button("Download (.zip)", link("run.zip")),
    button("For transformers (.zip)", exportModel),
    button("Numbers (.csv)", link("metrics.csv")),
    name,
    rename,
    del,
    h("label", { class: "lv-button" }, "Open a saved run ", file));
  const show = (summary) => {
    for (const control of [name, rename, del]) {
      control.disabled = !summary?.mine;
      control.title = !summary || summary.mine ? "" : summary.shipped ? SHIPPED : FOREIGN;
    }
  };
  return { element, show };
}

/** A model of somebody else's: the server fetches it, and goes on when the page is closed. */
function fromHub() {
  const name = h("input", { type: "text", maxlength: "193", spellcheck: "false", autocapitalize: "off", id: "lv-hub-name", placeholder: "openai-community/gpt2", "aria-label": "A model's name on the Hub: owner/name" });
  const fetch_ = h("button", { type: "submit", class: "lv-button" }, "Fetch it");
  const said = h("span", { class: "lv-said", role: "status", id: "lv-hub-said" });
  const submit = async (event) => {
    event.preventDefault();
    fetch_.disabled = true;
    setText(said, "asking …");
    await messagesOf("import", { name: name.value }, (message) => {
      setText(said, message.error ?? message.said ?? "It is here.");
      if (message.run) select({ run: message.run, step: null });
    });
    fetch_.disabled = false;
  };
  return h("form", { class: "lv-run-file", onsubmit: submit }, h("strong", {}, "A model from the Hub"), name, fetch_, said);
}

/** The model in view, at the step in view, as a folder that transformers opens. */
async function exportModel(event) {
  const { target } = event;
  const { run, step } = store.selection;
  target.disabled = true;
  const answer = await command(`${run}/export`, { step });
  target.disabled = false;
  if (answer) location.assign(`${base}runs/${run}/exported/${answer.ticket}`);
}

async function remove() {
  if (!confirm("Delete this run, with its model and its curve? This cannot be undone.")) return;
  if (await command(`${store.selection.run}/do/delete`)) select({ run: store.order[0], step: null });
}

async function open(input) {
  const [file] = input.files;
  input.value = "";
  if (!file) return;
  const response = await fetch(`${base}open`, { method: "POST", headers: { "X-LLMViz-Owner": owner() }, body: file });
  const answer = await response.json();
  if (response.ok) select({ run: answer.run, step: null });
  else complain(answer.errors);
}
