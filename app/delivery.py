"""Frames to the browser, never faster than it draws them.

One slot per view: a newer frame overwrites an older one that still waits. The next frame is
written only when the browser has acknowledged the last, or after a time-out, since hidden tabs
stop animation frames.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from .scheduler import Scheduler

Item = TypeVar("Item")


class Delivery(Generic[Item]):
    """One-slot outbox with back-pressure.

    Args:
        scheduler: where writing is allowed.
        write: writes one item with its serial number; called on the scheduler's thread.
        patience: seconds after which a missing acknowledgement is taken as given.
        paused: hold everything back until `resume`: what is written before the browser has the document is lost.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        write: Callable[[Item, int], None],
        patience: float = 1.0,
        paused: bool = False,
    ) -> None:
        self._scheduler = scheduler
        self._write = write
        self._patience = patience
        self._lock = threading.Lock()
        self._waiting_item: Item | None = None
        self._scheduled = False
        self._outstanding = 0
        self._paused = paused
        self.serial = 0
        self.overwritten = 0

    def offer(self, item: Item) -> None:
        """Hand over an item from any thread."""
        with self._lock:
            if self._waiting_item is not None:
                self.overwritten += 1
            self._waiting_item = item
            if self._scheduled or self._outstanding or self._paused:
                return
            self._scheduled = True
        self._scheduler.call(self._flush)

    def resume(self) -> None:
        """The browser has the document: what waits may go. Safe to call again."""
        with self._lock:
            self._paused = False
            if self._waiting_item is None or self._scheduled or self._outstanding:
                return
            self._scheduled = True
        self._scheduler.call(self._flush)

    def acknowledge(self, serial: int) -> None:
        """The browser drew frame `serial`."""
        with self._lock:
            if serial != self._outstanding:
                return
            self._outstanding = 0
            if self._waiting_item is None or self._scheduled:
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
            serial = self._outstanding = self.serial
        try:
            self._write(item, serial)
        except BaseException:
            with self._lock:
                self._outstanding = 0
            raise
        self._scheduler.later(self._patience, lambda: self.acknowledge(serial))
