"""The radiometer map of an array without its (pairs, pixels) response: quadratic forms of the antenna patterns.

Ours. With F = F₊ + i F×, ΣF_aF_b = Re(F_a F̄_b) and its square is ½ (|F_a|² |F_b|² + Re(F_a² F̄_b²)), so that
the dirty map and the diagonal of the Fisher matrix are sums over pairs of N × N matrices: for 200 pulsars a few
megabytes in place of 122. Equal to the engine's `radiometer` of its `pixel_response`.
"""

from __future__ import annotations

import torch
from torch import Tensor

from anisoscope.engine.overlap.maps import RadiometerMap

from .content import patterns


def radiometer_map(key: bytes, rho: Tensor, sigma: Tensor, nside: int) -> RadiometerMap:
    """Power, σ and SNR of every pixel as if it alone made all correlations.

    Args:
        key: `content` of the directions.
        rho: (pairs,) correlations, in the order of torch.triu_indices(N, N, 1).
        sigma: (pairs,) standard deviations, positive.
        nside: of the ring-ordered map.

    Returns:
        RadiometerMap, (12 nside²,) each. Where no pair responds: power 0, σ +inf, SNR 0.
    """
    plus, cross = patterns(key, nside)
    scale = 1.5 / plus.shape[1]
    weighted = _symmetric(rho / sigma.square(), len(plus))
    dirty = scale * (_form(weighted, plus) + _form(weighted, cross)) / 2
    weight = _symmetric(sigma.square().reciprocal(), len(plus))
    size = plus.square() + cross.square()
    squares = _form(weight, size)
    squares = squares + _form(weight, plus.square() - cross.square()) + _form(weight, 2 * plus * cross)
    information = scale**2 * squares / 4
    seen = information > 0
    safe = torch.where(seen, information, 1.0)
    snr = torch.where(seen, dirty * safe.rsqrt(), 0.0)
    return RadiometerMap(torch.where(seen, dirty / safe, 0.0), information.clamp(min=0).rsqrt(), snr)


def _symmetric(values: Tensor, pulsars: int) -> Tensor:
    """(N, N) with the pairs' values on both sides of a diagonal of zeros."""
    matrix = values.new_zeros(pulsars, pulsars)
    first, second = torch.triu_indices(pulsars, pulsars, 1)
    matrix[first, second] = values
    return matrix + matrix.mT


def _form(matrix: Tensor, patterns: Tensor) -> Tensor:
    """Σ_ab f_a M_ab f_b in every pixel: (pixels,)."""
    return ((matrix @ patterns) * patterns).sum(0)
