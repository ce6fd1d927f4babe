// Presets as a list of buttons: source in small, title in serif, and where we differ from the paper.

export function render({ model, data, el }) {
  const list = document.createElement("ul");
  const more = document.createElement("details");
  const summary = document.createElement("summary");
  const rest = document.createElement("ul");
  more.append(summary, rest);
  let serial = 0;

  function entry(item) {
    const row = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("aria-pressed", String(item.name === data.current));
    for (const [name, text] of [["source", item.source], ["title", item.title], ["reason", item.reason], ["numbers", item.numbers], ["note", item.note]]) {
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

  function show() {
    const [first, others] = [data.items.filter((item) => item.first), data.items.filter((item) => !item.first)];
    list.replaceChildren(...first.map(entry));
    rest.replaceChildren(...others.map(entry));
    summary.textContent = `${others.length} more, each against its figure or theorem`;
    more.hidden = !others.length;
    if (others.some((item) => item.name === data.current)) more.open = true;
  }

  model.on("items", show);
  model.on("current", show);
  show();
  el.append(list, more);
}
