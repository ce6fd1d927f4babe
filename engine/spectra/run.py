"""A recorded training as tables: one spectrum a step for each matrix and kind."""

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .record import ForeignRecord, RunRecord, read_record
from .recorder import CONTENT, CONTENT_VERSION


@dataclass(frozen=True)
class SpectraRun:
    """What a `SpectraRecorder` wrote.

    layers: as in the header (name, rows, columns, kept_columns, …). kinds: of "W", "G", "M", "U". steps:
    (n,) int64. seconds: (n,) float64 since the recorder was attached. floor: (n, layers, kinds). status:
    (n, layers, kinds) uint8, `Status`. alignment: (n, layers, 2), cosine of U and G and ⟨U, G⟩/(‖G‖_* σ₁(U)).
    learning_rate: (n, layers). dropped: records lost because the recorder could not follow. notes: (step,
    text). scalars: by name (steps, values). record: the file's content as read.
    """

    layers: list[dict[str, Any]]
    kinds: list[str]
    steps: Tensor
    seconds: Tensor
    floor: Tensor
    status: Tensor
    alignment: Tensor
    learning_rate: Tensor
    dropped: int
    notes: list[tuple[int, str]]
    scalars: dict[str, tuple[Tensor, Tensor]]
    record: RunRecord
    _sigma: Tensor

    def place(self, layer: int | str, kind: str) -> tuple[int, int]:
        """Indices of a layer, by number or name, and a kind.

        Raises:
            KeyError: naming what there is.
        """
        names = [described["name"] for described in self.layers]
        if layer not in names and layer not in range(len(names)):
            raise KeyError(f"layer is {layer!r}: one of {names} is needed")
        if kind not in self.kinds:
            raise KeyError(f"kind is {kind!r}: one of {self.kinds} is needed")
        return names.index(layer) if isinstance(layer, str) else layer, self.kinds.index(kind)

    def sigma(self, layer: int | str, kind: str) -> Tensor:
        """Singular values (n, r) float32 of one matrix; rows of NaN where `status` says it has none.

        Raises:
            KeyError: as `place`.
        """
        index, place = self.place(layer, kind)
        sizes = [described["values"] for described in self.layers]
        begin = len(self.kinds) * sum(sizes[:index]) + place * sizes[index]
        return self._sigma[:, begin : begin + sizes[index]]


def spectra_run(source: str | os.PathLike[str] | RunRecord) -> SpectraRun:
    """The tables of a record of spectra, from its path or what `read_record` gave.

    Raises:
        ForeignRecord: naming the file, when the record is of something else or its tables do not fit its header.
        FileNotFoundError, RecordError: as `read_record`.
    """
    record = source if isinstance(source, RunRecord) else read_record(source)
    header, entries = record.header, record.of_kind("spectra")
    content, version = header.get("content"), header.get("content_version")
    if content != CONTENT or version != CONTENT_VERSION:
        raise ForeignRecord(record.path, f"records {content!r}, version {version}: {CONTENT!r} 1 is needed")
    try:
        layers, kinds = list(header["layers"]), [str(kind) for kind in header["kinds"]]
        if len({described["name"] for described in layers}) < len(layers):
            raise ValueError("two layers have one name")
        if not all(isinstance(described["values"], int) and described["values"] > 0 for described in layers):
            raise ValueError("a layer has no positive number of values")
        total = len(kinds) * sum(described["values"] for described in layers)
        count = len(layers), len(kinds)
        return SpectraRun(
            layers=layers,
            kinds=kinds,
            steps=torch.tensor([entry.fields["step"] for entry in entries], dtype=torch.int64),
            seconds=torch.tensor([entry.fields["seconds"] for entry in entries], dtype=torch.float64),
            floor=_table(record, "floor", count),
            status=_table(record, "status", count, np.uint8),
            alignment=_table(record, "alignment", (count[0], 2)),
            learning_rate=_table(record, "learning_rate", count[:1]),
            dropped=max((entry.fields.get("dropped", 0) for entry in record.entries), default=0),
            notes=[(e.fields["step"], text) for e in entries for text in e.fields.get("notes", ())],
            scalars=_scalars(record),
            record=record,
            _sigma=_table(record, "sigma", (total,)),
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RuntimeError) as error:
        raise ForeignRecord(record.path, f"holds tables that do not fit its header: {error}") from error


def _table(record: RunRecord, name: str, shape: tuple[int, ...], dtype: type = np.float32) -> Tensor:
    """One array of all records, stacked: (n, *shape)."""
    rows = [entry.arrays[name].reshape(shape) for entry in record.of_kind("spectra")]
    return torch.from_numpy(np.stack(rows).astype(dtype) if rows else np.zeros((0, *shape), dtype))


def _scalars(record: RunRecord) -> dict[str, tuple[Tensor, Tensor]]:
    found: dict[str, tuple[list[int], list[float]]] = {}
    for entry in record.of_kind("spectra"):
        for name, value in zip(entry.fields.get("scalars", ()), entry.arrays.get("scalars", ()), strict=True):
            steps, values = found.setdefault(name, ([], []))
            steps.append(entry.fields["step"])
            values.append(float(value))
    return {
        name: (torch.tensor(steps), torch.tensor(values, dtype=torch.float64))
        for name, (steps, values) in found.items()
    }
