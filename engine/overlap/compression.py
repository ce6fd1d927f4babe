"""All that a band-limited likelihood needs of the pair correlations, in as many numbers as it has coefficients.

Ours: an orthogonal (QR) compression of the whitened design. Nothing is lost: for every c,
|ρ/σ − Γc/σ|² = |d − R c|² + leftover, with d = Qᵀρ/σ.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from .whitening import checked_sigma, float64, whiten, whiten_response


class Compressed(NamedTuple):
    """Γ/σ = q r with orthonormal columns in q: (pairs, j), r: (j, k), j = min(pairs, k); sigma: (pairs,)."""

    q: Tensor
    r: Tensor
    sigma: Tensor


def compress(gamma: Tensor, sigma: Tensor) -> Compressed:
    """Factorise the whitened design once for an array.

    Args:
        gamma: (pairs, k) overlaps Γ_lm (or of any other basis of skies), convention E.
        sigma: (pairs,) standard deviations of the correlations.

    Returns:
        Compressed, on the device of gamma.

    Raises:
        ValueError: on shapes that disagree, a σ that is not positive, overlaps that are not finite.
    """
    white = whiten_response(gamma, sigma)
    q, r = torch.linalg.qr(white)
    return Compressed(q, r, checked_sigma(sigma, len(white)))


def project(compressed: Compressed, rho: Tensor) -> Tensor:
    """The sufficient statistic d = Qᵀ(ρ/σ): (..., pairs) → (..., j), unit Gaussian noise in each number."""
    return whiten(rho, compressed.sigma) @ compressed.q


def leftover(compressed: Compressed, rho: Tensor) -> Tensor:
    """The part of χ² that no sky of the basis can change: |ρ/σ|² − |d|², shape (...), pairs − j on average."""
    white = whiten(rho, compressed.sigma)
    inside = (white @ compressed.q) @ compressed.q.mT
    return (white - inside).square().sum(-1)


def log_likelihood(compressed: Compressed, data: Tensor, coefficients: Tensor) -> Tensor:
    """ln L(c) = −½|d − R c|² up to what no c can change.

    Args:
        compressed: the array.
        data: (..., j) from `project`.
        coefficients: (..., k) A² c_lm.

    Returns:
        float64 (...) log-likelihoods.

    Raises:
        ValueError: on shapes that disagree.
    """
    data, coefficients, (rows, columns) = float64(data), float64(coefficients), compressed.r.shape
    if data.shape[-1:] != (rows,) or coefficients.shape[-1:] != (columns,):
        raise ValueError(
            f"data has shape {tuple(data.shape)}, coefficients {tuple(coefficients.shape)}: "
            f"(..., {rows}) and (..., {columns}) are needed"
        )
    return -0.5 * (data - coefficients @ compressed.r.mT).square().sum(-1)
