// A button that tells Python it was pressed.
export function render({ model, data, el }) {
  const button = document.createElement("button");
  button.type = "button";
  const show = () => { button.textContent = data.label; };
  button.addEventListener("click", () => model.send_msg("press"));
  model.on("label", show);
  show();
  el.replaceChildren(button);
}
