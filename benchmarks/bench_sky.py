"""Dragging the hot spot of *The uneven sky* in Chromium: to the pairs in the browser, and to the drawn canvas (p50)."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

from playwright.sync_api import sync_playwright

from anisoscope.app.command.chromium import find_chromium
from anisoscope.app.lenses.overlap.lens import OverlapLens

from .bench_scrub import ARGUMENTS, free_port, opened

MOVES, PAUSE_MS, FRAMES = 60, 40, 60
"""Shorter pauses than the rest after which the finer frames start: a hand that moves."""

DRAG = """async ([count, pause]) => {
  const models = [...Bokeh.documents[0]._all_models.values()]
  const slider = models.find((m) => String(m.name).startsWith('dial-right_ascension-')).data
  const pairs = models.find((m) => m.name === 'figure-pairs').renderers[1].data_source
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
        pairs.properties.data.change.disconnect(changed)
        requestAnimationFrame(() => setTimeout(() => { drawn.push(performance.now() - start); done() }, 0))
      }
      pairs.properties.data.change.connect(changed)
      slider.value = 100 + i
      setTimeout(() => { open = false; done() }, 3000)
    })
  }
  return [updated, drawn]
}"""


def rows() -> Iterator[dict[str, Any]]:
    """The frame alone in this process, then the whole way through the real command."""
    yield {"name": "frame under the hand, computed", "value": _computed(), "unit": "ms"}
    port = free_port()
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "anisoscope.app.command",
        "serve",
        "overlap",
        "--no-browser",
    ]
    server = subprocess.Popen([*command, "--port", str(port)], stdout=subprocess.DEVNULL)
    try:
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
            page = opened(chromium, port, "overlap")
            updated, drawn = page.evaluate(DRAG, [MOVES, PAUSE_MS])
            chromium.close()
    finally:
        server.terminate()
        server.wait(20)
    yield {"name": "2211 pairs updated", "value": statistics.median(updated), "unit": "ms"}
    yield {"name": "2211 pairs drawn", "value": statistics.median(drawn), "unit": "ms"}


def _computed() -> float:
    import torch

    torch.set_num_threads(1)
    lens, times = OverlapLens(), []
    for move in range(FRAMES):
        request = lens.validated({"right_ascension": 100.0 + move})
        started = time.perf_counter()
        next(lens.frames(request))
        times.append(time.perf_counter() - started)
    return 1000 * statistics.median(times)
