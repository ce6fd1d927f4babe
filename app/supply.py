"""What takes long to make, made before it is asked for: while nobody asks for anything, on a thread beside."""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import partial
from typing import Generic, TypeVar

from .activity import quiet_for
from .threads import beside

logger = logging.getLogger("anisoscope")

Made = TypeVar("Made")
Wait = Callable[[], None]


class Supply(Generic[Made]):
    """Things of several kinds by name, each used once.

    Args:
        make: makes one of a kind, or gives None for a kind that is not made ahead. It calls what it is given before each
            of its parts: that waits where readers are there.
        kept: how many of each kind lie ready.
        pause: seconds without a request before one that was taken is replaced: making it would slow the hand of a
            reader.
    """

    def __init__(self, make: Callable[[str, Wait], Made | None], kept: int = 2, pause: float = 10.0) -> None:
        self._make = make
        self._kept = kept
        self._pause = pause
        self._ready: dict[str, list[Made]] = defaultdict(list)
        self._lock = threading.Lock()
        self._wanted: dict[str, None] = {}
        self._refilling = False

    def prepare(self, names: Iterable[str], kept: int | None = None, politely: bool = False) -> None:
        """Fill up each kind, to `kept` or to as many as are kept.

        Politely: before each part it is waited until nobody has asked for anything for a while.
        """
        names = list(names)
        # The first of each before the second of any.
        for count in range(1, (kept or self._kept) + 1):
            for name in names.copy():
                try:
                    self._fill(name, count, self._wait_for_quiet if politely else _go_on)
                except Exception:
                    # the others are made; this one is made when it is asked for, and says then what is wrong
                    logger.exception("%s cannot be made ahead", name)
                    names.remove(name)

    def _fill(self, name: str, kept: int, wait: Wait) -> None:
        if len(self._ready[name]) < kept:
            made = self._make(name, wait)
            if made is not None:
                self._ready[name].append(made)

    def _wait_for_quiet(self) -> None:
        while quiet_for() < self._pause:
            time.sleep(self._pause / 20)

    def take(self, name: str) -> Made | None:
        """One of a kind; None where none lies ready."""
        ready = self._ready[name]
        if not ready:
            return None
        made = ready.pop()
        self.refill([name])
        return made

    def refill(self, names: Iterable[str], pause: float | None = None) -> None:
        """Fill up these kinds on one thread beside, once nobody has asked for anything for a while.

        It begins after `pause` seconds, at once with 0: whoever has just taken one is about to move something.
        """
        with self._lock:
            self._wanted.update(dict.fromkeys(names))
            if self._refilling:
                return
            self._refilling = True
        beside(partial(self._refill, self._pause if pause is None else pause), "supply")

    def _refill(self, pause: float) -> None:
        time.sleep(pause)
        while True:
            self._wait_for_quiet()
            with self._lock:
                if not self._wanted:
                    self._refilling = False
                    return
                wanted = list(self._wanted)
                self._wanted.clear()
            self.prepare(wanted, politely=True)


def _go_on() -> None:
    pass
