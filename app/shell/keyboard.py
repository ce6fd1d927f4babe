"""The keys of a lens: dials move in the browser, everything else is an event to Python; ? lists them all."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any

import param

from .component import Component


@dataclass(frozen=True)
class Binding:
    """What some keys do.

    Attributes:
        keys: names as the browser gives them (`ArrowRight`, `p`, `P`, ` `), with `Ctrl+` or `Ctrl+Shift+`
            before them where modifiers are held (the command key counts as Ctrl).
        shown: the keys as the list shows them.
        text: what they do, in words.
        event: name of the event sent to Python.
        dial: `handle` of a Dial to move in the browser, by `steps`: whole numbers, its own
            `step`, or hundredths of its length.
    """

    keys: tuple[str, ...]
    shown: str
    text: str
    event: str = ""
    dial: str = ""
    steps: int = 0


def standard_bindings(primary: str, second: str = "") -> list[Binding]:
    """The keys every lens has; `primary` and `second` are handles of the two dials in reach, where there are such."""
    dials: list[Binding] = []
    if primary:
        dials.append(Binding(("ArrowLeft",), "←", "step back", dial=primary, steps=-1))
        dials.append(Binding(("ArrowRight",), "→", "step on", dial=primary, steps=1))
    if second:
        dials.append(Binding(("[",), "[", "second dial back", dial=second, steps=-1))
        dials.append(Binding(("]",), "]", "second dial on", dial=second, steps=1))
    return [
        *dials,
        Binding(("p",), "p", "next preset", event="preset_next"),
        Binding(("P",), "P", "previous preset", event="preset_previous"),
        Binding(("0",), "0", "reset", event="reset"),
        Binding(("Ctrl+z",), "Ctrl Z", "undo", event="undo"),
        Binding(("Ctrl+Shift+z", "Ctrl+y"), "Ctrl ⇧ Z, Ctrl Y", "redo", event="redo"),
        Binding(("Escape",), "esc", "cancel", event="cancel"),
    ]


def playing(transport: str) -> Binding:
    """Space plays and pauses the Transport of this handle."""
    return Binding((" ",), "space", "play, pause", dial=transport)


class Keyboard(Component):
    """Listens to the document's keys, except while a field has focus.

    With `everywhere` false (a notebook, where several lenses share a document) keys count only
    after the reader has last clicked inside this lens, and the notebook does not see them.
    """

    bindings = param.List(default=[], item_type=dict, doc="Bindings as dictionaries; see `bind`.")
    everywhere = param.Boolean(default=True)
    title = param.String(default="Keys")

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        self._callbacks: list[Callable[[str], None]] = []
        self._ready_callbacks: list[Callable[[], None]] = []

    def bind(self, bindings: Iterable[Binding]) -> None:
        """Take over these bindings; a key bound twice does what the later binding says."""
        self.bindings = [{**asdict(binding), "keys": list(binding.keys)} for binding in bindings]

    def on_key(self, callback: Callable[[str], None]) -> None:
        """Call `callback(event)` with the event name of a binding."""
        self._callbacks.append(callback)

    def on_ready(self, callback: Callable[[], None]) -> None:
        """Call `callback()` once the browser has drawn the lens and listens."""
        self._ready_callbacks.append(callback)

    def _handle_msg(self, data: Any) -> None:
        if data == "ready":
            for announce in self._ready_callbacks:
                announce()
        if data in {binding["event"] for binding in self.bindings}:
            for callback in self._callbacks:
                callback(data)
