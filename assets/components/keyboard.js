// Keys of the document. Native controls keep theirs: fields all keys (undo among them), sliders the arrows, buttons
// space and Enter.

const SLIDER_KEYS = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End", "PageUp", "PageDown"];

function chord(event) {
  if (!event.ctrlKey && !event.metaKey) return event.key;
  return `Ctrl+${event.shiftKey ? "Shift+" : ""}${event.key.toLowerCase()}`;
}

function belongsToControl(event) {
  const target = event.composedPath()[0];
  if (!(target instanceof Element)) return false;
  if (target.isContentEditable || target.matches("textarea, dialog, dialog *")) return true;
  // A select finds its options by letters, and has nothing of its own to undo.
  if (target.matches("select")) return !(event.ctrlKey || event.metaKey);
  if (target.matches("input[type=range]")) return SLIDER_KEYS.includes(event.key);
  if (target.matches("button, a, summary, input[type=checkbox], input[type=radio], input[type=file], [role=button]")) {
    return event.key === " " || event.key === "Enter";
  }
  return target.matches("input");
}

export function render({ view, model, data, el }) {
  const dialog = document.createElement("dialog");
  let inside = false;
  let serial = 0;

  function list() {
    const title = document.createElement("h2");
    const keys = document.createElement("dl");
    const close = document.createElement("button");
    title.textContent = data.title;
    close.textContent = "Close";
    close.addEventListener("click", () => dialog.close());
    for (const { shown, text } of [...data.bindings, { shown: "?", text: "this list" }]) {
      const [key, words] = [document.createElement("dt"), document.createElement("dd")];
      key.textContent = shown;
      words.textContent = text;
      keys.append(key, words);
    }
    dialog.setAttribute("aria-label", data.title);
    dialog.replaceChildren(title, keys, close);
    dialog.showModal();
  }

  function act({ dial, steps, event }) {
    const found = dial && view.model.document.get_model_by_name(dial);
    if (found) found.data.setv({ nudge: { steps, serial: ++serial } }, { sync: false });
    if (!event) return;
    // A dial that has just been moved settles before what the key asks for, not after it.
    for (const name of new Set(data.bindings.map((binding) => binding.dial).filter(Boolean))) {
      const moved = view.model.document.get_model_by_name(name);
      if (moved?.data.release) moved.data.setv({ nudge: { steps: 0, serial: ++serial } }, { sync: false });
    }
    model.send_msg(event);
  }

  function press(event) {
    if (event.defaultPrevented || event.altKey || dialog.open || belongsToControl(event)) return;
    if (!data.everywhere && !inside) return;
    const pressed = chord(event);
    const binding = data.bindings.findLast(({ keys }) => keys.includes(pressed));
    if (!binding && pressed !== "?") return;
    // Held down, too: Ctrl+Z left to the browser would undo typing in some field.
    event.preventDefault();
    event.stopPropagation();
    if (event.repeat && binding?.event) return;
    if (binding) act(binding);
    else list();
  }

  const point = (event) => { inside = event.composedPath().includes(view.root.el); };
  // In the capture phase a notebook's own keys come after ours.
  document.addEventListener("keydown", press, true);
  document.addEventListener("pointerdown", point, true);
  model.on("remove", () => {
    document.removeEventListener("keydown", press, true);
    document.removeEventListener("pointerdown", point, true);
  });
  el.replaceChildren(dialog);
  // Not at once: while a page is being built its events go nowhere.
  for (const wait of [0, 1000]) setTimeout(() => model.send_msg("ready"), wait);
}
