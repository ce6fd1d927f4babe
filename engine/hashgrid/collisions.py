"""Collisions: vertices that share a table row read what was written for others.

The kernel of a grid with its collisions is the encoding itself, of a table that holds what x0 writes:
K(x, x0) = Σ_rows w_row(x) w_row(x0), where weights of corners that share a row add up.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from . import accelerate
from .closed_form import checked_peak, raw_levels
from .encode import encode
from .errors import InvalidGrid
from .geometry import cell_geometry, checked_vector, checked_vectors
from .grid import HashGrid
from .kernels import EXACT
from .levels import checked_count

VERTICES_MAX = 1 << 24


class Partners(NamedTuple):
    """Vertices outside the cell of a point that share a row with its corners.

    positions: (m, D) in units of length. rows: (m,) within the level. weights: (m,), what the point writes there.
    """

    positions: Tensor
    rows: Tensor
    weights: Tensor


def collision_map(grid: HashGrid, x0: Tensor, points: Tensor, kernel: str = "cell") -> Tensor:
    """The point-spread function with the grid's collisions, 1 at x0, (n,) on the CPU.

    Equal to the closed form where no row is shared; the difference to it is `speckle_map`.

    Args:
        grid: its own rotation, interpolation, hash seeds and level mask hold.
        x0: (D,).
        points: (n, D), inside [0, 1] in the paper's convention.
        kernel: "cell" or "adam_cell", which touches every row of the cell equally.

    Raises:
        InvalidGrid: on shapes or values that do not fit, another kernel, or a kernel that is 0 at x0.
    """
    source, targets = _checked(grid, x0, points)
    return collision_levels(grid, source, targets, kernel).sum(0)


def speckle_map(grid: HashGrid, x0: Tensor, points: Tensor, kernel: str = "cell") -> Tensor:
    """What collisions alone add to the point-spread function, (n,) on the CPU, in units of its peak.

    Arguments and errors are those of `collision_map`; linear interpolation alone.
    """
    source, targets = _checked(grid, x0, points)
    geometry = cell_geometry(grid, len(source))
    with_collisions = collision_levels(grid, source, targets, kernel, normalised=False).sum(0)
    peak = checked_peak(collision_levels(grid, source, source[None], kernel, normalised=False).sum().item())
    return (with_collisions - raw_levels(geometry, source, targets, kernel).sum(0)) / peak


def measured_speckle(grid: HashGrid, sources: Tensor, points: Tensor) -> float:
    """Peak over standard deviation of the speckle, over the places of x0: what `speckle_snr` predicts.

    Args:
        grid: linear interpolation.
        sources: (m, D), the places of x0; the variances over points and the peaks are averaged.
        points: (n, D), spread over the cube.

    Returns:
        Infinite where nothing collides.

    Raises:
        InvalidGrid: on shapes or values that do not fit.
    """
    places, seen = checked_vectors(sources, "sources", grid.dim), checked_vectors(points, "points", grid.dim)
    if len(places) == 0 or len(seen) < 2:
        raise InvalidGrid(
            f"sources, points are {len(places)} and {len(seen)}: 1 and 2 at least have a variance"
        )
    variance = peak = 0.0
    for place in places:
        own = collision_levels(grid, place, place[None], "cell", normalised=False).sum().item()
        variance += (own * speckle_map(grid, place, seen)).var(correction=0).item()
        peak += own
    return peak / len(places) / math.sqrt(variance / len(places)) if variance > 0 else math.inf


def collision_partners(grid: HashGrid, x0: Tensor, level: int) -> Partners:
    """The other vertices of one level that read what x0 writes there.

    Args:
        grid: any.
        x0: (D,).
        level: 0 to L - 1, with at most 2^24 vertices.

    Raises:
        InvalidGrid: on shapes or values that do not fit, or a level with more vertices.
    """
    table = grid.levels
    checked_count("level", level, 0, len(table.scales) - 1)
    sides = table.vertices[level].tolist()
    if math.prod(sides) > VERTICES_MAX:
        raise InvalidGrid(
            f"level {level} has {math.prod(sides)} vertices: at most {VERTICES_MAX} are searched"
        )
    source = checked_vectors(checked_vector(x0, "x0")[None], "x0", grid.dim).cpu()
    rows, weights = (part[0] for part in grid.lattice.corners(source, level))
    axes = [
        torch.arange(side) + first for side, first in zip(sides, table.origins[level].tolist(), strict=True)
    ]
    vertices = torch.cartesian_prod(*axes).reshape(-1, grid.dim)
    of_vertices = grid.lattice.rows(vertices, level)
    written = torch.zeros(int(table.table_sizes[level]), dtype=torch.float64).index_add_(0, rows, weights)
    cell = grid.lattice.cells(grid.lattice.positions(source, level), level)
    outside = ~((vertices >= cell) & (vertices <= cell + 1)).all(1)
    found = outside & (written[of_vertices] > 0)
    return Partners(
        _unit_positions(grid, vertices[found], level), of_vertices[found], written[of_vertices][found]
    )


def collision_levels(
    grid: HashGrid, source: Tensor, targets: Tensor, kernel: str, normalised: bool = True
) -> Tensor:
    """Every level's part of the point-spread function with collisions, (L, n) on the device of the targets.

    Found on the CPU, whose kernels add what shares a row in a fixed order.
    """
    device = targets.device
    source, targets = source.cpu(), targets.cpu()
    if kernel not in EXACT:
        raise InvalidGrid(f"kernel is {kernel!r}: one of {', '.join(EXACT)} is needed with collisions")
    if grid.convention == "paper" and not bool(((targets >= 0) & (targets <= 1)).all()):
        raise InvalidGrid("points lie outside [0, 1]: the paper's convention has no vertices there")
    written = torch.zeros(int(grid.levels.offsets[-1]), 1, dtype=torch.float64)
    for level in range(len(grid.levels.scales)):
        rows, weights = grid.corners(source[None], level)
        written[:, 0].index_add_(0, rows[0], weights[0])
    if kernel == "adam_cell":
        written = (written > 0).to(torch.float64)
    mask = grid.level_mask.cpu()
    shares = tuple((mask.abs() if kernel == "adam_cell" else mask**2).tolist())
    levels = _read(targets, written, grid, shares).mT.to(device)
    if not normalised:
        return levels
    return levels / checked_peak(_read(source[None], written, grid, shares).sum().item())


def _read(points: Tensor, written: Tensor, grid: HashGrid, shares: tuple[float, ...]) -> Tensor:
    """The encoding of a table of one feature, compiled where that is possible, (n, L)."""
    if grid.backend != "torch" and accelerate.takes(points, written):
        return accelerate.encode_compiled(points, written, grid.lattice, shares)
    return encode(points, written, grid.lattice, shares)


def _checked(grid: HashGrid, x0: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
    source = checked_vectors(checked_vector(x0, "x0")[None], "x0", grid.dim)[0]
    return source.cpu(), checked_vectors(points, "points", grid.dim).cpu()


def _unit_positions(grid: HashGrid, vertices: Tensor, level: int) -> Tensor:
    """Where vertices of a level lie in the cube, (m, D)."""
    turned = (vertices.to(torch.float64) - grid.levels.offset) / grid.levels.scales[level]
    if grid.rotation is None:
        return turned
    return (turned - 0.5) @ grid.rotation[level] + 0.5
