"""What a lens's controls are, said as data; the shell draws them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from .figure import Condition


@dataclass(frozen=True)
class Dial:
    """A slider with an exact-value entry beside it. `primary` is the one orange control of those that are shown."""

    name: str
    label: str
    ticks: Sequence[tuple[float, str]] = ()
    log: bool = False
    primary: bool | Condition = False
    step: float | None = None
    end: str = ""
    """Name of a fact of the frame that is the upper end, in place of the parameter's own bound."""

    def is_primary(self, owner: object) -> bool:
        """Whether it is the orange one in the owner's present state."""
        return self.primary if isinstance(self.primary, bool) else self.primary.holds(owner)


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


def shown(groups: Sequence[Group], owner: object) -> list[Control]:
    """The controls that are there in the owner's present state, in reading order."""
    there = [group for group in groups if group.when is None or group.when.holds(owner)]
    return [control for group in there for control in group.controls]


def hands(groups: Sequence[Group], second: str, owner: object) -> tuple[str, str]:
    """Names of the dials that the keys ← → and [ ] move, of those that are shown; empty where there is none.

    These are the primary one, and the one named by `second`, or where that is not shown the next in reading order.
    """
    dials = [control for control in shown(groups, owner) if isinstance(control, Dial)]
    first = next((dial.name for dial in dials if dial.is_primary(owner)), "")
    others = [dial.name for dial in dials if dial.name != first]
    return first, second if second in others else next(iter(others), "")


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


@dataclass(frozen=True)
class Attachment:
    """One file of an export, and in words what is in it."""

    words: str
    content: bytes
