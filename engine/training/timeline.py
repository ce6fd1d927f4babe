"""What is recorded of one lane: rows of numbers, one a recorded step, in arrays that grow."""

import copy
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..spectra.layers import Layer
from .errors import InvalidStep

KINDS = ("W", "G", "M", "U", "D")
"""weights after the step; gradient, momentum and update of the step; change W − W₀ since the start"""

ROTATED = ("W", "U")
FIRST_ROWS = 64


class Timeline:
    """The records of one lane; all arrays are views of the rows there are, one row a recorded step.

    Row 0 is the start: W alone. Everything that does not exist is NaN, never a number.

    steps: (n,) int64. loss: (n,) float64 of the step's batch, before the step. learning_rate: (n,) float64. seconds:
    (n,) float64, of training since the start, recording left out; `seconds_per_step` is what lies between rows.
    floor, status: (n, layers, kinds), noise floor in the units of sigma and `spectra.Status`. cosine, dual: (n, layers),
    of update and gradient as `spectra.alignment`. overlap_last, overlap_first: (n, layers, 2), of the leading four left
    directions of `ROTATED` kinds with the last record and with the first, as `SubspaceTracker`. reports: name to (n,)
    float64, the problem's numbers on all of its data, taken every few steps and NaN between.

    Args:
        layers: as `spectra.layers.watched_layers`.
        rows: at most so many.
    """

    def __init__(self, layers: Sequence[Layer], rows: int):
        self.layers = tuple(layers)
        self.rows = 0
        self._limit = rows
        counts = [layer.values for layer in layers for _ in KINDS]
        ends = np.cumsum(counts)
        keys = [(layer, kind) for layer in range(len(layers)) for kind in KINDS]
        self._columns = {key: slice(int(e) - n, int(e)) for key, n, e in zip(keys, counts, ends, strict=True)}
        count, kinds = len(layers), len(KINDS)
        shapes: dict[str, tuple[tuple[int, ...], Any]] = {
            "steps": ((), np.int64),
            "loss": ((), np.float64),
            "learning_rate": ((), np.float64),
            "seconds": ((), np.float64),
            "sigma": ((int(ends[-1]),), np.float32),
            "floor": ((count, kinds), np.float32),
            "status": ((count, kinds), np.uint8),
            "alignment": ((count, 2), np.float32),
            "overlap": ((count, len(ROTATED), 2), np.float32),
        }
        capacity = min(rows, FIRST_ROWS)
        self._arrays = {name: _empty((capacity, *shape), dtype) for name, (shape, dtype) in shapes.items()}
        self._reports: dict[str, np.ndarray] = {}

    @property
    def steps(self) -> np.ndarray:
        return self._of("steps")

    @property
    def loss(self) -> np.ndarray:
        return self._of("loss")

    @property
    def learning_rate(self) -> np.ndarray:
        return self._of("learning_rate")

    @property
    def seconds(self) -> np.ndarray:
        return self._of("seconds")

    @property
    def seconds_per_step(self) -> np.ndarray:
        """(n,) float64, mean over the steps since the row before; NaN in row 0."""
        rows = slice(0, self.rows)
        steps, seconds = self._arrays["steps"][rows], self._arrays["seconds"][rows]
        return np.concatenate([[math.nan], np.diff(seconds) / np.diff(steps)])

    @property
    def floor(self) -> np.ndarray:
        return self._of("floor")

    @property
    def status(self) -> np.ndarray:
        return self._of("status")

    @property
    def cosine(self) -> np.ndarray:
        return self._of("alignment")[..., 0]

    @property
    def dual(self) -> np.ndarray:
        return self._of("alignment")[..., 1]

    @property
    def overlap_last(self) -> np.ndarray:
        return self._of("overlap")[..., 0]

    @property
    def overlap_first(self) -> np.ndarray:
        return self._of("overlap")[..., 1]

    @property
    def reports(self) -> dict[str, np.ndarray]:
        return {name: _readable(values[: self.rows]) for name, values in self._reports.items()}

    def sigma(self, layer: int, kind: str) -> np.ndarray:
        """(n, r) float32, descending in each row, NaN where the matrix is absent or not finite.

        Raises:
            KeyError: on a layer or kind that there is not.
        """
        return self._of("sigma")[:, self._columns[layer, kind]]

    def row_of(self, step: int) -> int:
        """The row of a recorded step.

        Raises:
            InvalidStep: when it is not recorded.
        """
        row = int(np.searchsorted(self.steps, step))
        if row >= self.rows or self.steps[row] != step:
            last = self.steps[-1] if self.rows else None
            raise InvalidStep(f"step is {step}: a recorded step, the last of which is {last}, is needed")
        return row

    def append(self, values: dict[str, Any], report: dict[str, float] | None = None) -> None:
        """One more row: a value for each array, numbers of `report` by name."""
        if self.rows == self._limit:
            raise InvalidStep(f"rows is {self.rows}: at most {self._limit} are kept")
        new = (report or {}).keys() - self._reports.keys()
        if new:
            # a dict of its own: a reader in another thread may be going through the one before
            capacity = len(self._arrays["steps"])
            self._reports = {**self._reports, **{name: _empty((capacity,), np.float64) for name in new}}
        if self.rows == len(self._arrays["steps"]):
            self._grow()
        for name, array in self._arrays.items():
            array[self.rows] = values[name]
        for name, value in (report or {}).items():
            self._reports[name][self.rows] = value
        # last, so that a reader in another thread sees whole rows only
        self.rows += 1

    def so_far(self) -> "Timeline":
        """The rows there are now: it stays as it is while this one grows, and takes no rows itself; nothing is copied.

        For readers beside a training: between two looks at a growing timeline its arrays differ in length.
        """
        found = copy.copy(self)
        found._limit = found.rows
        return found

    def copy_rows(self, other: "Timeline", rows: int) -> None:
        """The first rows of another timeline of the same layers in place of all here."""
        self._arrays = {name: array[: max(rows, 1)].copy() for name, array in other._arrays.items()}
        self._reports = {name: array[: max(rows, 1)].copy() for name, array in other._reports.items()}
        self.rows = rows

    def _of(self, name: str) -> np.ndarray:
        # the count first: arrays that grow meanwhile keep these rows
        rows = self.rows
        return _readable(self._arrays[name][:rows])

    def _grow(self) -> None:
        capacity = min(self._limit, 2 * self.rows)
        for arrays in (self._arrays, self._reports):
            for name, array in arrays.items():
                grown = _empty((capacity, *array.shape[1:]), array.dtype)
                grown[: self.rows] = array[: self.rows]
                arrays[name] = grown


def _empty(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    return np.full(shape, np.nan if np.issubdtype(dtype, np.floating) else 0, dtype=dtype)


def _readable(array: np.ndarray) -> np.ndarray:
    """A view that cannot be written through."""
    view = array.view()
    view.flags.writeable = False
    return view
