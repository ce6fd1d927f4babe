"""Following a record while it is written, by another process or this one."""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from enum import Enum
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from torch import Tensor

from .record import Entry, ForeignRecord, RecordError, RunRecord, UnfinishedRecord, read_record


class Run(Protocol):
    """What the follower asks of a run: its recorded steps, and the file's content as read."""

    @property
    def steps(self) -> Tensor: ...

    @property
    def record(self) -> RunRecord: ...


Found = TypeVar("Found", bound=Run)
Made = TypeVar("Made", bound=Run, covariant=True)


class Phase(Enum):
    """Where a followed run stands. A training that was killed stays RECORDING: nobody wrote its end."""

    WAITING = "waiting"
    RECORDING = "recording"
    FINISHED = "finished"


class RunTables(Protocol[Made]):
    """The tables of one run, to which records are added; made of the file's path and its header.

    kept_in_tables: kind of the entries that the tables hold, so that nobody keeps them twice.
    """

    kept_in_tables: str

    def extend(self, entries: Sequence[Entry]) -> None:
        """Adds records: all, or none when one does not fit, which is a ForeignRecord."""
        ...

    def run(self, record: RunRecord) -> Made:
        """The tables as they are now."""
        ...


class RecordFollower(Generic[Found]):
    """Reads what a growing record gained since the last look, and keeps the tables of all of it.

    A file that is not there yet, or holds no whole header, is waited for; a record cut off at the end is read
    when it is whole. A file that was replaced or begun anew (another header, or fewer bytes than were read)
    is read from its beginning, and `restarts` counts that. A file that vanishes leaves `run` as it was.

        follower = RecordFollower("run.spec", SpectraTables)
        while watching:
            if (run := follower.poll()) is not None:
                show(run)

    Args:
        path: of the file; none need be there.
        tables: makes the empty tables of a record of this kind; refuses the header of another with a ForeignRecord.

    Attributes:
        run: the newest tables, None before there are any. Its `record` holds the header and the entries that
            the tables do not hold.
        phase: `Phase`, as of the last look.
        restarts: how often another run took the file's place.
    """

    def __init__(
        self, path: str | os.PathLike[str], tables: Callable[[Path, dict[str, Any]], RunTables[Found]]
    ):
        self.path = Path(path)
        self.run: Found | None = None
        self.phase = Phase.WAITING
        self.restarts = 0
        self._empty = tables
        self._tables: RunTables[Found] | None = None
        self._read: RunRecord | None = None
        self._phase = Phase.WAITING  # of what was read; the file may be gone meanwhile
        self._seen: tuple[int, ...] | None = None
        self._refusal: ForeignRecord | None = None

    @property
    def status(self) -> str:
        """One line in words: "waiting for run.spec", or what was recorded."""
        if self.phase is Phase.WAITING or self.run is None:
            return f"waiting for {self.path.name}"
        count = len(self.run.steps)
        last = f", the last at step {int(self.run.steps[-1])}" if count else ""
        ended = "; the recording has ended" if self.phase is Phase.FINISHED else ""
        return f"{self.path.name}: {count} records{last}{self.remark(self.run)}{ended}"

    def remark(self, run: Found) -> str:
        """What else the status says of a run, behind the last step."""
        return ""

    def poll(self) -> Found | None:
        """The run with what is new, or None when nothing is; cheap enough for every frame of a display.

        Raises:
            ForeignRecord: naming the file, when it is no record of this kind; again at each look until it changes.
            OSError: when the file cannot be read; the next look tries again.
        """
        try:
            found = os.stat(self.path)
        except FileNotFoundError:
            self._seen, self.phase = None, Phase.WAITING
            return None
        # taken before reading: what is written meanwhile is seen at the next look
        seen = found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
        if seen == self._seen:
            if self._refusal is not None:
                raise self._refusal
            return None
        self._seen, self._refusal, news = seen, None, None
        try:
            news = self._take()
        except FileNotFoundError:
            self._seen, self.phase = None, Phase.WAITING
        except UnfinishedRecord:
            self._tables, self._read, self.phase = None, None, Phase.WAITING
        except ForeignRecord as error:
            self._refusal = error
            raise
        except OSError:
            # says nothing of what the file holds, which may never change: read at the next look
            self._seen = None
            raise
        return news

    def _take(self) -> Found | None:
        """Reads on, or from the beginning when the file holds another run than the one that was followed."""
        before, record = self._read, self._continued()
        if record is None or before is None or self._tables is None:
            record = read_record(self.path)
            tables = self._empty(self.path, record.header)
            tables.extend(record.entries)
            self.restarts += self.run is not None
            self._tables, kept = tables, ()
        else:
            record = replace(record, damaged=before.damaged + record.damaged)
            if not record.entries:
                self._read = replace(record, entries=before.entries)
                self.phase = self._phase
                return None
            self._tables.extend(record.entries)
            kept = before.entries
        ended = bool(record.entries) and record.entries[-1].kind == "end"
        self.phase = self._phase = Phase.FINISHED if ended else Phase.RECORDING
        others = tuple(entry for entry in record.entries if entry.kind != self._tables.kept_in_tables)
        self._read = replace(record, entries=kept + others)
        self.run = self._tables.run(self._read)
        return self.run

    def _continued(self) -> RunRecord | None:
        """What came behind the last whole record, None when the file is another run's."""
        before = self._read
        if before is None:
            return None
        try:
            record = read_record(self.path, before.end)
        except RecordError:
            raise
        except ValueError:
            # the file is shorter than what was read of it
            return None
        return record if record.header == before.header else None
