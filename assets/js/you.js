// You on this computer: the recovery code of this browser, to copy, to save, to enter, and to forget.

import { announce, base, store } from "./core.js";
import { h, setText } from "./dom.js";
import { becomeOwner, forgetOwner, onOwner, owner, ownerIsKept } from "./owner.js";
import { codeOf, tokenOf } from "./recovery.js";
import { copy } from "./share.js";

const ABOUT =
  "Nobody is asked for a name or a password here. Your runs belong to this browser by a secret code: " +
  "who has it can change and delete them, so show it to nobody.";
const KEPT = {
  browser: "This browser keeps the code. Save it to reach your runs from another computer as well.",
  tab: "In a class, this code is forgotten when you close the page. Save it to come back to your runs later.",
  page: "This browser keeps nothing for this page: the code is gone when you close or reload it. Save it to come back to your runs.",
};
const NOTHING_KEPT =
  "This browser keeps nothing for this page: after closing or reloading it, only your recovery code leads back to your runs.";
const UNREACHABLE = "The server cannot be reached just now. Nothing has changed; please try again in a moment.";

const button = (label, onclick, more = {}) => h("button", { class: "lv-button", type: "button", onclick, ...more }, label);

/** The button in the header. */
export function youButton() {
  const open = button(person(), () => showYou(open), {
    class: "lv-button lv-you-open",
    title: "You on this computer: your recovery code",
    "aria-label": "You on this computer: your recovery code",
    "aria-haspopup": "dialog",
  });
  return open;
}

/** Where the browser keeps nothing for us, one line that says so, with a way to the code. */
export function storageLine() {
  const line = h("div", { class: "lv-storage", role: "note" }, h("span", {}, NOTHING_KEPT), button("Show my code", () => showYou(line)));
  const show = () => {
    line.hidden = ownerIsKept() !== "page";
    document.body.classList.toggle("lv-has-line", !line.hidden);
  };
  onOwner(show);
  show();
  return line;
}

// ---------------------------------------------------------------- the dialog

/** Open it; `opener` has the focus back when it closes. */
function showYou(opener) {
  const title = h("h2", { id: "lv-you-title", tabindex: -1 }, "You on this computer");
  const close = button("Close", () => dialog.close());
  const code = codeBox(owner());
  const kept = h("p", {}, KEPT[ownerIsKept()]);
  const dialog = h(
    "dialog",
    { class: "lv-you", "aria-labelledby": "lv-you-title" },
    h("div", { class: "lv-you-head" }, title, close),
    h("p", {}, ABOUT),
    kept,
    code,
    enterCode(),
    forget(),
  );
  const off = onOwner(() => {
    dialog.querySelector(".lv-you-code").replaceWith(codeBox(owner()));
    setText(kept, KEPT[ownerIsKept()]);
  });
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close()); // the backdrop
  dialog.addEventListener("close", () => {
    off();
    dialog.remove();
    opener.focus();
  });
  document.body.append(dialog);
  dialog.showModal();
  title.focus();
}

/** A code with its two buttons. */
function codeBox(token) {
  const code = codeOf(token);
  const said = h("span", { class: "lv-said", role: "status" });
  const shown = h("output", { class: "lv-you-letters", "aria-label": "Recovery code" }, code);
  const onCopy = async () => {
    const copied = await copy(code, shown.parentElement);
    setText(said, copied ? "Copied." : "This browser does not let pages copy: select the code and press Ctrl+C.");
  };
  const onSave = () => {
    saveFile(code);
    setText(said, "Saved as llmviz-code.txt.");
  };
  return h("div", { class: "lv-you-code" }, shown, button("Copy", onCopy), button("Save as file", onSave), said);
}

function saveFile(code) {
  const text = `Recovery code of your runs in LLMViz at ${location.origin}${location.pathname}

${code}

There, press the button “You on this computer” and enter this code. Who has it can change and delete your runs.
`;
  const link = h("a", { href: URL.createObjectURL(new Blob([text], { type: "text/plain" })), download: "llmviz-code.txt" });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

// ---------------------------------------------------------------- another code

function enterCode() {
  const field = h("input", {
    class: "lv-input",
    id: "lv-you-field",
    autocomplete: "off",
    autocapitalize: "characters",
    spellcheck: "false",
    placeholder: "XXXX-XXXX-XXXX-XXXX-XXXX-XXXX-XXXX",
  });
  const said = h("div", { class: "lv-you-said", role: "status" });
  const say = (...content) => said.replaceChildren(...content);
  const submit = async (event) => {
    event.preventDefault();
    const { token, problem } = tokenOf(field.value);
    if (problem) return say(problem);
    if (token === owner()) return say("This is the code that this browser goes by already.");
    say("Looking for its runs …");
    const runs = await runsOf(token);
    if (runs === null) return say(UNREACHABLE);
    if (!runs) return say("No run on this server belongs to this code (any more), so nothing has changed.");
    const take = () => {
      becomeOwner(token);
      field.value = "";
      say(`Done: ${countRuns(runs)} yours now.`);
      announce(said.textContent);
    };
    if (!ownRuns()) return take();
    const warning = `${countRuns(ownRuns())} listed here under the present code, and will not be any more. Save that code first:`;
    say(h("p", {}, warning), codeBox(owner()), button("Use the other code now", take), button("Cancel", () => say()));
  };
  return h(
    "form",
    { class: "lv-you-part", onsubmit: submit },
    h("h3", {}, h("label", { for: "lv-you-field" }, "Enter a code")),
    h("p", {}, "This browser then has the runs of that code."),
    h("div", { class: "lv-you-row" }, field, h("button", { class: "lv-button", type: "submit" }, "Use this code")),
    said,
  );
}

/** How many runs of that token there are; null if the server does not answer. */
async function runsOf(token) {
  try {
    const response = await fetch(`${base}runs`, { headers: { "X-LLMViz-Owner": token } });
    return response.ok ? (await response.json()).runs.filter((run) => run.mine).length : null;
  } catch {
    return null;
  }
}

const ownRuns = () => [...store.summaries.values()].filter((run) => run.mine).length;
const countRuns = (n) => (n === 1 ? "1 run is" : `${n} runs are`);

// ---------------------------------------------------------------- forgetting

function forget() {
  const part = h("div", { class: "lv-you-part" });
  const offer = () =>
    part.replaceChildren(
      h("h3", {}, "Leaving this computer to somebody else?"),
      h("div", { class: "lv-you-row" }, button("Forget me on this computer …", confirm)),
    );
  const confirm = () => {
    const yes = button("Forget me", leave, { class: "lv-button lv-danger" });
    part.replaceChildren(
      h("h3", {}, "Forget you on this computer?"),
      h("p", {}, "Your runs stay on the server, but only with this code can you change or delete them again:"),
      codeBox(owner()),
      h("div", { class: "lv-you-row" }, yes, button("Cancel", offer)),
    );
    part.querySelector("button").focus(); // Copy: the careless Enter harms nothing
    part.scrollIntoView({ block: "nearest" });
  };
  offer();
  return part;
}

/** Somebody new, on a page that holds nothing of what was typed before. */
function leave() {
  forgetOwner();
  location.replace(location.pathname); // and no way back to it
}

/** A head and shoulders. */
function person() {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", "M10 2.5a3.8 3.8 0 1 1 0 7.6 3.8 3.8 0 0 1 0-7.6ZM2.8 17.5a7.2 6 0 0 1 14.4 0");
  svg.append(path);
  return svg;
}
