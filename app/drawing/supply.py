"""Figures drawn before they are asked for, so that opening a lens does not wait for HoloViews.

Drawing the figures of a full lens takes about a second of Python; a session takes a set that lies
ready and the next one is drawn on a thread beside. One lock: HoloViews is not made for two threads.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable

from .. import first_frame
from ..frame import Frame
from ..lens import Lens
from .screen import Screen, draw_all

DRAWING = threading.RLock()
"""Held by whoever draws through HoloViews, on the page or on paper."""


class Supply:
    """Sets of drawn figures by lens, each used once.

    Args:
        kept: sets of each lens that lie ready.
        pause: seconds before a used set is replaced: drawing would slow the page that has just taken it.
    """

    def __init__(self, kept: int = 2, pause: float = 3.0) -> None:
        self._kept = kept
        self._pause = pause
        self._ready: dict[type[Lens], list[list[Screen]]] = defaultdict(list)

    def prepare(self, lenses: Iterable[type[Lens]], kept: int | None = None) -> None:
        """Fill up the sets of each lens that ships a first frame, to `kept` or to as many as are kept."""
        for kind in lenses:
            frame = opening_frame(kind())
            while frame is not None and len(self._ready[kind]) < (kept or self._kept):
                with DRAWING:
                    screens = draw_all(kind().figures(frame), frame)
                self._ready[kind].append(screens)

    def take(self, lens: Lens) -> list[Screen] | None:
        """A set for this lens, drawn from its first frame; None where none lies ready."""
        ready = self._ready[type(lens)]
        if not ready:
            return None
        screens = ready.pop()
        refill = threading.Timer(self._pause, self.prepare, args=([type(lens)],))
        refill.daemon = True
        refill.start()
        return screens


def opening_frame(lens: Lens) -> Frame | None:
    """The stored first frame with the marks of the lens's present state; None where a lens ships none."""
    stored = first_frame.load(lens.slug)
    return None if stored is None else stored.merged(lens.hand(lens.request(), stored))


supply = Supply()
"""The supply of this process."""
