"""Threads of pages: they compute beside whatever a reader trains in the same process."""

from __future__ import annotations

import threading
from collections.abc import Callable

from anisoscope.engine.onlookers import look_on


def beside(work: Callable[[], None], name: str) -> threading.Thread:
    """A thread, begun, that the end of Python does not wait for and that leaves random number generators alone."""

    def looking_on() -> None:
        look_on()
        work()

    thread = threading.Thread(target=looking_on, name=f"anisoscope-{name}", daemon=True)
    thread.start()
    return thread
