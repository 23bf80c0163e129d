// Projector mode (key P): large text, thick lines, light. The sizes are in llmviz.css.

const TYPING = "input, textarea, select, [contenteditable], [role=textbox]";
let wasDark = false;

export function toggleProjector() {
  const on = document.documentElement.classList.toggle("lv-projector");
  if (on) wasDark = document.body.classList.contains("dark");
  if (wasDark) document.body.classList.toggle("dark", !on); // a projector shows dark pages badly
}

let listening = false;

export function listenForProjector() {
  if (listening) return;
  listening = true;
  document.addEventListener("keydown", (event) => {
    const plain = event.key.toLowerCase() === "p" && !event.ctrlKey && !event.metaKey && !event.altKey;
    if (plain && !event.target.closest?.(TYPING)) toggleProjector();
  });
}
