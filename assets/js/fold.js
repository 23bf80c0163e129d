// A heading that unfolds the settings beneath it: most readers never need them.

import { h } from "./dom.js";

export function mount(box, props) {
  const button = h("button", { type: "button", class: "lv-fold-button", "aria-expanded": "false" });
  button.textContent = props.value.title;
  button.addEventListener("click", () => {
    const open = button.getAttribute("aria-expanded") !== "true";
    button.setAttribute("aria-expanded", String(open));
    document.getElementById(props.value.opens)?.classList.toggle("lv-unfolded", open);
  });
  box.replaceChildren(button);
}
