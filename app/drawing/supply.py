"""Figures drawn before they are asked for, so that opening a lens does not wait for HoloViews.

Drawing those that a lens opens with takes about a second of Python; a session takes a set that lies ready and the
next one is drawn on a thread beside. The others are drawn when they are first shown.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Iterable

from .. import first_frame
from ..activity import quiet_for
from ..frame import Frame
from ..lens import Lens
from .screen import Screen, lay_out

logger = logging.getLogger("anisoscope")


class Supply:
    """Sets of drawn figures by lens, each used once.

    Args:
        kept: sets of each lens that lie ready.
        pause: seconds without a request before a used set is replaced: drawing would slow the hand of a reader.
    """

    def __init__(self, kept: int = 2, pause: float = 10.0) -> None:
        self._kept = kept
        self._pause = pause
        self._ready: dict[type[Lens], list[list[Screen]]] = defaultdict(list)
        self._lock = threading.Lock()
        self._wanted: dict[type[Lens], None] = {}
        self._refilling = False

    def prepare(self, lenses: Iterable[type[Lens]], kept: int | None = None, politely: bool = False) -> None:
        """Fill up the sets of each lens that ships a first frame, to `kept` or to as many as are kept.

        Politely: before each figure it is waited until nobody has asked for anything for a while.
        """
        for kind in lenses:
            try:
                self._fill(kind, kept or self._kept, politely)
            except Exception:
                # the other lenses are served; this one says on its own page what is wrong
                logger.exception("the figures of %s cannot be drawn ahead", kind.slug)

    def _fill(self, kind: type[Lens], kept: int, politely: bool) -> None:
        lens = kind()
        frame = opening_frame(lens)
        while frame is not None and len(self._ready[kind]) < kept:
            screens = lay_out(lens.figures(frame), frame)
            for screen in screens:
                if screen.figure.shown(lens):
                    if politely:
                        self._wait_for_quiet()
                    screen.draw(frame)
            self._ready[kind].append(screens)

    def _wait_for_quiet(self) -> None:
        while quiet_for() < self._pause:
            time.sleep(self._pause / 20)

    def take(self, lens: Lens) -> list[Screen] | None:
        """A set for this lens, drawn from its first frame; None where none lies ready."""
        ready = self._ready[type(lens)]
        if not ready:
            return None
        screens = ready.pop()
        self.refill([type(lens)])
        return screens

    def refill(self, lenses: Iterable[type[Lens]]) -> None:
        """Fill up the sets on one thread beside, once nobody has asked for anything for a while."""
        with self._lock:
            self._wanted.update(dict.fromkeys(lenses))
            if self._refilling:
                return
            self._refilling = True
        threading.Thread(target=self._refill, name="anisoscope-supply", daemon=True).start()

    def _refill(self) -> None:
        # Not at once: the reader who has just taken a set is about to move something.
        time.sleep(self._pause)
        while True:
            self._wait_for_quiet()
            with self._lock:
                if not self._wanted:
                    self._refilling = False
                    return
                wanted = list(self._wanted)
                self._wanted.clear()
            self.prepare(wanted, politely=True)


def opening_frame(lens: Lens) -> Frame | None:
    """The stored first frame with the marks of the lens's present state; None where a lens ships none."""
    stored = first_frame.load(lens.slug)
    return None if stored is None else stored.merged(lens.hand(lens.request(), stored))


supply = Supply()
"""The supply of this process."""
