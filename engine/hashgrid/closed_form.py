"""Kernels of all levels with unlimited tables: products of profiles, or of the exact factors of a cell."""

from torch import Tensor

from .geometry import CellGeometry
from .kernels import PROFILES, SIGN_DESCENT, adam_cell_factor, cell_factor


def raw_levels(geometry: CellGeometry, source: Tensor, targets: Tensor, kernel: str) -> Tensor:
    """Unnormalised kernel of every level, unlimited tables, (L, n)."""
    if kernel in PROFILES:
        shape = PROFILES[kernel]
        factors = shape.value(geometry.displacements(targets - source))
        raw = shape.peak ** len(source) * factors.prod(-1)
    else:
        factor = cell_factor if kernel == "cell" else adam_cell_factor
        raw = factor(geometry.coordinates(targets), geometry.coordinates(source[None])).prod(-1)
    shares = geometry.shares(sign_descent=kernel in SIGN_DESCENT)
    return raw if shares is None else shares[:, None] * raw
