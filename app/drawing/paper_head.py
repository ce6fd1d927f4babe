"""What stands above a figure on paper: title, unit and legend; on the page these are HTML."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib import font_manager
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.textpath import TextPath

from ..figure import Figure, Key, Style
from ..theme import LIGHT
from .style import MM_PER_INCH, colour

LEFT_MM = 11.0
"""From the left edge of the canvas to the axes, under which the title begins."""

LINE_MM, HANDLE_MM = 3.4, 7.6
POINTS_PER_MM = 72 / MM_PER_INCH
LEGEND: dict[str, Any] = {
    "frameon": False,
    "fontsize": 6.5,
    "borderpad": 0,
    "borderaxespad": 0,
    "handlelength": 1.6,
    "handletextpad": 0.5,
    "columnspacing": 1.2,
    "labelspacing": 0.3,
}


class Head:
    """Title, unit and legend, in as many lines as the width needs."""

    def __init__(self, figure: Figure, inner_mm: float) -> None:
        self._figure = figure
        title = _text_mm(figure.title, 7.5)
        self._unit_beside = title + 2.5 + _text_mm(figure.unit, 7.0) <= inner_mm
        entries = [_text_mm(key.text, 6.5) + HANDLE_MM for key in figure.legend]
        self._columns = next(
            (n for n in range(len(entries), 0, -1) if _columns_mm(entries, n) <= inner_mm), 1
        )
        rows = -(-len(entries) // self._columns)
        self._unit = [figure.unit] if self._unit_beside else _lines(figure.unit, 7.0, inner_mm)
        below = 0 if self._unit_beside else len(self._unit)
        self._legend_top = 1.2 + LINE_MM * (1 + below)
        self._title_mm = title
        self.height = self._legend_top + LINE_MM * rows + 2.0

    def write(self, canvas: Canvas, width_mm: float, height_mm: float) -> None:
        figure, left, top = self._figure, LEFT_MM / width_mm, 1 - 1.2 / height_mm
        canvas.text(left, top, figure.title, weight=600, size=7.5, va="top", color=LIGHT["ink"])
        beside = self._unit_beside
        x = (LEFT_MM + self._title_mm + 2.5) / width_mm if beside else left
        for place, line in enumerate(self._unit, start=0 if beside else 1):
            canvas.text(x, top - place * LINE_MM / height_mm, line, size=7, va="top", color=LIGHT["ink2"])
        if figure.legend:
            canvas.legend(
                handles=[_legend_handle(key) for key in figure.legend],
                loc="upper left",
                bbox_to_anchor=(left, 1 - self._legend_top / height_mm),
                ncols=self._columns,
                labelcolor=LIGHT["ink2"],
                **LEGEND,
            )


def _text_mm(text: str, size: float) -> float:
    if not text:
        return 0.0
    path = TextPath((0, 0), text, size=size, prop=font_manager.FontProperties(family="Inter"))
    return float(path.get_extents().width) / POINTS_PER_MM


def _lines(text: str, size: float, most_mm: float) -> list[str]:
    """The text in lines no wider than that, broken between words."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and _text_mm(longer, size) <= most_mm:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _columns_mm(entries: Sequence[float], columns: int) -> float:
    """Width of a legend that Matplotlib fills column by column, the first columns one longer."""
    short, longer = divmod(len(entries), columns)
    width, start = 0.0, 0
    for column in range(columns):
        stop = start + short + (column < longer)
        width, start = width + max(entries[start:stop]), stop
    return width


def _legend_handle(key: Key) -> Line2D | Patch:
    own = colour(Style(key.role))
    match key.mark:
        case "line":
            return Line2D([], [], color=own, linewidth=1.2, label=key.text)
        case "fine":
            return Line2D([], [], color=own, linewidth=0.6, label=key.text)
        case "bound":
            return Line2D([], [], color=own, linewidth=1.0, linestyle=(0, (4, 3)), label=key.text)
        case "swatch":
            return Patch(color=own, alpha=0.4, label=key.text)
        case _:
            face = LIGHT["plot"] if key.mark == "ring" else own
            return Line2D([], [], linestyle="", marker="o", markersize=3.6, color=own, markerfacecolor=face,
                          markeredgewidth=0.9, label=key.text)  # fmt: skip
