"""The levels of a hash encoding: how fine each is, where its lattice sits, and how many rows it owns.

Four conventions, as their sources have them (Müller et al., Instant Neural Graphics Primitives, 2022;
tiny-cuda-nn `grid.h`; torch-ngp `gridencoder`; nerfstudio `HashEncoding`), with N = N_min bˡ and T table rows:

| convention   | cells per unit | offset | vertices per axis | dense if             | rows                      |
|--------------|----------------|--------|-------------------|----------------------|---------------------------|
| paper        | ⌊N⌋            | 0      | ⌊N⌋ + 1           | verticesᴰ ≤ T        | min(verticesᴰ, T)         |
| tiny-cuda-nn | N − 1          | 1/2    | ⌈N − 1⌉ + 1       | verticesᴰ ≤ rows     | min(⌈verticesᴰ⌉₈, T)      |
| torch-ngp    | N − 1          | 1/2    | ⌈N⌉ + 1           | verticesᴰ ≤ rows     | ⌈min(verticesᴰ, T)⌉₈      |
| nerfstudio   | ⌊N⌋            | 0      | ⌊N⌋ + 1           | never                | T                         |

⌈·⌉₈ rounds up to a multiple of eight. Levels are computed in exact arithmetic up to 1e-9: where N is an integer
the float32 powers of the peers can give one vertex more or one level less.
"""

import math
import operator
from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from .errors import InvalidGrid

Convention = Literal["paper", "tiny-cuda-nn", "nerfstudio", "torch-ngp"]

CONVENTIONS: tuple[str, ...] = get_args(Convention)
LEVELS_MAX = 32
TABLE_BITS_MAX = 30
# Cells are 32-bit numbers in every peer, and float32 positions resolve 2^24 of them
RESOLUTION_MAX = 2**31 - 1


@dataclass(frozen=True)
class Levels:
    """One entry a level: lattice position a = scales·x + offset, cell ⌊a⌋.

    Attributes:
        resolutions: (L,) float64, N_min bˡ, floored where the convention floors; their geometric mean is N_avg.
        scales: (L,) float64, cells per unit length.
        offset: shift of the lattice in cells, 0 or 1/2.
        table_sizes: (L,) int64, rows of each level's table.
        dense: (L,) bool, every vertex has a row of its own.
        vertices: (L, dim) int64, vertices along each axis: the strides of dense levels.
        origins: (L, dim) int64, the first vertex along each axis; 0 unless a rotation makes room below.
    """

    resolutions: Tensor
    scales: Tensor
    offset: float
    table_sizes: Tensor
    dense: Tensor
    vertices: Tensor
    origins: Tensor

    @property
    def offsets(self) -> Tensor:
        """(L + 1,) int64: first row of each level in the common table, and the number of rows."""
        return torch.cat([self.table_sizes.new_zeros(1), self.table_sizes.cumsum(0)])

    @property
    def average_resolution(self) -> float:
        """N_avg, the geometric mean of the resolutions."""
        return self.resolutions.log().mean().exp().item()


def level_table(
    dim: int,
    levels: int,
    log2_table_size: int,
    base_resolution: int,
    growth: float,
    convention: Convention = "paper",
    rotation: Tensor | None = None,
) -> Levels:
    """The levels of a grid, without its table.

    Args:
        dim: 1, 2 or 3.
        levels: 1 to 32.
        log2_table_size: T = 2 to this power is the most rows a level has; 1 to 30.
        base_resolution: N_min, at least 1.
        growth: b > 1, the ratio of neighbouring resolutions.
        convention: paper, tiny-cuda-nn, nerfstudio or torch-ngp.
        rotation: (L, dim, dim) orthogonal matrices; dense levels then cover the turned unit cube.

    Raises:
        InvalidGrid: on a value outside these ranges, and when the finest resolution is beyond 2³¹ − 1.

    >>> level_table(2, 3, 6, 4, 1.5).table_sizes.tolist()
    [25, 49, 64]
    """
    checked_shape(dim, levels, log2_table_size, base_resolution, growth, convention)
    exact = [_near_integer(base_resolution * growth**l) for l in range(levels)]
    floors = convention in ("paper", "nerfstudio")
    resolutions = torch.tensor([float(math.floor(n)) if floors else n for n in exact], dtype=torch.float64)
    scales = resolutions if floors else resolutions - 1
    offset = 0.0 if floors else 0.5
    if rotation is None:
        vertices = _upright_vertices(resolutions, convention, dim)
        origins = torch.zeros_like(vertices)
    else:
        origins, vertices = _turned_box(scales, offset, rotation)
    sizes, dense = zip(*(_rows(row, log2_table_size, convention) for row in vertices.tolist()), strict=True)
    return Levels(resolutions, scales, offset, torch.tensor(sizes), torch.tensor(dense), vertices, origins)


def growth_between(coarsest: int, finest: float, levels: int) -> float:
    """b that takes N_min to N_max over the levels: exp((ln N_max − ln N_min)/(L − 1)).

    Raises:
        InvalidGrid: unless N_max > N_min ≥ 1 and levels ≥ 2.

    >>> round(growth_between(16, 2048, 8), 12)
    2.0
    """
    if levels < 2:
        raise InvalidGrid(f"levels is {levels}: at least 2 are needed to reach a finest resolution")
    if coarsest < 1 or not coarsest < finest < math.inf:
        raise InvalidGrid(f"resolutions run from {coarsest} to {finest}: 1 ≤ coarsest < finest is needed")
    return math.exp((math.log(finest) - math.log(coarsest)) / (levels - 1))


def checked_shape(
    dim: int, levels: int, log2_table_size: int, base_resolution: int, growth: float, convention: str
) -> None:
    """Nothing, when a grid can have this shape.

    Raises:
        InvalidGrid: as for `level_table`.
    """
    checked_count("dim", dim, 1, 3)
    checked_count("levels", levels, 1, LEVELS_MAX)
    checked_count("log2_table_size", log2_table_size, 1, TABLE_BITS_MAX)
    checked_count("base_resolution", base_resolution, 1, RESOLUTION_MAX)
    if not isinstance(growth, int | float) or not 1 < growth < math.inf:
        raise InvalidGrid(f"growth is {growth!r}: a finite number above 1 is needed")
    if convention not in CONVENTIONS:
        raise InvalidGrid(f"convention is {convention!r}: one of {', '.join(CONVENTIONS)} is needed")
    if math.log(base_resolution) + (levels - 1) * math.log(growth) > math.log(RESOLUTION_MAX):
        raise InvalidGrid(
            f"growth {growth} takes base_resolution {base_resolution} beyond {RESOLUTION_MAX} "
            f"within {levels} levels: lower growth or levels"
        )


def checked_count(name: str, value: Any, least: int, most: int) -> int:
    """The number itself.

    Raises:
        InvalidGrid: unless it is a whole number from least to most.
    """
    try:
        number = operator.index(value)
    except TypeError as error:
        raise InvalidGrid(f"{name} is {value!r}: a whole number is needed") from error
    if isinstance(value, bool) or not least <= number <= most:
        raise InvalidGrid(f"{name} is {value!r}: {least} to {most} is allowed")
    return number


def _near_integer(value: float) -> float:
    """The value, or the integer it misses by rounding alone: else a floor drops the last level by one."""
    nearest = round(value)
    return float(nearest) if abs(value - nearest) <= 1e-9 + 4e-14 * value else value


def _upright_vertices(resolutions: Tensor, convention: str, dim: int) -> Tensor:
    per_axis = resolutions.ceil().to(torch.int64)
    if convention != "tiny-cuda-nn":
        per_axis = per_axis + 1
    return per_axis[:, None].repeat(1, dim)


def _turned_box(scales: Tensor, offset: float, rotation: Tensor) -> tuple[Tensor, Tensor]:
    """First vertex and vertices per axis of the lattice box that holds the turned unit cube."""
    half = rotation.to(torch.float64).abs().sum(-1) / 2
    # rounding must not add a vertex to a quarter turn
    low = (scales[:, None] * (0.5 - half) + offset + 1e-9).floor()
    high = (scales[:, None] * (0.5 + half) + offset - 1e-9).floor() + 1
    return low.to(torch.int64), (high - low).to(torch.int64) + 1


def _rows(vertices: list[int], log2_table_size: int, convention: str) -> tuple[int, bool]:
    """Rows of one level and whether it is dense; Python integers, for the product may be beyond 64 bits."""
    most, needed = 1 << log2_table_size, math.prod(vertices)
    if convention == "nerfstudio":
        return most, False
    if convention == "paper":
        return min(needed, most), needed <= most
    if convention == "tiny-cuda-nn":
        rows = min(-(-needed // 8) * 8, most)
    else:
        rows = -(-min(needed, most) // 8) * 8
    return rows, needed <= rows
