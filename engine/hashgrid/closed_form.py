"""Kernels of all levels with unlimited tables: products of profiles, or of the exact factors of a cell."""

from torch import Tensor

from .errors import InvalidGrid
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


def checked_peak(peak: float) -> float:
    """The kernel at x0, by which a point-spread function is divided.

    Raises:
        InvalidGrid: where it is 0, since what is divided by it would be NaN.
    """
    if peak == 0:
        raise InvalidGrid(
            "the point-spread function is 0 at x0: nothing can be normalised where level_mask is 0 for all levels, "
            "or x0 is outside the cube in torch-ngp's convention"
        )
    return peak
