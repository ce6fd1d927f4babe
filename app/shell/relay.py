"""How something dragged in a figure, which has no dial, reaches Python."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import param

from .component import Component


class Relay(Component):
    """Carries parameter changes made in the browser.

    In the browser: `relay.data.setv({changes: {parameter: value, …}}, {sync: false})`. Changes that
    Python has not yet taken are merged, so that a quick change of one parameter is not lost under
    the next change of another.
    """

    changes = param.Dict(default={}, doc="Written by the browser's code, never by Python.")
    sent = param.Dict(default={}, doc="Everything not yet taken: {changes, serial}.")
    taken = param.Integer(default=0, doc="Serial number of the last `sent` that Python has handled.")

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        self._callbacks: list[Callable[[dict[str, Any]], None]] = []

    def on_change(self, callback: Callable[[dict[str, Any]], None]) -> None:
        """Call `callback({parameter: value})` for every change that arrives."""
        self._callbacks.append(callback)

    @param.depends("sent", watch=True)
    def _receive(self) -> None:
        changes, serial = self.sent["changes"], self.sent["serial"]
        try:
            for callback in self._callbacks:
                callback(dict(changes))
        finally:
            self.taken = serial
