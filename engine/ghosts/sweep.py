"""What a network does along a step of growing length: accuracy, loss, flipped predictions, and where it breaks."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from .classes import apply_temperature
from .errors import InvalidClasses, InvalidModelOutput, InvalidSweep
from .exact import exact_radius
from .jvp import cast_parameters, checked_direction, logit_function
from .probe import untouched
from .radius import convergence_radius

KEPT = 0.9
"""Share of the accuracy at the start below which a network counts as broken."""

_PART = 8


class StepSweep(NamedTuple):
    """Means over the samples at each step, each (steps,): accuracy, loss in nats, share of changed predictions."""

    accuracy: Tensor
    loss: Tensor
    flipped: Tensor


class SmallestRadii(NamedTuple):
    """Radii of a data set: the smallest of its samples, of each kind; +inf where no slope differs."""

    bound: float
    margin: float
    exact: float


def step_sweep(
    model: nn.Module,
    inputs: Tensor,
    labels: Tensor,
    direction: Mapping[str, Tensor],
    steps: Tensor | Sequence[float],
    temperature: float = 1.0,
    start: Tensor | None = None,
) -> StepSweep:
    """The true network at the weights θ + τ v for every step τ: nothing is linearised.

    Sao (2026), arXiv:2603.13552, figures 1 and 7. Probed in evaluation mode and float64, as `logit_jvp`; at τ = 0 the
    weights are those of the network, to the last bit. Where the logits overflow, the loss is +inf and the
    sample counts as wrong and flipped. All three are means: results of parts of the samples may be averaged.

    Args:
        model: its output is (batch, classes).
        inputs: (batch, ...), passed as the one argument.
        labels: (batch,) integers.
        direction: parameter name -> tensor, used as it is; missing names stand still.
        steps: (steps,) lengths τ, finite.
        temperature: T of softmax(z/T); only the loss depends on it.
        start: (batch, classes) logits at τ = 0 where they are known; predictions are compared with them.

    Raises:
        InvalidSweep: on steps, labels, a temperature or a start that cannot be used.
        InvalidDirection, InvalidModelOutput: as `logit_jvp`.

    >>> model = nn.Linear(1, 2, bias=False, dtype=torch.float64)
    >>> _ = model.weight.data.copy_(torch.tensor([[1.0], [0.0]]))
    >>> v = {"weight": torch.tensor([[-1.0], [0.0]], dtype=torch.float64)}
    >>> step_sweep(model, torch.ones(1, 1), torch.tensor([0]), v, [0.0, 2.0]).accuracy.tolist()
    [1.0, 0.0]
    """
    taus = _checked_steps(steps)
    tangents = checked_direction(model, direction)
    with torch.no_grad(), untouched(model):
        evaluate = logit_function(model, inputs, torch.float64)
        parameters = cast_parameters(model, torch.float64)
        known = evaluate(parameters) if start is None else start
        before = _checked_start(known, inputs, labels, temperature).argmax(-1)
        rows = []
        for tau in taus.tolist():
            moved = {name: parameters[name] + tau * v.to(parameters[name]) for name, v in tangents.items()}
            logits = evaluate({**parameters, **moved})
            rows.append(_means(logits, labels, before, temperature))
    return StepSweep(*torch.stack(rows, 1))


def _means(z: Tensor, labels: Tensor, before: Tensor, temperature: float) -> Tensor:
    broken = (z.isnan() | (z == torch.inf)).any(-1)
    z = torch.where(broken[:, None], 0.0, z)
    now = torch.where(broken, -1, z.argmax(-1))
    losses = nn.functional.cross_entropy(z / temperature, labels, reduction="none")
    right, flipped = (now == labels).to(z.dtype), (now != before).to(z.dtype)
    return torch.stack((right.mean(), torch.where(broken, torch.inf, losses).mean(), flipped.mean()))


def _checked_steps(steps: Tensor | Sequence[float]) -> Tensor:
    taus = torch.as_tensor(steps, dtype=torch.float64)
    if taus.ndim != 1 or not len(taus) or not bool(taus.isfinite().all()):
        raise InvalidSweep(f"steps must be a row of finite lengths, not {steps!r}")
    return taus


def _checked_start(start: object, inputs: Tensor, labels: Tensor, temperature: float) -> Tensor:
    """The logits at τ = 0, where they, the labels and the temperature fit each other."""
    if not isinstance(start, Tensor) or start.ndim != 2 or not start.shape[1]:
        found = tuple(start.shape) if isinstance(start, Tensor) else type(start).__name__
        raise InvalidModelOutput(f"model: the output must be logits of shape (batch, classes), not {found}")
    samples, classes = start.shape
    if not 0 < samples == len(inputs):
        raise InvalidSweep(
            f"start has {samples} rows for {len(inputs)} samples; allowed: one for each, at least one"
        )
    if labels.shape != (samples,) or labels.is_floating_point():
        found = f"{tuple(labels.shape)} of {labels.dtype}"
        raise InvalidSweep(f"labels must be {samples} integers, not {found}: one for each row of logits")
    if bool(((labels < 0) | (labels >= classes)).any()):
        reach = f"{int(labels.min())} to {int(labels.max())}"
        raise InvalidSweep(f"labels reach from {reach}; allowed: 0 to {classes - 1}")
    if not (math.isfinite(temperature) and temperature > 0):
        raise InvalidSweep(f"temperature={temperature!r} cannot be used; allowed: finite, above 0")
    return start


def smallest_radii(z: Tensor, a: Tensor, temperature: float = 1.0) -> SmallestRadii:
    """Bound, margin bound and exact radius of a data set, the smallest of its samples.

    Ours: the exact radius is found for the samples of the smallest margin bound first, and no further once that bound is
    beyond the smallest radius found, for it is never above the exact one. Where no certificate is found the margin bound
    stands for the radius of that sample.

    Args:
        z: (samples, classes) logits. a: their slopes, alike. temperature: T of softmax(z/T).

    Raises:
        InvalidClasses: as `convergence_radius`, and on logits without a sample.

    >>> z = torch.tensor([[2.0, 0.0], [0.0, 0.0]], dtype=torch.float64)
    >>> smallest_radii(z, torch.tensor([[0.0, 1.0], [0.0, 0.5]], dtype=torch.float64)).bound
    3.141592653589793
    """
    z, a = apply_temperature(z, a, temperature)
    if z.ndim != 2 or not len(z):
        raise InvalidClasses(
            f"z must have shape (samples, classes) with at least one sample, not {tuple(z.shape)}"
        )
    bounds, margins = (convergence_radius(z, a, kind=kind) for kind in ("bound", "margin"))
    *_, smallest = smallest_exact(z, a, margins)
    return SmallestRadii(float(bounds.min()), float(margins.min()), smallest)


def smallest_exact(z: Tensor, a: Tensor, margins: Tensor) -> Iterator[float]:
    """The smallest exact radius found so far, from +inf on, a few samples at a time; the last is that of the data set.

    At low temperature a sample takes tens of milliseconds: each value is a place to stop. See `smallest_radii`.

    Args:
        z: (samples, classes) logits over the temperature. a: their slopes, alike. margins: (samples,) margin bounds.
    """
    smallest = math.inf
    yield smallest
    for part in margins.argsort().split(_PART):
        if float(margins[part[0]]) >= smallest:
            break
        smallest = min(smallest, float(exact_radius(z[part], a[part]).radius.min()))
        yield smallest


def onset(steps: Tensor, kept: Tensor, level: float = KEPT) -> float:
    """The first step at which `kept` falls below the level, interpolated in the logarithm of the step.

    Ours: the paper names no estimator. +inf where it never falls; the first step where it lies below from the outset.

    Args:
        steps: (steps,) positive, increasing. kept: (steps,), accuracy over that at the start.

    Raises:
        InvalidSweep: on steps that are not positive and increasing, a `kept` of another length, or NaN in it.

    >>> round(onset(torch.tensor([1.0, 100.0]), torch.tensor([1.0, 0.8])), 4)  # half way in the logarithm
    10.0
    """
    x, y = torch.as_tensor(steps, dtype=torch.float64), torch.as_tensor(kept, dtype=torch.float64)
    if x.ndim != 1 or x.shape != y.shape or not len(x):
        raise InvalidSweep(
            f"steps and kept must be rows of one length, not {tuple(x.shape)} and {tuple(y.shape)}"
        )
    if not bool((x > 0).all() and (x.diff() > 0).all()):
        raise InvalidSweep(f"steps must be positive and increasing, not {x.tolist()}")
    if bool(y.isnan().any()):
        raise InvalidSweep(f"kept must be numbers, not {y.tolist()}: is the accuracy at the start 0?")
    below = (y < level).nonzero().flatten()
    if not len(below):
        return math.inf
    i = int(below[0])
    if i == 0:
        return float(x[0])
    share = float((y[i - 1] - level) / (y[i - 1] - y[i]))
    low, high = math.log10(float(x[i - 1])), math.log10(float(x[i]))
    return 10 ** (low + share * (high - low))


def onset_spread(onsets: Tensor | Sequence[float]) -> float:
    """Standard deviation of log₁₀ onset over the curves (of these curves, divided by their number), in decades.

    Raises:
        InvalidSweep: on no onsets, and on one that is not finite and positive: a curve that never breaks has no place.
    """
    values = torch.as_tensor(onsets, dtype=torch.float64)
    if values.ndim != 1 or not len(values) or not bool(((values > 0) & values.isfinite()).all()):
        raise InvalidSweep(f"onsets must be finite and positive, not {values.tolist()}")
    return float(values.log10().std(correction=0))
