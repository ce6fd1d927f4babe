"""Chebyshev tables of the pair-frame overlap functions, built once for each l_max.

What is tabled is H_lm = Γ_lm / sin^p ζ with p = 0 for m = 0, 1 for odd and 2 for even m > 0. It is smooth
and of order one up to ζ = π, and leaves in the phase just the power of sin ζ that keeps gradients finite.

* Near, ζ < 0.35: H = R(y) + y L S(y), R and S smooth in y = 1 - cos ζ, L = ln sin²(ζ/2): the exact form of the
  singularity. (A polynomial in y times tan^m, but in powers of y it loses digits.)
* Far: H is a smooth function of L itself. In ζ or cos ζ the logarithm would slow the series down; in L its
  nearest singularities are at ±2πi.

Ours. The tables hold Γ in convention E and SOURCE direction: (-1)^l · 3/(8π) · (√2 for m > 0) times G_lm.
"""

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from .quadrature import Array, log_weights, orders, regular_parts, whole_functions

L_MAX = 32
NEAR_ZETA = 0.35
NEAR_Y = 2 * math.sin(NEAR_ZETA / 2) ** 2
FAR_LOG = 2 * math.log(math.sin(NEAR_ZETA / 2))
_LOST = 1e-15


class PairTable(NamedTuple):
    """H_lm = Σ_terms coefficients · features, see `pair_features`."""

    far_terms: int
    near_terms: int
    coefficients: Tensor
    """(far_terms + 2 near_terms, (l_max + 1)²), column l² + l + m; H depends on |m| alone."""


def checked_degree(l_max: int, name: str = "l_max") -> int:
    """l_max itself.

    Raises:
        ValueError: unless it is a whole number from 0 to L_MAX.
    """
    if not isinstance(l_max, int) or isinstance(l_max, bool) or not 0 <= l_max <= L_MAX:
        raise ValueError(f"{name} is {l_max!r}: a whole number from 0 to {L_MAX} is needed")
    return l_max


def pair_table(l_max: int, device: torch.device) -> PairTable:
    """The table on a device. Ask with a checked l_max."""
    table = _built(l_max)
    return table._replace(coefficients=table.coefficients.to(device))


def pair_features(gap: Tensor, table: PairTable) -> Tensor:
    """What the table's coefficients multiply, at y = 1 - cos ζ ≥ 0.

    Rows: T_k(1 - 2 L / FAR_LOG) for the far pairs, zero for the near ones; T_k(2 y / NEAR_Y - 1) and y L times
    the same for the near pairs, zero for the far ones.

    Args:
        gap: (points,) y.
        table: says how many terms.

    Returns:
        (far_terms + 2 near_terms, points).
    """
    # y = 0: the logarithm is held at ln 1e-300; y L and its slope times dy/dζ = sin ζ vanish all the same
    logarithm = (gap / 2).clamp_min(1e-300).log()
    near = logarithm.detach() < FAR_LOG
    far = chebyshev((1 - logarithm * (2 / FAR_LOG)).clamp_min(-1), table.far_terms)
    close = gap.new_zeros(2 * table.near_terms, len(gap))
    if bool(near.any()):
        far = far * ~near
        here = near.nonzero()[:, 0]
        y = gap[here]
        terms = chebyshev(y * (2 / NEAR_Y) - 1, table.near_terms)
        close = close.index_copy(1, here, torch.cat([terms, terms * (y * logarithm[here])]))
    return torch.cat([far, close])


def sine_power(l_max: int, device: torch.device) -> Tensor:
    """p of H_lm = Γ_lm / sin^p ζ at index l² + l + m: int64 ((l_max + 1)²,)."""
    m = azimuthal_orders(l_max, device).abs()
    return torch.where(m == 0, 0, 2 - m % 2)


@lru_cache(maxsize=128)
def azimuthal_orders(l_max: int, device: torch.device) -> Tensor:
    """m at index l² + l + m: int64 ((l_max + 1)²,)."""
    return torch.cat([torch.arange(-l, l + 1, device=device) for l in range(l_max + 1)])


def chebyshev(u: Tensor, terms: int) -> Tensor:
    """T_0(u) … T_{terms-1}(u) as rows, (terms, points).

    T_{n+j} = 2 T_n T_j - T_{n-j}: each round doubles the block, a handful of large products instead of one
    small step for each term, and no in-place writes for autograd to stumble over.
    """
    block = torch.stack([torch.ones_like(u), u])
    while len(block) < terms:
        n = len(block) - 1
        more = min(n, terms - 1 - n)
        block = torch.cat([block, 2 * block[n] * block[1 : more + 1] - block[n - more : n].flip(0)])
    return block[:terms]


@lru_cache(maxsize=L_MAX + 1)
def _built(l_max: int) -> PairTable:
    l, m = orders(l_max)
    scale = (3 / (8 * math.pi)) * (-1) ** l * np.where(m > 0, math.sqrt(2), 1)
    power = np.where(m == 0, 0, 2 - m % 2)[:, None]
    zeta = 2 * np.arcsin(np.exp(FAR_LOG * (1 - _nodes(48 + 2 * l_max)) / 4))
    far = _series(scale[:, None] * whole_functions(zeta, l_max) / np.sin(zeta) ** power)
    y = NEAR_Y * (1 + _nodes(20 + l_max // 2)) / 2
    zeta = 2 * np.arcsin(np.sqrt(y / 2))
    smooth = regular_parts(zeta, l_max) / np.sin(zeta) ** power
    singular = log_weights(l_max)[:, None] * (y / (2 - y)) ** ((m[:, None] - power) / 2) / (2 - y) ** power
    near = _series(np.concatenate([scale[:, None] * smooth, scale[:, None] * singular]))
    columns = np.empty((l_max + 1) ** 2, dtype=np.int64)
    for sign in (-1, 1):
        columns[(l * l + l + sign * m).astype(np.int64)] = np.arange(len(l))
    blocks = [far, near[:, : len(l)], near[:, len(l) :]]
    coefficients = np.concatenate([block[:, columns] for block in blocks])
    return PairTable(len(far), len(near), torch.from_numpy(coefficients))


def _nodes(count: int) -> Array:
    return np.cos(np.pi * (np.arange(count) + 0.5) / count)


def _series(values: Array) -> Array:
    """Chebyshev coefficients (terms, functions) from values (functions, nodes), cut where nothing is lost."""
    count = values.shape[1]
    # whole turns go first: cosines of large angles would bring noise above the cut
    turns = np.outer(np.arange(count), 2 * np.arange(count) + 1) % (4 * count)
    coefficients = 2 / count * np.cos(np.pi / (2 * count) * turns) @ values.T
    coefficients[0] /= 2
    sizes = np.abs(coefficients).max(1)
    needed = int(np.flatnonzero(sizes > _LOST * max(1.0, sizes.max()))[-1]) + 1
    return coefficients[: max(needed, 2)]
