// Plays a dial: play, pause, first, last, speed. It moves the dial's value as a hand would.

const SPEEDS = [[0.5, "½×"], [1, "1×"], [4, "4×"]];
const SHAPES = {
  first: "M4 3v10 M13 3 6 8l7 5z",
  play: "M4 2.5 13.5 8 4 13.5z",
  pause: "M5 3v10 M11 3v10",
  last: "M12 3v10 M3 3l7 5-7 5z",
};

function button(name, shape) {
  const made = document.createElement("button");
  made.type = "button";
  made.setAttribute("aria-label", name);
  made.title = name;
  if (shape) made.innerHTML = `<svg viewBox="0 0 16 16" aria-hidden="true"><path d="${SHAPES[shape]}"/></svg>`;
  return made;
}

export function render({ view, model, data, el }) {
  const first = button("To the first step", "first");
  const play = button("Play", "play");
  const last = button("To the last step", "last");
  const speeds = document.createElement("div");
  const box = document.createElement("div");
  let speed = 1;
  let playing = false;
  let before = 0;
  let owed = 0;

  const dial = () => view.model.document?.get_model_by_name(data.dial);
  const end = (found) => Math.min(found.data.end, data.head);

  function show() {
    play.querySelector("path").setAttribute("d", SHAPES[playing ? "pause" : "play"]);
    play.setAttribute("aria-label", playing ? "Pause" : "Play");
    play.title = playing ? "Pause" : "Play";
    for (const one of speeds.children) one.setAttribute("aria-pressed", String(Number(one.dataset.speed) === speed));
  }

  function settle(found) {
    found.data.setv({ release: { value: found.data.value, serial: (found.data.release?.serial ?? 0) + 1 } });
  }

  function jump(value) {
    const found = dial();
    if (!found) return;
    found.data.setv({ value });
    settle(found);
  }

  // A hidden tab gets no animation frames and stands still; the clock starts anew when it comes back.
  function tick(now) {
    const found = dial();
    if (!playing || !found || !el.isConnected) return;
    // Hidden, another view is looked at, and what that computes is not ours to pause.
    if (!play.getClientRects().length) return rest(found);
    owed += Math.min(0.1, (now - before) / 1000) * data.per_second * speed;
    before = now;
    const whole = Math.floor(owed);
    owed -= whole;
    const next = Math.min(end(found), found.data.value + whole);
    if (whole && next > found.data.value) found.data.setv({ value: next });
    if (next >= found.data.end) return stop();
    requestAnimationFrame(tick);
  }

  function start() {
    const found = dial();
    if (!found || !play.getClientRects().length) return;
    model.send_msg("play");
    if (found.data.value >= found.data.end) found.data.setv({ value: found.data.start });
    playing = true;
    owed = 0;
    before = performance.now();
    show();
    requestAnimationFrame(tick);
  }

  function rest(found) {
    playing = false;
    show();
    if (found) settle(found);
  }

  function stop() {
    model.send_msg("pause");
    rest(dial());
  }

  const toggle = () => (playing ? stop() : start());
  play.addEventListener("click", toggle);
  model.on("nudge", toggle);
  first.addEventListener("click", () => { const found = dial(); if (found) jump(found.data.start); });
  last.addEventListener("click", () => { const found = dial(); if (found) jump(end(found)); });
  for (const [factor, text] of SPEEDS) {
    const one = button(`Speed ${text}`);
    one.textContent = text;
    one.dataset.speed = factor;
    one.addEventListener("click", () => { speed = factor; show(); });
    speeds.append(one);
  }
  box.className = "box";
  speeds.className = "speeds";
  speeds.setAttribute("role", "group");
  box.append(first, play, last, speeds);
  show();
  el.replaceChildren(box);
}
