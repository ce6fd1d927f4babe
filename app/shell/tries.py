"""The list *Try*: presets as buttons, each with its source and what to look for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import param

from .component import Component


class Tries(Component):
    """Presets to press.

    Attributes:
        items: dictionaries with `name`, `title`, `source`, `reason`, `numbers`, `note` (why we differ from the
            paper, or empty) and `first` (shown at once, not behind "more").
        chosen: set by the browser to {"name", "serial"} when one is pressed.
        current: name of the preset that is shown now, empty for none.
    """

    items = param.List(default=[])
    current = param.String(default="")
    chosen = param.Dict(default={})

    def on_choose(self, callback: Callable[[str], object]) -> None:
        """Call `callback(name)` when a preset is pressed, also the same one twice."""

        def pressed(event: Any) -> None:
            callback(event.new["name"])

        self.param.watch(pressed, "chosen")
