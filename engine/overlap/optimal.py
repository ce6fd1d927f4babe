"""Optimal statistics: one amplitude, several correlation patterns at once, and binned correlations."""

from typing import NamedTuple

import torch
from torch import Tensor

from .isotropic import hellings_downs
from .whitening import checked_sigma, float64, whiten, whiten_response


class OptimalStatistic(NamedTuple):
    """A² with its standard deviation for A² = 0, and their ratio; shapes (...)."""

    amplitude: Tensor
    uncertainty: Tensor
    snr: Tensor


class MultiComponent(NamedTuple):
    """A joint fit of several patterns: (..., components), and what is common to all data sets."""

    amplitudes: Tensor
    uncertainties: Tensor
    snrs: Tensor
    covariance: Tensor
    condition: float


class BinnedCorrelations(NamedTuple):
    """Inverse-variance means in bins of separation: (..., bins) means, the rest (bins,)."""

    separation: Tensor
    mean: Tensor
    uncertainty: Tensor
    pairs: Tensor


def optimal_statistic(rho: Tensor, gamma_pair: Tensor, sigma: Tensor) -> OptimalStatistic:
    """Â² = Σ ρΓ/σ² / Σ Γ²/σ² and its signal-to-noise ratio.

    Anholm et al. (2009), Chamberlin et al. (2015), arXiv:1410.8256, in the form for given pair correlations.

    Args:
        rho: (..., pairs) correlations.
        gamma_pair: (pairs,) or (..., pairs) expected overlaps, convention E.
        sigma: (pairs,) standard deviations of rho.

    Returns:
        OptimalStatistic of the common leading shape of rho and gamma_pair; amplitude and uncertainty in units
        of rho. The uncertainty is that of pure noise: cosmic and signal variance are not in it.

    Raises:
        ValueError: on shapes that disagree, numbers that are not finite, or a pattern without any overlap.

    >>> optimal_statistic(torch.tensor([1.0, 2.0]), torch.tensor([0.5, 1.0]), torch.ones(2)).amplitude.item()
    2.0
    """
    data, pattern = whiten(rho, sigma), whiten(gamma_pair, sigma, "gamma_pair")
    information = pattern.square().sum(-1)
    if not bool((information > 0).all()):
        raise ValueError("gamma_pair is zero for every pair that carries information")
    amplitude = (data * pattern).sum(-1) / information
    uncertainty = information.rsqrt().expand(amplitude.shape)
    return OptimalStatistic(amplitude, uncertainty, amplitude / uncertainty)


def multi_component(
    rho: Tensor, sigma: Tensor, separations: Tensor, patterns: Tensor | None = None
) -> MultiComponent:
    """Amplitudes of monopole, dipole and Hellings–Downs correlations, fitted together.

    Sardesai & Vigeland (2023), arXiv:2303.09615: least squares on the design [1, cos ζ, HD(ζ)].

    Args:
        rho: (..., pairs) correlations.
        sigma: (pairs,) standard deviations.
        separations: (pairs,) ζ in radians.
        patterns: (pairs, components) other patterns instead of the three.

    Returns:
        MultiComponent, components in the order of the patterns. covariance (components, components) in units
        of rho²; condition is that of the Fisher matrix of patterns scaled to equal SNR, so it measures how
        alike they look to this array and nothing else.

    Raises:
        ValueError: on shapes that disagree, or patterns that the pairs cannot tell apart.
    """
    zeta = float64(separations)
    if patterns is None:
        patterns = torch.stack([torch.ones_like(zeta), zeta.cos(), hellings_downs(separations)], -1)
    data, design = whiten(rho, sigma), whiten_response(patterns, sigma, "patterns")
    if zeta.shape != data.shape[-1:] or len(design) != len(zeta):
        raise ValueError(f"separations has shape {tuple(zeta.shape)}: ({data.shape[-1]},) is needed")
    scale = torch.linalg.vector_norm(design, dim=0)
    q, r = torch.linalg.qr(design / torch.where(scale > 0, scale, 1.0))
    values = torch.linalg.svdvals(r)
    if len(design) < design.shape[1] or bool(values[-1] <= 1e-12 * values[0]):
        raise ValueError(f"patterns cannot be told apart by these {len(zeta)} pairs")
    inverse = torch.linalg.inv(r) / scale.unsqueeze(-1)
    covariance = inverse @ inverse.mT
    amplitudes = (data @ q) @ inverse.mT
    uncertainties = covariance.diagonal().sqrt().expand(amplitudes.shape)
    condition = float((values[0] / values[-1]).square())
    return MultiComponent(amplitudes, uncertainties, amplitudes / uncertainties, covariance, condition)


def binned(separations: Tensor, rho: Tensor, sigma: Tensor, edges: Tensor) -> BinnedCorrelations:
    """Weighted mean correlation in each bin of separation.

    Args:
        separations: (pairs,) ζ in radians.
        rho: (..., pairs) correlations.
        sigma: (pairs,) standard deviations.
        edges: (bins + 1,) ascending, in radians; a bin holds edges[i] ≤ ζ < edges[i + 1], the last one its
            right edge too. Pairs outside all bins are left out.

    Returns:
        BinnedCorrelations. separation is the weighted mean ζ of the pairs of a bin. An empty bin says what it
        knows: pairs 0, uncertainty +inf, mean 0 of weight 0, its centre as separation.

    Raises:
        ValueError: on shapes that disagree, edges that do not ascend, and naming the first separation or correlation
            that is not finite and the first σ that is not positive.
    """
    zeta, edges, data = float64(separations), float64(edges), float64(rho)
    if zeta.shape != data.shape[-1:]:
        raise ValueError(f"separations has shape {tuple(zeta.shape)}: ({data.shape[-1]},) is needed")
    _require_finite(zeta, "separations")
    _require_finite(data, "rho")
    if edges.ndim != 1 or len(edges) < 2 or not bool((edges.diff() > 0).all()):
        raise ValueError(f"edges has shape {tuple(edges.shape)}: two or more ascending numbers are needed")
    weight = whiten(torch.ones_like(zeta), checked_sigma(sigma, len(zeta))).square()
    index = torch.bucketize(zeta, edges, right=True) - 1
    index = torch.where(zeta == edges[-1], len(edges) - 2, index)
    bins = torch.arange(len(edges) - 1, device=zeta.device)
    member = (index == bins.unsqueeze(-1)).double()
    total = member @ weight
    safe = torch.where(total > 0, total, 1.0)
    centre = torch.where(total > 0, member @ (weight * zeta) / safe, (edges[1:] + edges[:-1]) / 2)
    mean = (whiten(data, sigma) * weight.sqrt()) @ member.mT / safe
    return BinnedCorrelations(centre, mean, total.rsqrt(), member.sum(-1).long())


def _require_finite(values: Tensor, name: str) -> None:
    """Nothing for finite (..., pairs); one NaN would otherwise reach every bin through the products."""
    bad = ~torch.isfinite(values)
    if bool(bad.any()):
        *_, pair = bad.nonzero()[0].tolist()
        raise ValueError(f"{name} of pair {pair} is {values[bad][0].item()}: finite numbers are needed")
