// One event stream per tab, read with fetch(): the owner's token travels in a header, a status code is
// visible, and a refused reconnect is not the end (EventSource gives up for ever after one 503).
//
// The request names its topics with cursors, so a stream that broke carries on where it stopped.

import { announce, getJSON, linesOf, owner, post, select, selectionFromURL, store } from "./core.js";
import { h } from "./dom.js";
import { learnClass, onOwner } from "./owner.js";
import { complain } from "./page.js";
import { makePolling } from "./polling.js";
import { emptyColumns, foldEvents, foldMetrics } from "./records.js";

const KEEP_ALIVE = 60_000; // ms: while hidden, so that a student reading the book is not taken for gone
const STALLED = 30_000; // ms without a word, pings included: the line is dead even if nobody said so
const FIRST_RETRY = 500; // ms, doubled at every failure
const LAST_RETRY = 8_000; // ms
const SILENT = 6_000; // ms without a first word, which comes at once: something on the way holds it back
const SHORT_LIFE = 10_000; // ms: a stream that ends sooner was cut
const CUTS = 4; // in a row, before we ask now and then instead
const SHOW_OFFLINE_AFTER = 1_200; // ms: a blink of the network is not worth a banner

let connection = null; // AbortController of the open stream
let failures = 0;
let retryTimer = null;
let stallTimer = null;
let shortLives = 0;
let keepAliveTimer = null;
let offlineTimer = null;

/** Open the stream, and keep it open while the tab is looked at. */
export function startStream() {
  const asked = selectionFromURL();
  if (asked.run) select(asked);
  store.on("selection", reconnectIfTopicsChanged);
  store.on("watching", reconnect);
  onOwner(startAnew);
  document.addEventListener("visibilitychange", () => (document.hidden ? sleep() : wake()));
  window.addEventListener("online", reconnect);
  window.addEventListener("offline", () => connection?.abort());
  if (document.hidden) sleep();
  else connect();
}

// ---------------------------------------------------------------- connecting

let topicsSent = "";
let ownerSent = "";
const topicsNow = () => JSON.stringify([store.selection.run, store.watching]);

/** What we want to hear of, and from which record on. */
function topics() {
  const runs = {};
  if (store.selection.run) runs[store.selection.run] = { ...columnsOf(store.selection.run).cursors };
  return { runs, watch: store.watching };
}

function columnsOf(run) {
  if (!store.data.has(run)) store.data.set(run, emptyColumns());
  return store.data.get(run);
}

function reconnectIfTopicsChanged() {
  if (topicsNow() !== topicsSent) reconnect();
}

function reconnect() {
  if (document.hidden) return;
  failures = 0;
  if (polling.on && !connection) polling.again();
  else connect();
}

/** Another owner has other runs: nothing of what we knew about whose is whose holds any more. */
function startAnew() {
  if (ownerSent === owner()) return;
  store.summaries.clear();
  store.order = [];
  store.emit("runs", store.order);
  reconnect();
}

async function connect() {
  clearTimeout(retryTimer);
  polling.pause();
  connection?.abort();
  const mine = (connection = new AbortController());
  const opened = performance.now();
  topicsSent = topicsNow();
  ownerSent = owner();
  let wait = null;
  try {
    hearSomething(mine, SILENT);
    const response = await post("stream", topics(), mine.signal);
    if (!response.ok) {
      wait = Number(response.headers.get("Retry-After")) * 1000 || null;
      throw new Error(`the stream answered ${response.status}`);
    }
    setOnline(true);
    mine.answered = true;
    await read(response.body, mine, opened);
  } catch (error) {
    if (connection === mine && !(error instanceof DOMException)) console.warn("llmviz:", error.message);
  }
  if (connection !== mine) return; // somebody opened a newer one, or the tab went to sleep
  connection = null;
  const cut = mine.answered && performance.now() - opened < SHORT_LIFE;
  shortLives = cut ? shortLives + 1 : 0;
  if (mine.silent || shortLives >= CUTS) polling.begin();
  else retryLater(wait);
}

async function read(body, mine, opened) {
  for await (const line of linesOf(body)) {
    if (connection !== mine) return;
    hearSomething(mine);
    if (performance.now() - opened > SHORT_LIFE) polling.end();
    if (!line.startsWith("data:")) continue;
    failures = 0;
    if (hear(JSON.parse(line.slice(5))) === "gap") return mine.abort(); // ask again, from our cursor
  }
}

/** Give up on a connection that says nothing at all. */
function hearSomething(mine, patience = STALLED) {
  clearTimeout(stallTimer);
  stallTimer = setTimeout(() => {
    mine.silent = patience === SILENT;
    mine.abort();
  }, patience);
}

/** What asks now and then where no stream comes through. Where asking fails as well, we are simply offline. */
const polling = makePolling({
  async ask(signal) {
    topicsSent = topicsNow();
    ownerSent = owner();
    const response = await post("poll", topics(), signal);
    if (!response.ok) throw new Error(`polling answered ${response.status}`);
    const messages = await response.json();
    setOnline(true);
    messages.forEach(hear);
  },
  failed: () => retryLater(null),
  tryStream: connect,
});

/** Try again after a while: doubling, and with jitter so that thirty tabs don't come back at once. */
function retryLater(wait) {
  const longest = Math.min(LAST_RETRY, FIRST_RETRY * 2 ** failures);
  failures += 1;
  if (failures > 1 || !navigator.onLine) setOnline(false);
  retryTimer = setTimeout(connect, Math.max(wait ?? 0, longest * (0.5 + Math.random() / 2)));
}

// ---------------------------------------------------------------- a hidden tab

function sleep() {
  clearTimeout(retryTimer);
  clearTimeout(stallTimer);
  polling.pause();
  const open = connection;
  connection = null;
  open?.abort();
  clearInterval(keepAliveTimer);
  keepAliveTimer = setInterval(() => post("keepalive", topics()).catch(() => {}), KEEP_ALIVE);
}

function wake() {
  clearInterval(keepAliveTimer);
  reconnect();
}

// ---------------------------------------------------------------- what it says

const hearers = {
  host: (message) => {
    learnClass(Boolean(message.class?.on));
    store.host = message;
    store.emit("host", message);
  },
  runs: (message) => {
    store.order = message.runs.map((summary) => summary.id);
    for (const summary of message.runs) mergeSummary(summary.id, summary);
    store.emit("runs", store.order);
    const { run } = store.selection;
    if (!run) select({ run: openingRun(message.runs), step: null });
    else if (!store.summaries.has(run)) lookUp(run, message.runs);
  },
  run: ({ t, run, ...summary }) => mergeSummary(run ?? summary.id, summary),
  metrics: (message) => {
    const outcome = foldMetrics(columnsOf(message.run), message);
    if (outcome === "new" || outcome === "redraw") store.emit(`metrics:${message.run}`, outcome);
    return outcome;
  },
  events: (message) => {
    if (foldEvents(columnsOf(message.run), message) === "new") store.emit(`events:${message.run}`);
  },
  ping: () => {},
};

function hear(message) {
  return hearers[message.t]?.(message);
}

function mergeSummary(id, summary) {
  store.summaries.set(id, { ...store.summaries.get(id), ...summary, id });
  store.emit(`run:${id}`);
}

/** A link may name a run that is not in our list: another reader's, or one that is gone. */
async function lookUp(run, runs) {
  try {
    mergeSummary(run, await getJSON(`runs/${run}`));
  } catch {
    if (run !== store.selection.run) return;
    complain(["The model of this link is not here any more. The page shows another one."]);
    select({ run: openingRun(runs), step: null });
  }
}

/** A page opened without a link shows my run that is under way, else the model that ships. */
function openingRun(runs) {
  const active = runs.find((run) => run.mine && ["preparing", "waiting", "running"].includes(run.status));
  return (active ?? runs[0])?.id ?? null;
}

// ---------------------------------------------------------------- offline, said aloud

let banner = null;

function setOnline(online) {
  if (online) {
    clearTimeout(offlineTimer);
    offlineTimer = null;
    if (!store.online) announce("Connected again.");
    store.online = true;
    banner?.remove();
    banner = null;
    store.emit("online", true);
  } else if (store.online) {
    offlineTimer ??= setTimeout(() => {
      store.online = false;
      banner ??= h(
        "div",
        { class: "lv-offline" },
        "Offline, trying again… Training goes on without this page.",
      );
      document.body.append(banner);
      announce("Offline, trying again.");
      store.emit("online", false);
    }, SHOW_OFFLINE_AFTER);
  }
}
