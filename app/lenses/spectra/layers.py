"""All matrices at once, and how their leading directions turn."""

from __future__ import annotations

from typing import Any

import numpy as np

from anisoscope.engine.training import ROTATED

from ...frame import Columns
from ...numbers import shown
from ...request import Request
from .cells import columns_of
from .timeline import Timeline

MARGIN, HEAD = 0.05, 0.22
"""Of a cell: left free around the traces, and above them for the name."""


def traces(timeline: Timeline, request: Request) -> dict[str, Columns]:
    """A small picture of the metric of every matrix, all lanes in it; computed while that view is open."""
    if request["view"] != "layers":
        return {}
    count, lanes = timeline.matrices, range(len(timeline.lanes))
    if not count:
        return {}
    numbers = [[_number(timeline, k, m, request["matrix"]) for k in lanes] for m in range(count)]
    order = _order(numbers, request["sort"])
    across = columns_of(count)
    tables: dict[str, Columns] = {f"trace_{k + 1}": {"xs": [], "ys": []} for k in lanes}
    names: dict[str, list[Any]] = {"x": [], "y": [], "text": []}
    frames: dict[str, list[Any]] = {"xs": [], "ys": []}
    for place, m in enumerate(order):
        left, bottom = place % across, -(place // across) - 1.0
        high = max((float(np.nanmax(n)) for n in numbers[m] if np.isfinite(n).any()), default=1.0) or 1.0
        for k in lanes:
            steps = timeline.lanes[k].steps[timeline.shown(k)]
            x = left + MARGIN + (1 - 2 * MARGIN) * steps / timeline.end
            y = bottom + MARGIN + (1 - MARGIN - HEAD) * np.clip(numbers[m][k] / high, 0, 1)
            tables[f"trace_{k + 1}"]["xs"].append(x.astype(np.float32))
            tables[f"trace_{k + 1}"]["ys"].append(y.astype(np.float32))
        names["x"].append(left + MARGIN)
        names["y"].append(bottom + 1 - HEAD / 2)
        named = next(lane.matrices[m] for lane in timeline.lanes if m < len(lane.matrices))
        names["text"].append(f"{_short(named)} · to {shown(high)}")
        frames["xs"].append(left + MARGIN * np.array([0.4, 0.4, 1 / MARGIN - 0.4, 1 / MARGIN - 0.4, 0.4]))
        frames["ys"].append(bottom + MARGIN * np.array([0.4, 1 / MARGIN - 0.4, 1 / MARGIN - 0.4, 0.4, 0.4]))
    chosen = order.index(timeline.matrix) if timeline.matrix in order else 0
    return {
        **tables,
        "cells": frames,
        "cell_names": {**{n: np.array(names[n]) for n in "xy"}, "text": names["text"]},
        "cell_chosen": {"x": frames["xs"][chosen], "y": frames["ys"][chosen]},
        "cell_order": {"matrix": np.array(order, np.float32), "across": np.full(count, across, np.float32)},
    }


def _number(timeline: Timeline, k: int, matrix: int, kind: str) -> np.ndarray:
    """The metric of one lane's matrix; of recordings of different networks some lanes have it not."""
    if matrix < len(timeline.lanes[k].matrices):
        return timeline.spectrum(k, matrix, kind).number
    return np.full(len(timeline.shown(k)), np.nan, np.float32)


def _order(numbers: list[list[np.ndarray]], sort: str) -> list[int]:
    count = len(numbers)
    if sort == "network":
        return list(range(count))
    ends = [
        max((float(n[np.isfinite(n)][-1]) for n in one if np.isfinite(n).any()), default=0.0)
        for one in numbers
    ]
    return sorted(range(count), key=lambda m: -ends[m])


def _short(matrix: Any) -> str:
    """A name that fits above its cell; layers that torch only counts say so."""
    name = matrix.name.removesuffix(".weight")
    return f"{f'layer {name}' if name.isdecimal() else name}, {matrix.rows}×{matrix.columns}"


def rotation(timeline: Timeline, request: Request) -> dict[str, Columns]:
    """How far the leading four left directions of W or U have turned from the start and since the last record."""
    kind = request["matrix"] if request["matrix"] in ROTATED else "W"
    tables: dict[str, Columns] = {}
    for k, lane in enumerate(timeline.lanes):
        rows = timeline.shown(k)
        if not lane.matrices:
            continue
        for name, reference in (("rotation", "first"), ("rotation_last", "last")):
            values = lane.overlap(min(timeline.matrix, len(lane.matrices) - 1), kind, reference)[rows]
            there = np.isfinite(values)
            tables[f"{name}_{k + 1}"] = {"x": lane.steps[rows][there].astype(np.float32), "y": values[there]}
    return tables
