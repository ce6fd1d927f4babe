"""Frames to the browser, never faster than it draws them.

One slot per view: a newer frame overwrites an older one that still waits. The next frame is
written only when the browser has acknowledged the last, or after a time-out, since hidden tabs
stop animation frames. While a browser answers quickly, most of that time is waiting for its next
animation frame and for messages under way: then two frames may be on their way at once.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from .scheduler import Scheduler

Item = TypeVar("Item")

QUICK = 0.09
"""Seconds from writing a frame to its receipt up to which a browser gets a second one meanwhile."""

LONGEST_WAIT = 0.05
"""Seconds that a slow browser's next frame is held back at most, an eighth of what the last one took: what the hand has
done while the browser painted is told after the receipt, and a frame of that takes the place of the one that waits."""


class Delivery(Generic[Item]):
    """One-slot outbox with back-pressure.

    Args:
        scheduler: where writing is allowed.
        write: writes one item with its serial number; called on the scheduler's thread.
        patience: seconds after which a missing acknowledgement is taken as given.
        paused: hold everything back until `resume`: what is written before the browser has the document is lost.
        clock: seconds, for tests.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        write: Callable[[Item, int], None],
        patience: float = 1.0,
        paused: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._scheduler = scheduler
        self._write = write
        self._patience = patience
        self._lock = threading.Lock()
        self._waiting_item: Item | None = None
        self._scheduled = False
        self._outstanding: dict[int, float] = {}
        self.took = math.inf
        self._clock = clock
        self._paused = paused
        self.serial = 0
        self.overwritten = 0

    @property
    def _quick(self) -> bool:
        return self.took <= QUICK

    def offer(self, item: Item) -> None:
        """Hand over an item from any thread."""
        with self._lock:
            if self._waiting_item is not None:
                self.overwritten += 1
            self._waiting_item = item
        self._flush_soon()

    def resume(self) -> None:
        """The browser has the document: what waits may go. Safe to call again."""
        with self._lock:
            self._paused = False
        self._flush_soon()

    def acknowledge(self, serial: int) -> None:
        """The browser drew frame `serial`, and with it those before."""
        with self._lock:
            written = self._outstanding.get(serial)
            if written is None:
                return
            self.took = self._clock() - written
            self._outstanding = {other: t for other, t in self._outstanding.items() if other > serial}
        if self._quick:
            self._flush_soon()
        else:
            self._scheduler.later(min(self.took / 8, LONGEST_WAIT), self._flush_soon)

    def _flush_soon(self) -> None:
        with self._lock:
            full = len(self._outstanding) >= (2 if self._quick else 1)
            if self._waiting_item is None or self._scheduled or self._paused or full:
                return
            self._scheduled = True
        self._scheduler.call(self._flush)

    def _flush(self) -> None:
        with self._lock:
            item, self._waiting_item = self._waiting_item, None
            self._scheduled = False
            if item is None:
                return
            self.serial += 1
            serial = self.serial
            self._outstanding[serial] = self._clock()
        try:
            self._write(item, serial)
        except BaseException:
            with self._lock:
                self._outstanding.pop(serial, None)
            raise
        self._scheduler.later(self._patience, lambda: self.acknowledge(serial))
