"""Fifteen hundred random samples: each exact radius held against a winding count made here, in NumPy."""

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from anisoscope.engine.ghosts import convergence_radius, exact_radius

# A circle this close to the ghost, relative to its radius, still separates inside from outside in rounding.
CLEARANCE = 1e-6
LOGIT_SCALES = (0.02, 1.0, 5.0, 15.0)
SLOPE_SHAPES = ("normal", "heavy tails", "whole numbers", "one class runs away")
SAMPLES = 13


def slopes_of(shape: str, generator: torch.Generator, size: tuple[int, int]) -> torch.Tensor:
    a = torch.randn(size, generator=generator, dtype=torch.float64)
    if shape == "heavy tails":
        return a**3
    if shape == "whole numbers":
        return (2 * a).round()  # many classes of one slope, ghosts that tie
    if shape == "one class runs away":
        a[:, 0] *= 20
    return a


def zeros_in_upper_half_disc(
    z: NDArray[np.float64], a: NDArray[np.float64], radius: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Turns of arg F over each half circle |t| = radius, Im t > 0, whose ends are real, where F > 0.

    On an arc that reaches h to both sides of its middle m, F exp(-ct) moves by at most
    Σ_k exp(z_k + (a_k - c) Re m) (exp(|a_k - c| h) - 1), c the slope of the leading class there. Where that
    is less than |F exp(-ct)| at m, the phases at both ends are within π/2 of that at m; others are halved.
    """
    phase, first = np.zeros(len(z)), 8
    sample = np.repeat(np.arange(len(z)), first)
    low = np.tile(np.arange(first), len(z)) * (math.pi / first)
    width = np.full(len(low), math.pi / first)
    for _ in range(60):
        logits, reach = z[sample], radius[sample]
        middle = reach * np.exp(1j * (low + width / 2))
        exponents = logits + a[sample] * middle.real[:, None]
        leader = exponents.argmax(-1)[:, None]
        weights = np.exp(exponents - np.take_along_axis(exponents, leader, -1))
        c = np.take_along_axis(a[sample], leader, -1)
        slopes = a[sample] - c
        centre = (weights * np.exp(1j * slopes * middle.imag[:, None])).sum(-1)
        movement = (weights * np.expm1(np.abs(slopes) * (reach * width / 2)[:, None])).sum(-1)
        held = movement < np.abs(centre)
        for sign, end in ((-1, low), (1, low + width)):
            t = reach[held] * np.exp(1j * end[held])
            shift = t - middle[held]
            value = (weights[held] * np.exp(slopes[held] * (1j * middle[held].imag + shift)[:, None])).sum(-1)
            change = np.angle(value / centre[held]) + c[held, 0] * shift.imag
            np.add.at(phase, sample[held], sign * change)
        left = ~held
        if not left.any():
            return phase / (2 * math.pi)
        half = width[left] / 2
        sample = np.repeat(sample[left], 2)
        low = np.stack((low[left], low[left] + half), -1).ravel()
        width = np.repeat(half, 2)
    raise AssertionError(f"a ghost lies on the circle of samples {np.unique(sample)[:8].tolist()}")


@pytest.mark.parametrize("shape", SLOPE_SHAPES)
def test_disc_is_empty_and_its_rim_is_not(shape):
    """K = 2..30; none inside ρ*(1 - 10⁻⁶), a pair at least inside ρ*(1 + 10⁻⁶), and ρ_a ≤ ρ_m ≤ ρ*."""
    generator = torch.Generator().manual_seed(20 + SLOPE_SHAPES.index(shape))
    for classes in range(2, 31):
        z = torch.randn(SAMPLES, classes, generator=generator, dtype=torch.float64)
        z *= torch.tensor(LOGIT_SCALES, dtype=torch.float64).repeat(4)[:SAMPLES, None]
        a = slopes_of(shape, generator, (SAMPLES, classes))
        found = exact_radius(z, a)
        assert found.certified.all()
        bound, margin = convergence_radius(z, a), convergence_radius(z, a, "margin")
        assert (bound <= margin * (1 + 1e-12)).all()
        assert (margin <= found.radius * (1 + 1e-11)).all()
        moving = found.radius.isfinite()
        logits, slopes, radius = z[moving].numpy(), a[moving].numpy(), found.radius[moving].numpy()
        inside = zeros_in_upper_half_disc(logits, slopes, radius * (1 - CLEARANCE))
        assert np.abs(inside).max() < 1e-6
        around = zeros_in_upper_half_disc(logits, slopes, radius * (1 + CLEARANCE))
        assert np.abs(around - around.round()).max() < 1e-6
        assert around.min() > 0.5


def test_count_of_this_file_counts():
    """(1 + e^t)(1 + e^(t-1)): ghosts at iπ and 1 + iπ, at 3iπ and 1 + 3iπ."""
    z, a = np.log([[1, 1 + math.exp(-1), math.exp(-1)]]), np.array([[0.0, 1.0, 2.0]])
    for radius, count in ((3.1, 0), (3.2, 1), (3.4, 2), (9.4, 2), (9.45, 3), (9.5, 4)):
        assert zeros_in_upper_half_disc(z, a, np.array([radius]))[0] == pytest.approx(count, abs=1e-9)
