"""The core against tables of 40 digits and the closed forms for l ≤ 3."""

import json
import math
from pathlib import Path

import pytest
import torch

from anisoscope.engine.overlap.isotropic import cosmic_variance, hellings_downs
from anisoscope.engine.overlap.pair_frame import gamma_lm
from anisoscope.engine.overlap.sky_frame import overlap_harmonics, separations

TABLE = json.loads(Path(__file__).with_name("overlap_oracle.json").read_text())
# Γ in convention E and SOURCE direction, from the tables' M and PROPAGATION.
TO_OURS = 3 / (8 * math.pi)


def ours(value: float, l: int, m: int) -> float:
    return (-1) ** l * TO_OURS * (math.sqrt(2) if m else 1) * value


@pytest.mark.parametrize(("degrees", "value"), TABLE["HD"].items())
def test_hellings_downs(degrees, value):
    # printed to 15 digits
    assert hellings_downs(math.radians(float(degrees))).item() == pytest.approx(value, abs=2e-15)


def test_zeros_and_minimum_of_hellings_downs():
    zeros = torch.tensor(TABLE["zeros"], dtype=torch.float64).deg2rad()
    assert hellings_downs(zeros).abs().max() < 1e-14
    where, depth = TABLE["min"]
    lowest = torch.tensor(math.radians(where), dtype=torch.float64, requires_grad=True)
    value = hellings_downs(lowest)
    assert value.item() == pytest.approx(depth, abs=1e-14)
    assert torch.autograd.grad(value, lowest)[0].abs() < 1e-13


@pytest.mark.parametrize(("degrees", "value"), TABLE["CV"].items())
def test_cosmic_variance(degrees, value):
    # the table comes from a float64 sum
    assert cosmic_variance(math.radians(float(degrees))).item() == pytest.approx(value, abs=1e-15)


@pytest.mark.parametrize(("key", "value"), TABLE["Gamma_M"].items())
def test_pair_frame(key, value):
    l, m, degrees = (int(part) for part in key.split(","))
    found = gamma_lm(math.radians(degrees), max(l, 3))
    assert found[l * l + l + m].item() == pytest.approx(ours(value, l, m), abs=2e-15)
    if m:
        assert found[l * l + l - m] == 0


def test_sky_frame():
    angles = torch.tensor(TABLE["Sky"]["pulsars"], dtype=torch.float64).deg2rad()
    ascension, declination = angles.T
    pulsars = torch.stack(
        [declination.cos() * ascension.cos(), declination.cos() * ascension.sin(), declination.sin()], 1
    )
    assert separations(pulsars).rad2deg().item() == pytest.approx(TABLE["Sky"]["separation"], abs=1e-11)
    source = [(-1) ** l * v for l, v in zip([0] + 3 * [1] + 5 * [2], TABLE["Sky"]["values"], strict=True)]
    # twelve printed decimals
    assert overlap_harmonics(pulsars, 2)[0].tolist() == pytest.approx(source, abs=6e-13)


def closed_forms(zeta: float) -> dict[tuple[int, int], float]:
    """G_lm, l ≤ 3, of Mingarelli et al. (2013) in convention M and propagation direction."""
    c, s, pi = math.cos(zeta), math.sin(zeta), math.pi
    log = 2 * math.log(math.sin(zeta / 2))
    a, b = 1 - c, 1 + c
    root = math.sqrt
    return {
        (0, 0): root(pi) / 2 * (2 * a * log + (c + 3) / 3),
        (1, 0): root(3 * pi) / 2 * (-2 * a * log - b * (4 - 3 * c) / 3),
        (1, 1): root(6 * pi) / 4 * s * (2 * a / b * log + (4 - 3 * c) / 3),
        (2, 0): root(5 * pi) / 2 * (2 * a * log - (15 * c**3 + 45 * c**2 - 19 * c - 45) / 30),
        (2, 1): -root(30 * pi) / 12 * s * (6 * a / b * log - (5 * c**2 + 15 * c - 21) / 5),
        (2, 2): root(30 * pi) / 24 * s**2 * (12 * a / b**2 * log - (c**2 + 4 * c - 9) / b),
        (3, 0): root(7 * pi) / 2 * (-2 * a * log - a * b * (5 * c**2 + 10 * c + 17) / 12),
        (3, 1): root(21 * pi) / 12 * s * (12 * a / b * log + a * (5 * c**2 + 15 * c + 34) / 4),
        (3, 2): root(210 * pi)
        / 120
        * s**2
        * (-60 * a / b**2 * log + 5 * (c**3 + 3 * c**2 + 9 * c - 17) / (2 * b)),
        (3, 3): root(35 * pi)
        / 120
        * s**3
        * (120 * a / b**3 * log - 5 * (c**3 + 4 * c**2 + 17 * c - 34) / (2 * b**2)),
    }


# away from 0 and π, where these forms themselves lose digits
@pytest.mark.parametrize("zeta", [0.3, 0.349, 0.351, 0.7, 1.2, math.pi / 2, 2.2, 2.7])
def test_closed_forms(zeta):
    found = gamma_lm(zeta, 3)
    for (l, m), value in closed_forms(zeta).items():
        assert found[l * l + l + m].item() == pytest.approx(ours(value, l, m), abs=2e-13), (l, m)
