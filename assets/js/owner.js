// Who we are: this browser's secret, 128 random bits. Runs belong to it, so whoever has it may change them.
//
// It is kept in localStorage; in a class, where computers are shared, in sessionStorage only, which ends with
// the tab. Until the server has said which of the two holds, sessionStorage has it too. Where a browser closes
// both (a frame inside another site), the token lives as long as the page.

const KEY = "llmviz-owner";
const TOKEN = /^[0-9a-f]{32}$/;
const ANSWERS_IN = 1_000; // ms that another tab may take to say who we are

let token = null; // what this tab goes by
let inClass = null; // null: the server has not said yet
let keeps = true; // whether the browser keeps what we give it
const listeners = new Set();

/** The token of this browser; made at the first call. Another tab may have changed it meanwhile. */
export function owner() {
  const kept = inClass ? null : read("localStorage");
  const known = kept ?? token ?? read("sessionStorage");
  if (known === null) fresh = true;
  const lost = kept === null && inClass === false && keeps; // somebody emptied the storage under our feet
  if (known === null || known !== token || lost) keep(known ?? newToken());
  return token;
}

/** Go by another token from now on, in all tabs of this browser. */
export function becomeOwner(another) {
  fresh = false;
  keep(another);
  channel?.postMessage({ now: token });
}

/** Leave this browser's runs behind: it is somebody new. */
export function forgetOwner() {
  becomeOwner(newToken());
}

/** Where the token is kept: "browser", "tab" (in a class), or "page" (this browser keeps nothing for us). */
export function ownerIsKept() {
  owner();
  return keeps ? (inClass ? "tab" : "browser") : "page";
}

/** Call `fn` whenever the token, or where it is kept, has changed; returns the function that stops it. */
export function onOwner(fn) {
  listeners.add(fn);
  return () => listeners.delete(fn);
}

/** The server has said whether this is a class: the token moves to where it belongs. */
export function learnClass(on) {
  if (on === inClass) return;
  const present = owner(); // while every place is still looked at: another tab may have been quicker
  inClass = on;
  keep(present, true);
  if (inClass || !keeps) channel?.postMessage({ who: true });
  setTimeout(() => (fresh = false), ANSWERS_IN);
}

function newToken() {
  const bytes = crypto.getRandomValues(new Uint8Array(16)); // plain http has no randomUUID
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

// ---------------------------------------------------------------- keeping it

function keep(value, moved = false) {
  const before = token;
  token = value;
  const inBrowser = inClass === false && write("localStorage", value);
  if (inClass) write("localStorage", null);
  const inTab = inClass !== false && write("sessionStorage", value);
  if (inClass === false) write("sessionStorage", null);
  keeps = inBrowser || inTab;
  if (moved || (before !== null && before !== value)) for (const fn of listeners) fn();
}

function read(storage) {
  try {
    const value = window[storage].getItem(KEY);
    return TOKEN.test(value ?? "") ? value : null;
  } catch {
    return null; // closed to frames of another site, or by its reader's wish
  }
}

/** Whether it worked. null removes. */
function write(storage, value) {
  try {
    if (value === null) window[storage].removeItem(KEY);
    else window[storage].setItem(KEY, value);
    return true;
  } catch {
    return false;
  }
}

// ---------------------------------------------------------------- two tabs of one browser agree

// What another tab writes to localStorage. Of two that make a token at the same moment, the last to write wins.
window.addEventListener("storage", ({ key }) => (key === KEY || key === null) && owner());

// Where that is not used, the tabs ask one another. Of two that are new, the smaller token wins.
const channel = window.BroadcastChannel ? new BroadcastChannel(KEY) : null;
let fresh = false; // this tab has just made its token, and may still take over another's

channel?.addEventListener("message", ({ data }) => {
  if (inClass === false && keeps) return; // localStorage says it
  if (data.who) return channel.postMessage({ have: token, fresh });
  const better = TOKEN.test(data.have ?? "") && fresh && (!data.fresh || data.have < token);
  if (better) keep(data.have);
  if (TOKEN.test(data.now ?? "")) keep(data.now);
});
