// The permalink: the address bar is rewritten in place, the button copies it.

function address(data) {
  const url = new URL(window.location.href);
  const kept = new URLSearchParams();
  const lens = url.searchParams.get("lens");
  if (lens) kept.set("lens", lens);
  const parts = [kept.toString(), data.query].filter(Boolean).join("&");
  return url.pathname + (parts ? `?${parts}` : "");
}

export function render({ model, data, el }) {
  const button = document.createElement("button");
  button.type = "button";
  button.setAttribute("aria-label", "Share this state");
  button.innerHTML = '<svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true"><path d="M6.8 10.9H4.6a2.9 2.9 0 0 1 0-5.8h2.2m2.4 0h2.2a2.9 2.9 0 0 1 0 5.8H9.2M5.6 8h4.8" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round"/></svg>';
  const word = document.createElement("span");
  word.setAttribute("role", "status");
  word.textContent = "Share";
  button.append(word);
  let timer;

  function say(text) {
    word.textContent = text;
    clearTimeout(timer);
    timer = setTimeout(() => { word.textContent = "Share"; }, 2500);
  }

  async function copy() {
    const link = window.location.origin + address(data);
    try {
      await navigator.clipboard.writeText(link);
      say("Link copied");
    } catch {
      // Without a secure context there is no clipboard; the address bar holds the same link.
      window.prompt("Copy this link", link);
    }
  }

  // Browsers let go of address changes beyond some six a second; a training that is followed makes more.
  let due;
  let last = -Infinity;
  const follow = () => {
    due ??= setTimeout(() => {
      [due, last] = [undefined, performance.now()];
      window.history.replaceState(window.history.state, "", address(data));
    }, Math.max(0, last + 200 - performance.now()));
  };
  button.addEventListener("click", copy);
  model.on("query", follow);
  el.append(button);
}
