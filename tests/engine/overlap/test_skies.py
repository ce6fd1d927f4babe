"""Skies against sums over pixels, mpmath, derivatives and Monte Carlo."""

import math

import mpmath
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from anisoscope.engine.overlap.harmonics import real_harmonics
from anisoscope.engine.overlap.healpix import pixel_directions
from anisoscope.engine.overlap.hot_spot import bessel_ratios
from anisoscope.engine.overlap.skies import (
    angular_power,
    dipole,
    equal_sources,
    evaluate,
    from_map,
    hot_spot,
    hot_spot_power,
    isotropic,
    point_sources,
    quadrupole,
    random_from_spectrum,
)

MEAN_ONE = math.sqrt(4 * math.pi)
SPOT = torch.tensor([0.36, -0.48, 0.8], dtype=torch.float64)
NORTH = torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64)


def number(value: float) -> torch.Tensor:
    return torch.tensor(value, dtype=torch.float64)


@pytest.mark.parametrize("kappa", [1e-12, 1e-5, 0.01, 1.0, 8.0, 50.0, 500.0, 1e6])
def test_bessel_ratios_to_forty_digits(kappa: float):
    ratios = bessel_ratios(number(kappa), 12)
    with mpmath.workdps(40):
        base = mpmath.besseli(0.5, mpmath.mpf(kappa))
        for degree in range(13):
            exact = mpmath.besseli(degree + 0.5, mpmath.mpf(kappa)) / base
            assert abs(ratios[degree].item() / exact - 1) < 1e-12


def test_bessel_ratio_of_degree_one_is_the_langevin_function():
    kappa = torch.linspace(0.5, 500, 50, dtype=torch.float64)
    torch.testing.assert_close(bessel_ratios(kappa, 1)[:, 1], 1 / torch.tanh(kappa) - 1 / kappa)


def test_bessel_ratios_start_as_one_third():
    kappa = number(0.0).requires_grad_()
    ratios = bessel_ratios(kappa, 3)
    assert ratios.tolist() == [1.0, 0.0, 0.0, 0.0]
    assert torch.autograd.grad(ratios[1], kappa)[0].item() == pytest.approx(1 / 3, abs=1e-15)


@pytest.mark.parametrize("kappa", [0.0, 0.5, 8.0])
def test_hot_spot_coefficients_are_those_of_its_density(kappa: float):
    """By the pixel sum; nside 32 leaves 1e-4."""
    points = pixel_directions(32)
    density = hot_spot_power(points, SPOT, kappa, 0.7)
    summed = 4 * math.pi * (density @ real_harmonics(points, 6)) / len(points)
    torch.testing.assert_close(hot_spot(SPOT, kappa, 0.7, 6), summed, rtol=0, atol=2e-3)


def test_a_long_series_rebuilds_the_density():
    points = pixel_directions(4)
    rebuilt = evaluate(hot_spot(SPOT, 20.0, 0.6, 40), points)
    torch.testing.assert_close(rebuilt, hot_spot_power(points, SPOT, 20.0, 0.6), rtol=0, atol=1e-11)


def test_hot_spot_limits():
    """κ = 0 or f = 0 is isotropic; κ → ∞ is a point source."""
    for kappa, fraction in ((0.0, 1.0), (500.0, 0.0)):
        torch.testing.assert_close(hot_spot(SPOT, kappa, fraction, 5), isotropic(5))
        torch.testing.assert_close(
            hot_spot_power(pixel_directions(2), SPOT, kappa, fraction), torch.ones(48).double()
        )
    point = point_sources(SPOT.unsqueeze(0), torch.ones(1), 4)
    torch.testing.assert_close(hot_spot(SPOT, 1e6, 1.0, 4), point, rtol=0, atol=1e-4)


def test_density_is_smooth_where_its_series_begins():
    kappa = torch.tensor([0.999e-3, 1.001e-3], dtype=torch.float64)
    low, high = hot_spot_power(NORTH.unsqueeze(0), NORTH, kappa, torch.ones(2))[:, 0]
    assert (high - low).item() == pytest.approx(2e-6, rel=1e-2)
    assert torch.isfinite(hot_spot_power(-NORTH.unsqueeze(0), NORTH, 1e6, 1.0)).all()


def test_hot_spot_gradients():
    kappa, fraction = number(8.0).requires_grad_(), number(0.3).requires_grad_()
    direction = SPOT.clone().requires_grad_()
    points = pixel_directions(1)
    assert torch.autograd.gradcheck(lambda d, k, f: hot_spot(d, k, f, 3), (direction, kappa, fraction))
    assert torch.autograd.gradgradcheck(lambda k: hot_spot(SPOT, k, 1.0, 3), (kappa,))
    assert torch.autograd.gradcheck(
        lambda d, k, f: hot_spot_power(points, d, k, f), (direction, kappa, fraction)
    )
    at_zero = number(0.0).requires_grad_()
    slope = torch.autograd.grad(hot_spot_power(NORTH.unsqueeze(0), NORTH, at_zero, 1.0)[0], at_zero)[0]
    assert slope.item() == pytest.approx(1.0)


def test_hot_spots_in_batches():
    directions = pixel_directions(1)
    kappa = torch.linspace(0, 500, 12, dtype=torch.float64)
    together = hot_spot(directions, kappa, 0.5, 4)
    one = hot_spot(directions[7], kappa[7], 0.5, 4)
    torch.testing.assert_close(together[7], one)
    points = pixel_directions(2)
    torch.testing.assert_close(
        hot_spot_power(points, directions, kappa, 0.5)[7],
        hot_spot_power(points, directions[7], kappa[7], 0.5),
    )


@pytest.mark.parametrize(
    ("kappa", "fraction", "name"),
    [(-1.0, 0.5, "kappa"), (math.nan, 0.5, "kappa"), (1e7, 0.5, "kappa"), (1.0, 1.1, "fraction")],
)
def test_hot_spot_refuses(kappa: float, fraction: float, name: str):
    with pytest.raises(ValueError, match=name):
        hot_spot(SPOT, kappa, fraction, 3)


def test_point_sources_share_the_power():
    """The weights are relative, and one source is 4π Y_lm at its place."""
    directions, weights = pixel_directions(1), torch.arange(12, dtype=torch.float64)
    sky = point_sources(directions, weights, 3)
    torch.testing.assert_close(sky, point_sources(directions, 1e200 * weights, 3))
    assert sky[0].item() == pytest.approx(MEAN_ONE)
    alone = point_sources(SPOT.unsqueeze(0), torch.ones(1), 3)
    torch.testing.assert_close(alone, 4 * math.pi * real_harmonics(SPOT, 3))
    places = directions[:3].clone().requires_grad_()
    assert torch.autograd.gradcheck(
        lambda d, w: point_sources(d, w, 2), (places, weights[1:4].requires_grad_())
    )


@pytest.mark.parametrize("bad", [[1.0, -1.0], [1.0, math.nan], [0.0, 0.0], [1.0]])
def test_point_sources_refuse(bad: list[float]):
    with pytest.raises(ValueError, match="weights"):
        point_sources(pixel_directions(1)[:2], torch.tensor(bad), 2)


def test_dipole_and_quadrupole_are_what_they_say():
    points = pixel_directions(3)
    cosine = points @ SPOT
    torch.testing.assert_close(evaluate(dipole(SPOT, 0.4, 3), points), 1 + 0.4 * cosine)
    expected = 1 - 0.7 * (3 * cosine**2 - 1) / 2
    torch.testing.assert_close(evaluate(quadrupole(SPOT, -0.7), points), expected)
    assert dipole(SPOT, 0.4, 3).shape == (16,)
    for build, name in (
        (lambda: dipole(SPOT, 1.0, 0), "l_max"),
        (lambda: quadrupole(SPOT, math.nan), "amplitude"),
    ):
        with pytest.raises(ValueError, match=name):
            build()


def test_random_sky_has_its_spectrum_on_average():
    """4000 draws: C_l to 5 standard errors, C_l √(2/(2l + 1)/4000)."""
    generator = torch.Generator().manual_seed(4)
    spectrum = torch.tensor([4 * math.pi, 2.0, 0.0, 0.5], dtype=torch.float64)
    draws = torch.stack([random_from_spectrum(spectrum, generator) for _ in range(4000)])
    degree = torch.arange(4)
    error = spectrum * (2 / (2 * degree + 1) / 4000).sqrt()
    error[0] = 1e-12
    assert ((angular_power(draws).mean(0) - spectrum).abs() <= 5 * error).all()
    assert (draws[:, 0] - MEAN_ONE).abs().max() < 1e-14
    with pytest.raises(ValueError, match="degree 1"):
        random_from_spectrum(torch.tensor([1.0, -1.0]), generator)


@pytest.mark.parametrize("count", [1, 10])
def test_equal_sources_have_one_over_n(count: int):
    """C_l/C_0 = 1/N on average; from 2000 skies, within 5 standard errors of the sample."""
    generator = torch.Generator().manual_seed(count)
    power = torch.stack([angular_power(equal_sources(count, 3, generator)) for _ in range(2000)])
    ratio = power / power[:, :1]
    error = ratio.std(0) / math.sqrt(len(ratio)) + 1e-12
    assert ((ratio.mean(0)[1:] - 1 / count).abs() < 5 * error[1:]).all()


def test_from_map_finds_the_sky_behind_it():
    """A sky of degree 3, cut into pixels in any unit; nside 32 leaves 1e-3."""
    sky = hot_spot(SPOT, 1.0, 1.0, 3)
    painted = 5e-30 * evaluate(sky, pixel_directions(32))
    torch.testing.assert_close(from_map(painted, 3), sky, rtol=0, atol=1e-3)


def test_from_map_is_exact_for_points_at_the_centres():
    painted = torch.zeros(48, dtype=torch.float64)
    painted[[5, 30]] = torch.tensor([1.0, 3.0], dtype=torch.float64)
    expected = point_sources(pixel_directions(2)[[5, 30]], torch.tensor([1.0, 3.0]), 8)
    torch.testing.assert_close(from_map(painted, 8), expected)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda sky: sky[:-1], "767"),
        (lambda sky: sky.reshape(12, 64), r"\(12, 64\)"),
        (lambda sky: sky.index_fill(0, torch.tensor([17, 40]), math.nan), "pixel 17 is nan"),
        (lambda sky: sky.index_fill(0, torch.tensor([3]), -2.0), "pixel 3 is -2"),
        (lambda sky: sky.index_fill(0, torch.tensor([767]), math.inf), "pixel 767 is inf"),
        (lambda sky: 0 * sky, "no power"),
    ],
)
def test_from_map_refuses(change, words: str):
    with pytest.raises(ValueError, match=words) as caught:
        from_map(change(torch.ones(768)), 3)
    assert "sky" in str(caught.value)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 6), st.integers(0, 2**31))
def test_angular_power_does_not_turn_with_the_frame(l_max: int, seed: int):
    """Sources turned by a random rotation have the same C_l."""
    generator = torch.Generator().manual_seed(seed)
    rotation = torch.linalg.qr(torch.randn(3, 3, generator=generator, dtype=torch.float64))[0]
    directions = torch.randn(5, 3, generator=generator, dtype=torch.float64)
    weights = torch.rand(5, generator=generator, dtype=torch.float64) + 0.1
    before = angular_power(point_sources(directions, weights, l_max))
    after = angular_power(point_sources(directions @ rotation.T, weights, l_max))
    torch.testing.assert_close(before, after, rtol=1e-10, atol=1e-12)


def test_coefficients_of_a_wrong_length():
    for call in (angular_power, lambda c: evaluate(c, NORTH.unsqueeze(0))):
        with pytest.raises(ValueError, match=r"\(l_max \+ 1\)²"):
            call(torch.ones(7))


def test_lists_are_taken():
    assert evaluate([MEAN_ONE, 0, 0, 0], [[0, 0, 1]]).tolist() == pytest.approx([1.0])  # pyright: ignore[reportArgumentType]
