"""Speckle: what shared table rows add to the point-spread function, far from the point that was fitted."""

import math
import operator
from typing import Any, NamedTuple

from .errors import InvalidGrid
from .geometry import checked_resolutions
from .grid import HashGrid
from .levels import checked_count


class Speckle(NamedTuple):
    """The law of random collisions, in units of the peak.

    snr: peak over standard deviation, L √(T/L_h); infinite without hashed levels. sigma: its inverse.
    bias: mean that the speckle adds everywhere, L_h/(T L (2/3)ᴰ). hashed_levels: L_h.
    """

    snr: float
    sigma: float
    bias: float
    hashed_levels: int


def speckle_snr(grid_or_levels: Any, table_size: int | None = None, dim: int = 2) -> float:
    """Peak over standard deviation of the speckle, L √(T/L_h); see `speckle_law`, whose arguments these are.

    >>> round(speckle_snr([8.0, 100.0, 200.0, 400.0], 1024), 9)
    73.900834456
    """
    return speckle_law(grid_or_levels, table_size, dim).snr


def speckle_law(grid_or_levels: Any, table_size: int | None = None, dim: int = 2) -> Speckle:
    """The speckle that a hash without structure gives, mean over x0.

    A row of a hashed level is shared by any other vertex with chance 1/T, and the squared weights of a random
    point have the mean (2/3)ᴰ in sum: variance L_h (2/3)²ᴰ/T against the peak L (2/3)ᴰ, in any dimension.
    The primes' hash can do better than that where a level has hardly more vertices than rows.

    Args:
        grid_or_levels: HashGrid or level table, which know their rows; or (L,) resolutions N, with
            (⌊N⌋ + 1)ᴰ vertices.
        table_size: T, rows of a hashed level; None: that of the grid.
        dim: dimensions, for plain resolutions; a grid's own elsewhere.

    Raises:
        InvalidGrid: on a table size below 1 or none at all, or another dimension.
    """
    hashed, total, rows, dim = _hashed_levels(grid_or_levels, table_size, dim)
    if hashed == 0:
        return Speckle(math.inf, 0.0, 0.0, 0)
    sigma = math.sqrt(hashed / rows) / total
    return Speckle(1 / sigma, sigma, hashed / (rows * total * (2 / 3) ** dim), hashed)


def table_size_for_snr(resolutions: Any, snr: float, dim: int = 2) -> int:
    """The least power of two T with L √(T/L_h) of `snr` or more; L_h falls as T grows.

    Args:
        resolutions: (L,).
        snr: wanted, positive and finite.
        dim: dimensions.

    Raises:
        InvalidGrid: on values outside these ranges.
    """
    if not 0 < snr < math.inf:
        raise InvalidGrid(f"snr is {snr!r}: a positive and finite number is needed")
    rows = 1
    while speckle_snr(resolutions, rows, dim) < snr:
        rows *= 2
    return rows


def load_factors(grid_or_levels: Any, table_size: int | None = None, dim: int = 2) -> list[float]:
    """Vertices over rows of every level: above 1 they must collide; arguments as for `speckle_law`."""
    table = _table(grid_or_levels)
    if hasattr(table, "vertices"):
        counts = [math.prod(axis) for axis in table.vertices.tolist()]
        sizes = table.table_sizes.tolist() if table_size is None else [_rows(table_size)] * len(counts)
        return [count / rows for count, rows in zip(counts, sizes, strict=True)]
    rows = _rows(table_size)
    return [
        (math.floor(n) + 1) ** checked_count("dim", dim, 1, 3) / rows
        for n in checked_resolutions(table).tolist()
    ]


def _hashed_levels(grid_or_levels: Any, table_size: int | None, dim: int) -> tuple[int, int, int, int]:
    """L_h, L, T and D."""
    table = _table(grid_or_levels)
    if table_size is None and hasattr(table, "dense"):
        hashed = int((~table.dense).sum())
        rows = int(table.table_sizes[~table.dense].max()) if hashed else 1
        return hashed, len(table.dense), rows, table.vertices.shape[1]
    loads = load_factors(grid_or_levels, table_size, dim)
    own_dim = table.vertices.shape[1] if hasattr(table, "vertices") else checked_count("dim", dim, 1, 3)
    return sum(load > 1 for load in loads), len(loads), _rows(table_size), own_dim


def _table(grid_or_levels: Any) -> Any:
    return grid_or_levels.levels if isinstance(grid_or_levels, HashGrid) else grid_or_levels


def _rows(table_size: int | None) -> int:
    if table_size is None:
        raise InvalidGrid("table_size is None: plain resolutions need the number of rows")
    try:
        rows = operator.index(table_size)
    except TypeError as error:
        raise InvalidGrid(f"table_size is {table_size!r}: a whole number is needed") from error
    if rows < 1:
        raise InvalidGrid(f"table_size is {rows}: 1 row or more is needed")
    return rows
