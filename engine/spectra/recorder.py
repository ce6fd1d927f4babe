"""Watching a training from outside: copies in step hooks, singular values in a thread, records in a file."""

import os
import time
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import nn

from ..records import RecordWriter, earlier_part
from .budget import Budget, Pace, Spent
from .copying import Copier
from .hooks import Arguments, Rounds, capturing, closure_of, observed
from .layers import Select, watched_layers
from .remarks import Remarks
from .rotation import Rotation
from .settings import check_settings, header_fields
from .snapshot import KINDS, Snapshot
from .worker import RecordingThread


class SpectraRecorder:
    """Records the singular values of weights W, gradients G, momenta M and updates U of a training.

    Step hooks of the optimizers copy the matrices of a step (W and G as they are before it, M after it,
    U = (W before − W after)/lr, weight decay included); a thread takes the singular values and appends them
    to the file. The training computes bit for bit what it computes without. When the thread cannot follow,
    records are dropped and counted, never waited for; when it fails (a full disk), recording ends with a
    RuntimeWarning and training goes on. Memory: two copies of the watched matrices of each kind.

        with SpectraRecorder("run.spec", model, optimizer) as recorder:
            train()

    A step is one round of all optimizers: it ends when each has stepped, or one of them steps again. Under
    torch.distributed rank 0 writes; sharded parameters are gathered on the recorded steps, which then must be
    the same on all ranks, so `budget` is off for them. An optimizer given a closure computes its gradient
    inside the step: G is then taken when the closure has been called first. A scale that a fused optimizer takes
    off its gradients itself (`torch.amp.GradScaler`) is taken off G. Steps captured in a CUDA graph are
    not recorded.

    Args:
        path: of the file; one that exists is not overwritten unless mode="w".
        model: its parameters of two or more dimensions are watched (convolutions as outputs × the rest).
        optimizer: one or a list, any `torch.optim.Optimizer`.
        every: steps between records at least.
        kinds: which of "W", "G", "M", "U".
        budget: share of the training's time that recording may cost, as `Budget` counts it: fewer steps are
            recorded where it would cost more. None: no limit.
        select: `select(name, parameter)` chooses among the matrices.
        limit: a matrix with more than `limit` rows and columns, or more than 4 limit² entries, is looked at
            in some of its columns only, evenly spread; the file's header says how many.
        queue_length: records that may wait for the thread.
        mode: of the file, as for `RecordWriter`. "a" goes on with the record of a training that was broken
            off, behind its last step and second; set `step` before entering where a checkpoint is older. Bases are
            not in the file: in another process rotations begin anew with the first record.
        subspace: directions whose turning is recorded too (`Rotation`), None or 0 for none.

    Raises:
        InvalidRecorder: naming the argument, on settings that cannot be.
        FileExistsError, OSError: on entering, when the file cannot be made.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        model: nn.Module,
        optimizer: torch.optim.Optimizer | Sequence[torch.optim.Optimizer],
        every: int = 10,
        kinds: Sequence[str] = KINDS,
        budget: float | None = 0.05,
        select: Select | None = None,
        limit: int = 1024,
        queue_length: int = 1,
        mode: str = "x",
        subspace: int | None = None,
    ):
        check_settings(kinds, budget, subspace, every=every, limit=limit, queue_length=queue_length)
        self.path = os.fspath(path)
        self.optimizers = [optimizer] if isinstance(optimizer, torch.optim.Optimizer) else list(optimizer)
        self.kinds = tuple(kinds)
        self.failure: Exception | None = None
        self.layers = watched_layers(model, self.optimizers, limit, select)
        self.step = 0
        self.dropped = 0
        self._sharded = any(hasattr(layer.parameter, "full_tensor") for layer in self.layers)
        self.budget = Budget(None if self._sharded else budget, every)
        self._pace = Pace(self.budget)
        self._header = header_fields(
            self.layers, self.optimizers, self.kinds, every, self.budget.fraction, subspace
        )
        self._rotation = Rotation(self.layers, self.kinds, subspace) if subspace else None
        self._copier = Copier(self.layers, self.optimizers, self.kinds)
        self._mode = mode
        self._queue_length = queue_length
        self._handles: list[Any] = []
        self._worker: RecordingThread | None = None
        self._pending: Snapshot | None = None
        self._remarks = Remarks()
        self._entered = False
        self._earlier = 0.0

    def attach(self) -> None:
        """Opens the file and begins to watch; entering the context does the same.

        Raises:
            RuntimeError: when it is attached already.
            FileExistsError, OSError: when the file cannot be made.
        """
        if self._handles:
            raise RuntimeError(f"the recorder of {self.path} is attached already")
        initialised = torch.distributed.is_available() and torch.distributed.is_initialized()
        if not initialised or torch.distributed.get_rank() == 0:
            self._worker = self._opened()
        elif not self._sharded:
            return
        self.failure = None
        self._rounds = Rounds(self.optimizers)
        self._pace.begin(self.step)
        self._started = time.perf_counter()
        for index, optimizer in enumerate(self.optimizers):
            self._handles += [
                optimizer.register_step_pre_hook(partial(self._before, index)),
                optimizer.register_step_post_hook(partial(self._after, index)),
            ]

    def _opened(self) -> RecordingThread:
        """The thread of an open file, new or gone on with."""
        if self._mode == "a" and not self._entered:
            earlier = earlier_part(self.path, self._header)
            if earlier is not None:
                self._header, last, self._earlier = earlier
                self.step = self.step or last
        mode = "a" if self._entered else self._mode
        writer = RecordWriter(self.path, self._header, mode)
        self._entered = True
        return RecordingThread(writer, self.layers, self.kinds, self._queue_length, self._rotation)

    def detach(self) -> None:
        """Stops watching, waits for records under way, closes the file; a second call does nothing."""
        if self._handles:
            self._earlier += time.perf_counter() - self._started
        for handle in self._handles:
            handle.remove()
        self._handles = []
        self._charged(self._hand_over)
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.close({"step": self.step, "dropped": self.dropped})
            self._pace.end(worker.spent())
            self._warn_of(worker.failure)

    def __enter__(self) -> "SpectraRecorder":
        self.attach()
        return self

    def __exit__(self, *_: object) -> None:
        self.detach()

    @property
    def idle(self) -> bool:
        """Whether everything taken so far is written."""
        return self._worker is None or self._worker.idle

    def note(self, text: str) -> None:
        """Words for the next record: a learning rate changed, a phase began."""
        self._remarks.note(text)

    def scalar(self, **values: Any) -> None:
        """Numbers for the next record, `scalar(loss=loss)`; only the latest of a name is kept.

        Tensors are read when they are recorded: on a GPU the other steps do not wait for them.

        Raises:
            InvalidRecorder: naming what is no single number.
        """
        for name, value in values.items():
            self._remarks.scalar(name, value)

    def _charged(self, act: Callable[..., Arguments | None], *arguments: Any) -> Arguments | None:
        """Whatever happens inside, the training pays for its time and nothing else."""
        began = time.perf_counter()
        try:
            return act(*arguments)
        except torch.OutOfMemoryError:
            self._pending = None
            self.dropped += 1
        except Exception as error:
            self._pending = None
            self._warn_of(error)
        finally:
            self._pace.charge(time.perf_counter() - began)

    def _before(self, index: int, _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments | None:
        begins = self._rounds.begins(index)
        if begins:
            self.step += 1
        # most steps end here; on small models every call and every look at the clock would be felt
        if begins is None or (self._pending is None and not (begins and self.step >= self._pace.next_look)):
            return None
        return self._charged(self._take, begins, index, args, kwargs)

    def _take(
        self, begins: bool, index: int, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Arguments | None:
        """What a snapshot needs of one optimizer before its step."""
        if begins:
            self._begin_step()
        snapshot = self._pending
        if snapshot is None:
            return None
        self._copier.weights(snapshot, index)
        if closure_of(args, kwargs) is None:
            self._copier.gradients(snapshot, index)
            return None

        def called() -> None:
            if self._pending is snapshot:
                self._copier.gradients(snapshot, index)

        def told() -> None:
            self._charged(called)

        return observed(args, kwargs, told)

    def _after(self, index: int, *_: object) -> None:
        ends = self._rounds.ends(index)
        if self._pending is not None and ends is not None:
            self._charged(self._finish, ends, index)

    def _finish(self, ends: bool, index: int) -> None:
        """What a snapshot needs of one optimizer after its step."""
        assert self._pending is not None
        self._copier.after(self._pending, index)
        if ends:
            self._hand_over()

    def _begin_step(self) -> None:
        """The first hook of a step that is looked at: accounts, then the decision whether it is recorded."""
        if self._pending is not None:
            self._hand_over()
        worker = self._worker
        if worker is None:
            now = self._pace.look(self.step, True, lambda: Spent(0.0, 0.0, 0.0))
        else:
            now = self._pace.look(self.step, worker.idle, worker.spent)
            self._warn_of(worker.failure)
        if self._wanted():
            self._pace.planned(self.step)
            self._pending = Snapshot(self.step, self._earlier + now - self._started)

    def _wanted(self) -> bool:
        """Whether this step is recorded; for sharded parameters the same on all ranks, whatever befell one."""
        if not self.budget.due(self.step) or capturing(self.layers[0].parameter):
            return False
        worker = self._worker
        if self._sharded or worker is None:
            return self._sharded
        if self.failure is not None or (self.budget.fraction is not None and not self._pace.settled):
            return False
        if worker.full:
            self.dropped += 1
            self._pace.planned(self.step)
            return False
        return True

    def _hand_over(self) -> None:
        """Gives the snapshot of this step to the thread, with what was noted since the last one."""
        snapshot, self._pending = self._pending, None
        if snapshot is None or self._worker is None:
            return
        snapshot.before.clear()
        snapshot.mark_copied()
        self._remarks.go_with(snapshot)
        if not self._worker.offer(snapshot, self.dropped):
            self.dropped += 1
            self._remarks.come_back(snapshot)

    def _warn_of(self, failure: Exception | None) -> None:
        """Says once that recording has ended before the training."""
        if failure is not None and self.failure is None:
            self.failure = failure
            message = f"{self.path}: recording ended at step {self.step}: {type(failure).__name__}: {failure}"
            warnings.warn(message, RuntimeWarning, stacklevel=2)
