"""The compute thread: one of the process, one mailbox per (session, lens), newest request wins.

Live generators are advanced in turn, so a long refinement of one session never starves another.
Closing a generator is the cancel. An exception ends one request only.
"""

from __future__ import annotations

import atexit
import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from .activity import touched
from .frame import Frame, Idle
from .request import Request
from .threads import beside

logger = logging.getLogger("anisoscope")

FramesFunction = Callable[[Request], Iterator[Frame | Idle | None]]
"""A lens's `frames`. A yielded None draws nothing: it is a place where long work can be cancelled."""

_END = object()


@dataclass(frozen=True)
class Result:
    """What the worker hands back: a frame, or the end of a request (done, cancelled, failed)."""

    request: Request
    frame: Frame | None = None
    seconds: float = 0.0
    done: bool = False
    error: BaseException | None = None


@dataclass(eq=False)
class Mailbox:
    """One lens in one session. `deliver` is called on the worker's thread and must only pass on."""

    frames: FramesFunction
    deliver: Callable[[Result], None]
    rest: float = 0.15
    pending: Request | None = None
    running: Request | None = None
    generator: Iterator[Frame | Idle | None] | None = None
    complete: Frame | None = None
    not_before: float = 0.0
    started: float = field(default=0.0)
    closed: bool = False


class Worker:
    """Runs the frames of many mailboxes on one thread.

    Args:
        threads: torch threads inside the worker; small kernels on a shared machine run many times
            faster with one.
    """

    def __init__(self, threads: int = 1) -> None:
        self._threads = threads
        self._condition = threading.Condition()
        self._mailboxes: list[Mailbox] = []
        self._turn = 0
        self._thread: threading.Thread | None = None
        self._stopping = False

    def open(self, frames: FramesFunction, deliver: Callable[[Result], None], rest: float = 0.15) -> Mailbox:
        """A mailbox whose first frame is computed at once and whose finer ones wait for `rest` seconds of quiet."""
        mailbox = Mailbox(frames, deliver, rest)
        with self._condition:
            self._mailboxes.append(mailbox)
        return mailbox

    def ask(self, mailbox: Mailbox, request: Request) -> None:
        """Replace whatever this mailbox was asked before."""
        touched()
        self.start()
        with self._condition:
            mailbox.pending = request
            self._condition.notify_all()

    def start(self) -> None:
        """Start the thread, and with it the import of torch, before anything is asked."""
        with self._condition:
            if self._thread is None:
                self._thread = beside(self._run, "worker")

    def cancel(self, mailbox: Mailbox) -> None:
        """Stop the running request at its next frame; what was delivered stays."""
        with self._condition:
            mailbox.pending = None
            mailbox.not_before = 0.0
            cancelled, mailbox.running = mailbox.running, None
            self._condition.notify_all()
        if cancelled is not None:
            mailbox.deliver(Result(cancelled, done=True))

    def close(self, mailbox: Mailbox) -> None:
        """Forget a mailbox: its session or notebook output is gone."""
        with self._condition:
            mailbox.closed = True
            mailbox.pending = mailbox.running = None
            self._condition.notify_all()

    def stop(self, timeout: float = 5.0) -> None:
        """End the thread; for tests and for a clean shutdown."""
        with self._condition:
            self._stopping = True
            self._condition.notify_all()
        if self._thread is not None:
            self._thread.join(timeout)

    def _run(self) -> None:
        try:
            self._limit_threads()
        except Exception:
            # Where Python ends meanwhile, torch takes itself down while it is still being imported.
            if threading.main_thread().is_alive():
                raise
            return
        while True:
            mailbox = self._next()
            if mailbox is None:
                return
            self._advance(mailbox)

    def _limit_threads(self) -> None:
        import torch

        torch.set_num_threads(self._threads)
        # The end of Python takes threads away in the middle of torch, which then aborts the process. After its
        # import, so that this comes before torch's own farewell.
        atexit.register(self.stop)

    def _next(self) -> Mailbox | None:
        with self._condition:
            while not self._stopping:
                self._bury_closed()
                wait = self._choose()
                if isinstance(wait, Mailbox):
                    return wait
                self._condition.wait(wait)
            for mailbox in self._mailboxes:
                self._drop_generator(mailbox)
            return None

    def _choose(self) -> Mailbox | float | None:
        """The mailbox whose turn it is, or how long to sleep (None: until somebody asks)."""
        now, sleep = time.monotonic(), None
        count = len(self._mailboxes)
        for offset in range(count):
            mailbox = self._mailboxes[(self._turn + offset) % count]
            if mailbox.pending is not None or (mailbox.generator is not None and mailbox.running is None):
                self._turn = (self._turn + offset + 1) % count
                return mailbox
            if mailbox.generator is not None:
                due = mailbox.not_before - now
                if due <= 0:
                    self._turn = (self._turn + offset + 1) % count
                    return mailbox
                sleep = due if sleep is None else min(sleep, due)
        return sleep

    def _bury_closed(self) -> None:
        for mailbox in [m for m in self._mailboxes if m.closed]:
            self._drop_generator(mailbox)
            self._mailboxes.remove(mailbox)
            self._turn = 0

    @staticmethod
    def _drop_generator(mailbox: Mailbox) -> None:
        generator, mailbox.generator = mailbox.generator, None
        close = getattr(generator, "close", None)
        if close is None:
            return
        try:
            close()
        except Exception:
            logger.exception("A computation that was left could not be closed")

    def _advance(self, mailbox: Mailbox) -> None:
        with self._condition:
            fresh, mailbox.pending = mailbox.pending, None
            if fresh is None and mailbox.running is None:
                self._drop_generator(mailbox)
                return
            if fresh is not None:
                self._drop_generator(mailbox)
                mailbox.running, mailbox.complete = fresh, None
                mailbox.not_before = 0.0
            request = mailbox.running
        assert request is not None
        started = time.perf_counter()
        try:
            if mailbox.generator is None:
                mailbox.generator = iter(mailbox.frames(request))
            frame = next(mailbox.generator, _END)
        except Exception as error:
            self._finish(mailbox, Result(request, done=True, error=error))
            return
        seconds = time.perf_counter() - started
        if frame is _END:
            self._finish(mailbox, Result(request, done=True))
            return
        if isinstance(frame, Idle):
            with self._condition:
                mailbox.not_before = time.monotonic() + frame.seconds
            return
        if not isinstance(frame, Frame):
            return
        # A finer frame leaves out what did not change, and may overtake a coarser one on its way to the browser.
        frame = mailbox.complete = frame.after(mailbox.complete)
        with self._condition:
            stale = mailbox.running is not request or mailbox.closed
            if frame.stage[0] == 1 and not frame.final:
                mailbox.not_before = time.monotonic() + mailbox.rest
        if not stale:
            self._deliver(mailbox, Result(request, frame, seconds, done=False))

    def _finish(self, mailbox: Mailbox, result: Result) -> None:
        with self._condition:
            self._drop_generator(mailbox)
            current = mailbox.running is result.request
            if current:
                mailbox.running = None
        if current and not mailbox.closed:
            self._deliver(mailbox, result)

    @staticmethod
    def _deliver(mailbox: Mailbox, result: Result) -> None:
        """A page that cannot take a result, as a notebook whose loop has just ended, keeps no other page waiting."""
        try:
            mailbox.deliver(result)
        except Exception:
            logger.exception("A page could not take a result")


_worker: Worker | None = None
_making = threading.Lock()


def shared_worker() -> Worker:
    """The one compute thread of this process."""
    global _worker
    # pages are made on a thread of their own too
    with _making:
        if _worker is None:
            _worker = Worker()
        return _worker
