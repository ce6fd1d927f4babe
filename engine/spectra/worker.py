"""The thread that measures snapshots and writes them, so that a training does not wait for either."""

import queue
import threading
import time
import traceback
from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..records import RecordWriter
from .layers import Layer
from .rotation import Rotation
from .snapshot import Snapshot, measured


class RecordingThread:
    """Takes snapshots, never lets the giver wait, owns the file's writer.

    failure: what ended the recording (a full disk, say); snapshots offered after it are refused.
    recorded: number of records written.

    Args:
        writer: of an open file; closed by `close`.
        layers, kinds: as `measured`.
        length: snapshots that may wait beside the one being measured.
        rotation: keeps the bases where rotations are recorded.
    """

    def __init__(
        self,
        writer: RecordWriter,
        layers: Sequence[Layer],
        kinds: Sequence[str],
        length: int,
        rotation: Rotation | None = None,
    ):
        self.failure: Exception | None = None
        self.recorded = 0
        self._writer = writer
        self._layers, self._kinds, self._rotation = layers, kinds, rotation
        self._queue: queue.Queue[tuple[Snapshot, int] | None] = queue.Queue(length)
        self._seconds: deque[float] = deque()
        # a daemon: a training that dies without detaching must not hang on its recorder
        self._thread = threading.Thread(target=self._work, name="spectra-recorder", daemon=True)
        self._thread.start()

    @property
    def full(self) -> bool:
        """Whether a snapshot offered now would be refused."""
        return self._queue.full()

    @property
    def idle(self) -> bool:
        """Whether everything offered is written and its cost known."""
        return self._queue.unfinished_tasks == 0

    def offer(self, snapshot: Snapshot, dropped: int) -> bool:
        """Hands a snapshot over, and how many were dropped before it; False when there is no room."""
        try:
            self._queue.put_nowait((snapshot, dropped))
        except queue.Full:
            return False
        return True

    def seconds(self) -> float:
        """Processor time spent since the last call."""
        total = 0.0
        while self._seconds:
            total += self._seconds.popleft()
        return total

    def close(self, fields: dict[str, Any]) -> None:
        """Waits for what was taken, writes a record "end" with these fields, closes the file."""
        self._queue.put(None)
        self._thread.join()
        try:
            if self.failure is None:
                self._writer.append("end", {**fields, "recorded": self.recorded}, {})
        except OSError as error:
            self.failure = error
        self._writer.close()

    def _work(self) -> None:
        while (task := self._queue.get()) is not None:
            began = time.thread_time()
            if self.failure is None:
                try:
                    self._record(*task)
                except Exception as error:  # whatever it is, the training goes on and is told
                    self.failure = error
                    # its frames would keep the copies alive until the training ends
                    traceback.clear_frames(error.__traceback__)
            self._seconds.append(time.thread_time() - began)
            # a snapshot kept alive until the next one comes would be a third copy
            del task
            self._queue.task_done()

    def _record(self, snapshot: Snapshot, dropped: int) -> None:
        snapshot.await_copies()
        arrays = measured(snapshot, self._layers, self._kinds)
        if self._rotation is not None:
            arrays["rotation"] = self._rotation.turned(snapshot, arrays["floor"])
        fields: dict[str, Any] = {"step": snapshot.step, "seconds": snapshot.seconds, "dropped": dropped}
        if snapshot.notes:
            fields["notes"] = snapshot.notes
        if snapshot.scalars:
            fields["scalars"] = list(snapshot.scalars)
            arrays["scalars"] = np.array([float(value) for value in snapshot.scalars.values()])
        self._writer.append("spectra", fields, arrays)
        self.recorded += 1
