"""The sky a request asks for: its power in harmonics, at any place, and where it can be had its exact correlations."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from anisoscope.engine.overlap import (
    dipole,
    equal_sources,
    evaluate,
    from_map,
    hot_spot,
    hot_spot_power,
    isotropic,
    nearest_pixel,
    nside_of,
    overlap_from_map,
    overlap_from_point_sources,
    point_sources,
    quadrupole,
    random_from_spectrum,
)

from ...device import chosen_device
from ...errors import RequestError
from ...request import Request
from .array_state import FINE_BAND, ArrayState, fine_overlap
from .mollweide import direction
from .scales import BAND
from .uploaded import sky_map

SPECTRUM_HEIGHT = 0.05
"""C_1/C_0 of the random skies with a power-law spectrum."""

PAINTED_NSIDE = 4


@dataclass(frozen=True, eq=False)
class Sky:
    """Gravitational-wave power over the sky, mean 1.

    Attributes:
        coefficients: (121,) c_lm, l ≤ 10, real harmonics, SOURCE direction, c_00 = √4π.
        power: power at unit vectors (n, 3).
        centre: where a hot spot, point or pole of a pattern lies; None where the sky has none.
        half_power: angular radius in rad at which a hot spot has half of its height; 0 where it has none.
        exact: correlations of all pairs of an array without a limit on l (a hot spot: to l = 32); None where the
            coefficients are the whole sky.
        floor: the lowest power, where `power` cannot tell: a point drawn as a series rings around it.
    """

    coefficients: Tensor
    power: Callable[[Tensor], Tensor]
    centre: Tensor | None = None
    half_power: float = 0.0
    exact: Callable[[ArrayState], Tensor] | None = None
    floor: float | None = None


def sky_of(request: Request) -> Sky:
    """The sky a request asks for.

    Raises:
        RequestError: the reader's map is not here or cannot be used; a painted sky is no 192 digits.
    """
    kind = request["sky"]
    if kind in ("hot_spot", "point", "dipole", "quadrupole"):
        place = direction(request["right_ascension"], request["declination"]).to(chosen_device())
        return _placed(kind, place, request["fraction"], request["kappa"])
    if kind == "painted":
        return _painted(request["painted"])
    if kind == "own":
        return _own(request["map"])
    return _random(kind, request["sources"], request["slope"], request["sky_seed"])


def _placed(kind: str, place: Tensor, fraction: float, kappa: float) -> Sky:
    if kind == "hot_spot":
        # cos of the angle at which exp(κ (cos - 1)) is one half; a broad spot never falls so far.
        half = math.acos(max(-1.0, 1 - math.log(2) / kappa))
        return Sky(
            hot_spot(place, kappa, fraction, BAND),
            lambda points: hot_spot_power(points, place, kappa, fraction),
            place,
            half,
            lambda array: fine_overlap(array) @ hot_spot(place, kappa, fraction, FINE_BAND),
        )
    if kind == "point":
        mixed = fraction * point_sources(place[None], torch.ones(1), BAND) + (1 - fraction) * isotropic(
            BAND
        ).to(place.device)
        return Sky(
            mixed,
            lambda points: evaluate(mixed, points),
            place,
            0.0,
            lambda array: _point(array, place, fraction),
            1.0 - fraction,
        )
    pattern = dipole(place, fraction, BAND) if kind == "dipole" else quadrupole(place, fraction, BAND)
    return Sky(pattern, lambda points: evaluate(pattern, points), place)


def _point(array: ArrayState, place: Tensor, fraction: float) -> Tensor:
    behind = overlap_from_point_sources(array.directions, place[None])
    return fraction * behind + (1 - fraction) * array.isotropic


@lru_cache(maxsize=8)
def _random(kind: str, sources: int, slope: float, seed: int) -> Sky:
    generator = torch.Generator().manual_seed(seed)
    if kind == "sources":
        coefficients = equal_sources(sources, BAND, generator)
    else:
        degrees = torch.arange(BAND + 1, dtype=torch.float64)
        spectrum = 4 * math.pi * SPECTRUM_HEIGHT * degrees.clamp(min=1).pow(-slope)
        spectrum[0] = 4 * math.pi
        coefficients = random_from_spectrum(spectrum, generator)
        coefficients[0] = math.sqrt(4 * math.pi)
    coefficients = coefficients.to(chosen_device())
    return Sky(coefficients, lambda points: evaluate(coefficients, points))


@lru_cache(maxsize=16)
def _painted(digits: str) -> Sky:
    pixels = 12 * PAINTED_NSIDE**2
    if not digits:
        return _of_map(torch.ones(pixels, dtype=torch.float64))
    allowed = f"must be {pixels} hexadecimal digits, one for each pixel"
    try:
        values = [int(digit, 16) for digit in digits]
    except ValueError as error:
        raise RequestError("painted", digits, allowed, "") from error
    if len(values) != pixels:
        raise RequestError("painted", digits, allowed, "")
    if not any(values):
        raise RequestError("painted", digits, "must have power somewhere", "")
    return _of_map(torch.tensor(values, dtype=torch.float64))


@lru_cache(maxsize=4)
def _own(token: str) -> Sky:
    return _of_map(sky_map(token))


def _of_map(pixels: Tensor) -> Sky:
    pixels = (pixels / pixels.mean()).to(chosen_device())
    nside = nside_of(len(pixels))
    return Sky(
        from_map(pixels, BAND),
        lambda points: pixels[nearest_pixel(points, nside)],
        exact=lambda array: overlap_from_map(array.directions, pixels),
    )
