"""Where the true network's loss along a step stops being analytic: a zero of its partition function or a denominator."""

import math
from collections.abc import Generator, Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from .classes import apply_temperature
from .complex_step import complex_logits
from .exact import exact_radius
from .jvp import logit_jvp
from .margin import slope_spread
from .phase_turns import polished
from .true_search import TrueSearch, log_partition


class TrueRadius(NamedTuple):
    """Of one sample.

    radius: R_true = |singularity|, +inf where nothing moves, NaN where none was found.
    singularity: upper half plane, NaN where none was found.
    part: "output", a zero of F_true; "normalisation", "attention" or "feed-forward", where the network itself
    divides by zero or an activation has its pole. module: its name, empty for the output.
    clear: the largest circle on which F and every denominator were followed and turn not once, nor a root
    changes its branch: R_true lies in [clear, radius]. 0.999 R_true beside a zero of F. Less beside a zero of a
    denominator, at which zeros of F accumulate. From point to point, not proven: nothing bounds F between them.
    ghost: zero of F_true that Newton's iteration reaches from the linearised one; NaN if none.
    linear_ghost, linear_radius: of the linearised logits, ρ*. bound: ρ_a = π/Δ_a.
    """

    radius: float
    singularity: complex
    part: str
    module: str
    clear: float
    ghost: complex
    linear_ghost: complex
    linear_radius: float
    bound: float


def true_radius(
    model: nn.Module, inputs: Tensor, direction: Mapping[str, Tensor], temperature: float = 1.0
) -> TrueRadius:
    """Radius of convergence of one sample's loss through the network itself, not its linearised logits.

    F_true(t) = Σ_k exp(z_k(θ0 + t v)/T) at complex t. Newton's iteration from the linearised ghost; then F_true
    and all that the network divides by (variances of LayerNorm, sums of attention, cosh and 1 + exp of
    activations) are followed around the circle through what was found. Whatever turns has zeros inside; their
    power sums start Newton's iteration on the nearest, until nothing turns. Ours.

    Args:
        model: as for `complex_logits`.
        inputs: (1, ...) one sample.
        direction: parameter name -> tensor; the radii are in its units.
        temperature: T of softmax(z/T), positive.

    Raises:
        NoContinuation: naming the function and module, on a network that is not analytic.
        InvalidDirection, InvalidModelOutput: as for `logit_jvp`.

    >>> model = nn.Linear(1, 2, bias=False, dtype=torch.float64)
    >>> v = {"weight": torch.tensor([[1.0], [-1.0]])}
    >>> found = true_radius(model, torch.ones(1, 1, dtype=torch.float64), v)
    >>> abs(found.radius - found.linear_radius) < 1e-9, found.part, round(found.clear / found.radius, 3)
    (True, 'output', 0.999)
    """
    steps = true_radius_in_parts(model, inputs, direction, temperature)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def true_radius_in_parts(
    model: nn.Module, inputs: Tensor, direction: Mapping[str, Tensor], temperature: float = 1.0
) -> Generator[None, None, TrueRadius]:
    """`true_radius` with places to stop: a generator that returns it."""
    z, a, _ = logit_jvp(model, inputs[:1], direction)
    z, a = apply_temperature(z.double(), a.double(), temperature)
    linear, bound = exact_radius(z, a), (math.pi / slope_spread(z, a)).item()
    start = complex(linear.ghost.item())
    known = (start, linear.radius.item(), bound)
    none = complex(math.nan, math.nan)
    if math.isinf(bound):
        return TrueRadius(math.inf, none, "output", "", math.inf, none, *known)
    search = TrueSearch(model, inputs[:1], direction, bound, temperature)
    ghost = search.polish([start], [search.output]) if math.isfinite(start.real) else none
    yield None
    found, column, clear = yield from search.nearest(ghost, known[1])
    return TrueRadius(abs(found), found, *search.names[column], clear, ghost, *known)


def true_partition(
    model: nn.Module, inputs: Tensor, direction: Mapping[str, Tensor], t: Tensor, temperature: float = 1.0
) -> Tensor:
    """log F_true(t) of one sample at many complex steps, its imaginary part up to a multiple of 2π (ours).

    Args:
        model: as for `complex_logits`.
        inputs: (1, ...) one sample.
        direction: parameter name -> tensor.
        t: complex or real steps of any shape.
        temperature: T of softmax(z/T), positive.

    Returns:
        complex128 of the shape and on the device of t; NaN or infinite where a function of the network overflows.

    Raises:
        NoContinuation, InvalidDirection, InvalidModelOutput: as for `complex_logits`.

    >>> model = nn.Linear(1, 2, bias=False, dtype=torch.float64)
    >>> _ = nn.init.zeros_(model.weight)
    >>> v = {"weight": torch.tensor([[1.0], [-1.0]])}
    >>> t = torch.tensor(0.5j * math.pi, dtype=torch.complex128)
    >>> true_partition(model, torch.ones(1, 1), v, t).real.item() < -30
    True
    """
    t = torch.as_tensor(t)
    flat = t.reshape(-1)
    z = complex_logits(model, inputs[:1].expand(len(flat), *inputs.shape[1:]), direction, flat)
    return log_partition(z / temperature).reshape(t.shape).to(t.device)


def true_zeros(
    model: nn.Module,
    inputs: Tensor,
    direction: Mapping[str, Tensor],
    starts: Tensor,
    scale: float,
    temperature: float = 1.0,
) -> Tensor:
    """Zeros of F_true that Newton's iteration reaches from some starts, each once, nearest to 0 first (ours).

    A search: what lies between the starts may be missed.

    Args:
        model: as for `complex_logits`.
        inputs: (1, ...) one sample.
        direction: parameter name -> tensor.
        starts: (n,) complex.
        scale: length over which F_true changes, about ρ_a.
        temperature: T of softmax(z/T), positive.

    Returns:
        complex128 (zeros,), upper half plane.

    >>> model = nn.Linear(1, 2, bias=False, dtype=torch.float64)
    >>> _ = nn.init.zeros_(model.weight)
    >>> v, starts = {"weight": torch.tensor([[1.0], [-1.0]])}, torch.tensor([0.1 + 1.2j, -0.2 + 1.7j])
    >>> true_zeros(model, torch.ones(1, 1), v, starts, 1.0).imag.numpy().round(6).tolist()
    [1.570796]
    """
    if not len(starts):
        return starts.to(torch.complex128)
    found = polished(lambda t: true_partition(model, inputs, direction, t, temperature), starts, scale)
    distinct: list[complex] = []
    for zero in sorted(found[found.real.isfinite()].tolist(), key=abs):
        if all(abs(zero - other) > 1e-6 * scale for other in distinct):
            distinct.append(zero)
    return torch.tensor(distinct, dtype=torch.complex128)
