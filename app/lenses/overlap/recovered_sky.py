"""Four ways from pair correlations to a sky, in one form: coefficients or pixels, and what is peculiar to each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from anisoscope.engine.overlap.compression import Compressed
from anisoscope.engine.overlap.maps import maximum_likelihood, principal_maps
from anisoscope.engine.overlap.positivity import minimum_power
from anisoscope.engine.overlap.square_root import square_root_fit

from .radiometer_sky import radiometer_map
from .sky_pictures import at_pixels, pixel_harmonics

METHODS = ("radiometer", "likelihood", "square_root", "principal")
NSIDE = 8
MAP_STARTS = 9
"""Starts of the square-root fit that is drawn; the likelihood has several minima."""

_ROUNDING = 1e-9


@dataclass(frozen=True)
class RecoveredSky:
    """A sky found in the data.

    Attributes:
        coefficients: ((fit_l_max + 1)²,) A² c_lm; of the radiometer those of its SNR map.
        pixels: SNR map (768,) of the radiometer, None for the skies of coefficients.
        expected: what is subtracted for the residual where that is not the injected sky: the SNR map of
            the same sky without noise.
        minimum: the lowest power, or SNR.
        physical: whether power is nowhere negative; of the radiometer, whether no pixel is.
        converged: of the square-root fit; True for the ones that solve linear equations.
        facts: what only this method has to say.
    """

    coefficients: Tensor
    minimum: float
    physical: bool
    pixels: Tensor | None = None
    expected: Tensor | None = None
    converged: bool = True
    facts: dict[str, Any] = field(default_factory=dict)


def radiometer_sky(key: bytes, rho: Tensor, expected: Tensor, sigma: Tensor, fit_l_max: int) -> RecoveredSky:
    """SNR of each of 768 pixels alone."""
    found = radiometer_map(key, rho, sigma, NSIDE)
    noiseless = radiometer_map(key, expected, sigma, NSIDE)
    harmonics = pixel_harmonics(NSIDE, fit_l_max)
    coefficients = found.snr @ harmonics * (4 * torch.pi / len(harmonics))
    lowest = float(found.power.min())
    facts = {
        "highest_snr": float(found.snr.max()),
        "highest_pixel": int(found.snr.argmax()),
        "lowest_pixel_power": lowest,
        "nside": NSIDE,
        "drawn": "SNR of each pixel alone, NSIDE 8, enlarged by nearest pixel",
    }
    return RecoveredSky(
        coefficients, float(found.snr.min()), lowest >= 0, found.snr, noiseless.snr, facts=facts
    )


def likelihood_sky(compressed: Compressed, data: Tensor, ridge: float) -> RecoveredSky:
    """All coefficients fitted together, with a ridge in units of the largest eigenvalue of the Fisher matrix."""
    found = maximum_likelihood(data, compressed.r, torch.ones(len(compressed.r)), min(ridge, 1.0))
    facts = {
        "regularised_condition": found.regularised_condition,
        "regularisation": min(ridge, 1.0),
        "kept_modes": found.kept,
        "resolved": float(found.resolution.diagonal().sum()),
        "drawn": "power, in units of the mean power injected",
    }
    return _linear(found.power, facts)


def square_root_sky(compressed: Compressed, data: Tensor, fit_l_max: int) -> RecoveredSky:
    """The best square: nowhere negative by construction."""
    found = square_root_fit(compressed, data, fit_l_max, starts=MAP_STARTS)
    facts = {
        "iterations": found.iterations,
        "starts": MAP_STARTS,
        "chi_square": float(found.chi_square),
        "root_degree": fit_l_max // 2,
        "drawn": "power, in units of the mean power injected",
    }
    # A square is 0 along whole lines, where a search for the lowest place has nothing to hold on to.
    lowest = max(float(at_pixels(found.coefficients, NSIDE).min()), 0.0)
    return RecoveredSky(found.coefficients, lowest, True, converged=bool(found.converged), facts=facts)


def principal_sky(compressed: Compressed, data: Tensor) -> RecoveredSky:
    """The one pattern of the sky that the array measures best, with the amplitude it has in the data."""
    principal = principal_maps(compressed.r.mT @ compressed.r)
    information, pattern = float(principal.information[0]), principal.maps[0]
    amplitude = float((data @ compressed.r) @ pattern) / information
    facts = {
        "principal_amplitude": amplitude,
        "principal_uncertainty": information**-0.5,
        "principal_snr": amplitude * information**0.5,
        "principal_share": information / float(principal.information.sum()),
        "drawn": "the best-measured pattern alone, in units of the mean power injected",
    }
    return _linear(amplitude * pattern, facts)


def _linear(coefficients: Tensor, facts: dict[str, Any]) -> RecoveredSky:
    lowest = float(minimum_power(coefficients)[0])
    return RecoveredSky(
        coefficients, lowest, lowest >= -_ROUNDING * float(coefficients[0].abs()), facts=facts
    )
