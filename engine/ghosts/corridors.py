"""Corridors: the stretches of the real step axis above which a ghost can live."""

import math

import torch
from torch import Tensor

from .classes import merge_equal_slopes, one_sample
from .errors import InvalidWindow

_SECTIONS, _ROUNDS = 16, 9
"""The search for a minimum cuts its interval to a 16th in each round: to 1e-11 of the axis in all."""


def corridors(z: Tensor, a: Tensor, re_min: float, re_max: float) -> Tensor:
    """Intervals of the real step axis in which no class has more than half the probability.

    Where one class has, its term exceeds the sum of all others, so F cannot vanish on the vertical line
    through that point: ghosts live above corridors only (ours). The rest of a class,
    Σ_{j≠k} exp((z_j - z_k) + (a_j - a_k) u), is convex in u, so each class dominates one open interval at
    most; its two ends are found to rounding, and the corridors are what these intervals leave. Classes of
    one slope count as one.

    Args:
        z: (classes,) logits of one sample.
        a: (classes,) slopes per unit step.
        re_min: left end of the axis.
        re_max: right end.

    Returns:
        (corridors, 2) left and right ends in increasing order, cut at re_min and re_max. For two classes a
        corridor is a single point, both ends equal up to rounding.

    Raises:
        InvalidClasses: on logits or slopes that describe no softmax.
        InvalidWindow: unless re_min < re_max, both finite.

    >>> z = torch.tensor([2.0, 0.0], dtype=torch.float64)
    >>> ends = corridors(z, torch.tensor([0.0, 1.0], dtype=torch.float64), -5, 5)
    >>> [round(u, 6) for u in ends.flatten().tolist()]
    [2.0, 2.0]
    """
    if not (math.isfinite(re_min) and math.isfinite(re_max) and re_min < re_max):
        raise InvalidWindow(f"re_min < re_max must hold and both be finite, not {re_min} and {re_max}")
    z, a = merge_equal_slopes(*one_sample(z, a))
    live = z > -torch.inf
    z, a = z[live], a[live]
    left, right = _dominated(z, a, re_min, re_max)
    order = left.argsort()
    left, right = left[order].tolist(), right[order].tolist()
    starts, ends = [re_min, *right], [*left, re_max]
    # Interval ends are exact to rounding: neighbours of a two-class corridor may overlap by an ulp.
    pairs = [(min(s, e), max(s, e)) for s, e in zip(starts, ends, strict=True)]
    kept = [pair for n, pair in enumerate(pairs) if not _outside(n, pair, pairs, re_min, re_max)]
    return z.new_tensor(kept).reshape(-1, 2)


def _outside(
    n: int, pair: tuple[float, float], pairs: list[tuple[float, float]], re_min: float, re_max: float
) -> bool:
    """The outermost pieces are no corridors when a class dominates up to the end of the axis."""
    first = n == 0 and pair == (re_min, re_min)
    last = n == len(pairs) - 1 and pair == (re_max, re_max)
    return first or last


def _dominated(z: Tensor, a: Tensor, re_min: float, re_max: float) -> tuple[Tensor, Tensor]:
    """Ends of the intervals, cut to the axis, in which one class has more than half the probability."""
    classes = len(z)
    if classes == 1:
        return z.new_tensor([re_min]), z.new_tensor([re_max])
    heights, slopes = z - z[:, None], a - a[:, None]
    others = ~torch.eye(classes, dtype=torch.bool, device=z.device)
    heights = torch.where(others, heights, -torch.inf)
    lowest = _minimum(heights, slopes, re_min, re_max)
    dominates = _rest(heights, slopes, lowest) < 0
    heights, slopes = heights[dominates], slopes[dominates]
    ends = heights.new_tensor([re_min, re_max]).repeat_interleave(len(heights))
    left, right = _crossing(heights.repeat(2, 1), slopes.repeat(2, 1), ends).chunk(2)
    return left, right


def _rest(heights: Tensor, slopes: Tensor, u: Tensor) -> Tensor:
    """log of the summed odds of all other classes, convex in u."""
    return (heights + slopes * u[:, None]).logsumexp(-1)


def _minimum(heights: Tensor, slopes: Tensor, re_min: float, re_max: float) -> Tensor:
    """Where on the axis the convex rest is smallest: its derivative changes sign once."""
    low, high = heights.new_full(heights.shape[:1], re_min), heights.new_full(heights.shape[:1], re_max)
    inner = torch.arange(1, _SECTIONS, dtype=heights.dtype, device=heights.device) / _SECTIONS
    for _ in range(_ROUNDS):
        width = (high - low) / _SECTIONS
        places = low[:, None] + (high - low)[:, None] * inner
        weights = torch.softmax(heights[:, None] + slopes[:, None] * places[..., None], -1)
        falling = ((weights * slopes[:, None]).sum(-1) <= 0).sum(-1)
        low = low + falling * width
        high = low + width
    ends = torch.stack((low, high, torch.full_like(low, re_min), torch.full_like(low, re_max)))
    values = torch.stack([_rest(heights, slopes, u) for u in ends])
    return ends.gather(0, values.argmin(0, keepdim=True)).squeeze(0)


def _crossing(heights: Tensor, slopes: Tensor, end: Tensor) -> Tensor:
    """Where the rest crosses zero between a dominated point and an end of the axis; else the end itself.

    From the side where a convex function is positive Newton's steps never overshoot; the rest is nearly
    straight there, and a dozen steps reach rounding; each kink where another class takes over may cost one
    more.
    """
    u = end
    for _ in range(12 + len(heights[0]) if len(heights) else 0):
        exponents = heights + slopes * u[:, None]
        value = exponents.logsumexp(-1)
        slope = (torch.softmax(exponents, -1) * slopes).sum(-1)
        step = torch.where((value > 0) & (slope != 0), value / slope, 0.0)
        u = u - step
        if bool((step.abs() <= 4 * torch.finfo(u.dtype).eps * u.abs()).all()):
            break
    return u
