"""A sky sent through an array and back: simulated pair correlations, the map made of them, and how alike it is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from anisoscope.engine.overlap.compression import Compressed, compress, project
from anisoscope.engine.overlap.detection import anisotropy_snr
from anisoscope.engine.overlap.optimal import multi_component, optimal_statistic
from anisoscope.engine.overlap.simulate import sigma_for_snr, simulate_pairs
from anisoscope.engine.overlap.skies import angular_power

from ...frame import Columns
from .content import content, pair_harmonics, pair_separations
from .recovered_sky import (
    METHODS,
    NSIDE,
    RecoveredSky,
    likelihood_sky,
    principal_sky,
    radiometer_sky,
    square_root_sky,
)
from .sky_pictures import at_pixels, common_scale, enlarged, on_raster, picture, signed_scale

SNR_STARTS = 1
"""Starts of the fit behind the anisotropic SNR: those of the null distribution it is held against."""


@dataclass(frozen=True, eq=False)
class Setup:
    """What is injected into which array, and how it is looked for.

    Attributes:
        directions: (N, 3) pulsars.
        gamma: (pairs, k) Γ_lm of these directions, convention E, of at least the degrees of `injected`. Caches
            go by the directions and take it for theirs.
        injected: ((l_max + 1)²,) c_lm of the sky, c_00 = √(4π).
        weights: (N,) of the pulsars: σ_ab ∝ 1/√(w_a w_b).
        snr: Hellings–Downs SNR of the data: sets the size of σ.
        noise_seed: the same noise, scaled, at every SNR.
        fit_l_max: degree of the fit, 1 … 6.
        method: one of METHODS.
        ridge: log10 of the regularisation of "likelihood", in units of the largest eigenvalue of the Fisher
            matrix; above 0 it acts as 0.
    """

    directions: Tensor
    weights: Tensor
    gamma: Tensor
    injected: Tensor
    snr: float
    noise_seed: int
    fit_l_max: int
    method: str = "likelihood"
    ridge: float = -2.0

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ValueError(f"method is {self.method!r}: one of {', '.join(METHODS)} is needed")
        if not 1 <= self.fit_l_max <= 6:
            raise ValueError(f"fit_l_max is {self.fit_l_max}: 1 … 6 is allowed")
        if len(self.injected) > self.gamma.shape[1]:
            raise ValueError(
                f"injected has {len(self.injected)} coefficients, gamma {self.gamma.shape[1]} columns: "
                "no more coefficients than columns are needed"
            )

    @property
    def key(self) -> bytes:
        """Stands for the directions in caches."""
        return content(self.directions)

    @property
    def sigma(self) -> Tensor:
        """(pairs,) standard deviations of the data at A² = 1."""
        return sigma_for_snr(pair_separations(self.key).hellings_downs, self.snr, self.weights)

    @property
    def design(self) -> Tensor:
        """Γ_lm (pairs, (fit_l_max + 1)²) of the fit."""
        columns = (self.fit_l_max + 1) ** 2
        table = self.gamma if self.gamma.shape[1] >= columns else pair_harmonics(self.key, self.fit_l_max)
        return table[:, :columns]


class Simulated(NamedTuple):
    """One data set, (pairs,) each: correlations with noise, their σ, and without noise; A² = 1."""

    rho: Tensor
    sigma: Tensor
    expected: Tensor


def simulated(setup: Setup) -> Simulated:
    """Correlations of the injected sky, with Gaussian noise independent from pair to pair."""
    expected = setup.gamma[:, : len(setup.injected)] @ setup.injected
    sigma = setup.sigma
    generator = torch.Generator().manual_seed(setup.noise_seed)
    return Simulated(simulate_pairs(expected, sigma, generator=generator)[0], sigma, expected)


def recover(setup: Setup, columns: int = 240) -> tuple[dict[str, Columns], dict[str, Any]]:
    """Maps injected, recovered and their difference, bars of C_l/C_0, and the numbers of the fit.

    Args:
        setup: sky, array, noise and method.
        columns: of the pictures, twice as wide as high.

    Returns:
        tables injected_map, recovered_map, residual_map, injected_bars, recovered_bars; and facts.
    """
    pairs = simulated(setup)
    compressed = compress(setup.design, pairs.sigma)
    data = project(compressed, pairs.rho)
    sky = _sky(setup, pairs, compressed, data)
    maps, scales = _maps(setup, sky, columns)
    statistic, patterns = _pattern_facts(setup, pairs)
    # The mean power in the noise is no less than its uncertainty: ratios to a mean near 0 say nothing.
    floor = 1.0 if sky.pixels is not None else statistic
    tables: dict[str, Columns] = {
        **maps,
        "injected_bars": _bars(setup.injected, setup.fit_l_max, -0.4, 0.0),
        "recovered_bars": _bars(sky.coefficients, setup.fit_l_max, 0.0, floor),
    }
    ratio = anisotropy_snr(compressed, data, setup.fit_l_max, SNR_STARTS)
    facts = {
        **patterns,
        "condition": _condition(compressed),
        "anisotropic_snr": float(ratio.anisotropic),
        "total_snr": float(ratio.total),
        "map_correlation": _correlation(setup, sky),
        "minimum_power": sky.minimum,
        "physical": sky.physical,
        "converged": sky.converged and bool(ratio.fit.converged),
        "method": setup.method,
        "sigma": float(pairs.sigma.median()),
        **scales,
        **sky.facts,
    }
    return tables, facts


def _sky(setup: Setup, pairs: Simulated, compressed: Compressed, data: Tensor) -> RecoveredSky:
    if setup.method == "radiometer":
        return radiometer_sky(setup.key, pairs.rho, pairs.expected, pairs.sigma, setup.fit_l_max)
    if setup.method == "likelihood":
        return likelihood_sky(compressed, data, 10.0**setup.ridge)
    if setup.method == "square_root":
        return square_root_sky(compressed, data, setup.fit_l_max)
    return principal_sky(compressed, data)


def _maps(setup: Setup, sky: RecoveredSky, columns: int) -> tuple[dict[str, Columns], dict[str, Any]]:
    """Injected and recovered power share one scale; an SNR map has its own."""
    injected = on_raster(setup.injected, columns)
    if sky.pixels is None or sky.expected is None:
        recovered = on_raster(sky.coefficients, columns)
        residual = recovered - injected
        scale = shared = common_scale(injected, recovered)
    else:
        recovered = enlarged(sky.pixels, columns)
        residual = recovered - enlarged(sky.expected, columns)
        scale, shared = common_scale(injected), common_scale(recovered)
    signed = signed_scale(residual)
    tables: dict[str, Columns] = {
        "injected_map": picture(injected, scale, columns),
        "recovered_map": picture(recovered, shared, columns),
        "residual_map": picture(residual, signed, columns),
    }
    facts = {
        "injected_low": scale.low,
        "injected_high": scale.high,
        "recovered_low": shared.low,
        "recovered_high": shared.high,
        "residual_high": signed.high,
        "recovered_unit": "power" if sky.pixels is None else "SNR",
    }
    return tables, facts


def _bars(coefficients: Tensor, l_max: int, shift: float, floor: float) -> dict[str, np.ndarray]:
    """C_l/C_0 for l = 1 … l_max; the mean power counts as `floor` at least."""
    power = angular_power(coefficients).numpy()
    degrees = np.arange(1, l_max + 1, dtype=float)
    heights = np.zeros(l_max)
    known = min(l_max, len(power) - 1)
    mean = max(float(power[0]), 4 * math.pi * floor**2)
    if mean > 0:
        heights[:known] = power[1 : known + 1] / mean
    return {"left": degrees + shift, "right": degrees + shift + 0.4, "top": heights}


def _pattern_facts(setup: Setup, pairs: Simulated) -> tuple[float, dict[str, Any]]:
    """Uncertainty of A², and the optimal statistics."""
    angles = pair_separations(setup.key)
    alone = optimal_statistic(pairs.rho, angles.hellings_downs, pairs.sigma)
    together = _snrs_together(pairs, angles.zeta)
    facts = {
        "hd_amplitude": float(alone.amplitude),
        "hd_uncertainty": float(alone.uncertainty),
        "hd_snr": float(alone.snr),
        "monopole_snr": together[0],
        "dipole_snr": together[1],
        "hd_joint_snr": together[2],
    }
    return float(alone.uncertainty), facts


def _snrs_together(pairs: Simulated, zeta: Tensor) -> list[float]:
    """Monopole, dipole and Hellings–Downs; NaN where so few pairs cannot tell them apart."""
    try:
        return multi_component(pairs.rho, pairs.sigma, zeta).snrs.tolist()
    except ValueError:
        return [math.nan] * 3


def _condition(compressed: Compressed) -> float:
    """Condition number of the Fisher matrix, +inf where the pairs leave some sky unseen."""
    values = torch.linalg.svdvals(compressed.r)
    unseen = len(values) < compressed.r.shape[1] or bool(values[-1] <= 1e-13 * values[0])
    return math.inf if unseen else float((values[0] / values[-1]).square())


def _correlation(setup: Setup, sky: RecoveredSky) -> float:
    """Of injected and recovered sky over the sphere without their means; 0 where one of them is even."""
    if sky.pixels is not None:
        injected = at_pixels(setup.injected, NSIDE)
        return _cosine(injected - injected.mean(), sky.pixels - sky.pixels.mean())
    size = max(len(setup.injected), len(sky.coefficients))
    first, second = (
        torch.nn.functional.pad(each, (0, size - len(each)))[1:]
        for each in (setup.injected, sky.coefficients)
    )
    return _cosine(first, second)


def _cosine(first: Tensor, second: Tensor) -> float:
    """Of two vectors; by Parseval that of two skies when they are coefficients."""
    size = float(torch.linalg.vector_norm(first) * torch.linalg.vector_norm(second))
    return float(first @ second) / size if size > 0 else 0.0
