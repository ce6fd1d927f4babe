"""Play, pause, first, last and speed for a dial of whole numbers; the browser plays it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import param

from .component import Component


class Transport(Component):
    """Moves the Dial whose handle is `dial`, `per_second` steps a second times the chosen speed.

    Playing never runs past `head`: what lies behind it is still being computed.
    """

    dial = param.String(default="", doc="Handle of the dial.")
    per_second = param.Number(default=30.0, bounds=(0, None))
    head = param.Integer(default=0, doc="Last step there is something to show of.")
    nudge = param.Dict(default={}, doc="Set in the browser, by a key, to play or pause.")

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        self._callbacks: dict[str, list[Callable[[], None]]] = {"play": [], "pause": []}

    def on_play(self, callback: Callable[[], None]) -> None:
        """Call `callback()` when the reader presses play."""
        self._callbacks["play"].append(callback)

    def on_pause(self, callback: Callable[[], None]) -> None:
        """Call `callback()` when the reader presses pause."""
        self._callbacks["pause"].append(callback)

    def _handle_msg(self, data: Any) -> None:
        for callback in self._callbacks.get(str(data), []):
            callback()
