"""Dragging the hot spot of *The uneven sky* in Chromium: to the pairs in the browser, and to the drawn canvas (p50)."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from typing import Any

from anisoscope.app.lenses.overlap.lens import OverlapLens

from .browser import LENSES, TIMED, opened, served
from .timing import frame_milliseconds

MOVES, PAUSE_MS, FRAMES = 60, 40, 60
"""Shorter pauses than the rest after which the finer frames start: a hand that moves."""

DRAG = f"""async ([count, pause]) => {{
  {TIMED}
  const models = [...Bokeh.documents[0]._all_models.values()]
  const slider = models.find((m) => String(m.name).startsWith('dial-right_ascension-')).data
  const pairs = models.find((m) => m.name === 'figure-pairs').renderers[1].data_source.properties.data.change
  return repeated(pairs, count, pause, (i) => {{ slider.value = 100 + i }})
}}"""


def rows() -> Iterator[dict[str, Any]]:
    """The frame alone in this process, then the whole way through the real command."""
    states = [{"right_ascension": 100.0 + move} for move in range(FRAMES)]
    yield {
        "name": "frame under the hand, computed",
        "value": frame_milliseconds(OverlapLens(), states),
        "unit": "ms",
    }
    with served(*LENSES) as (chromium, port, _):
        times = opened(chromium, port, "overlap").evaluate(DRAG, [MOVES, PAUSE_MS])
    updated, drawn = zip(*times, strict=True)
    yield {"name": "2211 pairs updated", "value": statistics.median(updated), "unit": "ms"}
    yield {"name": "2211 pairs drawn", "value": statistics.median(drawn), "unit": "ms"}
