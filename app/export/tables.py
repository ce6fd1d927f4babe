"""A frame's tables as CSV and as arrays."""

from __future__ import annotations

import csv
import io
import math
from typing import Any

import numpy as np

from ..frame import Columns, Frame


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


def arrays(frame: Frame) -> dict[str, np.ndarray]:
    """Every numeric column as `table/column`, the names of an NPZ."""
    return frame.numeric_columns()


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
    named = {name: values for name, values in columns.items() if name in ("xs", "ys")}
    writer.writerow(["piece", "ring", *named])
    holes = columns.get("holes", [[] for _ in named["xs"]])
    for piece, (xs, ys, inner) in enumerate(zip(named["xs"], named["ys"], holes, strict=True)):
        rings = [np.column_stack([xs, ys]), *(np.asarray(ring) for ring in inner)]
        for ring, points in enumerate(rings):
            writer.writerows([piece, ring, _cell(x), _cell(y)] for x, y in points)


def _write_image(writer: Any, columns: Columns) -> None:
    image = np.asarray(columns["image"])
    extent = ", ".join(
        f"{name} = {_cell(np.asarray(columns[name]).flat[0])}" for name in ("x0", "x1", "y0", "y1")
    )
    writer.writerow([f"# rows from y0 upward; {extent}"])
    writer.writerows(image.tolist())
