"""How far an approximate polar factor is from the true one: flat singular values alone prove nothing."""

from typing import NamedTuple

import torch
from torch import Tensor

from .factor import polar


class PolarQuality(NamedTuple):
    """One number for each matrix of a batch."""

    orthogonality: Tensor
    """‖UᵀU − I‖_F/√r, on the smaller side, r = min(m, n)"""
    error: Tensor
    """‖U − polar(G)‖_F/‖polar(G)‖_F"""
    asymmetry: Tensor
    """‖UᵀG − GᵀU‖_F/‖G‖_F; zero for the true factor, whose UᵀG is symmetric"""
    nuclear_ratio: Tensor
    """⟨U, G⟩/‖G‖_*, one for the true factor"""


def polar_quality(G: Tensor, U: Tensor) -> PolarQuality:
    """U against the exact polar factor of G, in float64.

    Args:
        G: (..., m, n) real, finite, not zero.
        U: (..., m, n) what stands for its polar factor.

    >>> quality = polar_quality(torch.eye(3), torch.eye(3))
    >>> [float(value) for value in quality]
    [0.0, 0.0, 0.0, 1.0]
    """
    G, U = torch.as_tensor(G).double(), torch.as_tensor(U).double()
    if G.shape != U.shape:
        raise ValueError(f"U has shape {tuple(U.shape)}: the shape {tuple(G.shape)} of G is needed")
    exact = polar(G)
    norm = torch.linalg.matrix_norm
    side = U if U.shape[-2] >= U.shape[-1] else U.mT
    gram = side.mT @ side
    identity = torch.eye(gram.shape[-1], dtype=gram.dtype, device=gram.device)
    product = U.mT @ G
    return PolarQuality(
        norm(gram - identity) / gram.shape[-1] ** 0.5,
        norm(U - exact) / norm(exact),
        norm(product - product.mT) / norm(G),
        (U * G).sum((-2, -1)) / (exact * G).sum((-2, -1)),
    )
