"""Each kind of mark on paper: drawn in its own colour, inside the axes, without touching the frame."""

from __future__ import annotations

import io
import re
import warnings
from copy import deepcopy
from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.image import imread

from anisoscope.app.drawing.paper import figure_files
from anisoscope.app.figure import Axis, Figure, Key, Kind, Layer, Style
from anisoscope.app.frame import Frame
from anisoscope.app.theme import PALETTES

SQUARE = (np.array([2.0, 8.0, 8.0, 2.0]), np.array([2.0, 2.0, 8.0, 8.0]))
HOLE = np.array([[4.0, 4.0], [6.0, 4.0], [6.0, 6.0], [4.0, 6.0]])
BLUE = np.array([0x15, 0x4F, 0x8C]) / 255

TABLES = {
    "curve": {"x": np.array([1.0, 9.0]), "y": np.array([5.0, 5.0])},
    "steps": {"x": np.array([1.0, 5.0, 9.0]), "y": np.array([5.0, 5.0])},
    "area": {"x": np.array([1.0, 9.0]), "y": np.array([8.0, 8.0]), "y2": np.array([2.0, 2.0])},
    "points": {"x": np.array([5.0]), "y": np.array([5.0])},
    "path": {"xs": [np.array([1.0, 9.0])], "ys": [np.array([5.0, 5.0])]},
    "polygons": {"xs": [SQUARE[0]], "ys": [SQUARE[1]], "holes": [[HOLE]]},
    "segments": {"x0": np.array([1.0]), "y0": np.array([5.0]), "x1": np.array([9.0]), "y1": np.array([5.0])},
    "image": {"x0": np.array([0.0]), "x1": np.array([10.0]), "y0": np.array([0.0]), "y1": np.array([10.0]),
              "image": np.array([[0, 0], [255, 255]], dtype=np.uint8)},
    "bars": {"left": np.array([2.0]), "right": np.array([8.0]), "top": np.array([9.0])},
    "labels": {"x": np.array([5, 9]), "y": np.array([5, 5]), "text": ["HHHH", "$HHH$"]},
    "vlines": {"x": np.array([5.0])},
    "hlines": {"y": np.array([5.0])},
    "vspans": {"x0": np.array([2.0]), "x1": np.array([8.0])},
}  # fmt: skip


def figure_of(kind: Kind) -> Figure:
    layer = Layer(kind, kind, Style("blue", size=12 if kind == "points" else None, alpha=1.0),
                  palette="phase" if kind == "image" else None, offset=(4, -3))  # fmt: skip
    ticks = ((0.0, "0"), (10.0, "10"))
    axis = Axis("axis", (0.0, 10.0), ticks)
    return Figure(kind, "Title", (layer,), axis, axis, "unit", legend=(Key("key", "line", "ink"),))


def pixels(kind: Kind) -> np.ndarray:
    """The drawn axes alone, of an 85 mm PNG."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        drawn = figure_files(figure_of(kind), Frame({kind: TABLES[kind]}), ("png",), 85)["png"]
    image = imread(io.BytesIO(drawn))[..., :3]
    per_mm = 300 / 25.4
    plot_mm = 0.38 * (85 - 11 - 2.5)
    bottom, left = image.shape[0] - int(10 * per_mm), int(11 * per_mm)
    return image[bottom - int(plot_mm * per_mm) + 4 : bottom - 4, left + 4 : -int(2.5 * per_mm) - 4]


def test_every_kind_has_a_table_here() -> None:
    assert set(TABLES) == set(get_args(Kind))


@pytest.mark.parametrize("kind", [kind for kind in get_args(Kind) if kind != "image"])
def test_a_mark_has_the_colour_of_its_role_where_its_numbers_are(kind: Kind) -> None:
    image = pixels(kind)
    own = np.abs(image - BLUE).max(axis=-1) < 0.03
    assert own.sum() > 30
    rows, columns = np.nonzero(own)
    height, width = own.shape
    if kind != "labels":
        assert columns.mean() == pytest.approx(width / 2, rel=0.04)
    if kind not in ("labels", "bars"):
        assert rows.mean() == pytest.approx(height / 2, rel=0.05)
    # Nothing but the mark, white, and mixtures of the two.
    assert not np.any(image[..., 0] > image[..., 2] + 0.1)


def test_a_hole_of_a_polygon_stays_open() -> None:
    image = pixels("polygons")
    height, width, _ = image.shape
    np.testing.assert_allclose(image[height // 2, width // 2], 1.0, atol=0.01)
    np.testing.assert_allclose(image[height // 2, int(0.3 * width)], BLUE, atol=0.03)


def test_an_image_has_its_first_row_at_the_bottom_and_hard_edges() -> None:
    image = pixels("image")
    assert len(np.unique((image * 255).round().astype(int).reshape(-1, 3), axis=0)) == 2
    palette, _dark = PALETTES["phase"]
    for row, colour in ((image[-10:], palette[0]), (image[:10], palette[255])):
        assert np.abs(row - to_rgb(colour)).max() < 0.01


def test_drawing_leaves_the_frame_as_it_was() -> None:
    for kind in get_args(Kind):
        table = TABLES[kind]
        frame = Frame({kind: deepcopy(table)})
        figure_files(figure_of(kind), frame, ("svg",), 85)
        for name, values in table.items():
            for before, after in zip(values, frame.tables[kind][name], strict=True):
                np.testing.assert_array_equal(after, before)


def test_a_label_is_moved_inside_and_its_dollars_are_text() -> None:
    image = pixels("labels")
    own = np.abs(image - BLUE).max(axis=-1) < 0.2
    assert not own[:, -3:].any()
    svg = figure_files(figure_of("labels"), Frame({"labels": TABLES["labels"]}), ("svg",), 85)["svg"]
    assert b"$HHH$" in svg


def test_a_layer_without_points_is_left_out() -> None:
    empty = Frame({"curve": {"x": np.array([]), "y": np.array([])}})
    assert figure_files(figure_of("curve"), empty, ("svg",), 85)["svg"]


def test_a_long_unit_is_written_in_lines_that_end_on_the_paper() -> None:
    words = "power of every direction against the mean, with the condition number before and after; colours from 0 to 9"
    figure = replace(figure_of("curve"), unit=words)
    files = figure_files(figure, Frame({"curve": TABLES["curve"]}), ("png", "svg"), 85)
    image = imread(io.BytesIO(files["png"]))[..., :3]
    margin = image[: int(9 * 300 / 25.4), -int(1.5 * 300 / 25.4) :]
    np.testing.assert_allclose(margin, 1.0, atol=0.01)
    lines = re.findall(rb">([^<>]*)</text>", files["svg"])
    assert sum(line.strip() in words.encode() and b" " in line.strip() for line in lines) >= 2
