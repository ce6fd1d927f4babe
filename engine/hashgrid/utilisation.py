"""How much of the tables a set of points ever reads.

An integer growth on a power-of-two image puts every pixel centre on the same few vertices of the fine levels, and
most of those tables never learns: on 128 × 128 pixels with b = 2 only 7539 of 15795 rows are touched.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from .errors import InvalidGrid
from .grid import HashGrid
from .lattice import Lattice
from .levels import checked_count

# Points looked up at a time
_POINTS = 1 << 16
# A rotation leaves weights of rounding size on corners that are not meant
_NOTHING = 1e-9
PIXELS_MAX = 1 << 26


class TableUtilisation(NamedTuple):
    """Rows with a weight above 0 at some point, and rows there are, one entry a level."""

    touched: Tensor
    rows: Tensor

    @property
    def fractions(self) -> Tensor:
        """(L,) float64 share of each level's rows that is touched."""
        return self.touched / self.rows.double()

    @property
    def fraction(self) -> float:
        """Share of all rows that is touched."""
        return int(self.touched.sum()) / int(self.rows.sum())


def table_utilisation(grid: HashGrid | Lattice, points: Tensor) -> TableUtilisation:
    """Rows of each level's table that the points read, counted exactly.

    Args:
        grid: a grid, or the lattice of one that has no table yet.
        points: (n, dim) in [0, 1]; see `pixel_centres`. float64 where the fine levels matter.

    Raises:
        InvalidGrid: on points of another shape or dtype, that are not finite, or outside the paper's cube.

    >>> from .lattice import make_lattice
    >>> found = table_utilisation(make_lattice(2, 10, 11, 8, 2.0), pixel_centres(128, 128))
    >>> int(found.touched.sum()), int(found.rows.sum())
    (7539, 15795)
    """
    lattice = grid.lattice if isinstance(grid, HashGrid) else grid
    checked, sizes = lattice.checked(points.detach()), lattice.levels.table_sizes
    counts = [_touched(lattice, checked, level, size) for level, size in enumerate(sizes.tolist())]
    return TableUtilisation(torch.tensor(counts), sizes)


def pixel_centres(*shape: int, jitter: torch.Generator | None = None) -> Tensor:
    """Centres ((i + 1/2)/n, …) of an image's pixels, float64 (pixels, axes), the last axis fastest.

    Args:
        shape: pixels along each axis, at most 2²⁶ together.
        jitter: moves every point within its own pixel, uniformly.

    Raises:
        InvalidGrid: on no axis, an axis without pixels, or too many.

    >>> pixel_centres(2, 1).tolist()
    [[0.25, 0.5], [0.75, 0.5]]
    """
    if not shape or math.prod(checked_count("shape", count, 1, PIXELS_MAX) for count in shape) > PIXELS_MAX:
        raise InvalidGrid(f"shape is {shape}: one pixel an axis or more, {PIXELS_MAX} at most, is needed")
    axes = [torch.arange(count, dtype=torch.float64) for count in shape]
    cells = torch.stack(torch.meshgrid(*axes, indexing="ij"), -1).reshape(-1, len(shape))
    within = torch.full_like(cells, 0.5)
    if jitter is not None:
        within = torch.rand(cells.shape, dtype=torch.float64, generator=jitter)
    return (cells + within) / torch.tensor(shape, dtype=torch.float64)


def _touched(lattice: Lattice, points: Tensor, level: int, size: int) -> int:
    seen = torch.zeros(size, dtype=torch.bool, device=points.device)
    for part in points.split(_POINTS):
        rows, weights = lattice.corners(part, level)
        seen[rows[weights > _NOTHING]] = True
    return int(seen.sum())
