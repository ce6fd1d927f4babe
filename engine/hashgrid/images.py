"""Images as targets of a fit: what is taken, three that have structure at every angle, and their spectra."""

import math

import numpy as np
import torch
from torch import Tensor

from .errors import InvalidGrid
from .levels import checked_count

PIXELS_MAX = 1 << 24
"""16.8 megapixels."""


def as_image(values: Tensor | np.ndarray) -> Tensor:
    """(H, W, C) float32 in [0, 1] from an image as files hold it.

    8 and 16 bit numbers are scaled, booleans taken as 0 and 1, grey becomes one channel, and alpha is laid over white.

    Raises:
        InvalidGrid: on another shape, more than 16.8 megapixels, a side below 2, NaN, or reals outside [0, 1].

    >>> as_image(np.full((4, 6), 255, dtype=np.uint8)).shape
    torch.Size([4, 6, 1])
    """
    array = values.detach().cpu().numpy() if isinstance(values, Tensor) else np.asarray(values)
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or not 1 <= array.shape[2] <= 4 or min(array.shape[:2]) < 2:
        raise InvalidGrid(
            f"image has shape {array.shape}: (H, W) or (H, W, C) with 2 pixels a side and 1 to 4 channels is needed"
        )
    pixels = array.shape[0] * array.shape[1]
    if pixels > PIXELS_MAX:
        raise InvalidGrid(f"image has {pixels} pixels: at most {PIXELS_MAX} are taken; make it smaller first")
    image = torch.from_numpy(_unit_range(array))
    if image.shape[2] in (2, 4):
        alpha = image[..., -1:]
        image = image[..., :-1] * alpha + (1 - alpha)
    return image.contiguous()


def grating(size: int, cycles: float, degrees: float = 0.0) -> Tensor:
    """(size, size, 1) waves of `cycles` per image along the direction at this angle from axis 0.

    Raises:
        InvalidGrid: on a size that is no whole number from 2 to 4096, and on NaN and infinities.
    """
    for name, value in (("cycles", cycles), ("degrees", degrees)):
        if not math.isfinite(value):
            raise InvalidGrid(f"{name} is {value!r}: a finite number is needed")
    x, y = _coordinates(size)
    angle = math.radians(degrees)
    phase = 2 * math.pi * cycles * (x * math.cos(angle) + y * math.sin(angle))
    return (0.5 + 0.5 * phase.cos()).float()[..., None]


def zone_plate(size: int) -> Tensor:
    """(size, size, 1) rings whose frequency grows with the radius, up to half a cycle a pixel at the border.

    Raises:
        InvalidGrid: on a size that is no whole number from 2 to 4096.
    """
    x, y = _coordinates(size)
    # phase π·size·r²: its slope at r = 1/2 is π a pixel
    return (0.5 + 0.5 * (math.pi * size * (x * x + y * y)).cos()).float()[..., None]


def siemens_star(size: int, spokes: int = 36) -> Tensor:
    """(size, size, 1) spokes, 1 or more: one frequency for each radius, at every angle.

    Raises:
        InvalidGrid: on a size that is no whole number from 2 to 4096, and on spokes that are none.
    """
    # no image has more spokes than pixels
    checked_count("spokes", spokes, 1, PIXELS_MAX)
    x, y = _coordinates(size)
    return (0.5 + 0.5 * (spokes * torch.atan2(y, x)).cos()).float()[..., None]


def power_spectrum(residual: Tensor) -> Tensor:
    """(H, W) mean power of the channels by spatial frequency, zero in the middle; sums to the mean square.

    An axis cross in the spectrum of a residual is the encoding's lattice showing through.
    """
    power = torch.fft.fft2(residual.double(), dim=(0, 1)).abs().square().mean(-1)
    return torch.fft.fftshift(power) / power.numel() ** 2


def _coordinates(size: int) -> tuple[Tensor, Tensor]:
    checked_count("size", size, 2, math.isqrt(PIXELS_MAX))
    side = (torch.arange(size, dtype=torch.float64) + 0.5) / size - 0.5
    x, y = torch.meshgrid(side, side, indexing="ij")
    return x, y


def _unit_range(array: np.ndarray) -> np.ndarray:
    if array.dtype == np.bool_:
        return array.astype(np.float32)
    if array.dtype in (np.uint8, np.uint16):
        return array.astype(np.float32) / np.float32(np.iinfo(array.dtype).max)
    if array.dtype.kind != "f":
        raise InvalidGrid(f"image holds {array.dtype}: 8 or 16 bit without sign, boolean or real is needed")
    low, high = float(array.min()), float(array.max())
    # written so that NaN fails
    if not (low >= 0 and high <= 1):
        raise InvalidGrid(f"image runs from {low} to {high}: real numbers from 0 to 1 are needed")
    return array.astype(np.float32)
