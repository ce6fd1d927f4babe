"""Watching a training from outside: copies in step hooks, singular values in a thread, records in a file."""

import os
import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn

from .budget import Budget
from .errors import InvalidRecorder
from .layers import Layer, Select, layer_fields, learning_rates, momentum_of, watched_layers
from .record import RecordWriter
from .snapshot import KINDS, Snapshot
from .worker import RecordingThread

CONTENT, CONTENT_VERSION = "spectra", 1


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
    inside the step: G is then what the step leaves behind.

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
        mode: of the file, as for `RecordWriter`.

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
    ):
        _check(every, kinds, budget, limit, queue_length)
        self.path = os.fspath(path)
        self.optimizers = [optimizer] if isinstance(optimizer, torch.optim.Optimizer) else list(optimizer)
        self.kinds = tuple(kinds)
        self.failure: Exception | None = None
        self.layers = watched_layers(model, self.optimizers, limit, select)
        self.step = 0
        self.dropped = 0
        self._sharded = any(hasattr(layer.parameter, "full_tensor") for layer in self.layers)
        self.budget = Budget(None if self._sharded else budget, every)
        self._header = self._header_fields(every, self.budget.fraction)
        self._mode = mode
        self._queue_length = queue_length
        self._handles: list[Any] = []
        self._worker: RecordingThread | None = None
        self._pending: Snapshot | None = None
        self._scalars: dict[str, Any] = {}
        self._notes: list[str] = []

    def _header_fields(self, every: int, budget: float | None) -> dict[str, Any]:
        return {
            "content": CONTENT,
            "content_version": CONTENT_VERSION,
            "created": time.time(),
            "torch": str(torch.__version__),
            "every": every,
            "budget": budget,
            "kinds": list(self.kinds),
            "layers": [layer_fields(layer, self.optimizers) for layer in self.layers],
        }

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
            writer = RecordWriter(self.path, self._header, self._mode)
            self._mode = "a"  # entered again, it goes on
            self._worker = RecordingThread(writer, self.layers, self.kinds, self._queue_length)
        elif not self._sharded:
            return
        self._begun: set[int] = set()
        self._ended: set[int] = set()
        self._first_step = True
        self._disturbed = False
        self._started = self._step_began = time.perf_counter()
        self._in_hooks = 0.0
        for index, optimizer in enumerate(self.optimizers):
            self._handles += [
                optimizer.register_step_pre_hook(self._hook(self._before, index)),
                optimizer.register_step_post_hook(self._hook(self._after, index)),
            ]

    def detach(self) -> None:
        """Stops watching, waits for records under way, closes the file; a second call does nothing."""
        for handle in self._handles:
            handle.remove()
        self._handles = []
        self._hand_over()
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.close({"step": self.step, "dropped": self.dropped})
            self.budget.settle(worker.seconds())
            self._warn_of(worker.failure)

    def __enter__(self) -> "SpectraRecorder":
        self.attach()
        return self

    def __exit__(self, *_: object) -> None:
        self.detach()

    def note(self, text: str) -> None:
        """Words for the next record: a learning rate changed, a phase began."""
        self._notes.append(text)

    def scalar(self, **values: Any) -> None:
        """Numbers for the next record, `scalar(loss=loss)`; only the latest of a name is kept.

        Tensors are read when they are recorded: on a GPU the other steps do not wait for them.
        """
        for name, value in values.items():
            self._scalars[name] = value.detach().clone() if isinstance(value, torch.Tensor) else value

    def _hook(self, act: Callable[[int, bool], None], index: int) -> Callable[..., None]:
        """A step hook that keeps account of its own time and brings nothing down."""

        def hook(_: torch.optim.Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            began = time.perf_counter()
            closure = len(args) > 1 or bool(kwargs)
            try:
                act(index, closure and any(map(callable, (*args[1:], *kwargs.values()))))
            except torch.OutOfMemoryError:
                self._pending = None
                self.dropped += 1
            seconds = time.perf_counter() - began
            self._in_hooks += seconds
            self.budget.charge(seconds)

        return hook

    def _before(self, index: int, closure: bool) -> None:
        if not self._begun or index in self._begun:
            self._begin_step()
        self._begun.add(index)
        if self._pending is None:
            return
        for place, layer in self._layers_of(index):
            if "W" in self.kinds or "U" in self.kinds:
                self._pending.before[place] = layer.matrix(layer.parameter)
            if not closure:
                self._take(place, layer, "G", layer.parameter.grad)

    def _after(self, index: int, closure: bool) -> None:
        self._ended.add(index)
        if self._pending is not None:
            optimizer = self.optimizers[index]
            rates = learning_rates(optimizer)
            for place, layer in self._layers_of(index):
                self._pending.learning_rates[place] = rates[id(layer.parameter)]
                self._take(place, layer, "M", momentum_of(optimizer, layer.parameter))
                if closure:
                    self._take(place, layer, "G", layer.parameter.grad)
                if "U" in self.kinds:
                    self._pending.take_update(place, layer)
            if "W" in self.kinds:
                self._pending.keep_weights(place for place, _ in self._layers_of(index))
        if len(self._ended) == len(self.optimizers):
            self._hand_over()

    def _begin_step(self) -> None:
        """The first hook of a step: accounts, then the decision whether this one is recorded."""
        if self._pending is not None:
            self._hand_over()
        now = time.perf_counter()
        if not self._first_step:
            self.budget.trained(now - self._step_began - self._in_hooks, self._disturbed)
        self._first_step, self._step_began, self._in_hooks = False, now, 0.0
        self._begun, self._ended = set(), set()
        self.step += 1
        worker = self._worker
        if worker is not None:
            if worker.idle and self._disturbed:
                self.budget.settle(worker.seconds())
            self._disturbed = not worker.idle
            if worker.failure is not None:
                self._warn_of(worker.failure)
                return
        if not self.budget.due(self.step):
            return
        if worker is not None and not self._sharded:
            if self.budget.fraction is not None and not worker.idle:
                return
            if worker.full:
                self.dropped += 1
                self.budget.planned(self.step)
                return
        self.budget.planned(self.step)
        self._pending = Snapshot(self.step, now - self._started)
        self._disturbed = True

    def _hand_over(self) -> None:
        """Gives the snapshot of this step to the thread, with what was noted since the last one."""
        snapshot, self._pending = self._pending, None
        if snapshot is None or self._worker is None:
            return
        snapshot.before.clear()
        snapshot.notes, self._notes = self._notes, []
        snapshot.scalars, self._scalars = self._scalars, {}
        if not self._worker.offer(snapshot, self.dropped):
            self.dropped += 1
            self._notes, self._scalars = snapshot.notes, snapshot.scalars

    def _layers_of(self, index: int) -> list[tuple[int, Layer]]:
        return [(place, layer) for place, layer in enumerate(self.layers) if layer.optimizer == index]

    def _take(self, place: int, layer: Layer, kind: str, tensor: torch.Tensor | None) -> None:
        if self._pending is not None and kind in self.kinds and tensor is not None and not tensor.is_sparse:
            self._pending.matrices[place, kind] = layer.matrix(tensor)

    def _warn_of(self, failure: Exception | None) -> None:
        """Says once that recording has ended before the training."""
        if failure is not None and self.failure is None:
            self.failure = failure
            message = f"{self.path}: recording ended at step {self.step}: {type(failure).__name__}: {failure}"
            warnings.warn(message, RuntimeWarning, stacklevel=2)


def _check(every: int, kinds: Sequence[str], budget: float | None, limit: int, queue_length: int) -> None:
    for name, value in (("every", every), ("limit", limit), ("queue_length", queue_length)):
        if not isinstance(value, int) or value < 1:
            raise InvalidRecorder(f"{name} is {value!r}: an integer ≥ 1 is needed")
    if budget is not None and not 0 < budget <= 1:
        raise InvalidRecorder(f"budget is {budget!r}: a share above 0, at most 1, or None is needed")
    if not kinds or len(set(kinds)) < len(kinds) or not set(kinds) <= set(KINDS):
        raise InvalidRecorder(f"kinds is {kinds!r}: some of {KINDS}, each once, are needed")
