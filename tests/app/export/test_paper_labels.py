"""Labels on paper: a later one leaves an earlier one free, and none moves without need."""

from __future__ import annotations

from collections.abc import Iterator

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.text import Text
from matplotlib.transforms import offset_copy

from anisoscope.app.drawing.paper_labels import settle


@pytest.fixture
def axes() -> Iterator[Axes]:
    canvas = plt.figure(figsize=(4, 3))
    made = canvas.add_axes((0.1, 0.1, 0.85, 0.85))
    made.set_xlim(0, 10)
    made.set_ylim(0, 10)
    yield made
    plt.close(canvas)


def label(axes: Axes, x: float, y: float, text: str) -> Text:
    """To the right of its point and above, as most labels are."""
    beside = offset_copy(axes.transData, plt.gcf(), x=3, y=5, units="points")
    return axes.text(x, y, text, va="bottom", ha="left", transform=beside)


def overlap(first: Text, second: Text) -> bool:
    return first.get_window_extent().overlaps(second.get_window_extent())


@pytest.mark.parametrize("beside", [(5.0, 5.0), (5.3, 5.1), (4.6, 4.9)])
def test_a_label_gives_way_to_an_earlier_one(axes: Axes, beside: tuple[float, float]) -> None:
    first, second = label(axes, 5, 5, "hot spot"), label(axes, *beside, "J1909-3744")
    before = first.get_window_extent().get_points()
    assert overlap(first, second)
    settle(axes)
    assert not overlap(first, second)
    np.testing.assert_allclose(first.get_window_extent().get_points(), before)
    at = axes.transData.transform(beside)
    near = np.min(np.abs(second.get_window_extent().get_points() - at), axis=0)
    assert np.all(near < 10), "a corner of the label stays at its point"


def test_labels_that_are_apart_stay_where_they_are(axes: Axes) -> None:
    texts = [label(axes, 1, 2, "one"), label(axes, 6, 7, "two")]
    before = [text.get_window_extent().get_points() for text in texts]
    settle(axes)
    for text, box in zip(texts, before, strict=True):
        np.testing.assert_allclose(text.get_window_extent().get_points(), box)


def test_a_label_never_leaves_the_axes_to_give_way(axes: Axes) -> None:
    label(axes, 5, 0.2, "first")
    second = label(axes, 5, 0.2, "second")
    settle(axes)
    assert axes.bbox.padded(1).y0 <= second.get_window_extent().y0


def test_a_label_whose_point_is_out_of_sight_is_hidden_and_takes_no_room(axes: Axes) -> None:
    hidden, shown = label(axes, 10.5, 5, "far"), label(axes, 9, 5, "near")
    settle(axes)
    assert not hidden.get_visible() and shown.get_visible()
