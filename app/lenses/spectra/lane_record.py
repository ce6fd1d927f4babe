"""One lane as the figures see it, whether it is being trained here or was recorded elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np


@dataclass(frozen=True)
class Matrix:
    """One watched matrix: its name, shape, how many of its columns were looked at, and how many values there are."""

    name: str
    rows: int
    columns: int
    kept: int
    values: int

    @property
    def words(self) -> str:
        """Name and shape, and that columns are left out where they are."""
        part = "" if self.kept == self.columns else f", {self.kept} of its columns"
        return f"{self.name}, {self.rows} × {self.columns}{part}"


class LaneRecord(Protocol):
    """Rows of a training: everything has one row a recorded step, NaN where there is nothing.

    key: equal for two objects that grow from the same rows. status: "running", "done", or why it stopped.
    """

    @property
    def key(self) -> object: ...

    @property
    def title(self) -> str: ...

    @property
    def matrices(self) -> tuple[Matrix, ...]: ...

    @property
    def status(self) -> str: ...

    @property
    def steps(self) -> np.ndarray: ...

    @property
    def seconds(self) -> np.ndarray: ...

    @property
    def loss(self) -> np.ndarray: ...

    def sigma(self, matrix: int, kind: str) -> np.ndarray:
        """(n, r), descending."""
        ...

    def floor(self, matrix: int, kind: str) -> np.ndarray:
        """(n,): below it a singular value is rounding noise."""
        ...

    def overlap(self, matrix: int, kind: str, reference: str) -> np.ndarray:
        """(n,): of the leading left directions with those of the "last" record or the "first"."""
        ...
