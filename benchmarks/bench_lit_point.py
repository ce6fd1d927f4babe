"""Dragging the lit point of *Point spread of a hash grid* in Chromium: to its picture, and to all canvases (p50)."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator
from typing import Any

from anisoscope.app.lenses.psf.kernel_view import COARSE, FINE
from anisoscope.app.lenses.psf.lens import GOLDEN, PsfLens

from .browser import LENSES, TIMED, opened, served
from .timing import frame_milliseconds

MOVES, PAUSE_MS = 60, 40
"""Shorter pauses than the rest after which the finer frames start: a hand that moves."""

# What hand.js makes of a pan over the picture. One packet changes picture, half maximum, polar plot and profiles.
DRAG = f"""async ([count, pause, side]) => {{
  {TIMED}
  const models = [...Bokeh.documents[0]._all_models.values()]
  const hand = models.find((m) => m.type === 'Hand')
  const picture = models.find((m) => m.name === 'figure-psf').renderers[0].data_source
  const drag = (i, ended) => {{
    hand.changes = {{serial: (hand.changes.serial ?? 0) + 1, values: {{dx: 0.02 * i - 0.6, dy: 0.2}}, ended}}
  }}
  const times = await repeated(picture.properties.data.change, count, pause, (i) => drag(i, false))
  const started = performance.now()
  drag(count, true)
  while (picture.data.image[0].length !== side ** 2 && performance.now() - started < 3000) await rest(2)
  return [times, performance.now() - started]
}}"""


def rows() -> Iterator[dict[str, Any]]:
    """The frame alone in this process, then the whole way through the real command: exact kernel, plain and turned."""
    states = {"plain": {"kernel": "cell"}, "turned": {"kernel": "cell", "turn": GOLDEN}}
    for name, state in states.items():
        places = [{**state, "dx": math.sin(move), "dy": 0.2} for move in range(MOVES)]
        value = frame_milliseconds(PsfLens(), places)
        yield {"name": f"{name}: frame under the hand, {COARSE}², computed", "value": value, "unit": "ms"}
    with served(*LENSES) as (chromium, port, _):
        for name, state in states.items():
            query = "&".join(f"{parameter}={value}" for parameter, value in state.items())
            page = opened(chromium, port, f"psf?{query}")
            times, rest = page.evaluate(DRAG, [MOVES, PAUSE_MS, FINE])
            page.close()
            updated, drawn = zip(*times, strict=True)
            for what, value in (("updated", updated), ("drawn", drawn)):
                yield {"name": f"{name}: all views {what}", "value": statistics.median(value), "unit": "ms"}
            yield {"name": f"{name}: picture of {FINE}² after the hand lets go", "value": rest, "unit": "ms"}
