"""Where a frame may be written: on a server's document, in a notebook, or at once where there is no browser.

Three implementations of one small interface. `call` may be used from any thread.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Protocol

from bokeh.document import Document
from tornado.ioloop import IOLoop

Action = Callable[[], None]


class Scheduler(Protocol):
    """Runs actions where documents may be changed."""

    def call(self, action: Action) -> None:
        """Run `action` soon, on the thread that owns the document."""
        ...

    def later(self, seconds: float, action: Action) -> None:
        """Run `action` after some seconds; what changes a document has to `call` in its turn."""
        ...


class ServedScheduler:
    """A page on the server: next-tick callbacks hold the document's lock.

    Args:
        document: the page's.
        loop: the server's; that of this thread when None.
    """

    def __init__(self, document: Document, loop: IOLoop | None = None) -> None:
        self.document = document
        self._loop = loop or IOLoop.current()

    def call(self, action: Action) -> None:
        self.document.add_next_tick_callback(action)

    def later(self, seconds: float, action: Action) -> None:
        # Not the document's own timers, which take its lock and a walk through its callbacks each time.
        self._loop.add_callback(self._loop.call_later, seconds, action)


class NotebookScheduler:
    """A notebook's kernel: next-tick callbacks never run there, and pushing from another thread loses updates.

    The loop is learnt anew at every parameter change (`remember`): newer JupyterLab handles
    widget messages on a thread of its own.
    """

    def __init__(self, push: Action) -> None:
        self._push = push
        self._loop: asyncio.AbstractEventLoop | None = None
        self.remember()

    def remember(self) -> None:
        try:
            self._loop = asyncio.get_running_loop()
        except RuntimeError:
            return

    def call(self, action: Action) -> None:
        def run() -> None:
            action()
            self._push()

        if self._loop is None or self._loop.is_closed():
            return
        self._loop.call_soon_threadsafe(run)

    def later(self, seconds: float, action: Action) -> None:
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(loop.call_later, seconds, action)


class SynchronousScheduler:
    """No document and no waiting: every action runs at once, one at a time, on the thread that asks.

    For a view without a browser: a pause that would be granted one is over at once, so that each frame
    counts as painted and its words follow within the same call.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()

    def call(self, action: Action) -> None:
        with self._lock:
            action()

    def later(self, seconds: float, action: Action) -> None:
        self.call(action)
