// A slider with an exact-value entry. The native range input brings keyboard, touch and screen reader.

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

function superscript(exponent) {
  return String(exponent).replace("-", "⁻").replace(/\d/g, (digit) => SUPERSCRIPTS[digit]);
}

function trueMinus(text) {
  return text.replace(/-/g, "−");
}

// The text of a value: three digits are enough to read, the entry shows all of them when it is focused.
const DIGITS = 3;

function written(value, data) {
  if (data.format === "integer") return trueMinus(String(Math.round(value)));
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) {
    const [mantissa, exponent] = value.toExponential(DIGITS - 1).split("e");
    return trueMinus(String(Number(mantissa))) + " × 10" + superscript(Number(exponent));
  }
  return trueMinus(String(Number(value.toPrecision(Math.max(DIGITS, Math.ceil(Math.log10(size + 1)))))));
}

function exact(value) {
  return trueMinus(String(Number(value.toPrecision(12))));
}

// Accepts 1e-3, 0.001, 0,001, −2 and what `written` writes.
function parsed(text) {
  let plain = text.trim().replace(/[−–]/g, "-").replace(/\s/g, "").replace("⁻", "-");
  plain = plain.replace(/[⁰¹²³⁴⁵⁶⁷⁸⁹]/g, (digit) => SUPERSCRIPTS.indexOf(digit)).replace(/[×x*]10\^?/, "e");
  if ((plain.match(/,/g) || []).length === 1 && !plain.includes(".")) plain = plain.replace(",", ".");
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(plain) ? Number(plain) : NaN;
}

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

export function render({ model, data, el }) {
  const position = (value) => (data.log ? Math.log10(value) : value);
  const share = (value) => (position(value) - position(data.start)) / (position(data.end) - position(data.start));
  const name = element("span", { class: "name" });
  const entry = element("input", { class: "entry", type: "text", inputmode: "text", autocomplete: "off", spellcheck: "false" });
  const range = element("input", { type: "range" });
  const ticks = element("div", { class: "ticks" });
  const names = element("div", { class: "names", "aria-hidden": "true" });
  const refusal = element("div", { class: "refusal", role: "alert" });
  const track = element("div", { class: "track" }, ticks, range);
  const box = element("div", { class: "box" }, element("div", { class: "head" }, name, entry), track, names, refusal);
  let held = false;
  let keyed = false;
  let resting = 0;
  let own = data.value;

  const isWhole = () => data.format === "integer";

  function step() {
    if (data.step) return data.step;
    if (isWhole() && !data.log) return 1;
    return (position(data.end) - position(data.start)) / 1000;
  }

  // A position snapped by the slider, as a value with no more digits than are shown.
  function value() {
    const at = Number(range.value);
    if (!data.log) return Number(at.toPrecision(12));
    const clean = Number((10 ** at).toPrecision(DIGITS));
    return Math.min(data.end, Math.max(data.start, isWhole() ? Math.round(clean) : clean));
  }

  // Some steps on; along a logarithm of whole numbers, where a step may be less than one, at least as many of these.
  function stepBy(steps, unit) {
    const before = own;
    range.value = Number(range.value) + steps * unit;
    const next = value();
    if (!data.log || !isWhole() || Math.abs(next - before) >= Math.abs(steps)) return move(next);
    move(Math.min(data.end, Math.max(data.start, before + steps)));
  }

  function show() {
    const text = written(own, data);
    if (!entry.matches(":focus")) {
      entry.value = text;
      entry.style.width = `calc(${text.length}ch + 10px)`;
    }
    entry.title = `exactly ${exact(own)}; type a value and press Enter`;
    if (!held) range.value = position(own);
    range.style.setProperty("--fill", `${100 * Math.min(1, Math.max(0, share(own)))}%`);
    range.setAttribute("aria-valuetext", text);
  }

  function build() {
    box.classList.toggle("primary", data.primary);
    name.textContent = `${data.label}:`;
    range.setAttribute("aria-label", data.label);
    entry.setAttribute("aria-label", `${data.label}, exact value`);
    Object.assign(range, { min: position(data.start), max: position(data.end), step: step() });
    const at = data.ticks.map(([tick, text]) => [share(tick), text]);
    ticks.replaceChildren(...at.map(([where]) => element("i", { class: "tick", style: `left:${100 * where}%` })));
    names.replaceChildren(...at.map(([where, text]) => {
      const place = where < 0.03 ? "first" : where > 0.97 ? "last" : "";
      return element("span", { class: place, style: `left:${100 * where}%` }, text);
    }));
    names.style.display = at.length ? "" : "none";
    show();
  }

  function move(next) {
    own = next;
    refuse("");
    data.setv({ value: next });
    show();
  }

  // One dictionary is one message: the value travels with the fact that the hand let go.
  function settle() {
    data.setv({ release: { value: own, serial: (data.release?.serial ?? 0) + 1 } });
  }

  function refuse(message) {
    refusal.textContent = message;
    entry.setAttribute("aria-invalid", String(message !== ""));
  }

  function commit() {
    const next = parsed(entry.value);
    const allowed = `${written(data.start, data)} to ${written(data.end, data)}`;
    if (Number.isNaN(next)) return refuse(`${data.label}: “${entry.value.slice(0, 20)}” is not a number; ${allowed}`);
    if (next < data.start || next > data.end) return refuse(`${data.label}: allowed are ${allowed}`);
    if (isWhole() && !Number.isInteger(next)) return refuse(`${data.label}: whole numbers, ${allowed}`);
    if (next !== own) {
      move(next);
      settle();
    }
    refuse("");
  }

  function restore() {
    refuse("");
    entry.value = exact(own);
  }

  // A key held down settles once: when it rests, or another key does something else.
  function settleSoon() {
    clearTimeout(resting);
    resting = setTimeout(settleNow, 250);
  }

  function settleNow() {
    if (resting) settle();
    resting = 0;
  }

  range.addEventListener("keydown", (event) => {
    keyed = true;
    const way = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
    if (!way || !data.log || !isWhole()) return;
    // The slider's own step would be rounded away.
    event.preventDefault();
    stepBy(way, step());
    settleSoon();
  });
  range.addEventListener("pointerdown", () => { held = true; keyed = false; });
  const letGo = () => { held = false; };
  for (const event of ["pointerup", "pointercancel", "lostpointercapture"]) range.addEventListener(event, letGo);
  range.addEventListener("input", () => move(value()));
  range.addEventListener("change", () => { letGo(); if (keyed) settleSoon(); else settle(); show(); });
  entry.addEventListener("focus", () => { entry.value = exact(own); entry.style.width = `calc(${entry.value.length + 3}ch + 10px)`; entry.select(); });
  entry.addEventListener("blur", () => { if (refusal.textContent) restore(); else commit(); if (!refusal.textContent) show(); });
  entry.addEventListener("keydown", (event) => {
    if (event.key === "Enter") { commit(); if (!refusal.textContent) { entry.value = exact(own); entry.select(); } }
    if (event.key === "Escape") { restore(); entry.select(); event.stopPropagation(); }
  });

  // Keys of the page move the slider by steps; by none, it rests now.
  model.on("nudge", () => {
    if (!data.nudge.steps) { clearTimeout(resting); return settleNow(); }
    stepBy(data.nudge.steps, data.step || (isWhole() && !data.log) ? step() : 10 * step());
    settleSoon();
  });

  // While the hand holds the slider, nobody else moves it: what arrives meanwhile is put back here
  // without a message, so that nothing can go round in a circle.
  model.on("value", () => {
    if (data.value === own) return;
    if (held) return data.setv({ value: own }, { sync: false });
    own = data.value;
    clearTimeout(resting);
    resting = 0;
    show();
  });
  model.on(["label", "start", "end", "step", "log", "ticks", "primary", "format"], build);
  build();
  el.replaceChildren(box);
}
