// The buttons of Train. Train asks Gradio (the form's values are there); the others ask our routes.

import { listen, openedWith, selectionFromURL, store, summaryOf } from "./core.js";
import { titleOfDiagram } from "./diagram.js";
import { formatOperations, formatShort, h, setText, timeOf } from "./dom.js";
import { ask, estimateOf, sendBy } from "./form.js";
import { lessonsButton } from "./lessonbook.js";
import { mayBeSent } from "./owntext.js";
import { command, complain, formChanged } from "./page.js";

const ACTIVE = ["preparing", "waiting", "running"];
const CROWDED = 2; // more runs than this at once: a newcomer is offered the shortest preset
const AGAIN = 1_000; // ms, up to twice as many: thirty pages need not ask at the same moment

export function mount(box, props, trigger, watch) {
  const button = (label, onclick, more = {}) => h("button", { type: "button", class: "lv-button", onclick, ...more }, label);
  const train = h("span", {}, "Train your own");
  const beforehand = h("small", { class: "lv-beforehand" });
  const inMore = h("p", { class: "lv-panel-says" }); // on a phone More lies over the line beneath the buttons
  const buttons = {
    train: button(h("span", {}, "▶ ", train), () => start(), { class: "lv-button lv-primary", id: "lv-train" }),
    pause: button("Pause", () => act(pauses() ? "pause" : "resume"), { id: "lv-pause" }),
    step: button("Step", () => act("step"), { id: "lv-step", title: "Train one single step" }),
    stop: button("Stop", () => act("stop"), { id: "lv-stop" }),
    text: panelButton("My text", "lv-own-text-open", "lv-own-text"),
    more: panelButton("More", "lv-more-open", "lv-more", () => {}, inMore),
    model: panelButton("Model", "lv-model-open", "lv-model", () => {}, titleOfDiagram()),
    explore: panelButton("Explore", "lv-explore-open", "lv-explore", () => trigger("expand")),
    lessons: lessonsButton("lv-on-narrow"),
  };
  box.replaceChildren(h("div", { class: "lv-buttons" }, ...Object.values(buttons)), beforehand);
  orderForKeyboard(buttons.train, buttons.pause);

  buttons.text.hidden = true;
  // A text that was missing, or too long: it is sent with Train only, so that nothing is known of the new one.
  document.getElementById("lv-own-text")?.addEventListener("input", () => formChanged([]));

  let asked = false; // a second press while the first is on its way would start a second run
  async function start() {
    if (asked) return;
    asked = true;
    complain([]);
    if (await mayBeSent(buttons.train)) trigger("submit");
    setTimeout(() => (asked = false), 1500);
  }

  let offered = false;
  const pauses = () => ACTIVE.includes(summaryOf()?.status);
  const act = (action) => command(`${store.selection.run}/do/${action}`);

  function showRun() {
    const summary = summaryOf();
    const mine = Boolean(summary?.mine);
    const open = mine && (pauses() || summary.status === "paused");
    setText(train, [...store.summaries.values()].some((run) => run.mine) ? "Train" : "Train your own");
    setText(buttons.pause, mine && summary.status === "paused" ? "Resume" : "Pause");
    for (const name of ["pause", "step", "stop"]) buttons[name].disabled = !open;
  }

  function showEstimate() {
    const plan = props.value;
    showOwnText(plan.corpus === "text");
    const against = whatSpeaksAgainst(plan);
    const expected = against.length ? "" : whatToExpect(plan);
    const also = plan.kept?.also; // what a size has just changed besides
    setText(beforehand, [expected || firstOf(against), also].filter(Boolean).join("\n"));
    setText(inMore, [expected || against.join("\n"), also].filter(Boolean).join("\n"));
    if (store.host?.active > CROWDED && !offered) suggest("spark");
  }

  /** A size for a form that nobody has touched; in any other everything stays. */
  function suggest(size) {
    offered = true;
    if (size !== props.value.size) ask({ suggest: size });
  }

  let again = null;
  let foundFor = null; // the state of the server that the plan was made for
  /** Of sizes as they are, the server itself tells what they take when others train. */
  const stateOfServer = () => store.host && [store.host.workers.ready, !props.value.pristine && store.host.active].join();
  /** Once others train, or all texts are written, a run takes longer, and of a text one knows the letters. */
  function keepUp() {
    foundFor ??= stateOfServer(); // heard of it for the first time
    if (stateOfServer() === foundFor) return;
    foundFor = stateOfServer();
    clearTimeout(again);
    again = setTimeout(ask, AGAIN * (1 + Math.random()));
  }

  /** What the form describes, for the line here and for the diagram. */
  function showPlan() {
    store.plan = props.value;
    foundFor = stateOfServer();
    store.emit("plan", store.plan);
    showEstimate();
    if (store.plan.mistakes?.length) complain(store.plan.mistakes); // of a link
    else formChanged(whatSpeaksAgainst(store.plan));
  }

  /** The box for a text of one's own opens when it is first asked for; its button brings it back. */
  function showOwnText(wanted) {
    if (wanted === !buttons.text.hidden) return;
    buttons.text.hidden = !wanted;
    setOpen(buttons.text, "lv-own-text-open", wanted);
  }

  watch("value", showPlan);
  listen(box, "preset", suggest); // in a lesson everybody's Train begins with the same size
  listen(box, "hub", openHub);
  listen(box, "host", showEstimate);
  listen(box, "host", keepUp);
  listen(box, "runs", showRun);
  listen(box, "selection", follow);
  let off = () => {};
  function follow() {
    off();
    off = listen(box, `run:${store.selection.run}`, showRun);
    showRun();
  }
  follow();
  showPlan();
  sendBy(() => trigger("select"));
  // What the model in the form looks like. A link may carry settings: the server fills the form with them, and
  // says what is wrong with it.
  ask(hasMoreThanSelection(openedWith) ? { query: openedWith } : {});
  if (store.host?.class?.preset) suggest(store.host.class.preset); // it may have been told before we were here
}

/** Everything because of which no run can be made of the form, a sentence each. */
const whatSpeaksAgainst = ({ errors, beyond }) => errors ?? beyond ?? [];

/** The first of several sentences, for where there is no room for all of them. */
const firstOf = (sentences) => (sentences.length > 1 ? `1 of ${sentences.length} (press Train for all): ${sentences[0]}` : (sentences[0] ?? ""));

/** What a run would take. */
function whatToExpect(plan) {
  const now = estimateOf(plan);
  if (!now) return "";
  const crowd = store.host?.active ? `, ${store.host.active} training now` : "";
  const work = now.flops ? `, ${formatOperations(now.flops)}` : "";
  const size_ = `${formatShort(now.parameters)} parameters, ${Math.ceil(now.memory_mb)} MB${work}`;
  return `${timeOf(now)}${crowd} · ${size_}`;
}

/** Whether a link says more than which run and step to show, or something else in their place. */
function hasMoreThanSelection(query) {
  const { run, step } = selectionFromURL();
  const plain = { run, step: step === null ? null : String(step) };
  return [...new URLSearchParams(query)].some(([name, value]) => !name.startsWith("__") && value !== plain[name]);
}

/** Where the name of a model on the Hub is typed: behind *More* on Train. */
function openHub() {
  const tabs = [...document.querySelectorAll("#lv-tabs [role=tab]")];
  tabs.find((tab) => tab.textContent.trim() === "Train")?.click();
  const more = document.querySelector("[aria-controls=lv-more]");
  if (more.getAttribute("aria-expanded") === "false") more.click();
  const field = document.getElementById("lv-hub-name");
  const focus = (tries) => {
    field?.focus();
    if (tries && document.activeElement !== field) setTimeout(focus, 50, tries - 1); // Gradio takes its time
  };
  focus(40);
}

/** The Tab key reaches what a lesson needs first: Train, Pause, the scrubber, the tabs; then all the rest. */
function orderForKeyboard(train, pause) {
  const scrubber = document.querySelector(".lv-header input[type=range]");
  const tabs = document.querySelectorAll("#lv-tabs [role=tab]");
  [train, pause, scrubber, ...tabs].forEach((control, at) => control?.setAttribute("tabindex", String(at + 1)));
}

/** A button that opens a panel: the body's class shows it, so that Gradio's own markup stays as it is. */
function panelButton(label, bodyClass, panelId, onopen = () => {}, says = "") {
  const attributes = { type: "button", class: "lv-button", "aria-expanded": "false", "aria-controls": panelId };
  const button = h("button", attributes, label);
  const shut = () => {
    setOpen(button, bodyClass, false);
    button.focus();
  };
  // On a phone the panel lies over the button that opened it, and there is no Escape key.
  const close = h("button", { type: "button", class: "lv-button lv-panel-close", onclick: shut }, "Close");
  button.addEventListener("click", () => {
    const open = !document.body.classList.contains(bodyClass);
    setOpen(button, bodyClass, open);
    if (open) onopen();
  });
  const top = h("div", { class: "lv-panel-top" }, says, close);
  button.addEventListener("opened", () => document.getElementById(panelId)?.prepend(top));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented) return; // it has closed something already
    const above = document.querySelector("dialog[open], :popover-open, input[aria-expanded=true]"); // or will
    if (!above && document.body.classList.contains(bodyClass)) shut();
  });
  return button;
}

function setOpen(button, bodyClass, open) {
  document.body.classList.toggle(bodyClass, open);
  if (open) button.dispatchEvent(new Event("opened"));
  button.setAttribute("aria-expanded", String(open));
}
