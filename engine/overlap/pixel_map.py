"""Correlations under a sky given point by point: HEALPix maps and point sources, with no limit in l."""

from functools import lru_cache

import torch
from torch import Tensor

from .antenna import antenna_patterns, pair_response, responses, tangents, vector_table
from .harmonics import unit_vectors
from .healpix import nside_of, pixel_directions
from .nested import ring_of_nested
from .sky_frame import checked_pulsars

__all__ = [
    "NSIDE_MAX",
    "antenna_patterns",
    "checked_map",
    "map_matrix",
    "overlap_from_map",
    "overlap_from_point_sources",
    "pair_response",
]

NSIDE_MAX = 64
# Entries of one pattern held at a time: 2 MB, which stays in a core's cache
_PATTERNS = 1 << 18


def overlap_from_map(directions: Tensor, sky: Tensor, nest: bool = False) -> Tensor:
    """Correlations of every pair under a HEALPix map of the power.

    Γ_ab = (3/2)/N_pix Σ_pixels P ΣF_aF_b, convention E, without pulsar term; a map of ones gives the
    Hellings–Downs curve up to the pixels' error, which falls as NSIDE⁻² (about 1e-4 at 32). Any sign of P is
    taken. Differentiable in positions and map.

    Args:
        directions: (N, 3) vectors to the pulsars, in the coordinates of the map (ICRS elsewhere here).
        sky: (12 NSIDE²,) power by SOURCE direction, NSIDE ≤ 64; mean 1 for the usual normalisation.
        nest: nested order instead of ring order.

    Returns:
        float64 (pairs,) in the order of torch.triu_indices(N, N, 1).

    Raises:
        ValueError: on fewer than two pulsars or bad vectors; on a map of wrong length, of NSIDE > 64, or with
            NaN or infinite pixels, naming the first.

    >>> pair = torch.tensor([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
    >>> round(overlap_from_map(pair, torch.ones(12 * 32**2)).item(), 3)
    -0.145
    """
    pulsars = checked_pulsars(directions)
    values = torch.as_tensor(sky, dtype=torch.float64, device=pulsars.device)
    return upper_triangle(map_matrix(pulsars, *checked_map(values, nest)))


def overlap_from_point_sources(directions: Tensor, sources: Tensor, weights: Tensor | None = None) -> Tensor:
    """Correlations of every pair under a sky of point sources, exact.

    P(n) = 4π Σ_k w_k δ(n, n_k)/Σ_k w_k, mean power 1: Γ_ab = 3/2 Σ_k w_k ΣF_aF_b(n_k)/Σ_k w_k, convention E.

    Args:
        directions: (N, 3) vectors to the pulsars.
        sources: (K, 3) vectors to the sources.
        weights: (K,) powers, finite, none negative, not all zero; equal when left out.

    Returns:
        float64 (pairs,) in the order of torch.triu_indices(N, N, 1), without pulsar term.

    Raises:
        ValueError: on bad vectors, fewer than two pulsars, no source, weights that break the rules above.

    >>> overlap_from_point_sources(torch.eye(3)[:2], torch.eye(3)[2:]).tolist()
    [-0.375]
    """
    pulsars = checked_pulsars(directions)
    points = unit_vectors(vector_table(sources, "sources")).to(pulsars.device)
    powers = points.new_ones(len(points)) if weights is None else _checked_weights(weights, points)
    return upper_triangle(map_matrix(pulsars, powers / powers.sum(), points, *tangents(points)))


def map_matrix(pulsars: Tensor, weights: Tensor, points: Tensor, theta: Tensor, phi: Tensor) -> Tensor:
    """3/2 Σ_points w ΣF_aF_b for all a and b, the diagonal included: (N, N), without pulsar term."""
    step = max(1, _PATTERNS // len(pulsars))
    total = pulsars.new_zeros(len(pulsars), len(pulsars))
    for start in range(0, len(points), step):
        part = slice(start, start + step)
        response = responses(pulsars, points[part], theta[part], phi[part])
        half = 1.5 * weights[part]
        for pattern in (response.plus, response.cross):
            total = torch.addmm(total, pattern * half, pattern.T)
        if bool(response.centred.any()):
            centred = response.centred.double()
            total = torch.addmm(total, centred * half, centred.T)
    return total


def checked_map(sky: Tensor, nest: bool = False) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Weights P/N_pix in ring order, with pixel centres and their axes θ̂ and φ̂.

    Raises:
        ValueError: as for `overlap_from_map`.
    """
    values = torch.as_tensor(sky, dtype=torch.float64)
    if values.ndim != 1:
        raise ValueError(f"sky has shape {tuple(values.shape)}: a vector of 12 NSIDE² pixels is needed")
    nside = nside_of(len(values))
    if nside > NSIDE_MAX:
        raise ValueError(f"sky has NSIDE {nside}: at most {NSIDE_MAX} is taken; degrade the map first")
    checked_finite(values, "sky")
    if nest:
        values = values.index_select(0, _ring_order(nside).to(values.device))
    points, theta, phi = (part.to(values.device) for part in _pixel_frames(nside))
    return values / len(values), points, theta, phi


def checked_finite(values: Tensor, name: str) -> Tensor:
    """The values themselves.

    Raises:
        ValueError: naming the first NaN or infinite one.
    """
    bad = ~torch.isfinite(values.detach())
    if bool(bad.any()):
        index = int(bad.nonzero()[0])
        raise ValueError(f"{name}: number {index} is {values.detach()[index].item()}; finite ones are needed")
    return values


def upper_triangle(matrix: Tensor) -> Tensor:
    """Entries above the diagonal, row by row."""
    first, second = torch.triu_indices(len(matrix), len(matrix), 1, device=matrix.device)
    return matrix[first, second]


def _checked_weights(weights: Tensor, points: Tensor) -> Tensor:
    values = torch.as_tensor(weights, dtype=torch.float64, device=points.device)
    if values.shape != points.shape[:1]:
        raise ValueError(
            f"weights has shape {tuple(values.shape)}: ({len(points)},), one a source, is needed"
        )
    checked_finite(values, "weights")
    if bool((values < 0).any()) or not bool((values > 0).any()):
        raise ValueError(
            f"weights add up from {values.tolist()[:8]}: none negative and one positive is needed"
        )
    return values


@lru_cache(maxsize=8)
def _pixel_frames(nside: int) -> tuple[Tensor, Tensor, Tensor]:
    """Pixel centres and their axes θ̂ and φ̂."""
    points = pixel_directions(nside)
    return points, *tangents(points)


@lru_cache(maxsize=8)
def _ring_order(nside: int) -> Tensor:
    """The nested pixel of each pixel in ring order."""
    return ring_of_nested(nside).argsort()
