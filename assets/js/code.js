// Show me the code: the lines of this program that computed a picture, as the server reads them from its own
// sources, in a dialog that keeps the focus. Code enters as text nodes only.

import { getJSON, store } from "./core.js";
import { h } from "./dom.js";

let serial = 0;

/**
 * Open the dialog for a panel; `opener` has the focus back when it closes.
 * tokens: how many the panel's picture shows, where it shows one text: shapes then come with their numbers.
 */
export async function showCode(panel, opener, tokens = 0) {
  const id = `lv-code-title-${(serial += 1)}`;
  const body = h("div", { class: "lv-code-body", tabindex: 0, role: "region", "aria-labelledby": id });
  const close = h("button", { class: "lv-button", type: "button" }, "Close");
  const head = h("div", { class: "lv-code-head" }, h("h2", { id }, "The code behind this picture"), close);
  const dialog = h("dialog", { class: "lv-code", "aria-labelledby": id }, head, body);
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close()); // the backdrop
  dialog.addEventListener("close", () => {
    dialog.remove();
    opener.focus();
  });
  body.append(h("p", {}, "Reading the program …"));
  document.body.append(dialog);
  dialog.showModal();
  body.replaceChildren(...(await contentOf(panel, tokens)));
}

async function contentOf(panel, tokens) {
  const asked = new URLSearchParams({ run: store.selection.run ?? "", tokens });
  try {
    const { pieces } = await getJSON(`code/${panel}?${asked}`);
    const sized = pieces.some(({ parts }) => parts.some(([kind]) => kind === "shape"));
    const about =
      "The lines of this very program that made what you see, in the order in which to read them. " +
      "Comments are grey" +
      (sized ? ", and what follows a shape is that shape in this picture." : ".");
    return [h("p", {}, about), ...pieces.map(pieceNode)];
  } catch (error) {
    return [h("p", { role: "alert" }, error.message)];
  }
}

function pieceNode({ name, says, file, line, parts }) {
  const code = parts.map(([kind, text]) => (kind ? h("span", { class: `lv-code-${kind}` }, text) : text));
  return h(
    "section",
    {},
    h("h3", {}, h("b", {}, name), h("span", {}, `${file}, line ${line}`)),
    h("p", {}, says),
    h("pre", {}, h("code", {}, ...code)),
  );
}
