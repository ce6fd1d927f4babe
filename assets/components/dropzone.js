// A file, dropped anywhere on the lens or chosen, goes to Python in pieces that a websocket accepts.

const PIECE = 384 * 1024;

function base64(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(text);
}

export function render({ view, model, data, el }) {
  const label = document.createElement("label");
  const text = document.createElement("span");
  const input = document.createElement("input");
  const message = document.createElement("div");
  input.type = "file";
  message.className = "message";
  message.setAttribute("role", "status");
  label.append(text, input);

  function show() {
    text.textContent = data.label;
    input.accept = data.accept.join(",");
    message.textContent = data.message;
  }

  async function take(file) {
    const known = data.accept.some((ending) => file.name.toLowerCase().endsWith(ending));
    if (!known) return say(`${file.name}: must end in ${data.accept.join(" or ")}`);
    if (file.size > data.max_bytes) return say(`${file.name}: ${(file.size / 1e6).toFixed(1)} MB, at most ${data.max_bytes / 1e6} MB`);
    const bytes = new Uint8Array(await file.arrayBuffer());
    const pieces = Math.max(1, Math.ceil(bytes.length / PIECE));
    for (let index = 0; index < pieces; index++) {
      const piece = base64(bytes.subarray(index * PIECE, (index + 1) * PIECE));
      model.send_msg({ name: file.name, index, pieces, piece });
    }
  }

  function say(words) {
    message.textContent = words;
  }

  const files = (event) => event.dataTransfer?.types.includes("Files");
  function over(event) {
    if (!files(event)) return;
    event.preventDefault();
    label.classList.add("over");
  }
  function drop(event) {
    if (!files(event)) return;
    event.preventDefault();
    label.classList.remove("over");
    if (event.dataTransfer.files.length) take(event.dataTransfer.files[0]);
  }
  const out = () => label.classList.remove("over");
  const zone = view.root.el;
  const listeners = { dragover: over, drop, dragleave: out };
  for (const [name, listener] of Object.entries(listeners)) zone.addEventListener(name, listener);
  model.on("remove", () => {
    for (const [name, listener] of Object.entries(listeners)) zone.removeEventListener(name, listener);
  });
  input.addEventListener("change", () => { if (input.files.length) take(input.files[0]); input.value = ""; });
  model.on(["label", "accept", "message"], show);
  show();
  el.replaceChildren(label, message);
}
