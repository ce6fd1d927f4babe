export function render({ model, data, el }) {
  const box = document.createElement("input");
  const label = document.createElement("label");
  const text = document.createElement("span");
  box.type = "checkbox";
  label.append(box, text);

  function show() {
    box.checked = data.value;
    text.textContent = data.label;
  }

  box.addEventListener("change", () => data.setv({ value: box.checked }));
  model.on(["value", "label"], show);
  show();
  el.replaceChildren(label);
}
