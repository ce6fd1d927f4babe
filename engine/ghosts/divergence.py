"""How far a step moves the probabilities of linearised logits, as a Kullback-Leibler divergence."""

import math

import torch
from torch import Tensor

from .classes import live_classes
from .errors import InvalidSweep

REMAINDER = 1 / (36 * math.sqrt(3))
"""Largest |KL(p_0 ‖ p_τ) - τ² Var_0(a)/2| over (|τ| Δ_a)³ (ours). Sao (2026) prints twice as much in eq. 26."""


def linearised_divergence(z: Tensor, a: Tensor, steps: Tensor, forward: bool = True) -> Tensor:
    """KL(p_0 ‖ p_τ) of softmax(z) and softmax(z + aτ), or with forward=False KL(p_τ ‖ p_0).

    With K(τ) = log Σ exp(z + aτ) the first is K(τ) - K(0) - τK'(0), the Bregman form of Sao (2026), arXiv:2603.13552,
    eq. 26, which prints it as the second (ours). Both are at most (πr)²/8, see `kl_bound`. To some 1e-15 nats; to a few
    units of rounding however small it is, while no logit moves by half a nat against their mean.

    Args:
        z: (..., classes) logits; -inf masks a class. a: their slopes. steps: (steps,) finite, any sign.
        forward: which of the two distributions is averaged over, see above.

    Returns:
        (..., steps) nats, at least 0.

    Raises:
        InvalidClasses: as `convergence_radius`.

    >>> z, a = torch.tensor([[0.0, 0.0], [1.0, -1.0]], dtype=torch.float64)
    >>> linearised_divergence(z, a, torch.tensor([0.0, 1.0])).round(decimals=6).tolist()
    [0.0, 0.433781]
    """
    z, a = live_classes(z, a)
    steps = torch.as_tensor(steps, dtype=z.dtype, device=z.device)
    z, a = z.unsqueeze(-2), a.unsqueeze(-2)
    start, end = torch.log_softmax(z, -1), torch.log_softmax(z + a * steps[:, None], -1)
    base, moved = (start, a * steps[:, None]) if forward else (end, -a * steps[:, None])
    weights = base.exp()
    change = moved - (weights * moved).sum(-1, keepdim=True)
    # The mean change is 0: below it log(1 + Σ p (e^x - 1 - x)) keeps its digits, above it nothing overflows.
    small = change.abs().amax(-1) < 0.5
    near = torch.where(small[..., None], change, torch.zeros_like(change))
    curved = torch.log1p((weights * _expm1_less_one(near)).sum(-1))
    return torch.where(small, curved, (base + change).logsumexp(-1)).clamp(min=0.0)


def _expm1_less_one(x: Tensor) -> Tensor:
    """e^x - 1 - x, to all digits near 0 too, for |x| at most 0.5."""
    total, term = torch.zeros_like(x), torch.ones_like(x)
    for n in range(1, 16):
        term = term * x / n
        if n > 1:
            total = total + term
    return total


def divergence_step(z: Tensor, a: Tensor, limit: float, worst: bool = True, forward: bool = True) -> float:
    """The longest step τ > 0 at which the divergence is no larger than a limit: a trust region of the linearised softmax.

    `linearised_divergence` grows with τ (it is convex or, in the other direction, has the derivative τ K''), so halving
    finds the one step.

    Args:
        z: (samples, classes) logits. a: their slopes. limit: nats, above 0.
        worst: of the sample that moves most, or else of the mean over the samples. forward: see `linearised_divergence`.

    Returns:
        τ; +inf where no step reaches the limit.

    Raises:
        InvalidSweep: when the limit is not positive and finite.
        InvalidClasses: as `linearised_divergence`.

    >>> z, a = torch.tensor([[[0.0, 0.0]], [[1.0, -1.0]]], dtype=torch.float64)
    >>> round(divergence_step(z, a, 0.4337808304830271), 9)
    1.0
    """
    if not (math.isfinite(limit) and limit > 0):
        raise InvalidSweep(f"limit={limit!r} of a divergence; allowed: finite, above 0")

    z, a = live_classes(z, a)
    spread = float((a.amax(-1) - a.amin(-1)).max())
    if spread == 0:
        return math.inf

    def found(logarithm: float) -> Tensor:
        return linearised_divergence(z, a, z.new_tensor([math.exp(logarithm)]), forward).squeeze(-1)

    # No divergence is larger than (τΔ)²/8, so this step is within the limit.
    low = 0.5 * math.log(8 * limit) - math.log(spread)
    high = low
    while not _beyond(found(high), limit, worst):
        high += 2.0
        if high - low > 60:
            return math.inf
    while high - low > 1e-12:
        middle = (low + high) / 2
        values = found(middle)
        if not _beyond(values, limit, worst):
            low = middle
            continue
        high = middle
        if worst:
            # Divergences grow: who is within the limit here is within it at every shorter step.
            z, a = z[values > limit], a[values > limit]
    return math.exp((low + high) / 2)


def _beyond(values: Tensor, limit: float, worst: bool) -> bool:
    return float(values.amax() if worst else values.mean()) > limit
