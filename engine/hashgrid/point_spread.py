"""The point-spread function of a hash encoding: what fitting one point alone writes everywhere else.

With a linear decoder that sums the levels, the least-norm fit of f(x0) = 1 is K(x, x0)/K(x0, x0), with
K(x, x0) = Σ_l Σ_i w_i(x) w_i(x0) over the levels' vertices. Interpolation weights: Müller et al. (2022),
arXiv:2201.05989; the point-spread function: arXiv:2602.10495. Sign descent, Adam's first step, moves every
corner of a cell equally: Σ_l Σ_i w_i(x) over the corners of the cell of x0.
"""

from typing import Any

import torch
from torch import Tensor

from .closed_form import checked_peak, raw_levels
from .collisions import collision_levels
from .errors import InvalidGrid
from .geometry import cell_geometry, checked_vector, checked_vectors
from .grid import HashGrid
from .kernels import EXACT, KERNELS

# Numbers of an intermediate tensor: in a core's cache, and below the size for which memory is mapped anew each time
CHUNK = 1 << 14


def point_spread_function(
    grid_or_levels: Any,
    x0: Tensor,
    points: Tensor,
    kernel: str = "cell",
    rotation: Tensor | None = None,
    normalised: bool = True,
) -> Tensor:
    """What the fit of one point x0 gives at other points.

    "cell" and "adam_cell" are exact at this x0, under least squares and under sign descent; of a HashGrid they
    contain its collisions, unless another rotation than its own is asked for. "node" and "mid_cell" are their
    values for an x0 on a vertex and in the middle of the cells of all levels at once; "averaged" and "adam" are
    their means over the place of x0 in its cells.

    Args:
        grid_or_levels: HashGrid, level table, or (L,) resolutions N with a = N·x and unlimited tables.
        x0: (D,) point that is fitted, D of 1, 2 or 3.
        points: (n, D) points that read.
        kernel: "cell", "node", "mid_cell", "averaged", "adam" or "adam_cell".
        rotation: (L,) radians or (L, D, D), about the centre 1/2; None: the grid's own, or none.
        normalised: 1 at x0; else the sum over the levels.

    Returns:
        float64 (n,).

    Raises:
        InvalidGrid: on shapes or values that do not fit, an unknown kernel, or where normalised is asked for and the
            kernel is 0 at x0: all levels are masked, or torch-ngp's cube does not hold it.

    >>> point_spread_function([4.0], [0.5], [[0.5], [0.625], [0.75]], "averaged").tolist()
    [1.0, 0.71875, 0.25]
    """
    return point_spread_levels(grid_or_levels, x0, points, kernel, rotation, normalised).sum(0)


def point_spread_levels(
    grid_or_levels: Any,
    x0: Tensor,
    points: Tensor,
    kernel: str = "cell",
    rotation: Tensor | None = None,
    normalised: bool = True,
) -> Tensor:
    """Every level's part of the point-spread function, (L, n); their sum is `point_spread_function`.

    Arguments and errors are those of `point_spread_function`.
    """
    if kernel not in KERNELS:
        raise InvalidGrid(f"kernel is {kernel!r}: one of {', '.join(KERNELS)} is needed")
    source = checked_vector(x0, "x0")
    targets = checked_vectors(points, "points", len(source)).to(source.device)
    if isinstance(grid_or_levels, HashGrid) and kernel in EXACT and rotation is None:
        return collision_levels(grid_or_levels, source, targets, kernel, normalised)
    geometry = cell_geometry(grid_or_levels, len(source), rotation)
    chunk = max(1, CHUNK // (len(geometry.scales) * len(source)))
    parts = [raw_levels(geometry, source, part, kernel) for part in targets.split(chunk)]
    raw = torch.cat(parts, 1)
    if not normalised:
        return raw
    return raw / checked_peak(raw_levels(geometry, source, source[None], kernel).sum().item())
