"""Where a point falls in the lattice of one level: the rows of its cell's corners, and their weights."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, get_args

import torch
from torch import Tensor

from .errors import InvalidGrid
from .hashing import SEED_MAX, hash_multipliers, hash_rows
from .levels import Convention, Levels, checked_count, checked_shape, level_table
from .rotations import rotation_matrices

Interpolation = Literal["linear", "smoothstep"]

_LOW_32 = 0xFFFFFFFF
# Further out a cell of the finest level may be no 64-bit number
_FAR = 2**31


@dataclass(frozen=True)
class Lattice:
    """All that decides which rows a point reads: the levels, their rotations, hashes and interpolation.

    Attributes:
        levels: the levels of the grid.
        convention: whose rules hold at the border.
        rotation: (L, dim, dim) float64 about the centre, or None.
        hash_seeds: one a level.
        smoothstep: weights from f²(3 − 2f) instead of f.
    """

    levels: Levels
    convention: Convention
    rotation: Tensor | None
    hash_seeds: tuple[int, ...]
    smoothstep: bool

    @property
    def dim(self) -> int:
        return self.levels.vertices.shape[1]

    def checked(self, points: Tensor) -> Tensor:
        """The points themselves.

        Raises:
            InvalidGrid: unless they are floating point (n, dim), finite, and where the convention has vertices.
        """
        if points.ndim != 2 or points.shape[1] != self.dim or not points.is_floating_point():
            raise InvalidGrid(
                f"points are {points.dtype} of shape {tuple(points.shape)}: floating point (n, {self.dim}) is needed"
            )
        if len(points) == 0:
            return points
        low, high = (bound.item() for bound in torch.aminmax(points.detach()))
        if not (low >= -_FAR and high <= _FAR):
            raise InvalidGrid(f"points run from {low} to {high}: finite numbers within ±{_FAR} are needed")
        if self.convention == "paper" and (low < 0 or high > 1):
            raise InvalidGrid(f"points run from {low} to {high}: the paper's convention is for 0 to 1")
        return points

    def positions(self, points: Tensor, level: int) -> Tensor:
        """(n, dim) lattice positions a = s·(R (x − c) + c) + o of one level, in the points' dtype."""
        if self.rotation is not None:
            points = (points - 0.5) @ self.rotation[level].to(points).T + 0.5
        return points * self.levels.scales[level].item() + self.levels.offset

    def cells(self, positions: Tensor, level: int) -> Tensor:
        """(n, dim) int64 cells ⌊a⌋.

        In the paper's convention the last vertex belongs to the last cell, with weight 1, so that the slope at the
        border is that of the cell inside and no other vertex is read.
        """
        cells = positions.detach().floor().to(torch.int64)
        if self.convention != "paper":
            return cells
        first = self.levels.origins[level].to(cells.device)
        last = first + self.levels.vertices[level].to(cells.device) - 2
        return torch.maximum(torch.minimum(cells, last), first)

    def corners(self, points: Tensor, level: int) -> tuple[Tensor, Tensor]:
        """Rows within the level, int64 (n, 2^dim), and weights (n, 2^dim), axis 0 fastest.

        Weights are differentiable in the points. They add up to 1, except for points outside the unit cube in the
        convention of torch-ngp, where all are 0.
        """
        positions = self.positions(points, level)
        cells = self.cells(positions, level)
        fraction = positions - cells.to(positions.dtype)
        if self.convention == "paper":
            # beyond 2^24 cells float32 can put x = 1 behind the last vertex; the slope stays that of the cell
            fraction = fraction + (fraction.clamp(0, 1) - fraction).detach()
        if self.smoothstep:
            fraction = fraction * fraction * (3 - 2 * fraction)
        picks = corner_picks(self.dim).to(points.device)
        parts = torch.where(picks, fraction[:, None], 1 - fraction[:, None]).unbind(-1)
        weights = parts[0]
        for part in parts[1:]:
            weights = weights * part
        if self.convention == "torch-ngp":
            inside = ((points >= 0) & (points <= 1)).all(-1, keepdim=True)
            weights = weights * inside.to(weights.dtype)
        return self.rows(cells[:, None] + picks.to(torch.int64), level), weights

    def rows(self, vertices: Tensor, level: int) -> Tensor:
        """The row, within the level, of each vertex (..., dim)."""
        size = int(self.levels.table_sizes[level])
        if not bool(self.levels.dense[level]):
            return hash_rows(vertices, size, hash_multipliers(self.dim, self.hash_seeds[level]))
        inside = vertices - self.levels.origins[level].to(vertices.device)
        row, stride = torch.zeros_like(inside[..., 0]), 1
        for axis in range(self.dim):
            row = row + inside[..., axis] * stride
            stride *= int(self.levels.vertices[level, axis])
        # tiny-cuda-nn reads one past the last vertex of an axis and wraps, in unsigned 32-bit numbers
        return (row & _LOW_32) % size


def make_lattice(
    dim: int,
    levels: int,
    log2_table_size: int,
    base_resolution: int,
    growth: float,
    convention: Convention = "paper",
    rotation: Tensor | None = None,
    *,
    interpolation: Interpolation = "linear",
    hash_seeds: int | Sequence[int] = 0,
) -> Lattice:
    """A grid's lattice without its table: enough for kernels, collisions and utilisation, at no memory.

    Arguments are those of `HashGrid`.

    Raises:
        InvalidGrid: on a value that is not allowed, naming it.

    >>> make_lattice(2, 3, 6, 4, 1.5).levels.table_sizes.tolist()
    [25, 49, 64]
    """
    checked_shape(dim, levels, log2_table_size, base_resolution, growth, convention)
    if interpolation not in get_args(Interpolation):
        raise InvalidGrid(f"interpolation is {interpolation!r}: linear or smoothstep is needed")
    turned = rotation_matrices(rotation, levels, dim)
    shape = level_table(dim, levels, log2_table_size, base_resolution, growth, convention, turned)
    return Lattice(
        shape, convention, turned, _checked_seeds(hash_seeds, levels), interpolation == "smoothstep"
    )


def _checked_seeds(seeds: int | Sequence[int], levels: int) -> tuple[int, ...]:
    values = tuple(seeds) if isinstance(seeds, Iterable) else (seeds,) * levels
    if len(values) != levels:
        raise InvalidGrid(f"hash_seeds has {len(values)} entries: one a level, {levels}, is needed")
    return tuple(checked_count("hash seed", value, 0, SEED_MAX) for value in values)


@lru_cache(maxsize=4)
def corner_picks(dim: int) -> Tensor:
    """(2^dim, dim) bool: which corner takes the upper vertex of which axis, axis 0 fastest."""
    number = torch.arange(2**dim)
    return torch.stack([(number >> axis) & 1 for axis in range(dim)], -1).bool()
