// Gradio's dropdowns look at a key a moment after it was pressed. Tab has left the field by then: its list is
// closed, and looking at the key opens it again, for good. So Tab, and Shift before it, are kept from them;
// leaving the field closes the list.

export function leaveDropdownsWithTab() {
  window.addEventListener(
    "keydown",
    (event) => {
      const leaving = event.key === "Tab" || event.key === "Shift";
      if (leaving && event.target.matches?.("input[role='combobox']")) event.stopPropagation();
    },
    { capture: true },
  );
}
