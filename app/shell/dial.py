"""A slider with an exact-value entry beside it; every move of the hand is an event."""

from __future__ import annotations

from typing import Any

import param

from .component import Component


class Dial(Component):
    """One number under the reader's hand.

    `value` follows every move; `release` changes, even where the value is the old one, when the hand lets go or
    an exact value is committed. With `log` the slider's position is the decimal logarithm and `step` is a step of
    that. While the slider is held, values set from Python are ignored by the browser; the release settles both
    sides on the hand's value.
    """

    _at_once = ("value",)

    label = param.String(default="", doc="Plain text; sub- and superscripts as Unicode.")
    value = param.Number(default=1.0)
    start = param.Number(default=0.0)
    end = param.Number(default=1.0)
    step = param.Number(
        default=0.0, doc="Step of the slider; 0 is a thousandth of its length, 1 for integers without `log`."
    )
    log = param.Boolean(default=False)
    ticks = param.List(default=[], doc="Pairs of value and text.")
    primary = param.Boolean(default=False, doc="The one orange control of a lens.")
    format = param.Selector(default="significant", objects=["significant", "integer"])
    nudge = param.Dict(
        default={}, doc="Set in the browser, by keys, to {steps, serial}: move by that many steps."
    )
    release = param.Dict(default={}, doc="Set by the browser when the hand lets go: value and serial number.")

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        if self.log and self.start <= 0:
            raise ValueError(f"start = {self.start!r}: must be positive on a logarithmic dial")
        if not self.start < self.end:
            raise ValueError(f"end = {self.end!r}: must be above start = {self.start!r}")

    @param.depends("release", watch=True)
    def _settle(self) -> None:
        value = self.release["value"]
        self.value = int(value) if self.format == "integer" else value
