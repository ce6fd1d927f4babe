// Two buttons: back to the state before, and on again. Python says whether there is something to go to.

const SHAPES = { undo: "M6 3.2 2.8 6.4 6 9.6M3 6.4h6.6a3.4 3.4 0 0 1 0 6.8H7", redo: "M10 3.2l3.2 3.2L10 9.6M13 6.4H6.4a3.4 3.4 0 0 0 0 6.8H9" };

function button(word, name, title) {
  const made = document.createElement("button");
  made.type = "button";
  made.setAttribute("aria-label", name);
  made.title = title;
  made.innerHTML = `<svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true"><path d="${SHAPES[word]}" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round"/></svg>`;
  return made;
}

export function render({ model, data, el }) {
  const undo = button("undo", "Undo", "Undo (Ctrl+Z)");
  const redo = button("redo", "Redo", "Redo (Ctrl+Shift+Z)");
  const show = () => {
    undo.disabled = !data.can_undo;
    redo.disabled = !data.can_redo;
  };
  undo.addEventListener("click", () => model.send_msg("undo"));
  redo.addEventListener("click", () => model.send_msg("redo"));
  model.on(["can_undo", "can_redo"], show);
  show();
  el.append(undo, redo);
}
