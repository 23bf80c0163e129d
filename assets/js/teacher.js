// The teacher's side of this page: signing in and out, and asking the teacher's routes. The session lives with
// the tab (classroom computers are shared) and travels in a header.

import { base, credentials, linesOf, store } from "./core.js";
import { h, setText } from "./dom.js";
import { complain } from "./page.js";

const KEY = "llmviz-teacher";
const UNREACHABLE = "The server cannot be reached just now. Nothing is lost; please try again in a moment.";

const HEADER = "X-LLMViz-Teacher";

let session = kept();
carry();

function kept() {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return null; // storage is closed here: the session then lasts until the page is left
  }
}

/** What this tab asks of any route, it asks as the teacher: samples are the teacher's alone while eyes are up. */
function carry() {
  if (session) credentials[HEADER] = session;
  else delete credentials[HEADER];
}

function keep(token) {
  session = token;
  carry();
  try {
    if (token) sessionStorage.setItem(KEY, token);
    else sessionStorage.removeItem(KEY);
  } catch {
    // As above.
  }
  document.body.classList.toggle("lv-teacher", isTeacher());
  store.emit("teacher", isTeacher());
}

export const isTeacher = () => Boolean(session);

/** Ask `teacher/{path}`; resolves to the response. A session that has ended is forgotten. */
async function ask(path, body = {}, signal = undefined) {
  const response = await fetch(`${base}teacher/${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", [HEADER]: session ?? "" },
    body: JSON.stringify(body),
    signal,
  });
  if (response.status === 401) keep(null);
  return response;
}

/** Do something; what is refused is said on the page. Resolves to the answer or null. */
export async function teach(path, body = {}) {
  try {
    const response = await ask(path, body);
    const answer = await response.json();
    if (response.ok) return answer;
    complain(answer.errors);
  } catch {
    complain([UNREACHABLE]);
  }
  return null;
}

const SILENCE = 6_000; // ms without a word after which a filter is taken to hold the stream back
const ASK_EVERY = 3_000; // ms, where it does

/** Hear of the class until `signal` aborts or the session ends; the line may break and is opened again. */
export async function watchClass(hear, signal) {
  let heard = performance.now();
  const told = (message) => {
    heard = performance.now();
    if (message.t === "class") hear(message);
  };
  const asking = setInterval(async () => {
    if (!session || performance.now() - heard < SILENCE) return;
    const response = await ask("look", {}, signal).catch(() => null);
    if (response?.ok) hear(await response.json());
  }, ASK_EVERY);
  signal.addEventListener("abort", () => clearInterval(asking));
  while (!signal.aborted && session) {
    try {
      const response = await ask("stream", {}, signal);
      if (response.ok) for await (const line of linesOf(response.body)) if (line.startsWith("data:")) told(JSON.parse(line.slice(5)));
    } catch (error) {
      if (!signal.aborted) console.warn("llmviz: class:", error.message);
    }
    await new Promise((done) => setTimeout(done, 1000 + 1000 * Math.random()));
  }
  clearInterval(asking);
}

/** The discreet way in: a word at the end of the tabs that opens a small window, or signs out. */
export function teacherEntry() {
  const entry = h("button", { type: "button", class: "lv-teacher-entry" });
  const show = () => setText(entry, isTeacher() ? "Sign out" : "Teacher");
  const dialog = signInDialog();
  entry.addEventListener("click", async () => {
    if (!isTeacher()) return dialog.open();
    await ask("sign-out").catch(() => {});
    keep(null);
  });
  store.on("teacher", show);
  show();
  document.body.classList.toggle("lv-teacher", isTeacher());
  return entry;
}

function signInDialog() {
  const password = h("input", {
    type: "password",
    class: "lv-input",
    id: "lv-teacher-password",
    autocomplete: "current-password",
  });
  const said = h("p", { class: "lv-said", role: "alert" });
  const submit = h("button", { class: "lv-button lv-primary", type: "submit" }, "Sign in");
  const close = h("button", { class: "lv-button", type: "button", onclick: () => dialog.close() }, "Cancel");
  const form = h(
    "form",
    { onsubmit: signIn },
    h("label", { for: "lv-teacher-password" }, "Teacher's password"),
    password,
    said,
    h("div", { class: "lv-buttons" }, submit, close),
  );
  const dialog = h("dialog", { class: "lv-teacher-dialog", "aria-label": "Sign in as the teacher" }, form);
  document.body.append(dialog);

  async function signIn(event) {
    event.preventDefault();
    submit.disabled = true;
    try {
      const response = await ask("sign-in", { password: password.value });
      const answer = await response.json();
      if (!response.ok) return setText(said, answer.errors.join(" "));
      keep(answer.session);
      dialog.close();
      document.querySelector("#lv-class-tab-button")?.click();
    } catch {
      setText(said, UNREACHABLE);
    } finally {
      submit.disabled = false;
      password.value = "";
    }
  }

  return {
    open() {
      setText(said, "");
      dialog.showModal();
      password.focus();
    },
  };
}
