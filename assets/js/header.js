// The header: which model, at which step, and the one number that says how good it is.

import { announce, base, dataOf, followSelection, listen, select, store, summaryOf } from "./core.js";
import { formatChoices, formatCount, formatShort, h, oncePerFrame, setText, unitOf } from "./dom.js";
import { lessonsButton } from "./lessonbook.js";
import { nameOfStatus, passport } from "./passport.js";
import { listenForProjector, toggleProjector } from "./projector.js";
import { qualityAt } from "./records.js";
import { shareButton } from "./share.js";
import { storageLine, youButton } from "./you.js";

// A sign besides the word, so that a state is seen at a glance and never by colour alone.
const SIGNS = {
  preparing: "◌",
  waiting: "◌",
  running: "●",
  paused: "‖",
  finished: "✓",
  stopped: "■",
  failed: "!",
};

const AT_REST = new Set(["finished", "stopped", "paused"]); // there are weights, and nobody is changing them

const HUB = "hub"; // no run has such an id

export function mount(box) {
  return new Header(box);
}

class Header {
  constructor(box) {
    this.build(box);
    this.show = oncePerFrame(() => this.showNow());
    const fresh = { selection: this.show, step: this.show, run: this.show, metrics: this.show };
    followSelection(box, fresh);
    listen(box, "runs", () => this.show());
    listen(box, "host", () => this.show());
    listenForProjector();
  }

  build(box) {
    this.picker = h("select", {
      class: "lv-picker",
      "aria-label": "Model",
      onchange: () => this.pick(this.picker.value),
    });
    this.headline = h("button", { class: "lv-headline", title: "Passport: what this model is" });
    this.passport = passport(this.headline);
    this.scrubber = h("input", {
      type: "range",
      class: "lv-scrubber",
      min: 0,
      step: 1,
      "aria-label": "Time machine: step of training",
    });
    this.scrubber.addEventListener("input", () => this.scrub());
    this.stepLabel = h("output", { class: "lv-step" });
    this.workers = h("span", { class: "lv-workers" });
    this.save = h("a", { class: "lv-button lv-save", download: "", hidden: true }, "Save my model");
    box.replaceChildren(
      h(
        "header",
        { class: "lv-header-bar" },
        h(
          "a",
          { class: "lv-wordmark", href: location.pathname, title: "LLMViz, from the beginning" },
          "LLM",
          h("span", {}, "Viz"),
        ),
        this.picker,
        this.headline,
        h(
          "label",
          {
            class: "lv-time-machine",
            title: "Time machine: every tab shows the model as it was at this step",
          },
          this.scrubber,
          this.stepLabel,
        ),
        this.workers,
        this.save,
        lessonsButton("lv-on-wide"),
        shareButton(),
        h(
          "button",
          {
            class: "lv-button lv-icon",
            title: "Projector mode: large text (key P)",
            "aria-label": "Projector mode",
            onclick: toggleProjector,
          },
          "aA",
        ),
        youButton(),
        this.passport.panel,
      ),
      storageLine(),
    );
  }

  showNow() {
    const summary = summaryOf();
    this.showPicker();
    this.showHeadline(summary);
    this.showScrubber(summary);
    this.showWorkers();
    this.save.hidden = !(summary?.mine && AT_REST.has(summary.status));
    if (summary) this.save.href = `${base}runs/${summary.id}/run.zip`;
    this.passport.refresh();
  }

  // -------------------------------------------------------------- which model

  showPicker() {
    const groups = [
      ["Ships with LLMViz", []],
      ["My models", []],
      ["Shared with me", []],
    ];
    for (const id of new Set([...store.order, store.selection.run])) {
      const summary = store.summaries.get(id);
      if (summary) groups[summary.shipped ? 0 : summary.mine ? 1 : 2][1].push(summary);
    }
    const key = JSON.stringify([store.selection.run, groups.map(([, runs]) => runs.map(nameInPicker))]);
    if (key === this.pickerKey) return; // an open list must not be rebuilt under the reader's finger
    this.pickerKey = key;
    this.picker.replaceChildren(
      ...groups
        .filter(([, runs]) => runs.length)
        .map(([label, runs]) =>
          h("optgroup", { label }, ...runs.map((run) => h("option", { value: run.id }, nameInPicker(run)))),
        ),
      h("optgroup", { label: "From elsewhere" }, h("option", { value: HUB }, "A model from the Hub …")),
    );
    this.picker.value = store.selection.run ?? "";
  }

  pick(value) {
    if (value !== HUB) return select({ run: value, step: null });
    this.picker.value = store.selection.run ?? "";
    store.emit("hub"); // toolbar.js opens the place where its name is typed
  }

  // -------------------------------------------------------------- how good

  showHeadline(summary) {
    const { loss } = qualityAt(dataOf(), store.selection.step);
    const words = headlineOf(summary, loss);
    const key = words.join(" ");
    if (key === this.headlineKey) return;
    this.headlineKey = key;
    this.headline.replaceChildren(
      h("span", { class: "lv-headline-lead" }, words[0]),
      h("b", {}, words[1]),
      ` ${words[2]}`,
      h("span", { class: "lv-caret", "aria-hidden": "true" }, "▾"),
    );
  }

  // -------------------------------------------------------------- when

  showScrubber(summary) {
    const snapshots = summary?.snapshots ?? [];
    const newest = snapshots.length; // one stop past the last snapshot: whatever is newest
    const { step } = store.selection;
    const known = snapshots.findLastIndex((one) => one <= step);
    this.scrubber.max = newest;
    this.scrubber.disabled = !snapshots.length || Boolean(summary?.source); // nobody has its earlier steps
    this.scrubber.value = step === null ? newest : Math.max(0, known);
    const at = step === null ? `newest, ${formatCount(newestStep(summary))}` : `step ${formatCount(step)}`;
    setText(this.stepLabel, summary ? (summary.source ? "as it came" : at) : "");
    this.scrubber.setAttribute("aria-valuetext", at);
  }

  scrub() {
    const snapshots = summaryOf()?.snapshots ?? [];
    const index = Number(this.scrubber.value);
    const step = index >= snapshots.length ? null : snapshots[index];
    select({ step });
    const { loss } = qualityAt(dataOf(), step);
    if (!Number.isFinite(loss)) return;
    const where = step === null ? "newest" : `step ${formatCount(step)}`;
    announce(`${where}: chooses among about ${formatChoices(Math.exp(loss))} ${unitOf(summaryOf())}`);
  }

  // -------------------------------------------------------------- behind the scenes

  showWorkers() {
    const workers = store.host?.workers;
    const warming = workers && workers.ready < workers.total;
    setText(this.workers, warming ? `workers warming up: ${workers.ready} of ${workers.total}` : "");
    this.workers.title = workers?.step ?? "";
  }
}

/** How good a model is; of one that was imported, whose loss nobody has measured here, how large. */
function headlineOf(summary, loss) {
  if (summary?.source) return ["has ", formatShort(summary.n_parameters), "parameters"];
  const known = summary && Number.isFinite(loss);
  return ["chooses among about ", ...(known ? [formatChoices(Math.exp(loss)), unitOf(summary)] : ["…", ""])];
}

/** The records arrive several times a second, the summary about once. */
function newestStep(summary) {
  return Math.max(summary?.step ?? 0, dataOf(summary?.id)?.step.at(-1) ?? 0);
}

function nameInPicker(summary) {
  const status = nameOfStatus(summary);
  const name = summary.name ?? summary.id.slice(0, 8);
  return summary.shipped ? name : `${SIGNS[summary.status] ?? ""} ${name}${status ? `, ${status}` : ""}`;
}
