// Watches the connection. Bokeh announces a closed websocket (not when the page is being left); a
// socket that died while the machine slept announces nothing, so an echo is asked for as well.

const ASK_EVERY = 1000;

export function render({ view, model, data, el }) {
  const bar = document.createElement("div");
  const words = document.createElement("span");
  const button = document.createElement("button");
  bar.className = "bar";
  bar.setAttribute("role", "alert");
  bar.hidden = true;
  button.type = "button";
  button.textContent = "Reload now";
  bar.append(words, button);
  let lost = false;
  let leaving = false;
  let asking = 0;
  let asked = Date.now();
  let waiting = 0;

  // HEAD is refused by the page's own handler before a session is made: any answer below 500 will do.
  async function answers() {
    try {
      return (await fetch(location.href, { method: "HEAD", cache: "no-store" })).status < 500;
    } catch (error) {
      if (error instanceof TypeError) return false;
      throw error;
    }
  }

  async function ask() {
    if (await answers()) location.reload();
    else asking = setTimeout(ask, ASK_EVERY);
  }

  function lose() {
    if (lost || leaving) return;
    lost = true;
    words.textContent = "Connection lost. Your state is in the link; reconnecting…";
    bar.hidden = false;
    asking = setTimeout(ask, ASK_EVERY);
  }

  function echo() {
    if (lost || waiting || Date.now() - asked < data.every) return;
    asked = Date.now();
    model.send_msg(asked);
    waiting = setTimeout(lose, data.patience);
  }

  const wake = () => { if (!document.hidden) echo(); };
  const leave = () => { leaving = true; };
  const back = () => { leaving = false; };
  const watching = setInterval(wake, 2000);
  model.on("msg:custom", () => { clearTimeout(waiting); waiting = 0; });
  view.model.document.on_event("connection_lost", lose);
  button.addEventListener("click", () => location.reload());
  addEventListener("online", wake);
  addEventListener("pagehide", leave);
  addEventListener("pageshow", back);
  document.addEventListener("visibilitychange", wake);
  model.on("remove", () => {
    clearInterval(watching);
    clearTimeout(asking);
    clearTimeout(waiting);
    removeEventListener("online", wake);
    removeEventListener("pagehide", leave);
    removeEventListener("pageshow", back);
    document.removeEventListener("visibilitychange", wake);
  });
  el.replaceChildren(bar);
}
