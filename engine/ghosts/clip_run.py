"""A recorded training as tables: one row for each step that a `RadiusClip` measured."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from ..records import (
    Entry,
    ForeignRecord,
    GrowingTable,
    RecordFollower,
    RunRecord,
    check_content,
    read_record,
)
from .clip_recorder import COLUMNS, CONTENT, CONTENT_VERSION
from .clip_settings import KINDS, MODES


@dataclass(frozen=True)
class RadiusRun:
    """What a `RadiusRecorder` wrote.

    steps, bottleneck: (n,) int64, the sample whose radius counted, -1 where none: by its index in the data set
    where named, by its place in the batch or the given samples otherwise. seconds since the recorder was
    attached; step_norm ‖p‖ of the optimizer's own step, radius ρ along it, normalized_step r = ‖p‖/ρ before and
    normalized_step_taken after scaling, scale, target, loss (NaN where not known): (n,) float64. clipped, refused,
    skipped, named: (n,) bool. mode: (n,) int64, places in `MODES`. kind: "bound" (ρ_a) or "margin" (ρ_m). notes: (step,
    text). record: the file's content as read. Tensors are to be read only: a run that grows shares their memory.
    """

    steps: Tensor
    seconds: Tensor
    step_norm: Tensor
    radius: Tensor
    normalized_step: Tensor
    normalized_step_taken: Tensor
    scale: Tensor
    bottleneck: Tensor
    clipped: Tensor
    refused: Tensor
    skipped: Tensor
    named: Tensor
    loss: Tensor
    target: Tensor
    mode: Tensor
    kind: str
    notes: list[tuple[int, str]]
    record: RunRecord

    @property
    def step_taken(self) -> Tensor:
        """(n,) length of the step after scaling."""
        return self.scale * self.step_norm

    def modes(self) -> list[str]:
        """The mode of each step, in words."""
        return [MODES[place] for place in self.mode.tolist()]


class RadiusTables:
    """The table of one run, to which records are added.

    Args:
        path: of the file, for the errors.
        header: of the record.

    Raises:
        ForeignRecord: naming the file, when the record is of something else or its header makes no sense.
    """

    kept_in_tables = "steps"

    def __init__(self, path: Path, header: dict[str, Any]):
        check_content(path, header, CONTENT, CONTENT_VERSION)
        self.path = path
        columns = header.get("columns")
        if not isinstance(columns, list) or not set(COLUMNS) <= set(map(str, columns)):
            raise ForeignRecord(path, f"has columns {columns!r}: {', '.join(COLUMNS)} are needed")
        if header.get("radius_kind") not in KINDS:
            raise ForeignRecord(
                path, f"says of its radius {header.get('radius_kind')!r}: one of {KINDS} is needed"
            )
        self.kind = str(header["radius_kind"])
        self._places = {name: columns.index(name) for name in COLUMNS}
        self._table = GrowingTable((len(columns),), np.float64)
        self._notes: list[tuple[int, str]] = []

    def extend(self, entries: Sequence[Entry]) -> None:
        """Adds the records among the entries: all, or none when one does not fit.

        Raises:
            ForeignRecord: naming the file and what does not fit.
        """
        try:
            parts = [self._checked(entry) for entry in entries if entry.kind == "steps"]
            notes = [(int(e.fields["step"]), str(e.fields["text"])) for e in entries if e.kind == "note"]
        except (KeyError, TypeError, ValueError) as error:
            raise ForeignRecord(self.path, f"holds a table that does not fit its header: {error}") from error
        for rows in parts:
            self._table.extend(list(rows))
        self._notes += notes

    def _checked(self, entry: Entry) -> np.ndarray:
        rows = entry.arrays["rows"]
        if rows.ndim != 2 or rows.shape[1:] != self._table.shape:
            raise ValueError(f"rows has shape {rows.shape}, not (n, {self._table.shape[0]})")
        whole = rows[:, [self._places[name] for name in ("step", "bottleneck_index", "mode")]]
        if not (np.isfinite(whole).all() and (np.abs(whole) < 2**53).all()):
            raise ValueError("a step, a bottleneck sample or a mode is no whole number")
        modes = rows[:, self._places["mode"]]
        if not ((modes >= 0) & (modes < len(MODES))).all():
            raise ValueError(f"a mode is not among {MODES}")
        return rows

    def run(self, record: RunRecord) -> RadiusRun:
        """The table as it is now."""
        table = self._table.tensor()
        column = {name: table[:, place] for name, place in self._places.items()}
        whole = {"steps": "step", "bottleneck": "bottleneck_index", "mode": "mode"}
        plain = ("seconds", "step_norm", "radius", "normalized_step", "normalized_step_taken", "scale")
        return RadiusRun(
            **{ours: column[theirs].long() for ours, theirs in whole.items()},
            **{name: column[name] for name in (*plain, "loss", "target")},
            **{name: column[name] != 0 for name in ("clipped", "refused", "skipped", "named")},
            kind=self.kind,
            notes=list(self._notes),
            record=record,
        )


def radius_run(source: str | os.PathLike[str] | RunRecord) -> RadiusRun:
    """The tables of a record of radii, from its path or what `read_record` gave.

    Raises:
        ForeignRecord: naming the file, when the record is of something else or its table does not fit its header.
        FileNotFoundError, RecordError: as `read_record`.
    """
    record = source if isinstance(source, RunRecord) else read_record(source)
    tables = RadiusTables(record.path, record.header)
    tables.extend(record.entries)
    return tables.run(record)


class RadiusFollower(RecordFollower[RadiusRun]):
    """Reads what a growing record of radii gained since the last look, see `RecordFollower`.

    Args:
        path: of the file; none need be there.
    """

    def __init__(self, path: str | os.PathLike[str]):
        super().__init__(path, RadiusTables)
