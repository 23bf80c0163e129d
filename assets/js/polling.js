// Where something between this computer and the server holds a stream back (a school's filter, a virus
// scanner) or cuts it again and again, the page asks every three seconds instead, and says so.

import { announce } from "./core.js";
import { h } from "./dom.js";

const EVERY = 3_000; // ms
const TRY_STREAM = 60_000; // ms
const PATIENCE = 10_000; // ms for one answer
const SAID = "This network holds live news back, so the page asks for them every 3 seconds.";

/**
 * `ask(signal)` asks once and rejects where that fails; `failed()` is called when asking failed twice in a
 * row, and `tryStream()` now and then. While the stream is tried nothing is asked: news come from one source.
 */
export function makePolling({ ask, failed, tryStream }) {
  let timer = null;
  let asking = null; // AbortController
  let misses = 0;
  let suspected = false; // the stream failed once: the server may only have been slow
  let tryAt = 0;
  let line = null;

  const polling = {
    /** Whether no stream comes through here. */
    on: false,

    /** The stream failed. The first time it gets another try soon. */
    begin() {
      polling.on = suspected;
      suspected = true;
      tryAt = performance.now() + (polling.on ? TRY_STREAM : 0);
      polling.again();
    },

    /** Ask now, and then every three seconds. */
    again() {
      polling.pause();
      once();
    },

    /** Stop asking for now: the tab is hidden, or the stream is tried. */
    pause() {
      clearTimeout(timer);
      asking?.abort();
      asking = null;
    },

    /** A stream came through. */
    end() {
      if (line) announce("Live news come through again.");
      line?.remove();
      line = null;
      polling.on = suspected = false;
    },
  };

  async function once() {
    const mine = (asking = new AbortController());
    const tooLong = setTimeout(() => mine.abort(), PATIENCE);
    try {
      await ask(mine.signal);
      misses = 0;
      if (polling.on) say();
    } catch {
      misses += 1;
    }
    clearTimeout(tooLong);
    if (asking !== mine) return; // somebody else has taken over
    if (misses > 1) failed();
    else timer = setTimeout(() => (performance.now() > tryAt ? tryStream() : once()), EVERY);
  }

  function say() {
    if (line) return;
    const close = h("button", { class: "lv-button", type: "button", onclick: () => line.remove() }, "OK");
    line = h("div", { class: "lv-offline lv-polling", role: "status" }, SAID, " ", close);
    document.body.append(line);
  }

  return polling;
}
