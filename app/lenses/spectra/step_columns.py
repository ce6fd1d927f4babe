"""How many rows the browser gets, and where they stand in a picture whose columns are evenly spaced steps."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

MOST_ROWS = 500
"""Recorded steps that the browser gets; of longer records every second, fourth, … one."""

ROOM = 64
"""Where nobody knows how many records will come, tables and picture grow by so many rows at once."""


def columns_of_steps(steps: Sequence[np.ndarray], capacity: int) -> tuple[float, float, int]:
    """First step, distance and number of evenly spaced columns that hold the steps of all lanes."""
    used = [own for own in steps if len(own)]
    first = min((float(own[0]) for own in used), default=0.0)
    last = max((float(own[-1]) for own in used), default=0.0)
    gap = min((float(np.median(np.diff(own))) for own in used if len(own) > 1), default=1.0)
    while (last - first) / gap >= 2 * MOST_ROWS:
        gap *= 2
    needed = math.ceil((last - first) / gap) + 1
    return first, gap, capacity if needed <= capacity else -(-needed // ROOM) * ROOM


def rows_at_columns(
    colours: np.ndarray, steps: np.ndarray, first: float, gap: float, columns: int
) -> np.ndarray:
    """(columns, r): in each column the last row up to its middle, or up to its end where it begins there."""
    found = np.zeros((columns, colours.shape[1]), np.uint8)
    middle = first + gap * np.arange(columns)
    rows = np.searchsorted(steps, middle + gap / 2, side="left") - 1
    there = (rows >= 0) & (middle - gap / 2 <= (steps[-1] if len(steps) else -np.inf))
    found[there] = colours[rows[there]]
    return found
