"""A recorded run as one lane of the figures, and what the reader must know of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from anisoscope.engine.records import ForeignRecord
from anisoscope.engine.spectra import SpectraRun, Status

from ...following import standing
from .lane_record import Matrix

LOSS = "loss"
"""Name of the recorded scalar that is drawn as the loss."""

REFERENCES = {"last": 0, "first": 1}
MOST_NOTES = 6


class AwaitedLane:
    """A file that is not there yet, or has no whole header: a lane without rows."""

    matrices: tuple[Matrix, ...] = ()
    kinds: tuple[str, ...] = ()
    steps = np.zeros(0, np.int64)
    seconds = loss = np.zeros(0)

    def __init__(self, key: object, title: str, status: str) -> None:
        self.key: object = key
        self.title, self.status = title, status

    def sigma(self, matrix: int, kind: str) -> np.ndarray:
        return np.zeros((0, 1), np.float32)

    def floor(self, matrix: int, kind: str) -> np.ndarray:
        return self.loss

    def overlap(self, matrix: int, kind: str, reference: str) -> np.ndarray:
        return self.loss


class RecordedLane:
    """A `SpectraRun` row by row. Where a training was taken up again at an earlier step, the later record counts.

    Args:
        key: of the file; equal for the same file with more in it.
        title: shown beside its lines.
        run: as recorded so far.
        status: "recording", "done" or "broken off".
    """

    def __init__(self, key: object, title: str, run: SpectraRun, status: str) -> None:
        self.title, self.run, self.status = title, run, status
        self.matrices: tuple[Matrix, ...] = matrices_of(run)
        self.kinds = tuple(run.kinds)
        steps = run.steps.numpy()
        self._rows = standing(steps)
        # rows that were shown and no longer count make it another lane
        self.key: object = (key, len(steps) - len(self._rows) if self._rows is not None else 0)
        self.steps = self._taken(steps)
        self.seconds = self._taken(run.seconds.numpy())
        self.loss = self._scalar(LOSS)

    def sigma(self, matrix: int, kind: str) -> np.ndarray:
        if kind not in self.run.kinds:
            return np.full((len(self.steps), self.matrices[matrix].values), np.nan, np.float32)
        return self._taken(self.run.sigma(matrix, kind).numpy())

    def floor(self, matrix: int, kind: str) -> np.ndarray:
        return self._column(self.run.floor.numpy(), matrix, kind)

    def overlap(self, matrix: int, kind: str, reference: str) -> np.ndarray:
        if self.run.rotation is None:
            return self._nothing()
        return self._column(self.run.rotation[..., REFERENCES[reference]].numpy(), matrix, kind)

    def unmeasured(self, matrix: int) -> list[str]:
        """Words for the kinds of a matrix that could not be measured in some records."""
        found = []
        for place, kind in enumerate(self.run.kinds):
            status = self._taken(self.run.status[:, matrix, place].numpy())
            for word, state in (("NaN", Status.NAN), ("infinite", Status.INFINITE)):
                bad = np.flatnonzero(status == state)
                if len(bad):
                    count = f", {len(bad)} records" if len(bad) > 1 else ""
                    found.append(f"{kind} {word} from step {self.steps[bad[0]]} on{count}")
        return found

    def _taken(self, values: np.ndarray) -> np.ndarray:
        return values if self._rows is None else values[self._rows]

    def _nothing(self) -> np.ndarray:
        return np.full(len(self.steps), np.nan, np.float32)

    def _column(self, values: np.ndarray, matrix: int, kind: str) -> np.ndarray:
        if kind not in self.run.kinds:
            return self._nothing()
        return self._taken(values[:, matrix, self.run.kinds.index(kind)])

    def _scalar(self, name: str) -> np.ndarray:
        """One value a row, NaN where none was recorded."""
        found = np.full(len(self.steps), np.nan)
        if name in self.run.scalars and len(self.steps):
            steps, values = (column.numpy() for column in self.run.scalars[name])
            rows = np.searchsorted(self.steps, steps)
            there = (rows < len(self.steps)) & (self.steps[np.minimum(rows, len(self.steps) - 1)] == steps)
            # of a step that was recorded twice the later value stays
            found[rows[there]] = values[there]
        return found


Lane = RecordedLane | AwaitedLane


def matrices_of(run: SpectraRun) -> tuple[Matrix, ...]:
    """The matrices of a run.

    Raises:
        ForeignRecord: naming the file, when its header does not say what they are.
    """
    found = []
    for described in run.layers:
        sizes: list[Any] = [described.get(name) for name in ("rows", "columns", "kept_columns", "values")]
        whole = all(isinstance(size, int) and size > 0 for size in sizes)
        if not whole or sizes[2] > sizes[1] or sizes[3] != min(sizes[0], sizes[2]):
            raise ForeignRecord(run.record.path, f"describes a matrix that cannot be: {described}")
        found.append(Matrix(str(described["name"]), *sizes))
    if not found:
        raise ForeignRecord(run.record.path, "names no matrix")
    return tuple(found)


def notes_of(lanes: Sequence[Lane], matrix: int) -> tuple[str, ...]:
    """What is missing, damaged or was noted down in the recordings; of the matrices the one that is looked at."""
    words: list[str] = []
    for lane in lanes:
        if isinstance(lane, AwaitedLane):
            words.append(lane.status)
            continue
        found = _losses(lane, min(matrix, len(lane.matrices) - 1))
        words += [f"{lane.title}: {one}" if len(lanes) > 1 else one for one in found]
    more = len(words) - MOST_NOTES
    return (*words[:MOST_NOTES], f"and {more} more") if more > 0 else tuple(words)


def _losses(lane: RecordedLane, matrix: int) -> list[str]:
    run, described = lane.run, lane.matrices[matrix]
    found = [] if len(lane.steps) else ["nothing is recorded yet"]
    if run.dropped:
        found.append(f"{run.dropped} records were dropped")
    if run.record.damaged:
        found.append(f"{run.record.damaged} bytes are damaged and left out")
    if described.kept < described.columns:
        found.append(f"{described.kept} of {described.columns} columns of {described.name} were looked at")
    found += [f"{described.name}: {words}" for words in lane.unmeasured(matrix)]
    if lane.status == "broken off":
        found.append("the recording was broken off")
    return found + [f"step {step}: {text}" for step, text in run.notes[::-1]]
