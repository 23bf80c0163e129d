// Tests this device and this network for LLMViz, in plain words. Not a module, and in the JavaScript of 2017,
// so that browsers too old for the page itself can still say that they are.

"use strict";

const PATIENCE = 8000; // ms for an answer
const FIRST_NEWS = 6000; // ms: the page itself waits as long before it asks every 3 seconds instead
const ROUND_TRIPS = 9;
const QUICK = 150; // ms
const SLOW = 600; // ms

const findings = document.getElementById("findings");
const verdict = document.getElementById("verdict");
const again = document.getElementById("again");

/** A test gives {state: "good" | "so-so" | "bad", said: sentence}. */
const TESTS = [
  ["This browser", testBrowser],
  ["Reaching the server", testServer],
  ["Live news", testStream],
  ["How quick it is", testQuickness],
  ["Remembering your models", testStorage],
];

async function run() {
  again.hidden = true;
  verdict.className = "";
  verdict.textContent = "Testing …";
  findings.replaceChildren();
  const states = [];
  for (const [title, test] of TESTS) {
    const said = addFinding(title);
    let found;
    try {
      found = await test();
    } catch (error) {
      found = { state: "bad", said: "This could not be tested: the server did not answer as it should." };
    }
    said(found);
    states.push(found.state);
  }
  conclude(states);
  again.hidden = false;
}

function addFinding(title) {
  const item = document.createElement("li");
  const name = document.createElement("strong");
  const text = document.createElement("span");
  name.textContent = title;
  item.append(name, text);
  findings.append(item);
  return ({ state, said }) => {
    item.className = state;
    text.textContent = said;
  };
}

function conclude(states) {
  const [browser, server] = states;
  let state = "good";
  let said = "Everything works: LLMViz will run well on this device and in this network.";
  if (browser === "bad" || server === "bad") {
    state = "bad";
    said = "LLMViz will not work here until what is marked ✗ above is put right.";
  } else if (states.some((found) => found !== "good")) {
    state = "so-so";
    said = "LLMViz will work here, with the limits that are marked above.";
  }
  verdict.className = state;
  verdict.textContent = said;
}

// ---------------------------------------------------------------- the tests

function testBrowser() {
  const lacking = [
    ["modules", "noModule" in HTMLScriptElement.prototype],
    ["streams", "ReadableStream" in window && "body" in Response.prototype],
    ["random numbers", Boolean(window.crypto && crypto.getRandomValues)],
    ["drawing", Boolean(document.createElement("canvas").getContext("2d"))],
    ["newer JavaScript", "findLast" in Array.prototype],
    ["nested styles", CSS.supports("selector(&)")],
  ].filter(([, there]) => !there);
  if (!lacking.length) return { state: "good", said: "It is new enough." };
  const names = lacking.map(([name]) => name).join(", ");
  return { state: "bad", said: "It is too old for the page (it lacks " + names + "). Update it, or use another one." };
}

async function testServer() {
  let response;
  try {
    response = await patiently(PATIENCE, (signal) => fetch("health", { signal, cache: "no-store" }));
  } catch (error) {
    return { state: "bad", said: "The server could not be reached from here. A firewall or a filter may block its address." };
  }
  const health = await response.json().catch(() => null);
  if (!health || !Array.isArray(health.problems)) {
    return { state: "bad", said: "Something else answered in the server's place: a filter, or a sign-in page of this network." };
  }
  if (response.ok) return { state: "good", said: "It answers, and can train: " + busy(health.queue.active) };
  return { state: "so-so", said: "It answers, but cannot train just now: " + health.problems.join(" ") };
}

function busy(active) {
  if (active === 0) return "nothing trains at the moment.";
  return active === 1 ? "one run trains at the moment." : active + " runs train at the moment.";
}

async function testStream() {
  const began = performance.now();
  try {
    await patiently(FIRST_NEWS, firstNews);
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    return { state: "good", said: "They come through; the first arrived after " + seconds + " s." };
  } catch (error) {
    await patiently(PATIENCE, (signal) => post("poll", signal)).then((response) => response.json());
    return {
      state: "so-so",
      said: "Something in this network holds them back, so the page will ask every 3 seconds instead. All works, a little less smoothly.",
    };
  }
}

async function firstNews(signal) {
  const response = await post("stream", signal);
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  while (!text.includes("\n\n")) {
    const { value, done } = await reader.read();
    if (done) throw new Error("the stream ended");
    text += decoder.decode(value, { stream: true });
  }
  if (!text.startsWith("data:")) throw new Error("that is no stream of ours");
}

async function testQuickness() {
  const times = [];
  for (let i = 0; i < ROUND_TRIPS; i += 1) {
    const began = performance.now();
    await patiently(PATIENCE, (signal) => post("keepalive", signal));
    times.push(performance.now() - began);
  }
  const median = Math.round(times.sort((a, b) => a - b)[(ROUND_TRIPS - 1) / 2]);
  const said = "An answer takes " + median + " ms (the median of " + ROUND_TRIPS + ").";
  if (median <= QUICK) return { state: "good", said };
  if (median <= SLOW) return { state: "good", said: said + " Clicks will be felt a little late." };
  return { state: "so-so", said: said + " That is slow: clicks will take a moment. The network or the server is busy." };
}

function testStorage() {
  try {
    localStorage.setItem("llmviz-check", "1");
    localStorage.removeItem("llmviz-check");
    return { state: "good", said: "This browser keeps the key to what you train." };
  } catch (error) {
    return {
      state: "so-so",
      said: "This browser does not let the page keep anything: save the recovery code before you close the tab.",
    };
  }
}

// ---------------------------------------------------------------- requests

/** Do `work(signal)`, and give up, connection included, after so many ms; a stream ends with its test. */
async function patiently(ms, work) {
  const control = new AbortController();
  const timer = setTimeout(() => control.abort(), ms);
  try {
    const found = await work(control.signal);
    return found instanceof Response ? await withBody(found) : found;
  } finally {
    clearTimeout(timer);
    setTimeout(() => control.abort(), 0);
  }
}

/** The same answer with its body read, so that ending the connection does it no harm. */
async function withBody(response) {
  const body = await response.arrayBuffer();
  return new Response(response.status === 204 ? null : body, { status: response.status });
}

function post(path, signal) {
  const headers = { "Content-Type": "application/json" };
  return fetch(path, { method: "POST", headers, body: "{}", signal });
}

again.addEventListener("click", run);
run();
