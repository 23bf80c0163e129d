// What a teacher decides for everybody's page: the end of the lesson, the size to begin with, and "eyes on me".

import { announce, store } from "./core.js";
import { h, setText } from "./dom.js";
import { isTeacher, teacherEntry } from "./teacher.js";

const corner = h("div", { class: "lv-lesson" });
const deadline = h("span", { class: "lv-deadline", role: "status" });
const curtain = h(
  "div",
  { class: "lv-frozen", role: "alert" },
  h("strong", {}, "Eyes on your teacher, please."),
  h("span", {}, "The class is paused. Nothing is lost: your run waits, and goes on from where it is."),
);
let entry = null;
let preset = null;

const LOOK_AGAIN = 1_000; // ms: Gradio draws the page after us and at times anew; what we put in may be gone

export function followLesson() {
  store.on("host", show);
  store.on("teacher", show);
  setInterval(show, LOOK_AGAIN);
}

function show() {
  const lesson = store.host?.class;
  if (!lesson?.on) return;
  entry ??= teacherEntry();
  if (!corner.firstChild) corner.append(deadline, entry);
  if (!corner.isConnected) document.querySelector("#lv-tabs .tab-wrapper")?.append(corner);
  showDeadline(lesson);
  freeze(lesson.frozen);
  if (lesson.preset && lesson.preset !== preset) store.emit("preset", lesson.preset);
  preset = lesson.preset;
}

function showDeadline({ deadline: at, frozen }) {
  const paused = frozen && isTeacher() ? "the class is paused" : "";
  setText(deadline, [paused, at ? `done at ${clockTime(at)}` : ""].filter(Boolean).join(" · "));
}

/** 10:40, as clocks on this reader's wall show it. */
export const clockTime = (seconds) =>
  new Date(seconds * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });

/** Nothing on the page can be used while the class is frozen, but by the teacher. */
function freeze(wanted) {
  const frozen = Boolean(wanted) && !isTeacher();
  const page = document.querySelector(".gradio-container");
  if (page && page.inert !== frozen) page.inert = frozen;
  if (frozen === curtain.isConnected) return;
  for (const open of document.querySelectorAll("dialog[open]")) if (frozen) open.close();
  if (frozen) {
    // The teacher's entry has to stay within reach, or nobody could sign in while the class is paused.
    curtain.append(h("button", { type: "button", class: "lv-teacher-entry", onclick: () => entry.click() }, "Teacher"));
    document.body.append(curtain);
    announce("Your teacher has paused the class.");
  } else {
    curtain.lastChild.remove();
    curtain.remove();
    announce("The class goes on.");
  }
}
