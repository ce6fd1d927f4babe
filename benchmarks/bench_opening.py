"""Opening the first lens: what it costs the server with and without a page made ahead, and when its canvas is drawn."""

from __future__ import annotations

import asyncio
import statistics
import time
import urllib.request
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from bokeh.application import Application
from bokeh.document import Document
from bokeh.server.tornado import BokehTornado
from panel.io.state import set_curdoc
from playwright.sync_api import Browser
from tornado.ioloop import IOLoop

from anisoscope.app import first_frame
from anisoscope.app.drawing.screen import lay_out
from anisoscope.app.lenses.ghosts import GhostsLens
from anisoscope.app.pages import LensPage
from anisoscope.app.scheduler import ServedScheduler
from anisoscope.app.spare import Spares

from .browser import LENSES, served

RUNS = 5

# The moment of the first stroke or image on a large canvas of the page, and that after the paint it belongs to.
WATCH = """
  window.first = new Promise((drawn) => {
    const pen = CanvasRenderingContext2D.prototype
    for (const name of ['stroke', 'fill', 'fillRect', 'drawImage', 'fillText']) {
      const theirs = pen[name]
      pen[name] = function (...of) {
        if (this.canvas.isConnected && this.canvas.width > 200)
          requestAnimationFrame(() => setTimeout(() => drawn(performance.now()), 0))
        return theirs.apply(this, of)
      }
    }
  })
"""

# A page that was taken is replaced once nobody has asked for anything for ten seconds.
REST = 16_000


def rows() -> Iterator[dict[str, Any]]:
    """Medians of one process whose imports are done, then of a real Chromium on the real server."""
    yield from _server()
    with served(*LENSES) as (chromium, port, _):
        _wait(port)
        # Cold: nothing of the browser's is kept, and at first the server is still importing torch.
        times = {"first canvas, cold": [], "first canvas, warm": []}
        for _ in range(RUNS):
            for name, milliseconds in zip(times, _opened_twice(chromium, port), strict=True):
                times[name].append(milliseconds)
        for name, found in times.items():
            yield {"name": name, "value": statistics.median(found), "unit": "ms"}
            yield {"name": f"{name}, slowest", "value": max(found), "unit": "ms"}


def _server() -> Iterator[dict[str, Any]]:
    asyncio.set_event_loop(asyncio.new_event_loop())
    lens = GhostsLens()
    frame = first_frame.opening(lens)
    assert frame is not None
    shown = [figure for figure in lens.figures(frame) if figure.shown(lens)]

    def draw() -> None:
        for screen in lay_out(shown, frame):
            screen.draw(frame)

    asked = "page, made when asked"
    yield {"name": f"figures it opens with, {len(shown)}", "value": _milliseconds(draw), "unit": "ms"}
    yield {"name": asked, "value": _milliseconds(_page), "unit": "ms"}
    spares = Spares(BokehTornado({"/ghosts": Application()}), IOLoop.current())
    documents = [spares.make("ghosts", lambda: None) for _ in range(RUNS + 1)]
    taken = partial(_open, documents)
    yield {"name": "page, made ahead", "value": _milliseconds(taken), "unit": "ms", "ratio_to": asked}


def _page() -> None:
    document = Document()
    with set_curdoc(document):
        page = LensPage(GhostsLens(), ServedScheduler(document))
        page.frame.server_doc(document, location=False)
    page.view.close()


def _open(documents: list[Document | None]) -> None:
    document = documents.pop()
    assert document is not None
    view = LensPage.standing.pop(document).view
    with set_curdoc(document):
        view.open({})
    view.close()


def _milliseconds(action: Callable[[], object]) -> float:
    action()
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        action()
        times.append(1e3 * (time.perf_counter() - start))
    return statistics.median(times)


def _wait(port: int) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            # Not a lens: a page would be taken.
            urllib.request.urlopen(f"http://127.0.0.1:{port}/static/js/bokeh.min.js").close()
            return
        except OSError:
            time.sleep(0.1)


def _opened_twice(chromium: Browser, port: int) -> list[float]:
    context = chromium.new_context(viewport={"width": 1440, "height": 1000})
    times = []
    for _ in range(2):
        page = context.new_page()
        page.add_init_script(WATCH)
        page.goto(f"http://127.0.0.1:{port}/ghosts", wait_until="commit")
        times.append(page.evaluate("window.first"))
        page.wait_for_timeout(REST)
        page.close()
    context.close()
    return times
