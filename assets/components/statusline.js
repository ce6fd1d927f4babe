// The status line. What is seen changes at once, what is said aloud at most every two seconds.

const PATIENCE = 150;
const SPEAK_EVERY = 2000;

export function render({ model, data, el }) {
  const line = document.createElement("div");
  line.className = "line";
  line.innerHTML = `<span class="state"></span><span class="buttons"><button type="button" class="cancel">Cancel
    <small>esc</small></button><button type="button" class="repair"></button></span>
    <span class="tag"></span><span class="time"></span><span class="rate"></span><span class="device"></span>
    <span class="notes"></span><span class="keys" aria-label="Keys"></span>
    <span class="bar" role="progressbar" aria-label="Progress" aria-valuemin="0" aria-valuemax="100"><i></i></span>
    <span class="spoken" role="status" aria-live="polite"></span>`;
  const part = (name) => line.querySelector(`.${name}`);
  let patience = 0;
  let speaking = 0;
  let spokenAt = 0;
  const written = {};

  // Called for each property that changes, while the hand moves too: what reads the same already is left alone.
  function isNew(name, content) {
    const key = JSON.stringify(content);
    if (written[name] === key) return false;
    written[name] = key;
    return true;
  }

  function words(name, ...pieces) {
    const filled = pieces.filter(([text]) => text);
    if (!isNew(name, filled)) return;
    part(name).hidden = filled.length === 0;
    part(name).replaceChildren(...filled.map(([text, strong]) => {
      if (!strong) return text;
      const bold = document.createElement("b");
      bold.textContent = text;
      return bold;
    }));
  }

  function milliseconds(time) {
    if (time >= 1000) return `${(time / 1000).toPrecision(2)} s`;
    return `${time < 10 ? time.toFixed(1) : Math.round(time)} ms`;
  }

  function speak() {
    clearTimeout(speaking);
    speaking = setTimeout(() => {
      const text = [data.message, data.tag].filter(Boolean).join(", ");
      if (part("spoken").textContent !== text) part("spoken").textContent = text;
      spokenAt = performance.now();
    }, Math.max(0, spokenAt + SPEAK_EVERY - performance.now()));
  }

  function showState() {
    const { state, message, cancellable, progress } = data;
    if (!isNew("state", [state, message, data.tag, cancellable, progress])) return;
    const busy = state === "busy";
    part("state").dataset.state = state;
    part("state").textContent = message;
    part("cancel").hidden = !cancellable;
    part("bar").hidden = !((busy || cancellable) && progress > 0);
    part("bar").setAttribute("aria-valuenow", String(Math.round(100 * progress)));
    part("bar").firstChild.style.width = `${100 * Math.min(1, progress)}%`;
    speak();
  }

  // Nothing is said of work that ends within the blink of an eye.
  function show() {
    if (data.state !== "busy") {
      clearTimeout(patience);
      patience = 0;
      showState();
    } else if (!patience) {
      patience = setTimeout(showState, PATIENCE);
    } else if (part("state").dataset.state === "busy") {
      showState();
    }
    words("repair", [data.repair]);
    words("tag", [data.tag]);
    words("time", [data.milliseconds > 0 && milliseconds(data.milliseconds), true], [data.milliseconds > 0 && " last frame"]);
    words("rate", [data.rate > 0 && `${Math.round(data.rate)}`, true], [data.rate > 0 && " frames/s"]);
    words("device", [data.device && `${data.device}, `], [data.dtype, true]);
    words("notes", [data.notes.join(" · ")]);
    if (isNew("keys", data.keys)) part("keys").replaceChildren(...data.keys.flatMap(([key, text]) => {
      const pair = document.createElement("span");
      const name = document.createElement("kbd");
      name.textContent = key;
      pair.append(name, ` ${text}`);
      return pair;
    }));
  }

  part("cancel").addEventListener("click", () => model.send_msg("cancel"));
  part("repair").addEventListener("click", () => model.send_msg("repair"));
  model.on(["state", "message", "tag", "milliseconds", "rate", "device", "dtype", "notes", "progress",
    "cancellable", "repair", "keys"], show);
  model.on("remove", () => { clearTimeout(patience); clearTimeout(speaking); });
  show();
  el.replaceChildren(line);
}
