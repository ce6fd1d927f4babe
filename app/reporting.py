"""What the status line says: state, time of the last frame, device, and what went wrong in words."""

from __future__ import annotations

import logging
import time
from collections import deque
from typing import TYPE_CHECKING

from .errors import RequestError
from .request import Request
from .shell.status import StatusLine
from .theme import stylesheets
from .worker import Result

if TYPE_CHECKING:
    from .view import LensView

logger = logging.getLogger("anisoscope")

# The status line is read, not watched: more than four changes a second only cost messages.
SHORTEST_INTERVAL = 0.25


class Reporter:
    """Keeps the status line true without slowing the scrub."""

    def __init__(self, view: LensView) -> None:
        self._view = view
        self._drawn: deque[float] = deque(maxlen=20)
        self._told = 0.0
        self._unsaid: tuple[Result, float] | None = None
        options = {
            "css_classes": ["an-status"],
            "stylesheets": stylesheets("an-status", words=False),
            "sizing_mode": "stretch_width",
        }
        self.component = StatusLine(margin=0, **options)
        self.component.on_cancel(view.cancel)
        self.component.on_repair(self._repair)
        # Of what the reader asked for last and did not get; its words stay whatever is drawn meanwhile.
        self._stands: BaseException | list[str] | None = None
        self._said_of: Request | None = None

    def starting(self, stored: bool) -> None:
        """The page stands; torch is being imported and the first frame is computed."""
        tag = "stored frame" if stored else ""
        self.component.param.update(state="starting", message="Starting torch", tag=tag)

    def asked(self) -> None:
        """The reader asked for something else; nothing changes on the page unless it takes long."""
        if self._stands is not None:
            self._let_stand(None)
            self.component.param.update(state="ready", message="Ready", repair="", tag="")

    def settled(self, request: Request) -> None:
        """The hand let go, there: what was said of another state goes. A dial that plays has no hand on it till then."""
        if self._stands is not None and request != self._said_of:
            self.asked()

    def drawn(self, result: Result, seconds: float) -> None:
        """A frame was written; `show` says so."""
        self._drawn.append(time.monotonic())
        self._unsaid = (result, seconds)

    def show(self) -> None:
        """Say of the frame that was written last that it is there."""
        now = time.monotonic()
        if self._unsaid is None:
            return
        result, seconds = self._unsaid
        frame = result.frame
        assert frame is not None
        if now - self._told < SHORTEST_INTERVAL and not frame.final:
            return
        self._told, self._unsaid = now, None
        rate = self._rate(now)
        if rate:
            self._view.later(1.0, self._let_go)
        stage, last = frame.stage
        busy = not frame.final
        # Of a request that has ended meanwhile, as by an error, there is nothing to wait for or cancel.
        going = busy and self._view.computing
        if self._stands is None:
            message = f"{frame.facts.get('doing', 'Refining,')} {stage} of {last}" if busy else "Ready"
            self.component.param.update(state="busy" if busy else "ready", message=message, tag="")
        self.component.param.update(
            milliseconds=1000 * (result.seconds + seconds),
            rate=rate,
            device=str(frame.facts.get("device", "cpu")),
            dtype=str(frame.facts.get("dtype", "float64")),
            notes=list(frame.notes),
            progress=stage / last if going else 0.0,
            cancellable=going,
        )

    def ended(self, result: Result) -> None:
        """A request ended: done, or with an error that is the reader's or ours."""
        if result.error is None:
            return
        if isinstance(result.error, RequestError):
            self.refused(result.error)
            return
        self._unsaid = None
        logger.error("request %s failed", result.request.as_dict(), exc_info=result.error)
        words = f"{type(result.error).__name__}: {result.error}"
        self._let_stand(result.error)
        self.component.param.update(
            state="error", message=words, tag="last valid frame", repair="", cancellable=False, progress=0.0
        )

    def refused(self, error: RequestError) -> None:
        """A parameter cannot be used; the last true frame stays."""
        self._let_stand(error)
        repair = "" if error.repair is None else f"Use {error.repair}"
        self.component.param.update(state="error", message=str(error), repair=repair, tag="last valid frame")
        if not self._view.computing:
            self.component.param.update(cancellable=False, progress=0.0)

    def ignored(self, names: list[str]) -> None:
        """A link or file sets parameters this version does not know; the rest was applied."""
        if self._let_stand(names) is not None:
            self.component.param.update(repair="", tag="")
        words = f"{', '.join(names)}: not known in this version; everything else was applied"
        self.component.param.update(state="ready", message=words)

    def cancelled(self) -> None:
        """The reader stopped a computation."""
        self._let_stand(None)
        self._unsaid = None
        self.component.param.update(
            state="cancelled",
            message="Cancelled",
            tag="last true frame",
            repair="",
            cancellable=False,
            progress=0.0,
        )

    def _let_stand(self, what: BaseException | list[str] | None) -> BaseException | list[str] | None:
        """What stands from now on; returns what stood."""
        before, self._stands = self._stands, what
        self._said_of = None if what is None else self._view.lens.request()
        return before

    def _rate(self, now: float) -> float:
        recent = [moment for moment in self._drawn if now - moment < 1.0]
        return float(len(recent)) if len(recent) > 2 else 0.0

    def _let_go(self) -> None:
        """The rate is of a drag: it goes once there was no frame for a while."""
        if not self._rate(time.monotonic()):
            self.component.rate = 0.0

    def _repair(self) -> None:
        refusal = self._let_stand(None)
        if isinstance(refusal, RequestError):
            self.component.param.update(state="ready", message="Ready", repair="", tag="")
            self._view.set({refusal.parameter: refusal.repair})
