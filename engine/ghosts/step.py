"""How far the step an optimizer is about to take reaches, measured without taking it."""

import copy
import math
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor, nn

from .errors import InvalidOptimizer
from .jvp import logit_jvp
from .probe import preserved_buffers, preserved_modes
from .radius import convergence_radius


class StepMeasure(NamedTuple):
    """One step, measured before it is taken; scalars are 0-dimensional tensors.

    step_norm: ‖p‖. radius: smallest radius of the samples along p/‖p‖, in the unit of ‖p‖. normalized_step:
    r = ‖p‖/radius. bottleneck_index: the sample with that radius, -1 when nothing moves. backend: as
    `logit_jvp`.
    samples: (batch,) radius of each sample.
    """

    step_norm: Tensor
    radius: Tensor
    normalized_step: Tensor
    bottleneck_index: Tensor
    backend: str
    samples: Tensor


def measure_step(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    inputs: object,
    kind: str = "bound",
    temperature: float = 1.0,
    backend: str = "auto",
    closure: Callable[[], float] | None = None,
) -> StepMeasure:
    """The normalised step r = ‖p‖/ρ of the update p that the optimizer would make of the present gradients.

    Sao (2026), arXiv:2603.13552, definition 5.1. p is the actual difference of the weights over one
    `optimizer.step()`, momentum and weight decay included; weights, gradients, optimizer state, buffers
    and random numbers are put back bit by bit before this returns. r = 1: the worst sample's log-odds move
    by π, to first order.

    Args:
        model: module whose output is (batch, classes).
        optimizer: any `torch.optim.Optimizer` of parameters of the model. Its step hooks do run.
        inputs: as for `logit_jvp`.
        kind: radius, "bound", "margin" or "exact".
        temperature: T of softmax(z/T).
        backend: as for `logit_jvp`.
        closure: passed to `optimizer.step`, for optimizers that need one.

    Returns:
        StepMeasure; where the step is zero, r = 0 and the radius is +inf.

    Raises:
        InvalidOptimizer: on parameters that are not the model's or not real numbers, and on a step that is
            not finite.
        InvalidModelOutput, InvalidClasses, NotCertified: as `logit_jvp` and `convergence_radius`.

    >>> model = nn.Linear(1, 2, bias=False)
    >>> _ = nn.init.zeros_(model.weight)
    >>> model.weight.grad = torch.tensor([[-3.0], [4.0]])
    >>> found = measure_step(model, torch.optim.SGD(model.parameters(), lr=1.0), torch.ones(1, 1))
    >>> round(found.step_norm.item(), 4), round(found.normalized_step.item() * math.pi, 4)  # 3 + 4 nats
    (5.0, 7.0)
    """
    step = _step_of(model, optimizer, named_parameters(model, optimizer), closure)
    norm, direction = _norm_and_direction(step)
    z, a, used = logit_jvp(model, inputs, direction, backend)
    samples = convergence_radius(z, a, kind, temperature)
    radius, bottleneck = samples.min(0)
    if norm == 0:
        bottleneck = torch.full_like(bottleneck, -1)
    return StepMeasure(samples.new_tensor(norm), radius, norm / radius, bottleneck, used, samples)


def named_parameters(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, nn.Parameter]:
    """The optimizer's parameters by their names in the model; others and integers raise InvalidOptimizer."""
    known = {id(parameter): name for name, parameter in model.named_parameters()}
    names = {}
    for index, group in enumerate(optimizer.param_groups):
        for parameter in group["params"]:
            if id(parameter) not in known:
                shape = tuple(parameter.shape)
                raise InvalidOptimizer(
                    f"optimizer: group {index} holds a parameter of shape {shape} that is not the model's"
                )
            if not parameter.is_floating_point():
                name = known[id(parameter)]
                raise InvalidOptimizer(
                    f"optimizer: {name!r} is {parameter.dtype}; only real floating parameters can step"
                )
            names[known[id(parameter)]] = parameter
    return names


def _step_of(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    names: dict[str, nn.Parameter],
    closure: Callable[[], float] | None,
) -> dict[str, Tensor]:
    """The update of each parameter, at least in float32, with everything put back."""
    with (
        preserved_buffers(model),
        preserved_modes(model),
        _preserved_weights(model),
        _preserved_optimizer(optimizer),
    ):
        before = {name: parameter.detach().clone() for name, parameter in names.items()}
        if closure is None:
            optimizer.step()
        else:
            optimizer.step(closure)
        lifted = {
            name: torch.promote_types(parameter.dtype, torch.float32) for name, parameter in names.items()
        }
        return {
            name: p.detach().to(lifted[name]) - before[name].to(lifted[name]) for name, p in names.items()
        }


def _norm_and_direction(step: dict[str, Tensor]) -> tuple[float, dict[str, Tensor]]:
    """‖p‖ and p/‖p‖; a step of length zero has itself for a direction."""
    for name, change in step.items():
        if not bool(change.isfinite().all()):
            raise InvalidOptimizer(f"optimizer: its step of {name!r} is not finite; are the gradients?")
    # Taken relative to the largest entry: the squares of a tiny step would vanish.
    largest = max((change.abs().max().item() for change in step.values() if change.numel()), default=0.0)
    norm = largest * math.sqrt(
        sum(float((c.double() / (largest or 1.0)).square().sum()) for c in step.values())
    )
    return norm, {name: (change.double() / (norm or 1.0)).to(change.dtype) for name, change in step.items()}


@contextmanager
def _preserved_weights(model: nn.Module) -> Iterator[None]:
    """Weights and gradients have their values, and gradients their identity, back at the end."""
    parameters = list(model.parameters())
    saved = [
        (p, p.detach().clone(), p.grad, None if p.grad is None else p.grad.detach().clone())
        for p in parameters
    ]
    try:
        yield
    finally:
        with torch.no_grad():
            for parameter, value, gradient, gradient_value in saved:
                parameter.copy_(value)
                parameter.grad = gradient
                if gradient is not None and gradient_value is not None:
                    gradient.copy_(gradient_value)


@contextmanager
def _preserved_optimizer(optimizer: torch.optim.Optimizer) -> Iterator[None]:
    """The optimizer works on copies of its state and settings inside; the originals come back untouched."""
    attributes, groups = dict(optimizer.__dict__), optimizer.param_groups
    # Parameters are shared, not copied: the state of the copy must move the same weights.
    shared = {id(parameter): parameter for group in groups for parameter in group["params"]}
    try:
        for name, value in attributes.items():
            if name not in ("state", "param_groups") and isinstance(value, (dict, list, set, Tensor)):
                optimizer.__dict__[name] = copy.copy(value)
        optimizer.state = defaultdict(
            dict, {p: copy.deepcopy(s, dict(shared)) for p, s in optimizer.state.items()}
        )
        optimizer.param_groups = [copy.deepcopy(group, dict(shared)) for group in groups]
        yield
    finally:
        optimizer.__dict__.clear()
        optimizer.__dict__.update(attributes)
