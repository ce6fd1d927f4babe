// Presets as a list of buttons: source in small, title in serif, and where we differ from the paper.

export function render({ model, data, el }) {
  const list = document.createElement("ul");
  let serial = 0;

  function entry(item) {
    const row = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("aria-pressed", String(item.name === data.current));
    for (const [name, text] of [["source", item.source], ["title", item.title], ["reason", item.reason], ["note", item.note]]) {
      if (!text) continue;
      const line = document.createElement("span");
      line.className = name;
      line.textContent = text;
      button.append(line);
    }
    button.addEventListener("click", () => { data.chosen = { name: item.name, serial: ++serial }; });
    row.append(button);
    return row;
  }

  const show = () => list.replaceChildren(...data.items.map(entry));
  model.on("items", show);
  model.on("current", show);
  show();
  el.append(list);
}
