"""The few HEALPix functions a sky map needs: pixel centres and the pixel of a direction, in ring order.

Górski et al. (2005), ApJ 622, 759, section 4 and 5. Any positive nside works in ring order.
"""

import math
from functools import lru_cache

import torch
from torch import Tensor

from .harmonics import unit_vectors


def pixel_directions(nside: int) -> Tensor:
    """Unit vectors to the centres of all 12 nside² pixels, ring order: from the north pole down, each ring east.

    Górski et al. (2005), eqs. 4–9.

    Args:
        nside: 1 or more.

    Returns:
        float64 (12 nside², 3) on the CPU, a copy of a cached table.

    Raises:
        ValueError: when nside is not a positive integer.

    >>> [round(value, 6) for value in pixel_directions(1)[0].tolist()]
    [0.527046, 0.527046, 0.666667]
    """
    return _centres(_checked(nside)).clone()


def nearest_pixel(directions: Tensor, nside: int) -> Tensor:
    """The ring-order pixel that contains each direction ("nearest" up to the shape of the pixels).

    Górski et al. (2005), section 5. A direction on a border goes to one of its neighbours.

    Args:
        directions: (..., 3), of any length but zero.
        nside: 1 or more.

    Returns:
        int64 (...) in 0 … 12 nside² - 1.

    Raises:
        ValueError: on a wrong shape, a zero or non-finite vector, a bad nside.
    """
    _checked(nside)
    x, y, z = unit_vectors(directions).unbind(-1)
    quarter = torch.remainder(torch.atan2(y, x) / (math.pi / 2), 4.0)
    # remainder of a tiny negative number rounds to 4 itself
    quarter = torch.where(quarter >= 4, 0.0, quarter)
    # 1 - |z| from sin²θ, which keeps its digits near the poles
    below_pole = (x * x + y * y) / (1 + z.abs())
    equatorial = _equatorial_pixel(z, quarter, nside)
    polar = _polar_pixel(z, below_pole, quarter, nside)
    return torch.where(z.abs() <= 2 / 3, equatorial, polar)


def nside_of(pixels: int) -> int:
    """The nside of a full map of that many pixels.

    Raises:
        ValueError: when pixels is not 12 nside².

    >>> nside_of(768)
    8
    """
    nside = math.isqrt(max(pixels, 0) // 12)
    if nside < 1 or 12 * nside * nside != pixels:
        raise ValueError(f"pixels is {pixels}: a full HEALPix map has 12 nside² (12, 48, 192, 768, …)")
    return nside


def _checked(nside: int) -> int:
    if not isinstance(nside, int) or isinstance(nside, bool) or nside < 1:
        raise ValueError(f"nside is {nside!r}: a positive whole number is needed")
    return nside


@lru_cache(maxsize=16)
def _centres(nside: int) -> Tensor:
    # whole numbers as float64: integer tensors would divide to float32
    ring = torch.arange(1, 4 * nside, dtype=torch.float64)
    from_pole = torch.minimum(ring, 4 * nside - ring)
    polar = from_pole < nside
    length = 4 * torch.where(polar, from_pole, nside)
    # 1 - |z| directly, so that the caps keep their digits
    gap = from_pole**2 / (3 * nside * nside)
    z = torch.where(polar, torch.sign(2 * nside - ring) * (1 - gap), (2 * nside - ring) * 2 / (3 * nside))
    radius = torch.where(polar, gap * (2 - gap), 1 - z * z).sqrt()
    # polar rings and every second equatorial ring begin half a pixel east of φ = 0
    shift = torch.where(polar | ((ring - nside) % 2 == 0), 0.5, 0.0)
    start = length.cumsum(0) - length
    index = torch.arange(12 * nside * nside, dtype=torch.float64)
    which = torch.repeat_interleave(torch.arange(4 * nside - 1), length.long())
    phi = (index - start[which] + shift[which]) * (2 * math.pi / length[which])
    return torch.stack([radius[which] * phi.cos(), radius[which] * phi.sin(), z[which]], -1)


def _equatorial_pixel(z: Tensor, quarter: Tensor, nside: int) -> Tensor:
    """|z| <= 2/3: count the ascending and the descending edges that were crossed."""
    ascending = torch.floor(nside * (0.5 + quarter - 0.75 * z)).long()
    descending = torch.floor(nside * (0.5 + quarter + 0.75 * z)).long()
    ring = nside + 1 + ascending - descending
    shift = 1 - ring % 2
    column = torch.div(ascending + descending - nside + shift + 1, 2, rounding_mode="floor") % (4 * nside)
    return 2 * nside * (nside - 1) + (ring - 1) * 4 * nside + column


def _polar_pixel(z: Tensor, below_pole: Tensor, quarter: Tensor, nside: int) -> Tensor:
    """|z| > 2/3: the same in one of four triangles."""
    within = quarter - torch.floor(quarter)
    scale = nside * (3 * below_pole).sqrt()
    east = torch.floor(within * scale).long()
    west = torch.floor((1 - within) * scale).long()
    ring = (east + west + 1).clamp(max=nside)
    column = torch.floor(quarter * ring).long() % (4 * ring)
    north = 2 * ring * (ring - 1) + column
    south = 12 * nside * nside - 2 * ring * (ring + 1) + column
    return torch.where(z > 0, north, south)
