"""What the matrix optimisers share: groups, closures, checks before anything moves, batches of equal shapes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.optim import Optimizer

from . import foreach
from .adamw import adamw_step, new_adamw_state
from .errors import InvalidGradient, InvalidParameter
from .options import require_at_least_zero, require_flag, require_fractions, require_positive


class Batch(NamedTuple):
    """Parameters of one shape, dtype, device and number of steps; `step` counts from 1, this one included."""

    parameters: list[Tensor]
    gradients: list[Tensor]
    step: int


class MatrixOptimizer(Optimizer):
    """A `torch.optim.Optimizer` for matrices; groups with `matrix=False` are left to AdamW.

    Such a group takes its own lr and weight_decay, and adamw_betas=(.9, .999), adamw_eps=1e-8. A step changes
    parameters and state, never `p.grad`; a gradient that is not finite is refused before anything has changed.
    Subclasses say what a new state is (`_new_state`), how a batch moves (`_update`) and which options they allow
    (`_check_options`).
    """

    def __init__(self, params: Any, defaults: dict[str, Any]):
        shared = {"matrix": True, "adamw_betas": (0.9, 0.999), "adamw_eps": 1e-8}
        super().__init__(params, {**defaults, **shared})

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group of parameters with its own options; refused whole if an option or a shape is wrong."""
        super().add_param_group(param_group)
        try:
            self._check_group(len(self.param_groups) - 1)
        except ValueError:
            self.param_groups.pop()
            raise

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One step; the closure, if any, recomputes the loss, which is returned."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        self._refuse_bad_gradients()
        for group in self.param_groups:
            if group["matrix"]:
                self._update_group(group)
                continue
            for batch in self._batches(group, lambda _, p: new_adamw_state(p)):
                adamw_step(group, batch.parameters, batch.gradients, self.state, batch.step)
        return loss

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over a state, each tensor in the dtype a new state has: torch alone would round it to the parameter's."""
        super().load_state_dict(state_dict)
        saved = [index for group in state_dict["param_groups"] for index in group["params"]]
        here = [(group, p) for group in self.param_groups for p in group["params"]]
        for index, (group, p) in zip(saved, here, strict=True):
            kept = state_dict["state"].get(index, {})
            fresh = (self._new_state(group, p) if group["matrix"] else new_adamw_state(p)) if kept else {}
            for key, value in kept.items():
                if isinstance(value, Tensor):
                    dtype = fresh[key].dtype if key in fresh else value.dtype
                    self.state[p][key] = value.detach().to(device=p.device, dtype=dtype, copy=True)

    def _update_group(self, group: dict[str, Any]) -> None:
        for batch in self._batches(group, self._new_state):
            self._update(group, batch)

    def _new_state(self, group: dict[str, Any], p: Tensor) -> dict[str, Any]:
        raise NotImplementedError

    def _update(self, group: dict[str, Any], batch: Batch) -> None:
        raise NotImplementedError

    def _check_options(self, group: dict[str, Any]) -> None:
        raise NotImplementedError

    def _batches(
        self, group: dict[str, Any], new_state: Callable[[dict[str, Any], Tensor], dict[str, Any]]
    ) -> Iterator[Batch]:
        """The group's parameters that have a gradient, those that can move together in one batch."""
        batches: dict[tuple[Any, ...], Batch] = {}
        for p in group["params"]:
            gradient = p.grad
            # without entries there is no direction, and nothing to move
            if gradient is None or not p.numel():
                continue
            state = self.state[p]
            if not state:
                state["step"] = 0
                state.update(new_state(group, p))
            state["step"] += 1
            key = (p.shape, p.dtype, p.device, state["step"])
            if (batch := batches.get(key)) is None:
                batch = batches[key] = Batch([], [], state["step"])
            batch.parameters.append(p)
            batch.gradients.append(gradient)
        yield from batches.values()

    def _check_group(self, index: int) -> None:
        group = self.param_groups[index]
        require_flag(group, "matrix")
        require_at_least_zero(group, "lr", "weight_decay")
        require_fractions(group, "adamw_betas")
        require_positive(group, "adamw_eps")
        self._check_options(group)
        for position, p in enumerate(group["params"]):
            if p.is_complex():
                raise InvalidParameter(f"{self._name(index, position)} is {p.dtype}: real numbers are needed")
            if group["matrix"] and p.ndim != 2:
                raise InvalidParameter(
                    f"{self._name(index, position)} has shape {tuple(p.shape)}: {type(self).__name__} moves"
                    " matrices (two axes); put it in a group with matrix=False, which AdamW moves"
                )

    def _refuse_bad_gradients(self) -> None:
        candidates = [p.grad for group in self.param_groups for p in group["params"]]
        gradients = [gradient for gradient in candidates if gradient is not None]
        if any(gradient.is_sparse for gradient in gradients):
            raise InvalidGradient("a gradient is sparse: dense ones are needed")
        # one number for all; only if it is not finite are the entries looked at, as it may have overflowed
        if not gradients or math.isfinite(_total(foreach.norm(gradients))):
            return
        for index, group in enumerate(self.param_groups):
            for position, p in enumerate(group["params"]):
                if p.grad is not None and not torch.isfinite(p.grad).all():
                    count = int((~torch.isfinite(p.grad)).sum())
                    raise InvalidGradient(
                        f"the gradient of {self._name(index, position)} has {count} entries that are NaN or infinite:"
                        " finite ones are needed; nothing has been changed"
                    )

    def _name(self, index: int, position: int) -> str:
        names = self.param_groups[index].get("param_names")
        return f"parameter {names[position]!r}" if names else f"parameter {position} of group {index}"


def _total(numbers: list[Tensor]) -> float:
    """One wait for all of them: they may live on several devices."""
    device = numbers[0].device
    return sum(torch.stack([n if n.device == device else n.to(device) for n in numbers]).tolist())


def matrix_groups(model: torch.nn.Module, **vector_options: Any) -> list[dict[str, Any]]:
    """Groups of named parameters for a `MatrixOptimizer`: matrices, and the rest with matrix=False; none is empty.

    Embeddings and output layers are matrices too; practice leaves them to AdamW, which is yours to decide.

    >>> groups = matrix_groups(torch.nn.Linear(3, 2), lr=1e-3)
    >>> [(group["matrix"], [name for name, _ in group["params"]]) for group in groups]
    [(True, ['weight']), (False, ['bias'])]
    """
    named = list(model.named_parameters())
    groups = [
        {"params": [(name, p) for name, p in named if p.ndim == 2], "matrix": True},
        {"params": [(name, p) for name, p in named if p.ndim != 2], "matrix": False, **vector_options},
    ]
    return [group for group in groups if group["params"]]


def move(group: dict[str, Any], parameters: list[Tensor], updates: Tensor, scale: float = 1.0) -> None:
    """W ← (1 − ηλ)W − η·scale·update for a stack of updates, the decay at the learning rate as given."""
    lr = float(group["lr"])
    if group["weight_decay"]:
        for p in parameters:
            # the list form would round the factor to bfloat16 first
            p.mul_(1 - lr * group["weight_decay"])
    foreach.add_(parameters, list(updates.to(parameters[0].dtype).unbind()), alpha=-lr * scale)
