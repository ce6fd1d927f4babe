"""A layer's columns as a HoloViews element, the same for screen and paper."""

from __future__ import annotations

from collections.abc import Callable

import holoviews as hv
import numpy as np

from ..figure import Layer
from ..frame import Columns
from .columns import source_data


def element(layer: Layer, columns: Columns) -> hv.Element:
    """The HoloViews element of a layer; dimension names are the column names of its source."""
    return _BUILDERS[layer.kind](layer, columns)


def _hover(layer: Layer, columns: Columns) -> list:
    return [columns[name] for name in layer.hover]


def _curve(layer: Layer, columns: Columns) -> hv.Element:
    data = source_data(layer, columns)
    return hv.Curve((data["x"], data["y"], *_hover(layer, columns)), "x", ["y", *layer.hover])


def _area(layer: Layer, columns: Columns) -> hv.Element:
    return hv.Area((columns["x"], columns["y"], columns["y2"]), "x", ["y", "y2"])


def _points(layer: Layer, columns: Columns) -> hv.Element:
    own = ["color"] if layer.palette is not None else []
    values = [columns[name] for name in own] + _hover(layer, columns)
    return hv.Points((columns["x"], columns["y"], *values), ["x", "y"], [*own, *layer.hover])


def _path(layer: Layer, columns: Columns) -> hv.Element:
    pieces = zip(columns["xs"], columns["ys"], strict=True)
    return hv.Path([np.column_stack(piece) for piece in pieces], ["x", "y"])


def _polygons(layer: Layer, columns: Columns) -> hv.Element:
    holes = columns.get("holes", [[] for _ in columns["xs"]])
    pieces = zip(columns["xs"], columns["ys"], holes, strict=True)
    return hv.Polygons([{"x": x, "y": y, "holes": [inner]} for x, y, inner in pieces], ["x", "y"])


def _segments(layer: Layer, columns: Columns) -> hv.Element:
    names = ["x0", "y0", "x1", "y1"]
    return hv.Segments(
        tuple(columns[name] for name in names) + tuple(_hover(layer, columns)), names, list(layer.hover)
    )


def _image(layer: Layer, columns: Columns) -> hv.Element:
    data = source_data(layer, columns)
    image = data["image"][0]
    rows, cols = image.shape
    xs = data["x"][0] + (np.arange(cols) + 0.5) * data["dw"][0] / cols
    ys = data["y"][0] + (np.arange(rows) + 0.5) * data["dh"][0] / rows
    return hv.Image((xs, ys, image), ["x", "y"], "image")


def _bars(layer: Layer, columns: Columns) -> hv.Element:
    data = source_data(layer, columns)
    names = ["left", "bottom", "right", "top"]
    values = tuple(data[name] for name in names) + tuple(_hover(layer, columns))
    return hv.Rectangles(values, names, list(layer.hover))


def _labels(layer: Layer, columns: Columns) -> hv.Element:
    return hv.Labels((columns["x"], columns["y"], list(columns["text"])), ["x", "y"], "text")


def _vlines(layer: Layer, columns: Columns) -> hv.Element:
    return hv.VLines(np.asarray(columns["x"]), "x")


def _hlines(layer: Layer, columns: Columns) -> hv.Element:
    return hv.HLines(np.asarray(columns["y"]), "y")


def _vspans(layer: Layer, columns: Columns) -> hv.Element:
    return hv.VSpans((np.asarray(columns["x0"]), np.asarray(columns["x1"])), ["x0", "x1"])


_BUILDERS: dict[str, Callable[[Layer, Columns], hv.Element]] = {
    "curve": _curve,
    "steps": _curve,
    "area": _area,
    "points": _points,
    "path": _path,
    "polygons": _polygons,
    "segments": _segments,
    "image": _image,
    "bars": _bars,
    "labels": _labels,
    "vlines": _vlines,
    "hlines": _hlines,
    "vspans": _vspans,
}
