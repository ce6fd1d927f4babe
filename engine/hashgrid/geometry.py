"""Cell coordinates of all levels at once: all that a kernel needs when tables are unlimited."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from .errors import InvalidGrid
from .grid import HashGrid
from .rotations import rotation_matrices


@dataclass(frozen=True)
class CellGeometry:
    """Cell coordinates of level l are a = scales[l] (R_l (x - 1/2) + 1/2) + offset.

    Attributes:
        scales: float64 (L,), cells per unit length.
        offset: of every level and axis, in cells.
        rotations: float64 (L, D, D), or None where no level is turned.
        mask: float64 (L,) that multiplies each level's features, or None for 1.
    """

    scales: Tensor
    offset: float = 0.0
    rotations: Tensor | None = None
    mask: Tensor | None = None

    @property
    def average_resolution(self) -> float:
        """N_avg, the geometric mean of the scales of all levels that are not masked: it sets the kernel's width.

        Raises:
            InvalidGrid: as for `checked_scales`.
        """
        return float(self.checked_scales().log().mean().exp())

    def checked_scales(self) -> Tensor:
        """Scales of the levels that are not masked.

        Raises:
            InvalidGrid: where one has no cell (scale 0: tiny-cuda-nn with a base resolution of 1), or all are
                masked.
        """
        active = self.scales if self.mask is None else self.scales[self.mask != 0]
        if len(active) == 0:
            raise InvalidGrid("level_mask is 0 on all levels: a width needs one at least")
        if not bool((active > 0).all()):
            raise InvalidGrid(f"scales are {active.tolist()}: a width needs positive ones")
        return active

    def shares(self, sign_descent: bool) -> Tensor | None:
        """What the mask makes of each level's kernel, (L,): m² as it writes and reads, |m| where steps are equal."""
        if self.mask is None:
            return None
        return self.mask.abs() if sign_descent else self.mask**2

    def coordinates(self, points: Tensor) -> Tensor:
        """Cell coordinates (L, n, D) of points (n, D), point after point in memory.

        What is said of a level and an axis is then one number for a run of points, along which kernels vectorise.
        """
        scales, across = self.scales[:, None, None], points.mT.contiguous()
        if self.rotations is None:  # not by way of the centre: nodes stay on nodes to the last bit
            return (scales * across + self.offset).mT
        return (scales * (self.rotations @ (across - 0.5) + 0.5) + self.offset).mT

    def displacements(self, vectors: Tensor) -> Tensor:
        """Differences of cell coordinates (L, n, D) for differences of points (n, D), in the same order."""
        scales, across = self.scales[:, None, None], vectors.mT.contiguous()
        return (scales * (across if self.rotations is None else self.rotations @ across)).mT


def cell_geometry(grid_or_levels: Any, dim: int, rotation: Any = None) -> CellGeometry:
    """The geometry of a HashGrid, of a level table, or of plain resolutions (a = N·x, no offset).

    Args:
        grid_or_levels: HashGrid; or what has scales and an offset; or (L,) resolutions.
        dim: dimensions of the points to come.
        rotation: (L,) radians, dim 2 alone, R = [[cos, sin], [-sin, cos]]: the lattice turns by +angle; or
            (L, dim, dim). None keeps the grid's own.

    Raises:
        InvalidGrid: on resolutions that are not positive and finite, an impossible rotation, a grid of another
            dimension, or with smoothstep weights, whose kernels have no closed form here.
    """
    if isinstance(grid_or_levels, CellGeometry):
        return grid_or_levels
    table, mask = grid_or_levels, None
    if isinstance(grid_or_levels, HashGrid):
        if grid_or_levels.dim != dim:
            raise InvalidGrid(f"points have {dim} dimensions: the grid has {grid_or_levels.dim}")
        if grid_or_levels.lattice.smoothstep:
            raise InvalidGrid(
                "interpolation is smoothstep: closed forms are for linear weights; take the kernel cell or adam_cell "
                "of a point-spread function, without a rotation that is not the grid's"
            )
        table, mask = grid_or_levels.levels, grid_or_levels.level_mask
        mask = None if bool((mask == 1).all()) else mask
        rotation = grid_or_levels.rotation if rotation is None else rotation
    if hasattr(table, "scales"):
        scales, offset = torch.as_tensor(table.scales, dtype=torch.float64), float(table.offset)
    else:
        scales, offset = checked_resolutions(table), 0.0
    rotations = rotation_matrices(rotation, len(scales), dim)
    return CellGeometry(scales, offset, None if rotations is None else rotations.to(scales.device), mask)


def checked_resolutions(resolutions: Any) -> Tensor:
    """Resolutions as float64 (L,).

    Raises:
        InvalidGrid: where there is none, or one is not positive and finite.
    """
    levels = torch.as_tensor(resolutions, dtype=torch.float64)
    if levels.ndim != 1 or levels.numel() == 0:
        raise InvalidGrid(f"levels have the shape {tuple(levels.shape)}: (L,) with L of 1 or more is needed")
    if not bool((torch.isfinite(levels) & (levels > 0)).all()):
        raise InvalidGrid(f"levels are {levels.tolist()}: positive and finite resolutions are needed")
    return levels


def checked_vector(vector: Any, name: str) -> Tensor:
    """One point or direction as float64 (D,).

    Raises:
        InvalidGrid: on another shape, on more than three dimensions, on values that are not finite.
    """
    given = torch.as_tensor(vector, dtype=torch.float64)
    if given.ndim != 1 or not 1 <= len(given) <= 3:
        raise InvalidGrid(f"{name} has the shape {tuple(given.shape)}: (D,) with D of 1, 2 or 3 is needed")
    return _finite(given, name)


def checked_vectors(vectors: Any, name: str, dim: int) -> Tensor:
    """Points or directions as float64 (n, dim).

    Raises:
        InvalidGrid: on another shape, on values that are not finite.
    """
    given = torch.as_tensor(vectors, dtype=torch.float64)
    if given.ndim != 2 or given.shape[1] != dim:
        raise InvalidGrid(f"{name} has the shape {tuple(given.shape)}: (n, {dim}) is needed")
    return _finite(given, name)


def _finite(values: Tensor, name: str) -> Tensor:
    if not bool(torch.isfinite(values).all()):
        raise InvalidGrid(f"{name} has values that are not finite: finite ones are needed")
    return values
