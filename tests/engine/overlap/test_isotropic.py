"""The isotropic curves against their series and each other."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.polynomial.legendre import leggauss, legval

from anisoscope.engine.overlap.isotropic import cosmic_variance, hellings_downs, hellings_downs_legendre
from anisoscope.engine.overlap.pair_frame import gamma_lm

ANGLES = st.floats(0, math.pi)


@settings(deadline=None)
@given(ANGLES)
def test_hellings_downs_is_the_monopole(zeta):
    monopole = math.sqrt(4 * math.pi) * gamma_lm(zeta, 0)[0]
    torch.testing.assert_close(monopole, hellings_downs(zeta), rtol=0, atol=8e-15)


def test_limits():
    assert hellings_downs([0.0, math.pi]).tolist() == [0.5, 0.25]
    torch.testing.assert_close(
        cosmic_variance([0.0, math.pi]), torch.full((2,), 1 / 24, dtype=torch.float64), rtol=1e-15, atol=0
    )


@pytest.mark.parametrize("function", [hellings_downs, cosmic_variance])
def test_slopes_are_finite_to_the_ends(function):
    zeta = torch.tensor(
        [0.0, 1e-300, 1e-200, 1e-12, 1e-3, math.pi - 1e-9, math.pi], dtype=torch.float64, requires_grad=True
    )
    (slope,) = torch.autograd.grad(function(zeta).sum(), zeta)
    assert slope.isfinite().all()
    assert slope[0] == 0 and slope[[1, 2, 3, 5, 6]].abs().max() < 1e-8


# the tail beyond l falls as l⁻²: 1.5 Σ 2/l³
def test_legendre_series_sums_to_the_curve():
    zeta = np.linspace(0, math.pi, 9)
    series = legval(np.cos(zeta), hellings_downs_legendre(2000).numpy())
    np.testing.assert_allclose(series, hellings_downs(zeta).numpy(), atol=4e-7)


@settings(deadline=None)
@given(st.floats(0.05, math.pi - 0.05))
def test_cosmic_variance_is_the_sum_of_squares(zeta):
    a = hellings_downs_legendre(400).numpy()
    l = np.arange(len(a))
    total = sum(2 * a[k] ** 2 / (2 * k + 1) * legval(math.cos(zeta), np.eye(len(a))[k]) ** 2 for k in l[:60])
    assert cosmic_variance(zeta).item() == pytest.approx(total, abs=1e-7)


@settings(deadline=None)
@given(ANGLES)
def test_cosmic_variance_is_symmetric_and_positive(zeta):
    here, there = cosmic_variance([zeta, math.pi - zeta]).tolist()
    assert here == pytest.approx(there, abs=5e-15) and 0 < here <= 1 / 24 + 1e-14


def test_realisations_divide():
    torch.testing.assert_close(cosmic_variance(1.0, 2), cosmic_variance(1.0) / 2)


def test_averages_over_the_sky():
    """⟨Γ⟩ = 0 and ⟨Γ²⟩ = 1/48."""
    x, w = leggauss(400)
    curve = hellings_downs(np.arccos(x)).numpy()
    assert w @ curve / 2 == pytest.approx(0, abs=1e-7)
    assert w @ curve**2 / 2 == pytest.approx(1 / 48, abs=1e-7)


@pytest.mark.parametrize("zeta", [-1e-9, 3.15, math.nan, math.inf])
@pytest.mark.parametrize("function", [hellings_downs, cosmic_variance])
def test_impossible_separations_are_refused(function, zeta):
    with pytest.raises(ValueError, match="zeta: separation 1"):
        function([0.1, zeta])


def test_other_refusals():
    with pytest.raises(ValueError, match="realisations is 0"):
        cosmic_variance(1.0, 0)
    for l_max in (-1, 2.5, True):
        with pytest.raises(ValueError, match="l_max is"):
            hellings_downs_legendre(l_max)
