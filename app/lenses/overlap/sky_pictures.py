"""Skies as pictures: harmonics and pixels looked up at the directions of the Mollweide raster, once for a size."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from torch import Tensor

from anisoscope.engine.overlap.harmonics import real_harmonics
from anisoscope.engine.overlap.healpix import nearest_pixel, nside_of, pixel_directions
from anisoscope.engine.overlap.skies import degree_of

from . import mollweide


class Scale(NamedTuple):
    """The values of the palette's two ends."""

    low: float
    high: float


def on_raster(coefficients: Tensor, columns: int) -> Tensor:
    """P at the raster's directions (inside,) from c_lm."""
    return _raster_harmonics(columns, degree_of(coefficients)) @ coefficients


def at_pixels(coefficients: Tensor, nside: int) -> Tensor:
    """P at the centres of all pixels (12 nside²,)."""
    return pixel_harmonics(nside, degree_of(coefficients)) @ coefficients


def enlarged(pixels: Tensor, columns: int) -> Tensor:
    """A ring-ordered map at the raster's directions, each taking the pixel it lies in."""
    return pixels[_raster_pixels(columns, nside_of(len(pixels)))]


def common_scale(*values: Tensor) -> Scale:
    """One scale for several pictures of power: from 0, or the lowest where that is negative, to the highest."""
    low = min(0.0, *(float(part.min()) for part in values))
    return Scale(low, max(float(part.max()) for part in values))


def signed_scale(values: Tensor) -> Scale:
    """Symmetric about 0, which then has the middle colour."""
    size = float(values.abs().max())
    return Scale(-size, size) if size > 0 else Scale(-1.0, 1.0)


def picture(values: Tensor, scale: Scale, columns: int) -> dict[str, np.ndarray]:
    """Columns of an image layer."""
    return mollweide.image(values, scale.low, scale.high, columns)


@lru_cache(maxsize=4)
def pixel_harmonics(nside: int, l_max: int) -> Tensor:
    """(12 nside², (l_max + 1)²)."""
    return real_harmonics(pixel_directions(nside), l_max)


@lru_cache(maxsize=4)
def _raster_harmonics(columns: int, l_max: int) -> Tensor:
    """(inside, (l_max + 1)²); 22 MB for 240 columns and degrees up to 10."""
    return real_harmonics(mollweide.raster(columns)[0], l_max)


@lru_cache(maxsize=4)
def _raster_pixels(columns: int, nside: int) -> Tensor:
    return nearest_pixel(mollweide.raster(columns)[0], nside)
