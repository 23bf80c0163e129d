// The round "?" of a panel: what it shows, one thing to look for, and the way to its code. The card is a
// native popover: it lies above everything, so no box that clips can cut it, and Escape or a tap beside it
// closes it.

import { h } from "./dom.js";

const GAP = 8; // px between button, card and the window's edge

/**
 * @param {string} what two sentences: what am I looking at
 * @param {string} lookFor one thing to do
 * @param {string} panel the name under which the server knows its code
 * @param {() => number} tokens how many the panel's picture shows just now, where it shows one text
 */
export function help(what, lookFor, panel, tokens = () => 0) {
  const title = "What am I looking at?";
  const button = h("button", { class: "lv-help-button", type: "button", "aria-label": title, title }, "?");
  const code = h("button", { class: "lv-button", type: "button" }, "Show me the code");
  const card = h(
    "div",
    { class: "lv-help-card", popover: "auto", role: "dialog", "aria-label": title },
    h("strong", {}, "What am I looking at"),
    h("p", {}, what),
    h("strong", {}, "What to look for"),
    h("p", {}, lookFor),
    code,
  );
  button.popoverTargetElement = card;
  card.addEventListener("beforetoggle", (event) => {
    // In the frame in which it first shows: before that a card has no height.
    if (event.newState === "open") requestAnimationFrame(() => place(card, button.getBoundingClientRect()));
  });
  code.addEventListener("click", async () => {
    card.hidePopover();
    const { showCode } = await import("./code.js");
    showCode(panel, button, tokens());
  });
  return h("span", { class: "lv-help" }, button, card);
}

/** Below the button, or above it, or, in a low window, wherever all of the card is seen. */
function place(card, button) {
  const { clientWidth, clientHeight } = document.documentElement;
  const lowest = clientHeight - card.offsetHeight - GAP;
  const below = button.bottom + GAP;
  const above = button.top - card.offsetHeight - GAP;
  const top = below <= lowest || above < GAP ? Math.min(below, lowest) : above;
  card.style.top = `${Math.max(GAP, top)}px`;
  const inLeftHalf = button.left + button.right < clientWidth;
  const left = inLeftHalf ? button.left : button.right - card.offsetWidth;
  card.style.left = `${Math.max(GAP, Math.min(left, clientWidth - card.offsetWidth - GAP))}px`;
}
