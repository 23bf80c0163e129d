// The only script of the page. Gradio's components are empty boxes that put themselves into a queue;
// this fills each with the component it names, and goes on doing so as boxes appear.

import { announce, base, getJSON, job, owner, select, store, watchTheme } from "./core.js";
import { leaveDropdownsWithTab } from "./dropdown.js";
import { answered, ask, formInput } from "./form.js";
import { agreedText, chooseCorpus } from "./owntext.js";
import { reply, selectionInput } from "./page.js";
import { followLesson } from "./lesson.js";
import { startStream } from "./stream.js";

// Loaded when first needed: a page that never opens Attention never fetches it, and a fault in one
// panel leaves the others standing.
const components = {
  header: () => import("./header.js"),
  chart: () => import("./chart.js"),
  spark: () => import("./spark.js"),
  film: () => import("./film.js"),
  status: () => import("./status.js"),
  health: () => import("./health.js"),
  diagram: () => import("./diagram.js"),
  attention: () => import("./attention.js"),
  tokens: () => import("./tokens.js"),
  sample: () => import("./sample.js"),
  toolbar: () => import("./toolbar.js"),
  upload: () => import("./upload.js"),
  live: () => import("./live.js"),
  compare: () => import("./compare.js"),
  fold: () => import("./fold.js"),
  dial: () => import("./dial.js"),
  class: () => import("./class.js"),
};

const mounted = new WeakSet();

/**
 * Fill `element` with the component called `name`.
 * `props` are the component's constants, `trigger(event, detail)` sends an event to Gradio,
 * `watch(prop, fn)` hears when Gradio changes a prop.
 */
async function mount(name, element, props = {}, trigger = () => {}, watch = () => {}) {
  const box = element.querySelector(`.lv-${name}`) ?? element;
  if (mounted.has(box)) return;
  mounted.add(box);
  try {
    const component = await components[name]();
    await component.mount(box, props, trigger, watch);
  } catch (error) {
    console.error(`llmviz: ${name} could not be shown`, error);
    box.textContent = "This panel could not be shown. Reload the page to try again; nothing is lost.";
  }
}

const waiting = window.llmvizQueue ?? [];
window.llmvizQueue = { push: (...entries) => entries.forEach((entry) => mount(...entry)) };
waiting.forEach((entry) => mount(...entry));

// For Gradio's own `js=` snippets: `llmviz.select({run})` after Train, `llmviz.owner()` as an input.
window.llmviz = {
  agreedText, announce, answered, ask, base, chooseCorpus, formInput, getJSON, job, owner, reply, select, selectionInput, store,
};

watchTheme();
leaveDropdownsWithTab();
followLesson();
startStream();
