"""Exact draws from a Gaussian density cut off to an interval, however far out in its tail."""

import numpy as np
import torch
from scipy import special
from torch import Tensor


def truncated_gaussian(
    precision: Tensor, linear: Tensor, low: Tensor, high: Tensor, uniform: Tensor
) -> Tensor:
    """Draws t of density ∝ exp(−½ precision t² + linear t) on low ≤ t ≤ high, by inverting its distribution.

    In logarithms of the distribution function of the nearer tail (scipy.special.ndtri_exp), so that intervals
    a hundred standard deviations away work. Where the Gaussian is flat over the interval the draw is uniform.

    Args:
        precision: (...) at least 0.
        linear: (...) precision times mean.
        low: (...) finite, unless precision > 0.
        high: (...) as low, at least low.
        uniform: (...) numbers in 0 … 1.

    Returns:
        float64 (...), within the interval.
    """
    flat = precision * (high - low).square() < 1e-16
    scale = torch.where(flat, 1.0, precision).sqrt()
    mean = torch.where(flat, 0.0, linear / torch.where(flat, 1.0, precision))
    first, last = scale * (low - mean), scale * (high - mean)
    # Mirror what lies right of the mean: the left tail keeps its digits.
    mirrored = first + last > 0
    start, end = torch.where(mirrored, -last, first), torch.where(mirrored, -first, last)
    share = torch.where(mirrored, 1 - uniform, uniform)
    standard = torch.from_numpy(_inverted(_array(start), _array(end), _array(share))).to(low.device)
    standard = torch.where(mirrored, -standard, standard)
    inside = torch.where(flat, torch.lerp(low, high, uniform), standard / scale + mean)
    # An unbounded flat interval never reaches here; rounding may step over an end.
    return inside.maximum(low).minimum(high)


def _array(values: Tensor) -> np.ndarray:
    return values.detach().cpu().numpy()


def _inverted(start: np.ndarray, end: np.ndarray, share: np.ndarray) -> np.ndarray:
    """x with Φ(x) = Φ(start) + share (Φ(end) − Φ(start))."""
    log_start, log_end = special.log_ndtr(start), special.log_ndtr(end)
    # log[share e^end + (1 − share) e^start], relative to the end, which is the larger
    ratio = np.exp(log_start - log_end)
    return special.ndtri_exp(log_end + np.log(share + (1 - share) * ratio))


def draw_amplitude(model: Tensor, data: Tensor, generator: torch.Generator | None) -> Tensor:
    """A² from exp(−½|data − A² model|²) on A² ≥ 0, one draw for each model.

    Args:
        model: (batch, j) mean data at A² = 1, none of them zero.
        data: (j,).
        generator: source of randomness, on the CPU.

    Returns:
        float64 (batch,).
    """
    precision = model.square().sum(-1)
    zero = torch.zeros_like(precision)
    # In the open interval 0 … 1: an end of it would be an infinite draw.
    uniform = torch.rand(len(zero), generator=generator, dtype=torch.float64).clamp(min=2.0**-54)
    return truncated_gaussian(precision, model @ data, zero, zero + torch.inf, uniform.to(zero.device))
