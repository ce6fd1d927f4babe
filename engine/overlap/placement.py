"""Which pulsar next: what an array knows of the sky, and how that changes with the place of one more pulsar.

The Fisher matrix of c_lm is that of Ali-Haïmoud, Smith & Mingarelli (2020), arXiv:2006.14570; its use as a map over
the sky with gradients by automatic differentiation is ours.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from .harmonics import unit_vectors
from .sky_frame import checked_pulsars, overlap_harmonics
from .whitening import float64

KINDS = ("d_optimal", "anisotropy", "a_optimal", "snr")


class PlacementMap(NamedTuple):
    """The figure with one more pulsar at each candidate place.

    value: (candidates,) figure of the enlarged array.
    gain: (candidates,) what the new pulsar adds to `base`.
    gradient: (candidates, 3) tangent vectors, change of value per radian; it points where the pulsar helps more.
    base: figure of the array as it is.
    """

    value: Tensor
    gain: Tensor
    gradient: Tensor
    base: float


def fisher_figure(
    directions: Tensor,
    noise: Tensor | float,
    l_max: int,
    kind: str = "d_optimal",
    prior: float = 1.0,
) -> Tensor:
    """One number for what an array would learn; larger is better, differentiable in positions and noise.

    With M the Fisher matrix of A² c_lm up to l_max and p the prior precision of each coefficient:
    "d_optimal": ½ ln det(1 + M/p), nats of information about the sky;
    "anisotropy": the same about l ≥ 1, with c_00 fitted too: less by ½ ln(1 + M_00/p);
    "a_optimal": −trace (p + M)⁻¹, minus the summed variance of all coefficients;
    "snr": √(4π M_00), the Hellings–Downs SNR of A² = 1.

    Args:
        directions: (N, 3) pulsars; only the direction counts.
        noise: (N,) or one number, positive; σ_ab = noise_a noise_b, in units where the background has A² = 1.
        l_max: band limit, 0 … 32.
        kind: see above.
        prior: p, positive.

    Returns:
        float64 scalar.

    Raises:
        ValueError: on an unknown kind, noise or prior that is not positive, or so small that the figure is beyond
            float64, and as `overlap_harmonics`.

    >>> axes = torch.eye(3, dtype=torch.float64)
    >>> round(fisher_figure(axes, 1.0, 2, "snr").item(), 6)  # three pairs at 90°: √3 · 0.144860
    0.250906
    """
    pulsars = checked_pulsars(directions)
    noise = _checked(noise, len(pulsars), kind, prior).to(pulsars.device)
    return _finite(_figure(_fisher(pulsars, noise, l_max), kind, prior), noise, prior)


def placement_map(
    directions: Tensor,
    candidates: Tensor,
    noise: Tensor | float,
    l_max: int,
    kind: str = "d_optimal",
    prior: float = 1.0,
    candidate_noise: float | None = None,
) -> PlacementMap:
    """The figure, and its gradient, with one pulsar added at each point of a sky grid.

    Args:
        directions: (N, 3) pulsars of the array.
        candidates: (candidates, 3) places for one more, each tried alone.
        noise: (N,) or one number, as in `fisher_figure`.
        l_max: band limit.
        kind: of `fisher_figure`.
        prior: of `fisher_figure`.
        candidate_noise: of the new pulsar; the median of the array when not given.

    Returns:
        PlacementMap.

    Raises:
        ValueError: as `fisher_figure`, and on a wrong shape of candidates.
    """
    pulsars = checked_pulsars(directions).detach()
    noise = _checked(noise, len(pulsars), kind, prior).to(pulsars.device).detach()
    added = float(noise.median()) if candidate_noise is None else candidate_noise
    if not 0 < added < float("inf"):
        raise ValueError(f"candidate_noise is {added}: a positive number is needed")
    places = float64(candidates).detach()
    if places.ndim != 2 or places.shape[1] != 3 or len(places) < 1:
        raise ValueError(f"candidates has shape {tuple(places.shape)}: (candidates, 3) is needed")
    base = _fisher(pulsars, noise, l_max)
    values: list[Tensor] = []
    gradients: list[Tensor] = []
    # As many candidates as pulsars at a time: then half of all pairs among them are of one of each.
    for some in unit_vectors(places).split(len(pulsars)):
        point = some.clone().requires_grad_(True)
        enlarged = base + _added_fisher(point, pulsars, noise * added, l_max)
        value = _finite(_figure(enlarged, kind, prior), noise.clamp(max=added), prior)
        (slope,) = torch.autograd.grad(value.sum(), point)
        values.append(value.detach())
        gradients.append(slope - (slope * some).sum(-1, keepdim=True) * some)
    value, before = torch.cat(values), float(_figure(base, kind, prior))
    return PlacementMap(value, value - before, torch.cat(gradients), before)


def _checked(noise: Tensor | float, pulsars: int, kind: str, prior: float) -> Tensor:
    if kind not in KINDS:
        raise ValueError(f"kind is {kind!r}: one of {', '.join(KINDS)} is needed")
    if not 0 < prior < float("inf"):
        raise ValueError(f"prior is {prior}: a positive precision is needed")
    values = torch.as_tensor(noise, dtype=torch.float64)
    if values.ndim > 1 or (values.ndim == 1 and len(values) != pulsars):
        raise ValueError(f"noise has shape {tuple(values.shape)}: ({pulsars},) or one number is needed")
    if not bool((values > 0).all()):
        raise ValueError(f"noise holds {values.min().item()}: it must be positive")
    return values.expand(pulsars)


def _finite(figure: Tensor, noise: Tensor, prior: float) -> Tensor:
    if not bool(torch.isfinite(figure).all()):
        raise ValueError(
            f"noise of {noise.min().item()} with prior {prior}: the figure is beyond float64, larger ones are needed"
        )
    return figure


def _fisher(pulsars: Tensor, noise: Tensor, l_max: int) -> Tensor:
    """M (k, k) of all pairs of an array."""
    first, second = torch.triu_indices(len(pulsars), len(pulsars), 1, device=pulsars.device)
    white = overlap_harmonics(pulsars, l_max) / (noise[first] * noise[second]).unsqueeze(-1)
    return white.mT @ white


def _added_fisher(points: Tensor, pulsars: Tensor, sigma: Tensor, l_max: int) -> Tensor:
    """What the pairs of each point with all pulsars add to M: (points, k, k); sigma (N,) of those pairs."""
    count, total = len(points), len(points) + len(pulsars)
    first, second = torch.triu_indices(total, total, 1, device=pulsars.device)
    mixed = (first < count) & (second >= count)
    gamma = overlap_harmonics(torch.cat([points, pulsars]), l_max)[mixed].unflatten(0, (count, -1))
    white = gamma / sigma.unsqueeze(-1)
    return white.mT @ white


def _figure(fisher: Tensor, kind: str, prior: float) -> Tensor:
    """The figure (...) of Fisher matrices (..., k, k)."""
    monopole = fisher[..., 0, 0]
    if kind == "snr":
        return (4 * math.pi * monopole).sqrt()
    unit = torch.eye(fisher.shape[-1], dtype=fisher.dtype, device=fisher.device)
    if kind == "a_optimal":
        inverse = torch.linalg.inv(fisher + prior * unit)
        return -inverse.diagonal(dim1=-2, dim2=-1).sum(-1)
    information = 0.5 * torch.linalg.slogdet(unit + fisher / prior).logabsdet
    return information - 0.5 * torch.log1p(monopole / prior) if kind == "anisotropy" else information
