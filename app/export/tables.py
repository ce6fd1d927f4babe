"""What the figures of a frame draw, as CSV and as arrays; beside a logarithm the value itself."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..figure import Figure
from ..frame import Columns, Frame

ACROSS = ("x", "xs", "x0", "x1", "left", "right")
UPWARD = ("y", "ys", "y0", "y1", "y2", "top")
"""Columns along the two axes, of all kinds of layers."""

POWER = "10^"
"""Before the name of a column: the values whose log₁₀ are drawn."""


def drawn_tables(figures: Sequence[Figure], frame: Frame) -> dict[str, Columns]:
    """The tables of the figures' layers; a coordinate y along a logarithmic axis is followed by `10^y`."""
    tables: dict[str, Columns] = {}
    for figure in figures:
        coordinates = [
            name
            for axis, names in ((figure.x, ACROSS), (figure.y, UPWARD))
            if axis.logarithmic
            for name in names
        ]
        for layer in figure.layers:
            columns = tables.get(layer.table, frame.tables[layer.table])
            image = layer.kind == "image"
            tables[layer.table] = columns if image else _with_values(columns, coordinates)
    return tables


def _with_values(columns: Columns, coordinates: Sequence[str]) -> Columns:
    found: Columns = {}
    for name, values in columns.items():
        found[name] = values
        if name in coordinates:
            found[POWER + name] = (
                [10.0 ** np.asarray(piece, np.float64) for piece in values]
                if _in_pieces(values)
                else 10.0 ** np.asarray(values, np.float64)
            )
    return found


def table_csv(columns: Columns) -> str:
    """One table as CSV with full precision.

    Plain columns stand side by side (a shorter one leaves its cells empty); pieces of different lengths come
    in long form with the number of their piece; an image comes as one row per pixel row.
    """
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    if "image" in columns:
        _write_image(writer, columns)
    elif any(_in_pieces(values) for values in columns.values()):
        _write_pieces(writer, columns)
    else:
        _write_plain(writer, columns)
    return sink.getvalue()


def arrays(tables: dict[str, Columns]) -> dict[str, np.ndarray]:
    """Every numeric column as `table/column`, the names of an NPZ."""
    return Frame(tables, {}).numeric_columns()


def npz(named: Mapping[str, np.ndarray]) -> bytes:
    """Arrays by name, compressed."""
    sink = io.BytesIO()
    np.savez_compressed(sink, **named)  # pyright: ignore[reportArgumentType]
    return sink.getvalue()


def plain_fact(value: Any) -> Any:
    """A fact as JSON has it; what is not finite, which JSON lacks, as a word."""
    if isinstance(value, (np.generic, np.ndarray)):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return [plain_fact(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    return value if isinstance(value, (bool, int, float, str, type(None))) else str(value)


def _in_pieces(values: Any) -> bool:
    return isinstance(values, list) and any(isinstance(v, (list, tuple, np.ndarray)) for v in values)


def _cell(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    return repr(value) if isinstance(value, float) else value


def _write_plain(writer: Any, columns: Columns) -> None:
    writer.writerow(columns)
    length = max((len(values) for values in columns.values()), default=0)
    for row in range(length):
        writer.writerow([_cell(v[row]) if row < len(v) else "" for v in columns.values()])


def _write_pieces(writer: Any, columns: Columns) -> None:
    named = {name: values for name, values in columns.items() if name.removeprefix(POWER) in ("xs", "ys")}
    writer.writerow(["piece", "ring", *named])
    holes = columns.get("holes", [[] for _ in columns["xs"]])
    for piece, (*outer, inner) in enumerate(zip(*named.values(), holes, strict=True)):
        rings = [np.column_stack(outer), *(_with_powers(ring, named) for ring in inner)]
        for ring, points in enumerate(rings):
            writer.writerows([piece, ring, *map(_cell, point)] for point in points)


def _with_powers(ring: Any, named: Columns) -> np.ndarray:
    """Points (n, 2) of a hole, with the columns that the outline has."""
    x, y = np.asarray(ring, np.float64).T
    own = {"xs": x, "ys": y, POWER + "xs": 10.0**x, POWER + "ys": 10.0**y}
    return np.column_stack([own[name] for name in named])


def _write_image(writer: Any, columns: Columns) -> None:
    image = np.asarray(columns["image"])
    extent = ", ".join(
        f"{name} = {_cell(np.asarray(columns[name]).flat[0])}" for name in ("x0", "x1", "y0", "y1")
    )
    writer.writerow([f"# rows from y0 upward; {extent}"])
    writer.writerows(image.tolist())
