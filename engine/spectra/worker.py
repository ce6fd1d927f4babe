"""The thread that measures snapshots and writes them, so that a training does not wait for either."""

import queue
import threading
import time
import traceback
from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from ..records import RecordWriter
from .budget import Spent
from .layers import Layer
from .rotation import Rotation
from .snapshot import Snapshot, measured


class RecordingThread:
    """Takes snapshots, never lets the giver wait, owns the file's writer.

    It computes alone, however many threads the training has: helpers of its own would spin on processors that
    the training uses, and cost it several times what they save here.

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
        self._spent: deque[Spent] = deque()
        self._alone = threading.Event()
        # a daemon: a training that dies without detaching must not hang on its recorder
        self._thread = threading.Thread(target=self._work, name="spectra-recorder", daemon=True)
        threads = torch.get_num_threads()
        self._thread.start()
        self._alone.wait()
        # torch keeps the last number that any thread asked for, for threads that are still to come
        torch.set_num_threads(threads)

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

    def spent(self) -> Spent:
        """What records have taken since the last call."""
        processor = elapsed = ended = 0.0
        while self._spent:
            one = self._spent.popleft()
            processor, elapsed, ended = processor + one.processor, elapsed + one.elapsed, one.ended
        return Spent(processor, elapsed, ended)

    def close(self, fields: dict[str, Any]) -> None:
        """Waits for what was taken, writes a record "end" with these fields, closes the file."""
        self._queue.put(None)
        self._thread.join()
        try:
            # a file on another machine may be full when it is closed
            with self._writer:
                if self.failure is None:
                    self._writer.append("end", {**fields, "recorded": self.recorded}, {})
        except OSError as error:
            self.failure = self.failure or error

    def _work(self) -> None:
        # asked for once, the number of a new thread is settled; set before, it would be replaced when first needed
        torch.get_num_threads()
        torch.set_num_threads(1)
        self._alone.set()
        while (task := self._queue.get()) is not None:
            began = time.thread_time(), time.perf_counter()
            if self.failure is None:
                try:
                    self._record(*task)
                except Exception as error:  # whatever it is, the training goes on and is told
                    self.failure = error
                    # its frames would keep the copies alive until the training ends
                    traceback.clear_frames(error.__traceback__)
            ended = time.perf_counter()
            self._spent.append(Spent(time.thread_time() - began[0], ended - began[1], ended))
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
