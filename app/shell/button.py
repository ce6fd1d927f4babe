"""A button that does one thing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import param

from .component import Component


class Button(Component):
    """A button with its words."""

    label = param.String(default="")

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        self._callbacks: list[Callable[[], None]] = []

    def on_press(self, callback: Callable[[], None]) -> None:
        """Call `callback()` when the reader presses it."""
        self._callbacks.append(callback)

    def _handle_msg(self, data: Any) -> None:
        if data == "press":
            for callback in self._callbacks:
                callback()
