"""The darkest place of a sky: known minima, and none that a finer grid would find lower."""

import math

import pytest
import torch

from anisoscope.engine.overlap.harmonics import real_harmonics
from anisoscope.engine.overlap.healpix import pixel_directions
from anisoscope.engine.overlap.positivity import NegativeSkyError, minimum_power, require_physical
from anisoscope.engine.overlap.skies import (
    dipole,
    evaluate,
    hot_spot,
    isotropic,
    point_sources,
    quadrupole,
    random_from_spectrum,
)

SPOT = torch.tensor([0.36, -0.48, 0.8], dtype=torch.float64)


def test_known_minima():
    value, place = minimum_power(dipole(SPOT, 1.5))
    assert value.item() == pytest.approx(-0.5, abs=1e-13)
    torch.testing.assert_close(place, -SPOT, rtol=0, atol=1e-6)
    value, place = minimum_power(quadrupole(SPOT, 1.0))
    assert value.item() == pytest.approx(0.5, abs=1e-13)
    assert abs((place @ SPOT).item()) < 1e-6
    value, place = minimum_power(quadrupole(SPOT, -1.5))
    assert value.item() == pytest.approx(-0.5, abs=1e-13)
    assert abs((place @ SPOT).item()) > 1 - 1e-12


@pytest.mark.parametrize("l_max", [0, 1, 10])
def test_isotropic_minimum_is_the_mean(l_max: int):
    value, place = minimum_power(isotropic(l_max))
    assert value.item() == pytest.approx(1.0, abs=1e-14)
    assert torch.linalg.vector_norm(place).item() == pytest.approx(1.0)


@pytest.mark.parametrize("l_max", [2, 6, 10])
def test_no_finer_grid_finds_less(l_max: int):
    """Random skies on nside 128, and never more than its spacing allows below it."""
    generator = torch.Generator().manual_seed(l_max)
    harmonics = real_harmonics(pixel_directions(128), l_max)
    spectrum = torch.cat([torch.tensor([4 * math.pi]), torch.ones(l_max)]).double()
    for _ in range(15):
        sky = random_from_spectrum(spectrum, generator)
        value, place = minimum_power(sky)
        finest = (harmonics @ sky).min().item()
        assert value.item() <= finest + 1e-12
        assert value.item() >= finest - 1e-4 * l_max**2
        assert value.item() == pytest.approx(evaluate(sky, place.unsqueeze(0)).item(), abs=1e-13)


def test_bottom_is_flat():
    sky = hot_spot(SPOT, 8.0, 0.9, 6)
    _, place = minimum_power(sky)
    place = place.clone().requires_grad_()
    (slope,) = torch.autograd.grad(evaluate(sky, place.unsqueeze(0))[0], place)
    assert torch.linalg.vector_norm(slope).item() < 1e-5


@pytest.mark.parametrize("exponent", [-990, -100, -40, 40, 900])
def test_units_do_not_matter(exponent: int):
    """Powers of two, so that nothing but the search can differ; A² is about 1e-30."""
    sky = hot_spot(SPOT, 8.0, 0.9, 3)
    value, place = minimum_power(sky)
    scaled, same = minimum_power(2.0**exponent * sky)
    torch.testing.assert_close(scaled / 2.0**exponent, value, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(same, place, rtol=0, atol=1e-6)


def test_gradient_is_the_harmonic_at_the_place():
    """The envelope theorem; by differences too."""
    sky = hot_spot(SPOT, 8.0, 0.9, 3).requires_grad_()
    value, place = minimum_power(sky)
    (gradient,) = torch.autograd.grad(value, sky)
    torch.testing.assert_close(gradient, real_harmonics(place, 3))
    ahead = torch.zeros(16, dtype=torch.float64)
    ahead[5] = 1e-5
    with torch.no_grad():
        difference = (minimum_power(sky + ahead)[0] - minimum_power(sky - ahead)[0]) / 2e-5
    assert difference.item() == pytest.approx(gradient[5].item(), abs=1e-6)


def test_physical_skies_pass_and_touching_zero_is_allowed():
    for sky, lowest in (
        (isotropic(4), 1.0),
        (dipole(SPOT, 1.0), 0.0),
        (dipole(SPOT, -1.0, 10), 0.0),
        (quadrupole(SPOT, 2.0), 0.0),
    ):
        require_physical(sky)
        require_physical(1e-30 * sky)
        assert minimum_power(sky)[0].item() == pytest.approx(lowest, abs=1e-12)
        # a hair less is no longer allowed: the mean is lowered, by more than rounding
        sky[0] -= (lowest + 1e-6) * math.sqrt(4 * math.pi)
        for scale in (1.0, 1e-30):
            with pytest.raises(NegativeSkyError):
                require_physical(scale * sky)


def test_negative_skies_are_refused_by_place():
    south = torch.tensor([0.0, -1.0, -1.0], dtype=torch.float64)
    with pytest.raises(
        NegativeSkyError, match=r"-0\.25 at right ascension 270\.00°, declination -45\.00°"
    ) as caught:
        require_physical(dipole(-south, 1.25))
    error = caught.value
    assert isinstance(error, ValueError)
    assert error.minimum == pytest.approx(-0.25)
    assert error.right_ascension_degrees == pytest.approx(270, abs=1e-4)
    assert error.declination_degrees == pytest.approx(-45, abs=1e-4)
    with pytest.raises(NegativeSkyError):
        require_physical(-isotropic(2))
    with pytest.raises(NegativeSkyError):
        require_physical(point_sources(SPOT.unsqueeze(0), torch.ones(1), 4))


@pytest.mark.parametrize("bad", [torch.ones(5), torch.ones(2, 4), torch.tensor([1.0, math.nan, 0, 0])])
def test_refuses_what_are_no_coefficients(bad: torch.Tensor):
    with pytest.raises(ValueError, match="coefficients"):
        minimum_power(bad)
