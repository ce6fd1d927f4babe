"""How much a Markov chain knows: effective sample size and the agreement of several chains."""

import math

import torch
from torch import Tensor

from .whitening import float64


def effective_sample_size(draws: Tensor) -> Tensor:
    """Number of independent draws that would give the mean as precisely as the chains do.

    Geyer's (1992) initial monotone sequence on the autocorrelation of all chains together, as in Vehtari et al.
    (2021), arXiv:1903.08008, without rank normalisation. For an AR(1) chain of coefficient a it tends to
    draws (1 − a)/(1 + a).

    Args:
        draws: (chains, draws, ...) after warm-up, at least 4 draws.

    Returns:
        float64 (...), between 1 and chains · draws · log10(chains · draws). A quantity that never moves has 1.

    Raises:
        ValueError: on a wrong shape or numbers that are not finite.

    >>> white = torch.randn(4, 1000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    >>> 3000 < effective_sample_size(white).item() < 5000
    True
    """
    draws = _checked(draws)
    chains, length = draws.shape[:2]
    covariance = _autocovariance(draws).mean(0)
    within = covariance[0] * length / (length - 1)
    between = draws.mean(1).var(0) if chains > 1 else torch.zeros_like(within)
    total = covariance[0] + between
    moving = total > 0
    safe = torch.where(moving, total, 1.0)
    correlation = 1 - (within - covariance) / safe
    correlation[0] = 1
    # Sums of neighbouring lags are positive and fall for a reversible chain; what breaks that is noise.
    even = correlation[: length // 2 * 2].unflatten(0, (-1, 2)).sum(1)
    positive = (even > 0).double().cumprod(0)
    sums = (even.cummin(0).values * positive).sum(0)
    size = float(chains * length)
    time = (2 * sums - 1).clamp(min=1 / math.log10(size))
    return torch.where(moving, (size / time).clamp(min=1), 1.0)


def potential_scale_reduction(draws: Tensor) -> Tensor:
    """Split R̂ of Gelman et al. (2013): 1 when all halves of all chains agree, above about 1.01 when not.

    Args:
        draws: (chains, draws, ...) after warm-up, at least 4 draws.

    Returns:
        float64 (...). A quantity that never moves has 1.
    """
    draws = _checked(draws)
    half = draws.shape[1] // 2
    halves = torch.cat([draws[:, :half], draws[:, draws.shape[1] - half :]])
    within = halves.var(1).mean(0)
    between = halves.mean(1).var(0)
    apart = torch.where(between > 0, torch.inf, 1.0)
    ratio = (between / torch.where(within > 0, within, 1.0) + (half - 1) / half).sqrt()
    return torch.where(within > 0, ratio, apart)


def _checked(draws: Tensor) -> Tensor:
    draws = float64(draws)
    if draws.ndim < 2 or draws.shape[0] < 1 or draws.shape[1] < 4:
        raise ValueError(f"draws has shape {tuple(draws.shape)}: (chains, 4 or more draws, ...) is needed")
    if not bool(torch.isfinite(draws).all()):
        raise ValueError("draws holds numbers that are not finite")
    return draws


def _autocovariance(draws: Tensor) -> Tensor:
    """(chains, lags, ...) by FFT, padded so that the ends do not meet; divided by the length at every lag."""
    length = draws.shape[1]
    centred = draws - draws.mean(1, keepdim=True)
    spectrum = torch.fft.rfft(centred, n=2 * length, dim=1).abs().square()
    return torch.fft.irfft(spectrum, n=2 * length, dim=1)[:, :length] / length
