"""A frame: the named tables of columns that screen, paper and data are all drawn from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Columns = Mapping[str, Any]
"""One glyph's data: column name to a NumPy array (or a list of arrays or strings)."""


@dataclass(frozen=True)
class Frame:
    """One state of a lens, computed. No tensors: they do not leave the engine's thread.

    Attributes:
        tables: table name to columns; each layer of each figure draws one table.
        facts: named numbers and words that readouts, presets and exports quote.
        stage: (this, last) of a frame that is refined in steps; (1, 1) when exact at once.
        notes: what the reader must know of this frame ("256 of 1438 samples"), in words.
    """

    tables: Mapping[str, Columns]
    facts: Mapping[str, Any] = field(default_factory=dict)
    stage: tuple[int, int] = (1, 1)
    notes: tuple[str, ...] = ()

    @property
    def final(self) -> bool:
        return self.stage[0] >= self.stage[1]

    def merged(self, tables: Mapping[str, Columns]) -> Frame:
        """The same frame with `tables` laid over its own."""
        return Frame({**self.tables, **tables}, self.facts, self.stage, self.notes)

    def after(self, earlier: Frame | None) -> Frame:
        """This frame with what it leaves out taken from an earlier one of the same request."""
        if earlier is None:
            return self
        tables, facts = {**earlier.tables, **self.tables}, {**earlier.facts, **self.facts}
        return Frame(tables, facts, self.stage, self.notes)

    def numeric_columns(self) -> dict[str, np.ndarray]:
        """Every numeric column as "table/column", for NPZ files and for checks of finiteness."""
        found = {}
        for table, columns in self.tables.items():
            for name, values in columns.items():
                array = np.asarray(values) if not _is_ragged(values) else None
                if array is not None and array.dtype.kind in "biufc":
                    found[f"{table}/{name}"] = array
        return found


@dataclass(frozen=True)
class Idle:
    """Yielded instead of a frame: nothing is done for `seconds`, so that the page can follow.

    With `outside`, what comes next comes from elsewhere, a file that grows: without a page the request ends here.
    """

    seconds: float
    outside: bool = False


def _is_ragged(values: Any) -> bool:
    return isinstance(values, list) and bool(values) and isinstance(values[0], (list, tuple, np.ndarray))
