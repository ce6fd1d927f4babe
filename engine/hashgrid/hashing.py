"""The spatial hash of Teschner et al. (2003), as Müller et al. (2022), eq. 4, use it: h(i) = XOR_d (i_d π_d) mod T.

Seed 0 has the primes of every peer. Another seed has odd multipliers of its own on every axis: the table's rows
are then shared by other vertices, which is what makes two hashes different. (XOR with a constant, or another
first row, only relabels the rows and leaves the collisions as they are.)
"""

from torch import Tensor

from .levels import checked_count

PRIMES = (1, 2654435761, 805459861)
"""One multiplier an axis, below 2³²: the first is 1, so that neighbours along axis 0 lie side by side."""

_LOW_32 = 0xFFFFFFFF
_LOW_64 = 0xFFFFFFFFFFFFFFFF
SEED_MAX = 2**31 - 1


def hash_multipliers(dim: int, seed: int = 0) -> tuple[int, ...]:
    """One odd 32-bit multiplier for every axis: the primes for seed 0.

    Other seeds draw them with SplitMix64 (Steele, Lea and Flood 2014).

    Raises:
        InvalidGrid: on a dim other than 1, 2 or 3, and a seed that is not a whole number from 0 to 2³¹ − 1.

    >>> hash_multipliers(2)
    (1, 2654435761)
    """
    checked_count("dim", dim, 1, len(PRIMES))
    seed = checked_count("hash seed", seed, 0, SEED_MAX)
    if seed == 0:
        return PRIMES[:dim]
    return tuple((_mixed(seed * len(PRIMES) + axis) & _LOW_32) | 1 for axis in range(dim))


def hash_rows(cells: Tensor, rows: int, multipliers: tuple[int, ...] | None = None) -> Tensor:
    """The row of each vertex in a hashed table.

    Args:
        cells: (..., dim) int64 vertices; negative ones wrap at 2³², as unsigned numbers do.
        rows: T, the rows of the table.
        multipliers: one an axis; those of seed 0 when left out.

    Returns:
        (...) int64 in [0, rows).

    >>> import torch
    >>> hash_rows(torch.tensor([1, 2, 3]), 2**14).item()
    13788
    """
    multipliers = multipliers or hash_multipliers(cells.shape[-1])
    products = [(cells[..., axis] * number) & _LOW_32 for axis, number in enumerate(multipliers)]
    total = products[0]
    for product in products[1:]:
        total = total ^ product
    return total % rows


def _mixed(number: int) -> int:
    """The SplitMix64 output for one state."""
    state = (number * 0x9E3779B97F4A7C15) & _LOW_64
    state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _LOW_64
    state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _LOW_64
    return state ^ (state >> 31)
