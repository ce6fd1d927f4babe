"""Two buttons: back to the state before, and on again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import param

from .component import Component


class Undo(Component):
    """Undo and redo; each is grey where there is nothing to go to."""

    can_undo = param.Boolean(default=False)
    can_redo = param.Boolean(default=False)

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        self._callbacks: list[Callable[[str], None]] = []

    def on_press(self, callback: Callable[[str], None]) -> None:
        """Call `callback("undo")` or `callback("redo")` when the reader presses one."""
        self._callbacks.append(callback)

    def _handle_msg(self, data: Any) -> None:
        if data in ("undo", "redo"):
            for callback in self._callbacks:
                callback(data)
