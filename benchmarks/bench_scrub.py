"""From the number to the pixel in Chromium: slider event to updated model, and to drawn canvas (p50)."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from typing import Any

from playwright.sync_api import Page

from .browser import TIMED, opened, served

# Sets a value in the browser and times the first change of the watched thing, and the canvas after it.
MEASURE = f"""async ([page, count, pause, client]) => {{
  {TIMED}
  const models = [...Bokeh.documents[0]._all_models.values()]
  const dial = (name) => models.find((m) => String(m.name).startsWith(`dial-${{name}}-`)).data
  const slider = page === 'ours' ? dial(client ? 'r' : 'temperature')
    : models.find((m) => m.type.endsWith('Slider') && m.start === 0.02)
  const shown = models.find((m) => m.name === (client ? 'figure-plane' : 'figure-loss'))
  // pn.bind puts a new figure into each of its panes, one after the other: the view is there with the last.
  const panes = {{
    connect: (changed) => {{
      let left = 4
      Bokeh.documents[0].on_change((event) => {{ if (event.attr === 'children' && --left == 0) changed() }})
    }},
    disconnect: () => {{}},
  }}
  const signal = page === 'bind' ? panes
    : shown.renderers.filter((r) => r.glyph.type === 'Line').at(client ? -1 : 0).data_source.properties.data.change
  return repeated(signal, count, pause, (i) => {{ slider.value = (client ? 1.5 : 0.8) + 0.004 * i }})
}}"""

# Moves the temperature at every animation frame for two seconds: ages of the pictures drawn meanwhile, and that of the
# last move's, which waits until the one before it is painted.
AGES = """async () => {
  const models = [...Bokeh.documents[0]._all_models.values()]
  const slider = models.find((m) => String(m.name).startsWith('dial-temperature-')).data
  const hand = models.find((m) => m.type === 'Hand'), packet = models.find((m) => m.type === 'Packet')
  const asked = new Map(), ages = []
  let last = null, moving = true
  packet.properties.serial.change.connect(() => {
    const at = asked.get(JSON.parse(hand.upstream).temperature)
    if (at) requestAnimationFrame(() => setTimeout(() => {
      last = performance.now() - at
      if (moving) ages.push(last)
    }, 0))
  })
  for (let i = 0, start = performance.now(); performance.now() - start < 2000; i++) {
    const value = 0.7 + 0.001 * i
    asked.set(value, performance.now())
    slider.value = value
    await new Promise((go) => setTimeout(go, 16))
  }
  moving = false
  await new Promise((go) => setTimeout(go, 1500))
  return [ages, last]
}"""


def rows() -> Iterator[dict[str, Any]]:
    """Ours, then bare Bokeh and pn.bind with the same computation; then what never leaves the browser."""
    with served("benchmarks.scrub_pages") as (chromium, port, _):
        pages = {name: opened(chromium, port, name) for name in ("bokeh", "ours", "bind")}
        for name, page in pages.items():
            yield from _rows(name, page, client=False)
        yield from _rows("ours, step in the browser", pages["ours"], client=True)
        yield from _age(pages["ours"])


def _rows(name: str, page: Page, client: bool) -> Iterator[dict[str, Any]]:
    kind = name.split(",")[0]
    count, pause = (10, 500) if kind == "bind" else (60, 100)
    page.bring_to_front()
    page.wait_for_timeout(500)
    measured = page.evaluate(MEASURE, [kind, count, pause, client])
    for what, times in zip(("updated", "drawn"), zip(*measured, strict=True), strict=True):
        row = {"name": f"{name}: {what}", "value": statistics.median(times), "unit": "ms"}
        yield row if kind == "bokeh" or client else {**row, "ratio_to": f"bokeh: {what}"}


def _age(page: Page) -> Iterator[dict[str, Any]]:
    """How old the picture under the hand is while the browser's processor runs six times slower."""
    client = page.context.new_cdp_session(page)
    page.bring_to_front()
    client.send("Emulation.setCPUThrottlingRate", {"rate": 6})
    ages, last = page.evaluate(AGES)
    client.send("Emulation.setCPUThrottlingRate", {"rate": 1})
    found = {
        "median age of the picture": statistics.median(ages),
        "oldest age of the picture": max(ages),
        "picture of the last move": last,
    }
    for name, value in found.items():
        yield {"name": f"ours, browser 6 x slower: {name}", "value": value, "unit": "ms"}
