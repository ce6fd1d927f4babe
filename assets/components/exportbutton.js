// Asks for the zip and saves it when it has come.

export function render({ model, data, el }) {
  const button = document.createElement("button");
  button.type = "button";
  button.setAttribute("aria-label", "Export");
  button.title = "Figures as SVG, PDF and PNG, all tables as CSV and NPZ, the request and the citation, in one zip";
  button.innerHTML = '<svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true"><path d="M8 1.5h0v8m-3-3 3 3.2 3-3.2M2.5 13.5h11" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round"/></svg>';
  const word = document.createElement("span");
  word.setAttribute("role", "status");
  button.append(word);

  const show = () => {
    word.textContent = data.busy || "Export";
    button.setAttribute("aria-busy", String(Boolean(data.busy)));
  };

  function save() {
    if (!data.parcel.data) return;
    const bytes = Uint8Array.from(atob(data.parcel.data), (letter) => letter.charCodeAt(0));
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([bytes], { type: "application/zip" }));
    link.download = data.parcel.name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  button.addEventListener("click", () => { data.asked += 1; });
  model.on("busy", show);
  model.on("parcel", save);
  show();
  el.append(button);
}
