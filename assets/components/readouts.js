// A table that is rewritten at every move of the hand: cells are kept, only changed text is touched.

export function render({ model, data, el }) {
  const table = document.createElement("table");
  table.createCaption().textContent = "Readouts";
  const body = table.createTBody();

  function row() {
    const made = document.createElement("tr");
    const head = document.createElement("th");
    head.scope = "row";
    made.append(head, document.createElement("td"), document.createElement("td"));
    made.lastChild.className = "beside";
    return made;
  }

  function write(cell, text) {
    if (cell.textContent !== text) cell.textContent = text;
  }

  function show() {
    table.style.display = data.rows.length ? "" : "none";
    while (body.rows.length > data.rows.length) body.lastChild.remove();
    while (body.rows.length < data.rows.length) body.append(row());
    data.rows.forEach(({ label, value, beside, role }, index) => {
      const [head, first, second] = body.rows[index].cells;
      write(head, label);
      write(first, value);
      write(second, beside ?? "");
      body.rows[index].dataset.role = role ?? "ink";
    });
  }

  model.on("rows", show);
  show();
  el.replaceChildren(table);
}
