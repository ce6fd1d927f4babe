"""What a session of the first lens costs the server before a byte is sent: with and without figures drawn ahead."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from bokeh.document import Document

from anisoscope.app.drawing.screen import lay_out
from anisoscope.app.drawing.supply import opening_frame, supply
from anisoscope.app.figure import Figure
from anisoscope.app.frame import Frame
from anisoscope.app.lenses.ghosts import GhostsLens
from anisoscope.app.scheduler import ServedScheduler
from anisoscope.app.shell.page import lens_page
from anisoscope.app.view import LensView

RUNS = 5


def rows() -> Iterator[dict[str, Any]]:
    """Medians in one process whose imports are done; nothing is served and no browser is needed."""
    lens = GhostsLens()
    frame = opening_frame(lens)
    assert frame is not None
    every = lens.figures(frame)
    opened = [figure for figure in every if figure.shown(lens)]
    for name, figures in (("figures of all views", every), ("figures it opens with", opened)):
        draw = partial(_draw, figures, frame)
        yield {"name": f"{name}, {len(figures)}", "value": _milliseconds(draw), "unit": "ms"}
    yield {"name": "page, drawn when asked", "value": _milliseconds(_page), "unit": "ms"}
    # No set is replaced while the clock runs.
    supply._kept, supply._pause = RUNS + 1, 3600.0
    supply.prepare([GhostsLens])
    yield {
        "name": "page, drawn ahead",
        "value": _milliseconds(_page),
        "unit": "ms",
        "ratio_to": "page, drawn when asked",
    }


def _draw(figures: Sequence[Figure], frame: Frame) -> None:
    for screen in lay_out(figures, frame):
        screen.draw(frame)


def _page() -> None:
    document = Document()
    view = LensView(GhostsLens(), scheduler=ServedScheduler(document))
    lens_page("Ghosts of softmax", view.layout).server_doc(document, location=False)
    view.close()


def _milliseconds(action: Callable[[], object]) -> float:
    action()
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        action()
        times.append(1e3 * (time.perf_counter() - start))
    return statistics.median(times)
