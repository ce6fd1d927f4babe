"""The grid in which all matrices stand at once."""

from __future__ import annotations

import math


def columns_of(count: int) -> int:
    """Cells side by side."""
    return max(1, min(count, 3 if count <= 9 else 5))


def rows_of_cells(count: int) -> int:
    """Rows of cells."""
    return math.ceil(count / columns_of(count))
