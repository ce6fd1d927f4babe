"""Records of spectra gathered into tables, all at once or as they come."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..records import Entry, ForeignRecord, GrowingTable, RunRecord, check_content, read_record
from .run import SpectraRun
from .settings import CONTENT, CONTENT_VERSION

MISFITS = (KeyError, TypeError, ValueError, AttributeError, OverflowError, RuntimeError)


class SpectraTables:
    """The tables of one run, to which records are added.

    Args:
        path: of the file, for the errors.
        header: of the record.

    Raises:
        ForeignRecord: naming the file, when the record is of something else or its header makes no sense.
    """

    kept_in_tables = "spectra"

    def __init__(self, path: Path, header: dict[str, Any]):
        check_content(path, header, CONTENT, CONTENT_VERSION)
        self.path, self.header = path, header
        try:
            self._tables = {name: GrowingTable(*form) for name, form in self._forms(header).items()}
        except MISFITS as error:
            raise self._misfit(error) from error
        self._scalars: dict[str, tuple[GrowingTable, GrowingTable]] = {}
        self._notes: list[tuple[int, str]] = []
        self._dropped = 0

    def _forms(self, header: dict[str, Any]) -> dict[str, tuple[tuple[int, ...], type]]:
        """Shape of a row and type of every table."""
        self.layers, self.kinds = list(header["layers"]), [str(kind) for kind in header["kinds"]]
        if len({described["name"] for described in self.layers}) < len(self.layers):
            raise ValueError("two layers have one name")
        sizes = [described["values"] for described in self.layers]
        if not all(isinstance(size, int) and size > 0 for size in sizes):
            raise ValueError("a layer has no positive number of values")
        layers, kinds = len(self.layers), len(self.kinds)
        forms: dict[str, tuple[tuple[int, ...], type]] = {
            "steps": ((), np.int64),
            "seconds": ((), np.float64),
            "sigma": ((kinds * sum(sizes),), np.float32),
            "floor": ((layers, kinds), np.float32),
            "status": ((layers, kinds), np.uint8),
            "alignment": ((layers, 2), np.float32),
            "learning_rate": ((layers,), np.float32),
        }
        if header.get("subspace"):
            forms["rotation"] = ((layers, kinds, 2), np.float32)
        return forms

    def extend(self, entries: Sequence[Entry]) -> None:
        """Adds the records among the entries: all, or none when one does not fit.

        Raises:
            ForeignRecord: naming the file and what does not fit.
        """
        try:
            spectra = [entry for entry in entries if entry.kind == "spectra"]
            rows = {
                name: [_row(e, name, table.shape) for e in spectra] for name, table in self._tables.items()
            }
            steps = [int(step) for step in rows["steps"]]
            notes = [(step, str(text)) for step, e in zip(steps, spectra, strict=True) for text in _notes(e)]
            scalars = [_scalars(entry) for entry in spectra]
            dropped = max((int(entry.fields.get("dropped", 0)) for entry in entries), default=0)
        except MISFITS as error:
            raise self._misfit(error) from error
        for name, table in self._tables.items():
            table.extend(rows[name])
        for step, values in zip(steps, scalars, strict=True):
            for name, value in values.items():
                if name not in self._scalars:
                    self._scalars[name] = GrowingTable((), np.int64), GrowingTable((), np.float64)
                for table, number in zip(self._scalars[name], (step, value), strict=True):
                    table.extend([number])
        self._notes += notes
        self._dropped = max(self._dropped, dropped)

    def run(self, record: RunRecord) -> SpectraRun:
        """The tables as they are now."""
        found = {name: table.tensor() for name, table in self._tables.items()}
        sigma, rotation = found.pop("sigma"), found.pop("rotation", None)
        return SpectraRun(
            layers=self.layers,
            kinds=self.kinds,
            **found,
            rotation=rotation,
            dropped=self._dropped,
            notes=list(self._notes),
            scalars={name: (s.tensor(), v.tensor()) for name, (s, v) in self._scalars.items()},
            record=record,
            _sigma=sigma,
        )

    def _misfit(self, error: Exception) -> ForeignRecord:
        return ForeignRecord(self.path, f"holds tables that do not fit its header: {error}")


def spectra_run(source: str | os.PathLike[str] | RunRecord) -> SpectraRun:
    """The tables of a record of spectra, from its path or what `read_record` gave.

    Raises:
        ForeignRecord: naming the file, when the record is of something else or its tables do not fit its header.
        FileNotFoundError, RecordError: as `read_record`.
    """
    record = source if isinstance(source, RunRecord) else read_record(source)
    tables = SpectraTables(record.path, record.header)
    tables.extend(record.entries)
    return tables.run(record)


def _row(entry: Entry, name: str, shape: tuple[int, ...]) -> Any:
    """What an entry holds for one table."""
    if name in ("steps", "seconds"):
        value = entry.fields[name.removesuffix("s") if name == "steps" else name]
        return np.int64(_number(value, int)) if name == "steps" else float(_number(value, (int, float)))
    return entry.arrays[name].reshape(shape)


def _number(value: Any, kinds: type | tuple[type, ...]) -> Any:
    if not isinstance(value, kinds) or isinstance(value, bool):
        raise TypeError(f"{value!r} stands for a number")
    return value


def _notes(entry: Entry) -> list[Any]:
    notes = entry.fields.get("notes", [])
    if not isinstance(notes, list):
        raise TypeError(f"{notes!r} stands for a list of notes")
    return notes


def _scalars(entry: Entry) -> dict[str, float]:
    names, values = entry.fields.get("scalars", ()), entry.arrays.get("scalars", ())
    return {str(name): float(value) for name, value in zip(names, values, strict=True)}
