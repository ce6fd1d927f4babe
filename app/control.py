"""What a lens's controls are, said as data; the shell draws them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from .figure import Condition


@dataclass(frozen=True)
class Dial:
    """A slider with an exact-value entry beside it. `primary` is the one orange control of the lens."""

    name: str
    label: str
    ticks: Sequence[tuple[float, str]] = ()
    log: bool = False
    primary: bool = False
    step: float | None = None
    end: str = ""
    """Name of a fact of the frame that is the upper end, in place of the parameter's own bound."""


@dataclass(frozen=True)
class Choice:
    """A drop-down of a parameter with named alternatives."""

    name: str
    label: str


@dataclass(frozen=True)
class Switch:
    """On or off."""

    name: str
    label: str


@dataclass(frozen=True)
class Transport:
    """Play, pause, first, last and speed for a Dial of whole numbers; the browser plays it.

    `head` names a fact: how far there is something to play, while more is being computed.
    """

    dial: str
    per_second: float = 30.0
    head: str = ""

    @property
    def name(self) -> str:
        return f"play-{self.dial}"


@dataclass(frozen=True)
class Action:
    """A button: `Lens.act(name)` says which parameters it sets."""

    name: str
    label: str


Control = Dial | Choice | Switch | Transport | Action


@dataclass(frozen=True)
class Group:
    """Controls that belong together under one small heading (none for the first)."""

    controls: Sequence[Control]
    title: str = ""
    when: Condition | None = None


@dataclass(frozen=True)
class Readout:
    """One row of numbers under the controls: name, value, second value, and the role of its colour."""

    label: str
    value: str
    beside: str = ""
    role: str = "ink"


@dataclass(frozen=True)
class Claim:
    """One line of "What this does not say": a sentence, the paper's figure and ours, live."""

    text: str
    source: str
    paper: str
    ours: str
    standing: Literal["agrees", "disagrees", "ours"] = "ours"


@dataclass(frozen=True)
class Table:
    """Numbers under the figures; `copies` holds for each column what its button copies, or nothing."""

    title: str
    note: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    copies: Sequence[str]


@dataclass(frozen=True)
class Card:
    """What is selected: a heading, a small grey picture (rows of 0 to 1) and two lines."""

    heading: str
    title: str
    text: str
    pixels: Sequence[Sequence[float]] = ()
