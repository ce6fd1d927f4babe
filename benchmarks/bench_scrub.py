"""From the number to the pixel in Chromium: slider event to updated model, and to drawn canvas (p50)."""

from __future__ import annotations

import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

from playwright.sync_api import Page, sync_playwright

from anisoscope.app.command.chromium import find_chromium

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]

# Sets a value in the browser and times the first change of the watched thing, and the canvas after it.
MEASURE = """async ([page, count, pause, client]) => {
  const models = [...Bokeh.documents[0]._all_models.values()]
  const dial = (name) => models.find((m) => String(m.name).startsWith(`dial-${name}-`)).data
  const slider = page === 'ours' ? dial(client ? 'r' : 'temperature')
    : models.find((m) => m.type.endsWith('Slider') && m.start === 0.02)
  const shown = models.find((m) => m.name === (client ? 'figure-plane' : 'figure-loss'))
  const source = page === 'bind' ? null
    : shown.renderers.filter((r) => r.glyph.type === 'Line').at(client ? -1 : 0).data_source
  const updated = [], drawn = []
  for (let i = 0; i < count; i++) {
    await new Promise((go) => setTimeout(go, pause))
    await new Promise((done) => {
      const start = performance.now()
      let open = true
      const changed = () => {
        if (!open) return
        open = false
        updated.push(performance.now() - start)
        if (source) source.properties.data.change.disconnect(changed)
        requestAnimationFrame(() => setTimeout(() => { drawn.push(performance.now() - start); done() }, 0))
      }
      if (source) source.properties.data.change.connect(changed)
      else {
        // pn.bind puts a new figure into each of its panes, one after the other: the view is there with the last.
        let panes = 4
        Bokeh.documents[0].on_change((event) => { if (event.attr === 'children' && --panes == 0) changed() })
      }
      slider.value = (client ? 1.5 : 0.8) + 0.004 * i
      setTimeout(() => { open = false; done() }, 3000)
    })
  }
  return [updated, drawn]
}"""

# Moves the temperature at every animation frame for two seconds; ages of the pictures drawn meanwhile.
AGES = """async () => {
  const models = [...Bokeh.documents[0]._all_models.values()]
  const slider = models.find((m) => String(m.name).startsWith('dial-temperature-')).data
  const hand = models.find((m) => m.type === 'Hand'), packet = models.find((m) => m.type === 'Packet')
  const asked = new Map(), ages = []
  packet.properties.serial.change.connect(() => {
    const at = asked.get(hand.upstream.temperature)
    if (at) requestAnimationFrame(() => setTimeout(() => ages.push(performance.now() - at), 0))
  })
  for (let i = 0, start = performance.now(); performance.now() - start < 2000; i++) {
    const value = 0.7 + 0.001 * i
    asked.set(value, performance.now())
    slider.value = value
    await new Promise((go) => setTimeout(go, 16))
  }
  await new Promise((go) => setTimeout(go, 1500))
  return ages
}"""


def rows() -> Iterator[dict[str, Any]]:
    """Ours, then bare Bokeh and pn.bind with the same computation; then what never leaves the browser."""
    port = free_port()
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.scrub_pages", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
            pages = {name: opened(chromium, port, name) for name in ("bokeh", "ours", "bind")}
            for name, page in pages.items():
                yield from _rows(name, page, client=False)
            yield from _rows("ours, step in the browser", pages["ours"], client=True)
            yield from _age(pages["ours"])
            chromium.close()
    finally:
        server.terminate()
        server.wait(20)


def _rows(name: str, page: Page, client: bool) -> Iterator[dict[str, Any]]:
    kind = name.split(",")[0]
    count, pause = (10, 500) if kind == "bind" else (60, 100)
    page.bring_to_front()
    page.wait_for_timeout(500)
    measured = page.evaluate(MEASURE, [kind, count, pause, client])
    for what, times in zip(("updated", "drawn"), measured, strict=True):
        row = {"name": f"{name}: {what}", "value": statistics.median(times), "unit": "ms"}
        yield row if kind == "bokeh" or client else {**row, "ratio_to": f"bokeh: {what}"}


def _age(page: Page) -> Iterator[dict[str, Any]]:
    """How old the picture under the hand is while the browser's processor runs six times slower."""
    client = page.context.new_cdp_session(page)
    page.bring_to_front()
    client.send("Emulation.setCPUThrottlingRate", {"rate": 6})
    ages = page.evaluate(AGES)
    client.send("Emulation.setCPUThrottlingRate", {"rate": 1})
    for name, value in (("median", statistics.median(ages)), ("oldest", max(ages))):
        yield {"name": f"ours, browser 6 x slower: {name} age of the picture", "value": value, "unit": "ms"}


def opened(chromium: Any, port: int, name: str) -> Page:
    page = chromium.new_page(viewport={"width": 1440, "height": 1000})
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
