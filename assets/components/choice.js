// A native select; options may be of any type, so they are told apart by their place in the list.

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

export function render({ model, data, el }) {
  const label = document.createElement("label");
  const select = document.createElement("select");
  const box = document.createElement("div");
  box.className = "box";
  select.id = "select";
  label.htmlFor = "select";
  box.append(label, select);

  function show() {
    select.selectedIndex = data.options.findIndex(([value]) => same(value, data.value));
  }

  function build() {
    label.textContent = data.label;
    select.replaceChildren(...data.options.map(([, text]) => new Option(text)));
    show();
  }

  select.addEventListener("change", () => data.setv({ value: data.options[select.selectedIndex][0] }));
  model.on("value", show);
  model.on(["label", "options"], build);
  build();
  el.replaceChildren(box);
}
