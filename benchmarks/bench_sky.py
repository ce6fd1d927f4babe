"""Dragging the hot spot of *The uneven sky* in Chromium: to the pairs in the browser, and to the drawn canvas (p50)."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from typing import Any

from anisoscope.app.lenses.overlap.lens import OverlapLens

from .browser import LENSES, TIMED, opened, served
from .timing import torch_threads

MOVES, PAUSE_MS, FRAMES = 60, 40, 60
"""Shorter pauses than the rest after which the finer frames start: a hand that moves."""

DRAG = f"""async ([count, pause]) => {{
  {TIMED}
  const models = [...Bokeh.documents[0]._all_models.values()]
  const slider = models.find((m) => String(m.name).startsWith('dial-right_ascension-')).data
  const pairs = models.find((m) => m.name === 'figure-pairs').renderers[1].data_source.properties.data.change
  const times = []
  for (let i = 0; i < count; i++) {{
    await rest(pause)
    times.push(await timed(pairs, () => {{ slider.value = 100 + i }}))
  }}
  return times.filter((time) => time)
}}"""


def rows() -> Iterator[dict[str, Any]]:
    """The frame alone in this process, then the whole way through the real command."""
    yield {"name": "frame under the hand, computed", "value": _computed(), "unit": "ms"}
    with served(*LENSES) as (chromium, port, _):
        times = opened(chromium, port, "overlap").evaluate(DRAG, [MOVES, PAUSE_MS])
    updated, drawn = zip(*times, strict=True)
    yield {"name": "2211 pairs updated", "value": statistics.median(updated), "unit": "ms"}
    yield {"name": "2211 pairs drawn", "value": statistics.median(drawn), "unit": "ms"}


def _computed() -> float:
    lens, times = OverlapLens(), []
    with torch_threads(1):
        for move in range(FRAMES):
            request = lens.validated({"right_ascension": 100.0 + move})
            started = time.perf_counter()
            next(lens.frames(request))
            times.append(time.perf_counter() - started)
    return 1000 * statistics.median(times)
