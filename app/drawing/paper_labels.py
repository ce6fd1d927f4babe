"""Labels in a figure on paper: beside their points, inside the axes, and apart from one another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.text import Text
from matplotlib.transforms import Bbox, ScaledTranslation

from ..figure import Layer
from ..theme import LIGHT
from .style import MM_PER_INCH, PAPER_SCALE

MARGIN_MM = 0.7


def offset(texts: Sequence[Text], layer: Layer, canvas: Canvas) -> None:
    """Labels stand beside their points by the same length at every width."""
    right, down = (pixels * PAPER_SCALE / 72 for pixels in layer.offset)
    shift = ScaledTranslation(right, -down, canvas.dpi_scale_trans)
    for text in texts:
        text.set_transform(text.get_transform() + shift)


def settle(axes: Axes) -> None:
    """Labels that can be seen, inside the axes; where two would lie on each other, the later one gives way."""
    placed: list[Bbox] = []
    for text in axes.texts:
        if not _seen(text, axes):
            text.set_visible(False)
            continue
        text.set_bbox({"facecolor": LIGHT["plot"], "alpha": 0.78, "pad": 0.6, "linewidth": 0})
        _move(text, _inward(text.get_window_extent(), axes), 0.0)
        placed.append(_apart(text, axes, placed))


def _seen(text: Text, axes: Axes) -> bool:
    return axes.bbox.padded(0.5).contains(*axes.transData.transform(text.get_position()))


def _inward(box: Bbox, axes: Axes) -> float:
    """How far to the right a label has to go so that it does not stick out sideways, in pixels."""
    margin = MARGIN_MM / MM_PER_INCH * axes.figure.dpi
    return max(axes.bbox.x0 + margin - box.x0, 0) - max(box.x1 - (axes.bbox.x1 - margin), 0)


def _apart(text: Text, axes: Axes, placed: Sequence[Bbox]) -> Bbox:
    """Where the label ends up: as it is, or on another side of its point where only that is free of others."""
    here = text.get_window_extent()
    for right, up in _sides(text, axes, here):
        there = here.translated(right, up)
        # boxes that only touch count as overlapping
        if _within(there, axes) and not any(there.padded(-0.1).overlaps(other) for other in placed):
            _move(text, right, up)
            return there
    return here


def _within(box: Bbox, axes: Axes) -> bool:
    around = axes.bbox.padded(0.5)
    return around.contains(box.x0, box.y0) and around.contains(box.x1, box.y1)


def _sides(text: Text, axes: Axes, box: Bbox) -> Iterator[tuple[float, float]]:
    """From where a label is to where it can stand: itself, below or above its point, and the same on the other side."""
    x, y = axes.transData.transform(text.get_position())
    across, along = 2 * y - box.y0 - box.y1, 2 * x - box.x0 - box.x1
    yield from ((0.0, 0.0), (0.0, across), (along, 0.0), (along, across))


def _move(text: Text, right: float, up: float) -> None:
    canvas = text.figure
    shift = ScaledTranslation(right / canvas.dpi, up / canvas.dpi, canvas.dpi_scale_trans)
    text.set_transform(text.get_transform() + shift)
