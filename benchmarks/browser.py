"""What the benchmarks of pages share: a server that is really served, a Chromium on it, a change timed to its pixels."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, sync_playwright

from anisoscope.app.command.chromium import find_chromium

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]

# Moves something; milliseconds to the first change of the watched signal and to the canvas after it, null after 3 s.
# Repeated, it moves the i-th time after a pause and leaves out what took longer.
TIMED = """const timed = (signal, move) => new Promise((done) => {
    const start = performance.now()
    let open = true
    const changed = () => {
      if (!open) return
      open = false
      const updated = performance.now() - start
      signal.disconnect(changed)
      requestAnimationFrame(() => setTimeout(() => done([updated, performance.now() - start]), 0))
    }
    signal.connect(changed)
    move()
    setTimeout(() => { if (open) { open = false; done(null) } }, 3000)
  })
  const rest = (milliseconds) => new Promise((go) => setTimeout(go, milliseconds))
  const repeated = async (signal, count, pause, move) => {
    const times = []
    for (let i = 0; i < count; i++) {
      await rest(pause)
      times.push(await timed(signal, () => move(i)))
    }
    return times.filter((time) => time)
  }
"""


LENSES = ("anisoscope.app.command", "serve", "--no-browser", "--port")
"""What serves every lens, but for the port."""


@contextmanager
def served(*command: str) -> Iterator[tuple[Browser, int, int]]:
    """Chromium beside `python -m command PORT`: the browser, the port, and the server's process."""
    port = free_port()
    command = (sys.executable, "-W", "ignore", "-m", *command, str(port))
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
            yield chromium, port, server.pid
            chromium.close()
    finally:
        server.terminate()
        server.wait(20)


def opened(chromium: Browser, port: int, name: str, before: str = "") -> Page:
    """The page once it rests; `before` is a script that runs before those of the page."""
    page = chromium.new_page(viewport={"width": 1440, "height": 1000})
    if before:
        page.add_init_script(before)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.2)
    page.goto(f"http://127.0.0.1:{port}/{name}")
    page.wait_for_selector("canvas", state="attached", timeout=60_000)
    page.wait_for_timeout(6000)
    return page


def free_port() -> int:
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        return int(opened.getsockname()[1])
