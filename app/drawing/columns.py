"""The columns of a layer as its glyph's data source holds them.

One small adapter per kind of mark. HoloViews draws a layer once from the same columns; afterwards
these adapters write the source in place. A test holds both ways equal, column by column.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..figure import Layer
from ..frame import Columns

SourceData = dict[str, Any]


def source_data(layer: Layer, columns: Columns) -> SourceData:
    """What to write into the data source of this layer for these columns."""
    data = _ADAPTERS[layer.kind](columns)
    if layer.kind == "points" and layer.palette is not None:
        data["color"] = _light(columns["color"])
    for name in layer.hover:
        data[name] = columns[name]
    return data


def _named(*names: str) -> Callable[[Columns], SourceData]:
    def adapt(columns: Columns) -> SourceData:
        return {name: _light(columns[name]) for name in names}

    return adapt


def _light(values: Any) -> Any:
    """float32 on the wire: half the bytes, and 1e-7 of the axis is far below a pixel."""
    array = np.asarray(values)
    if array.dtype.kind == "f":
        return array.astype(np.float32)
    return array if array.dtype.kind in "biu" else list(values)


def _area(columns: Columns) -> SourceData:
    x, top, bottom = (np.asarray(columns[name], dtype=np.float32) for name in ("x", "y", "y2"))
    return {"x": np.concatenate([x, x[::-1]]), "y": np.concatenate([bottom, top[::-1]])}


def _steps(columns: Columns) -> SourceData:
    edges = np.asarray(columns["x"], dtype=np.float32)
    heights = np.asarray(columns["y"], dtype=np.float32)
    return {"x": np.repeat(edges, 2)[1:-1], "y": np.repeat(heights, 2)}


def _bars(columns: Columns) -> SourceData:
    left, right, end = (np.asarray(columns[name], dtype=np.float32) for name in ("left", "right", "top"))
    base = np.asarray(columns.get("bottom", np.zeros_like(end)), dtype=np.float32)
    return {"left": left, "right": right, "bottom": np.minimum(base, end), "top": np.maximum(base, end)}


def _path(columns: Columns) -> SourceData:
    return {name: [np.asarray(piece, dtype=np.float32) for piece in columns[name]] for name in ("xs", "ys")}


def _polygons(columns: Columns) -> SourceData:
    """MultiPolygons: per polygon one part, per part the outline and then its holes."""
    holes = columns.get("holes", [[] for _ in columns["xs"]])
    data: SourceData = {"xs": [], "ys": []}
    for axis, name in enumerate(("xs", "ys")):
        for outline, inner in zip(columns[name], holes, strict=True):
            rings = [np.asarray(outline), *(np.asarray(ring)[:, axis] for ring in inner)]
            data[name].append([[_closed(ring.astype(np.float32)) for ring in rings]])
    return data


def _closed(ring: np.ndarray) -> np.ndarray:
    return np.append(ring, ring[:1])


def _image(columns: Columns) -> SourceData:
    x0, x1, y0, y1 = (float(np.asarray(columns[name]).flat[0]) for name in ("x0", "x1", "y0", "y1"))
    return {"image": [np.asarray(columns["image"])], "x": [x0], "y": [y0], "dw": [x1 - x0], "dh": [y1 - y0]}


_ADAPTERS: dict[str, Callable[[Columns], SourceData]] = {
    "curve": _named("x", "y"),
    "points": _named("x", "y"),
    "labels": _named("x", "y", "text"),
    "segments": _named("x0", "y0", "x1", "y1"),
    "vlines": _named("x"),
    "hlines": _named("y"),
    "vspans": _named("x0", "x1"),
    "steps": _steps,
    "area": _area,
    "bars": _bars,
    "path": _path,
    "polygons": _polygons,
    "image": _image,
}
