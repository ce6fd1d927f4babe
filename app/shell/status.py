"""The line under a lens: what state it is in, on what it runs, and the way out when something is wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import param

from .component import Component


class StatusLine(Component):
    """State in words with a dot, time of the last frame, device, notes; buttons, progress and keys.

    Words are read aloud at most every two seconds. The state `busy` is shown only when it lasts
    longer than 0.15 s. `rate` is shown while the reader drags.
    """

    state = param.Selector(
        default="ready", objects=["starting", "ready", "busy", "cancelled", "error", "note"]
    )
    message = param.String(default="Ready")
    tag = param.String(default="", doc="What is shown instead of what was asked: “last valid frame”.")
    milliseconds = param.Number(default=0.0, doc="Time of the last frame; 0 hides it.")
    rate = param.Number(default=0.0, doc="Frames per second while dragging; 0 hides it.")
    device = param.String(default="")
    dtype = param.String(default="")
    notes = param.List(default=[], item_type=str)
    progress = param.Number(default=0.0, doc="0 hides the bar, 1 is full.")
    cancellable = param.Boolean(default=False)
    repair = param.String(default="", doc="Words of the button that repairs or resumes; empty for none.")
    keys = param.List(default=[["← →", "step"], ["0", "reset"], ["?", "all"]], doc="Pairs of keys and words.")

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        self._callbacks: dict[str, list[Callable[[], None]]] = {"cancel": [], "repair": []}

    def on_cancel(self, callback: Callable[[], None]) -> None:
        """Call `callback()` when the reader presses Cancel."""
        self._callbacks["cancel"].append(callback)

    def on_repair(self, callback: Callable[[], None]) -> None:
        """Call `callback()` when the reader presses the button named by `repair`."""
        self._callbacks["repair"].append(callback)

    def _handle_msg(self, data: Any) -> None:
        for callback in self._callbacks.get(str(data), []):
            callback()
