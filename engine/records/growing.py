"""A table whose rows come one after another."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor


class GrowingTable:
    """Rows of one shape; appending costs what the new rows cost, on average.

    Args:
        shape: of a row.
        dtype: NumPy's.
    """

    def __init__(self, shape: tuple[int, ...], dtype: type):
        self.shape = shape
        self._rows = np.empty((0, *shape), dtype)
        self._count = 0

    def extend(self, rows: Sequence[Any]) -> None:
        """Appends rows of the shape."""
        count = self._count + len(rows)
        if count > len(self._rows):
            # tensors handed out before keep the old memory
            larger = np.empty((max(count, 2 * self._count), *self.shape), self._rows.dtype)
            larger[: self._count] = self._rows[: self._count]
            self._rows = larger
        for place, row in enumerate(rows, self._count):
            self._rows[place] = row
        self._count = count

    def tensor(self) -> Tensor:
        """(n, *shape); rows that come later do not change it."""
        return torch.from_numpy(self._rows[: self._count])
