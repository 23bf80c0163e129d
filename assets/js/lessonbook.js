// The lessons that come with the program, to be read beside the page. (The lesson of a class is lesson.js.)

import { base, getJSON } from "./core.js";
import { h } from "./dom.js";
import { nodesOf } from "./markdown.js";

/** A button that opens them; `more` are further classes. */
export function lessonsButton(more) {
  const title = "Experiments with this program, and what they showed";
  const button = h("button", { type: "button", class: `lv-button ${more}`, title }, "Lessons");
  button.addEventListener("click", () => showLessons(button));
  return button;
}

/** Open the dialog; `opener` has the focus back when it closes. */
async function showLessons(opener) {
  const close = h("button", { class: "lv-button", type: "button" }, "Close");
  const choice = h("nav", { class: "lv-lesson-choice", "aria-label": "Lessons" });
  const text = h("article", { class: "lv-code-body lv-lesson-text", tabindex: 0 }, "Fetching the lessons …");
  const head = h("div", { class: "lv-code-head" }, h("h2", { id: "lv-lessons-title" }, "Lessons"), close);
  const dialog = h("dialog", { class: "lv-code", "aria-labelledby": "lv-lessons-title" }, head, choice, text);
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close()); // the backdrop
  dialog.addEventListener("close", () => {
    dialog.remove();
    opener.focus();
  });
  document.body.append(dialog);
  dialog.showModal();
  try {
    fill(choice, text, (await getJSON("lessons")).lessons);
  } catch (error) {
    text.replaceChildren(h("p", { role: "alert" }, error.message));
  }
}

function fill(choice, text, lessons) {
  const buttons = lessons.map((lesson) => {
    const button = h("button", { type: "button", class: "lv-button" }, lesson.title);
    button.addEventListener("click", () => open(lesson, button));
    return button;
  });
  function open(lesson, button) {
    for (const one of buttons) one.setAttribute("aria-pressed", String(one === button));
    text.replaceChildren(h("h3", {}, lesson.title), ...nodesOf(lesson.text, `${base}assets/lessons/`));
    text.scrollTop = 0;
  }
  choice.replaceChildren(...buttons);
  if (lessons.length) open(lessons[0], buttons[0]);
}
