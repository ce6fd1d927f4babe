"""One training: a model, its optimizers, one step at a time, and a state that can be taken and given back."""

import math
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from ..optimizers import InvalidGradient, InvalidLoss, Sven
from ..polar import InvalidMatrix
from .catalogue import optimizer_choice
from .schedule import learning_rate_factor
from .spec import LaneSpec

REFUSALS = (InvalidGradient, InvalidLoss, InvalidMatrix, torch.linalg.LinAlgError)  # pyright: ignore[reportPrivateImportUsage]


HOPELESS_LOSS = 1e30
"""float64 would go on growing for hundreds of steps after float32 has overflowed"""


class Trainable(Protocol):
    """What a lane asks of a problem; `anisoscope.engine.problems.Problem` says more of each.

    Batches are a pure function of (step, seed), so that lanes see equal ones and a run can be resumed anywhere.
    """

    def model(self, seed: int) -> nn.Module: ...

    def losses(self, model: nn.Module, step: int, seed: int) -> Tensor: ...

    def loss(self, model: nn.Module, step: int, seed: int) -> Tensor: ...

    def report(self, model: nn.Module) -> dict[str, float]: ...

    def matrix_names(self, model: nn.Module) -> list[str]: ...


class Camera(Protocol):
    """Looks at a lane around an optimizer's step; its time is not the training's."""

    def before(self, lane: "Lane") -> None: ...

    def after(self, lane: "Lane") -> None: ...


@dataclass(frozen=True)
class LaneState:
    """Copies of everything a lane needs to go on: the same bits come out."""

    step: int
    optimizer: str
    seconds: float
    model: dict[str, Tensor]
    states: list[dict[int, Any]]

    @property
    def bytes(self) -> int:
        return sum(t.nbytes for t in [*self.model.values(), *_tensors(self.states)])


class Lane:
    """A training of `problem` with the settings of `spec`; its `branch` is not looked at here.

    status: "running", "done", "diverged at step n" when a loss, gradient or weight is no longer finite or a loss is
    beyond 1e30, or "stopped at step n: why" when the optimizer refuses. A stopped lane's `step` is the last whole
    one, and it moves no more.
    loss: of the batch of the last step, before it. seconds: of training so far, looks of the camera left out.
    """

    def __init__(self, problem: Trainable, spec: LaneSpec, steps: int, seed: int):
        self.problem, self.spec, self.steps, self.seed = problem, spec, steps, seed
        self.model: nn.Module = problem.model(seed)
        self.optimizers = optimizer_choice(spec.optimizer).build(
            self.model, problem.matrix_names(self.model), spec.learning_rate, spec.weight_decay
        )
        self._rates = [[group["lr"] for group in opt.param_groups] for opt in self.optimizers]
        self._moving = [p for p in self.model.parameters() if p.requires_grad]
        self.step, self.seconds, self.loss = 0, 0.0, math.nan
        self.status = "running"

    @property
    def running(self) -> bool:
        return self.status == "running"

    @property
    def learning_rate(self) -> float:
        """Of the last step; before the first, that of the first."""
        return self.spec.learning_rate * self._factor(max(1, self.step))

    def advance(self, camera: Camera | None = None) -> bool:
        """One step; False, and a status that says why, when it cannot be made."""
        if not self.running:
            return False
        step, began = self.step + 1, time.perf_counter()
        factor = self._factor(step)
        for opt, rates in zip(self.optimizers, self._rates, strict=True):
            for group, rate in zip(opt.param_groups, rates, strict=True):
                group["lr"] = rate * factor
        try:
            loss, outside = self._moved(step, camera)
        except REFUSALS as error:
            self.status = f"stopped at step {step}: {error}"
            return False
        seconds = time.perf_counter() - began - outside
        if loss is None or not _finite(self._moving):
            self.status = f"diverged at step {step}"
            return False
        self.step, self.loss, self.seconds = step, loss, self.seconds + seconds
        if camera is not None:
            camera.after(self)
        if step == self.steps:
            self.status = "done"
        return True

    def state(self) -> LaneState:
        """The state after the last whole step; of a stopped lane there is none."""
        model = {name: t.detach().clone() for name, t in self.model.state_dict().items()}
        states = [_copied(opt.state_dict()["state"]) for opt in self.optimizers]
        return LaneState(self.step, self.spec.optimizer, self.seconds, model, states)

    def restore(self, state: LaneState) -> None:
        """Go on from there: the weights, and the optimizer's state if it is of the same optimizer."""
        self.model.load_state_dict(state.model)
        for opt, saved in zip(self.optimizers, state.states, strict=False):
            if state.optimizer == self.spec.optimizer:
                groups = opt.state_dict()["param_groups"]
                opt.load_state_dict({"state": _copied(saved), "param_groups": groups})
        self.step, self.seconds, self.loss = state.step, state.seconds, math.nan
        self.status = "done" if state.step == self.steps else "running"

    def _factor(self, step: int) -> float:
        return learning_rate_factor(self.spec.schedule, step, self.steps)

    def _moved(self, step: int, camera: Camera | None) -> tuple[float | None, float]:
        """Loss of the batch, None where it or its gradient is not finite, and the seconds spent on the camera."""
        first = self.optimizers[0]
        if isinstance(first, Sven):
            return self._moved_by_sven(first, step, camera)
        self.model.zero_grad(set_to_none=True)
        loss = self.problem.loss(self.model, step, self.seed)
        value = float(loss.detach())
        if not abs(value) < HOPELESS_LOSS:
            return None, 0.0
        loss.backward()
        if not _finite(p.grad for p in self._moving if p.grad is not None):
            return None, 0.0
        outside = self._looked(camera)
        for opt in self.optimizers:
            opt.step()
        return value, outside

    def _moved_by_sven(self, sven: Sven, step: int, camera: Camera | None) -> tuple[float | None, float]:
        """Sven takes losses and forms no gradient; for the camera one is formed beside the training."""
        began = time.perf_counter()
        if camera is not None:
            self.model.zero_grad(set_to_none=True)
            self.problem.loss(self.model, step, self.seed).backward()
        outside = time.perf_counter() - began + self._looked(camera)
        seen: list[Tensor] = []

        def closure() -> Tensor:
            seen.append(self.problem.losses(self.model, step, self.seed))
            return seen[-1]

        try:
            losses = sven.step(closure)
        except InvalidLoss:
            if seen and not bool(torch.isfinite(seen[-1]).all()):
                return None, outside
            raise
        value = float(losses.mean())
        return value if abs(value) < HOPELESS_LOSS else None, outside

    def _looked(self, camera: Camera | None) -> float:
        began = time.perf_counter()
        if camera is not None:
            camera.before(self)
        return time.perf_counter() - began


def _finite(tensors: Iterable[Tensor]) -> bool:
    """Whether all entries are; one number tells, unless finite entries overflow together."""
    tensors = [t.detach() for t in tensors]
    if not tensors or math.isfinite(torch.nn.utils.get_total_norm(tensors)):
        return True
    return all(bool(torch.isfinite(t).all()) for t in tensors)


def _copied(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.detach().clone()
    if isinstance(value, dict):
        return {key: _copied(part) for key, part in value.items()}
    return value


def _tensors(value: Any) -> Iterable[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _tensors(part)
