"""Products of real spherical harmonics: Y_i Y_j = Σ_lm β_lm,ij Y_lm, by quadrature that is exact."""

import math
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from .harmonics import real_harmonics


def product_tensor(l_max: int, root_l_max: int | None = None) -> Tensor:
    """β_lm,ij = ∫ Y_lm Y_i Y_j over the sphere, real harmonics.

    What Clebsch–Gordan sums give for complex harmonics (Taylor, van Haasteren & Sesana 2020,
    arXiv:2006.04810, after Banagiri et al. 2021), here for real ones at once: Gauss–Legendre nodes in cos θ
    and equal steps in φ integrate the products, polynomials of degree l_max + 2 root_l_max, without error.

    Args:
        l_max: highest degree of the product that is asked for.
        root_l_max: highest degree of the factors; l_max // 2 when not given.

    Returns:
        float64 ((l_max + 1)², n, n) with n = (root_l_max + 1)², symmetric in the last two; a copy of a cached
        table, on the CPU.

    Raises:
        ValueError: on a negative degree.

    >>> product_tensor(2)[0].diagonal().mul((4 * torch.pi) ** 0.5).sub(1).abs().max().item() < 1e-14
    True
    """
    root_l_max = l_max // 2 if root_l_max is None else root_l_max
    if l_max < 0 or root_l_max < 0:
        raise ValueError(f"l_max is {l_max}, root_l_max {root_l_max}: 0 or more is needed")
    return _table(l_max, root_l_max).clone()


@lru_cache(maxsize=16)
def _table(l_max: int, root_l_max: int) -> Tensor:
    directions, weights = _exact_grid(l_max + 2 * root_l_max)
    harmonics = real_harmonics(directions, max(l_max, root_l_max))
    factors = harmonics[:, : (root_l_max + 1) ** 2]
    products = (factors.unsqueeze(-1) * factors.unsqueeze(-2)).flatten(1)
    table = (harmonics[:, : (l_max + 1) ** 2] * weights.unsqueeze(-1)).mT @ products
    # Selection rules make most entries zero; what the quadrature leaves there is rounding.
    table = torch.where(table.abs() < 1e-14, 0.0, table)
    return table.unflatten(1, (factors.shape[1], factors.shape[1]))


def _exact_grid(degree: int) -> tuple[Tensor, Tensor]:
    """Points and weights that integrate every polynomial up to `degree` over the sphere."""
    nodes, node_weights = np.polynomial.legendre.leggauss(degree // 2 + 1)
    turns = degree + 1
    phi = torch.arange(turns, dtype=torch.float64) * (2 * math.pi / turns)
    z, phi = torch.meshgrid(torch.from_numpy(nodes), phi, indexing="ij")
    radius = (1 - z * z).sqrt()
    directions = torch.stack([radius * phi.cos(), radius * phi.sin(), z], -1).flatten(0, 1)
    weights = torch.from_numpy(node_weights).repeat_interleave(turns) * (2 * math.pi / turns)
    return directions, weights
