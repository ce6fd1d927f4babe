// A table whose columns can be copied: the button says for a moment that it did.

const SAID_MS = 1600;

export function render({ model, data, el }) {
  const head = document.createElement("p");
  const frame = document.createElement("div");
  const table = document.createElement("table");
  frame.append(table);

  function button(column, heading) {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = "Copy";
    made.setAttribute("aria-label", `Copy the values of ${heading}`);
    made.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(data.copies[column]);
        made.textContent = "Copied";
      } catch {
        made.textContent = "Not allowed here";
      }
      setTimeout(() => { made.textContent = "Copy"; }, SAID_MS);
    });
    return made;
  }

  function cell(kind, text) {
    const made = document.createElement(kind);
    made.textContent = text;
    return made;
  }

  function show() {
    const title = cell("b", data.title);
    head.replaceChildren(title, ` ${data.note}`);
    const top = document.createElement("tr");
    top.append(...data.headings.map((heading, column) => {
      const made = cell("th", heading);
      made.scope = "col";
      if (data.copies[column]) made.append(button(column, heading));
      return made;
    }));
    const lines = data.rows.map((row) => {
      const line = document.createElement("tr");
      line.append(...row.map((text) => cell("td", text)));
      return line;
    });
    table.replaceChildren(top, ...lines);
  }

  model.on(["title", "note", "headings", "rows", "copies"], show);
  show();
  el.append(head, frame);
}
