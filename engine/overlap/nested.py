"""From nested to ring order of HEALPix pixels."""

import torch
from torch import Tensor

# Of the twelve faces: ring of the southern corner in units of nside, longitude of the centre in units of 45°.
_FACE_RING = torch.tensor([2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4])
_FACE_LONGITUDE = torch.tensor([1, 3, 5, 7, 0, 2, 4, 6, 1, 3, 5, 7])


def ring_of_nested(nside: int) -> Tensor:
    """The ring-order number of every pixel in nested order: within each of twelve faces, bits of x and y alternate.

    Górski et al. (2005), ApJ 622, 759, section 4.1.

    Args:
        nside: a power of 2; nested order knows no other.

    Returns:
        int64 (12 nside²,), a permutation.

    Raises:
        ValueError: when nside is not a power of 2.

    >>> ring_of_nested(2)[:4].tolist()
    [13, 5, 4, 0]
    """
    if nside < 1 or nside & (nside - 1):
        raise ValueError(f"nside is {nside}: nested order needs a power of 2")
    pixel = torch.arange(12 * nside * nside)
    face, within = pixel // (nside * nside), pixel % (nside * nside)
    x, y = torch.zeros_like(pixel), torch.zeros_like(pixel)
    for bit in range(nside.bit_length()):
        x |= (within >> 2 * bit & 1) << bit
        y |= (within >> (2 * bit + 1) & 1) << bit
    # rings 1 … 4 nside - 1 from the north; `width` is a quarter of the ring's pixels
    ring = _FACE_RING[face] * nside - x - y - 1
    width = torch.minimum(torch.minimum(ring, 4 * nside - ring), torch.tensor(nside))
    equatorial = (ring >= nside) & (ring <= 3 * nside)
    shift = torch.where(equatorial, (ring - nside) % 2, 0)
    place = torch.div(_FACE_LONGITUDE[face] * width + x - y + 1 + shift, 2, rounding_mode="floor") - 1
    above = torch.where(
        ring < nside, 2 * ring * (ring - 1), 2 * nside * (nside - 1) + (ring - nside) * 4 * nside
    )
    below = 12 * nside * nside - 2 * width * (width + 1)
    return torch.where(ring > 3 * nside, below, above) + place % (4 * width)
