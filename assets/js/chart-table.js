// The chart as a table, for readers who would rather read numbers than look at lines.

import { base } from "./core.js";
import { formatChoices, formatCount, formatLoss, formatPercent, h } from "./dom.js";

const ROWS = 40; // enough to read; the CSV has every record

/** A "Table" button and its panel. `read()` returns the {summary, data} of the moment. */
export function chartTable(read) {
  const panel = h("div", {
    class: "lv-table-panel",
    hidden: true,
    role: "region",
    "aria-label": "Loss, as a table",
    tabindex: -1,
  });
  const button = h(
    "button",
    { class: "lv-button", "aria-expanded": "false", title: "The same numbers as a table" },
    "Table",
  );
  const show = (open) => {
    panel.hidden = !open;
    button.setAttribute("aria-expanded", String(open));
    if (!open) return button.focus();
    fill(panel, read(), () => show(false));
    panel.focus();
  };
  button.addEventListener("click", () => show(panel.hidden));
  panel.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault(); // one thing at a time: no panel beneath closes as well
    show(false);
  });
  return { button, panel };
}

function fill(panel, { summary, data }, close) {
  const head = ["step", "training loss", "validation loss", "chooses among about", "first guess right"];
  const rows = data ? rowsOf(data) : [];
  panel.replaceChildren(
    h(
      "div",
      { class: "lv-table-bar" },
      h(
        "span",
        {},
        rows.length
          ? `${rows.length} steps of ${formatCount(data.step.length)} on this page`
          : "No records yet.",
      ),
      summary
        ? h(
            "a",
            { class: "lv-button", href: `${base}runs/${summary.id}/metrics.csv`, download: "" },
            "All as CSV",
          )
        : null,
      h("button", { class: "lv-button", onclick: close }, "Close"),
    ),
    h(
      "table",
      {},
      h("thead", {}, h("tr", {}, ...head.map((name) => h("th", { scope: "col" }, name)))),
      h("tbody", {}, ...rows.map((row) => h("tr", {}, ...row.map((cell) => h("td", {}, cell))))),
    ),
  );
}

/** Records evenly spread, and every step at which the model was evaluated. */
function rowsOf(data) {
  const evaluated = new Map(data.evals.map(([step, loss]) => [step, loss]));
  const steps = [...new Set([...pick(data.step.length).map((i) => data.step[i]), ...evaluated.keys()])];
  return steps
    .sort((a, b) => a - b)
    .map((step) => {
      const i = data.step.indexOf(step); // -1: evaluated between two records, as at step 0
      const loss = evaluated.get(step) ?? data.loss[i];
      return [
        formatCount(step),
        i < 0 ? "" : formatLoss(data.loss[i]),
        evaluated.has(step) ? formatLoss(evaluated.get(step)) : "",
        formatChoices(Math.exp(loss)),
        Number.isFinite(data.accuracy[i]) ? formatPercent(data.accuracy[i]) : "",
      ];
    });
}

/** At most ROWS indices of `count`, evenly spread, first and last included. */
function pick(count) {
  const rows = Math.min(ROWS, count);
  return Array.from({ length: rows }, (_, k) => Math.round((k * (count - 1)) / Math.max(1, rows - 1)));
}
