"""What a figure is, said once: Bokeh draws it on the page, Matplotlib on paper.

A lens returns `Figure`s made of `Layer`s. A layer names one table of the frame, a kind of mark and
a style by role ("ink", "hand", "blue") and standing ("exact", "bound"). HoloViews turns them
into either backend (see `drawing`); no lens names a colour.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from .ticks import Logarithmic

Role = Literal[
    "ink", "ink2", "grey", "hand", "blue", "amber", "green", "purple", "line", "axis", "plot", "veil"
]
Standing = Literal[
    "exact", "bound", "current", "earlier", "points", "dots", "stems", "band", "ring", "handle", "fine"
]
Kind = Literal[
    "curve", "steps", "area", "points", "path", "polygons", "segments", "image", "bars", "labels",
    "vlines", "hlines", "vspans",
]  # fmt: skip


@dataclass(frozen=True)
class Condition:
    """That a parameter has one of some values, and that another condition holds where there is one."""

    parameter: str
    values: tuple[Any, ...]
    other: Condition | None = None

    def holds(self, owner: object) -> bool:
        own = getattr(owner, self.parameter) in self.values
        return own and (self.other is None or self.other.holds(owner))

    def __and__(self, other: Condition) -> Condition:
        """Both; `other` must be a single one."""
        return replace(other, other=self)


def when(parameter: str, *values: Any) -> Condition:
    """`when("source", "network")`: while the parameter has one of the values."""
    return Condition(parameter, values)


@dataclass(frozen=True)
class Style:
    """Role (which object) and standing (how it is known); `size`, `alpha` only where they differ."""

    role: Role = "ink"
    standing: Standing = "exact"
    size: float | None = None
    alpha: float | None = None


@dataclass(frozen=True)
class Layer:
    """One table drawn as one kind of mark.

    Columns by kind: curve (x, y); points (x, y, and with a palette `color`, indices 0 to 255);
    steps (x: n + 1 edges, y: n heights); area (x, y, y2);
    path, polygons (xs, ys: lists of arrays; polygons may add `holes`: a list of lists of (n, 2) arrays);
    segments (x0, y0, x1, y1);
    image (x0, x1, y0, y1 one value each, `image`: (rows, columns) uint8, row 0 at y0);
    bars (left, right, top); labels (x, y, text); vlines (x); hlines (y); vspans (x0, x1).
    Further columns named in `hover` are shown under the pointer.
    """

    table: str
    kind: Kind
    style: Style = Style()
    hover: tuple[str, ...] = ()
    palette: str | None = None
    offset: tuple[float, float] = (0.0, 0.0)
    align: Literal["left", "center", "right"] = "left"
    above: bool = False
    """Drawn above all others, and on the page repainted without them: for marks that follow the hand."""


@dataclass(frozen=True)
class Axis:
    """One axis: plain-Unicode label, range, three to five named ticks.

    `share` names a range that several figures have in common; a `None` range follows the data
    until the reader pans.
    """

    label: str = ""
    range: tuple[float, float] | None = None
    ticks: tuple[tuple[float, str], ...] = ()
    share: str = ""
    visible: bool = True

    @property
    def logarithmic(self) -> bool:
        """Whether log₁₀ of the values is what is drawn."""
        return isinstance(self.ticks, Logarithmic)


@dataclass(frozen=True)
class Key:
    """An entry of the legend line above the figure."""

    text: str
    mark: Literal["line", "bound", "dot", "ring", "handle", "swatch", "fine"]
    role: Role = "ink"


@dataclass(frozen=True)
class Figure:
    """A figure: head (HTML on the page, legend on paper), axes and layers in z-order."""

    name: str
    title: str
    layers: Sequence[Layer]
    x: Axis
    y: Axis
    unit: str = ""
    hint: str = ""
    """What the reader can do in the figure; said on the page, not on paper."""
    legend: Sequence[Key] = ()
    size: Literal["hero", "second", "thin", "pair", "square"] = "second"
    equal_aspect: bool = False
    aria: str = ""
    when: Condition | None = None
    """The figure is shown only while this holds."""
    drag: bool = False
    """Dragging in the figure calls `drag` of the lens's hand.js."""
    tap: bool = False
    """A click in the figure calls `tap` of the lens's hand.js."""

    def shown(self, owner: object) -> bool:
        """Whether a lens in its present state shows the figure."""
        return self.when is None or self.when.holds(owner)
