// Which runs Explore lays over one another: a box to tick for each, the chosen one first.

import { listen, onTheme, store } from "./core.js";
import { h } from "./dom.js";

const MOST = 4; // as many as the figure has looks to tell apart

/** What the figure's colours and sizes depend on; the page's classes say other things too. */
const lookOfPage = () => [
  document.body.classList.contains("dark"),
  document.documentElement.classList.contains("lv-projector"),
].join();

export function mount(box, props, trigger) {
  const chosen = new Set();
  const list = h("div", { class: "lv-compare", role: "group", "aria-label": "Runs to compare" });
  box.replaceChildren(list);

  function show() {
    const trained = store.order.filter((run) => !store.summaries.get(run)?.source); // imported ones have no curve
    const rows = trained.map((run) => {
      const always = run === store.selection.run;
      const tick = h("input", {
        type: "checkbox",
        checked: always || chosen.has(run),
        disabled: always || (!chosen.has(run) && chosen.size >= MOST - 1),
        onchange: () => choose(run, tick.checked),
      });
      return h("label", {}, tick, store.summaries.get(run)?.name ?? run);
    });
    list.replaceChildren(...rows);
  }

  function choose(run, wanted) {
    if (wanted) chosen.add(run);
    else chosen.delete(run);
    store.compare = [...chosen].filter((other) => other !== store.selection.run);
    show();
    trigger("select");
  }

  let names = "";
  listen(box, "runs", () => {
    const now = store.order.map((run) => store.summaries.get(run)?.name).join("\n");
    if (now !== names) show(); // the list is told every second; ticking must not be interrupted
    names = now;
  });
  listen(box, "selection", show);
  let look = lookOfPage();
  onTheme(() => {
    if (lookOfPage() === look) return;
    look = lookOfPage();
    if (document.body.classList.contains("lv-explore-open")) trigger("select");
  });
  show();
}
