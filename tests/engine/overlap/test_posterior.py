"""Samplers against brute-force rejection and known moments; effective sample size against known chains."""

import math

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from anisoscope.engine.overlap.chains import effective_sample_size, potential_scale_reduction
from anisoscope.engine.overlap.compression import Compressed
from anisoscope.engine.overlap.harmonics import real_harmonics
from anisoscope.engine.overlap.healpix import pixel_directions
from anisoscope.engine.overlap.posterior import linear_posterior, square_root_posterior
from anisoscope.engine.overlap.square_root import coefficients_of_root
from anisoscope.engine.overlap.truncated import truncated_gaussian


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=seeded(seed), dtype=torch.float64)


def array(l_max: int, strength: float) -> Compressed:
    """Any well-conditioned response will do here."""
    size = (l_max + 1) ** 2
    r = strength * (torch.eye(size, dtype=torch.float64) + 0.2 * normal(size, size, seed=8))
    return Compressed(torch.eye(size, dtype=torch.float64), r, torch.ones(size, dtype=torch.float64))


def agree(draws: Tensor, size: Tensor, mean: Tensor, spread: Tensor) -> None:
    """Means within five of their own standard errors, standard deviations within a tenth."""
    error = spread / size.sqrt()
    assert bool(((draws.mean((0, 1)) - mean).abs() < 5 * error + 0.01 * spread).all())
    torch.testing.assert_close(draws.std((0, 1)), spread, rtol=0.1, atol=0)


def weighted(values: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    weights = weights / weights.sum()
    mean = weights @ values
    return mean, (weights @ (values - mean).square()).sqrt()


@pytest.mark.parametrize("strength", [0.1, 1.0, 4.0])
def test_dipoles_against_rejection(strength: float) -> None:
    """For l = 1 the sky is positive in the ball |c_1| ≤ √(4π/3): draw it evenly, weigh by the likelihood."""
    compressed = array(1, strength)
    data = compressed.r @ torch.tensor([math.sqrt(4 * math.pi), 0.8, -1.5, 0.3], dtype=torch.float64)
    found = linear_posterior(compressed, data, 1, 1.0, draws=200, generator=seeded())
    cube = (2 * torch.rand(400_000, 3, generator=seeded(1), dtype=torch.float64) - 1) * math.sqrt(
        4 * math.pi / 3
    )
    ball = cube[cube.norm(dim=1) <= math.sqrt(4 * math.pi / 3)]
    skies = torch.cat([torch.full((len(ball), 1), math.sqrt(4 * math.pi)), ball], 1).double()
    weights = (-0.5 * (data - skies @ compressed.r.T).square().sum(1)).exp()
    mean, spread = weighted(skies[:, 1:], weights)
    agree(found.coefficients[..., 1:], found.effective_sample_size[1:], mean, spread)
    assert found.acceptance > 0.8
    # The wall is tested on a grid, whose pixels leave a narrow rim outside the ball.
    assert found.coefficients[..., 1:].norm(dim=-1).max() < 1.05 * math.sqrt(4 * math.pi / 3)
    assert bool((found.coefficients[..., 0] == math.sqrt(4 * math.pi)).all())
    assert bool((found.amplitude == 1).all())


def test_dipole_and_amplitude_against_rejection() -> None:
    compressed = array(1, 0.7)
    data = compressed.r @ (1.5 * torch.tensor([math.sqrt(4 * math.pi), 0.8, -0.5, 0.3], dtype=torch.float64))
    found = linear_posterior(compressed, data, 1, draws=300, generator=seeded())
    limit = math.sqrt(4 * math.pi / 3)
    cube = (2 * torch.rand(1_000_000, 3, generator=seeded(1), dtype=torch.float64) - 1) * limit
    ball = cube[cube.norm(dim=1) <= limit]
    amplitude = 6 * torch.rand(len(ball), 1, generator=seeded(2), dtype=torch.float64)
    skies = torch.cat([torch.full((len(ball), 1), math.sqrt(4 * math.pi)), ball], 1).double()
    weights = (-0.5 * (data - amplitude * (skies @ compressed.r.T)).square().sum(1)).exp()
    mean, spread = weighted(torch.cat([amplitude, ball], 1), weights)
    draws = torch.cat([found.amplitude.unsqueeze(-1), found.coefficients[..., 1:]], -1)
    agree(draws, found.effective_sample_size, mean, spread)


def test_far_from_the_wall_it_is_the_gaussian_itself() -> None:
    compressed = array(3, 30.0)
    truth = torch.cat([torch.tensor([math.sqrt(4 * math.pi)]), 0.05 * normal(15, seed=2)]).double()
    found = linear_posterior(compressed, compressed.r @ truth, 3, 1.0, draws=100, generator=seeded())
    spread = torch.linalg.inv(compressed.r[:, 1:].T @ compressed.r[:, 1:]).diagonal().sqrt()
    agree(found.coefficients[..., 1:], found.effective_sample_size[1:], truth[1:], spread)


def test_every_draw_is_a_positive_sky_and_the_chains_mix() -> None:
    compressed = array(6, 0.5)
    truth = coefficients_of_root(normal(16, seed=4), 6)
    truth = truth * math.sqrt(4 * math.pi) / truth[0]
    data = compressed.r @ truth + normal(49)
    found = linear_posterior(compressed, data, 6, generator=seeded())
    sky = found.coefficients.flatten(0, 1) @ real_harmonics(pixel_directions(12), 6).T
    assert sky.min() > -1e-9
    assert found.acceptance > 0.8
    assert found.effective_sample_size.min() > 200
    assert found.scale_reduction.max() < 1.1
    again = linear_posterior(compressed, data, 6, generator=seeded())
    assert torch.equal(again.coefficients, found.coefficients)


@pytest.mark.parametrize("amplitude", [None, 1.0])
def test_square_root_skies_against_importance_sampling(amplitude: float | None) -> None:
    """l_max 2: draw roots from the prior, weigh by the likelihood (summed over a grid of A² where it is free)."""
    compressed = array(2, 0.5)
    data = compressed.r @ torch.tensor([3.5, 1.0, -1.0, 0.5, 0.2, 0, 0, 0.3, 0], dtype=torch.float64)
    found = square_root_posterior(compressed, data, 2, amplitude, generator=seeded())
    skies = coefficients_of_root(normal(200_000, 4, seed=1), 2)
    skies = skies * math.sqrt(4 * math.pi) / skies[:, :1]
    model = skies @ compressed.r.T
    grid = (
        torch.linspace(0, 6, 601, dtype=torch.float64) if amplitude is None else torch.tensor([1.0]).double()
    )
    square, cross = model.square().sum(1, keepdim=True), (model @ data).unsqueeze(1)
    weights = (-0.5 * data.square().sum() + grid * cross - 0.5 * grid**2 * square).exp()
    mean, spread = weighted(skies[:, 1:], weights.sum(1))
    agree(found.coefficients[..., 1:], found.effective_sample_size[1:], mean, spread)
    mean, spread = weighted(grid.unsqueeze(1), weights.sum(0))
    if amplitude is None:
        agree(found.amplitude.unsqueeze(-1), found.effective_sample_size[:1], mean, spread)
    assert 0.15 < found.acceptance < 0.35
    assert found.scale_reduction.max() < 1.02
    sky = found.coefficients.flatten(0, 1) @ real_harmonics(pixel_directions(8), 2).T
    assert sky.min() > -1e-12
    torch.testing.assert_close(
        found.coefficients[..., 0], torch.full((8, 1000), math.sqrt(4 * math.pi)).double()
    )


@pytest.mark.parametrize(
    ("low", "high"),
    [(-1.0, 2.0), (0.5, math.inf), (-math.inf, -3.0), (8.0, 9.0), (-40.0, -39.0), (60.0, 61.0)],
)
def test_truncated_gaussian_has_its_moments(low: float, high: float) -> None:
    """Precision 4, mean 0.5, against scipy's truncnorm, or its exponential limit far out in a tail."""
    count = 40_000
    uniform = (torch.arange(count, dtype=torch.float64) + 0.5) / count
    whole = torch.full((count,), 1.0, dtype=torch.float64)
    draws = truncated_gaussian(4 * whole, 2 * whole, low * whole, high * whole, uniform)
    assert bool((draws >= low).all() & (draws <= high).all() & draws.isfinite().all())
    assert bool((draws.diff() >= 0).all())  # the inverse of a distribution function rises
    a, b = 2 * (low - 0.5), 2 * (high - 0.5)
    near = min(abs(a), abs(b))
    if near < 20:
        mean, variance = stats.truncnorm.stats(a, b, loc=0.5, scale=0.5)
        assert draws.mean().item() == pytest.approx(float(mean), rel=1e-3)
        assert draws.var().item() == pytest.approx(float(variance), rel=5e-3)
    else:
        # P(t beyond the end by x) ≈ exp(−slope x), slope = 2 · near, next order 1/near²
        beyond = (draws - (low if low > 0 else high)).abs().mean().item()
        assert beyond == pytest.approx(1 / (2 * near), rel=2 / near**2 + 1e-3)


def test_a_flat_gaussian_is_uniform_and_an_empty_interval_a_point() -> None:
    zero, one = torch.zeros(3, dtype=torch.float64), torch.ones(3, dtype=torch.float64)
    uniform = torch.tensor([0.25, 0.5, 0.75], dtype=torch.float64)
    torch.testing.assert_close(truncated_gaussian(zero, zero, -one, one, uniform), 2 * uniform - 1)
    assert torch.equal(truncated_gaussian(one, zero, one, one, uniform), one)


def test_effective_sample_size_of_white_noise() -> None:
    size = effective_sample_size(normal(4, 5000, 20))
    assert abs(size.mean().item() / 20_000 - 1) < 0.03


@pytest.mark.parametrize("coefficient", [-0.4, 0.5, 0.9, 0.98])
def test_effective_sample_size_of_autoregression(coefficient: float) -> None:
    """AR(1): draws (1 − a)/(1 + a)."""
    steps = 20_000
    kicks = normal(4, steps, 4).numpy() * math.sqrt(1 - coefficient**2)
    chain = np.empty_like(kicks)
    chain[:, 0] = normal(4, 4, seed=1).numpy()
    for step in range(1, steps):
        chain[:, step] = coefficient * chain[:, step - 1] + kicks[:, step]
    size = effective_sample_size(torch.from_numpy(chain)).mean().item()
    assert size == pytest.approx(4 * steps * (1 - coefficient) / (1 + coefficient), rel=0.15)


def test_chains_that_disagree_are_seen() -> None:
    draws = normal(4, 500)
    assert potential_scale_reduction(draws) < 1.02
    draws[0] += 3
    assert potential_scale_reduction(draws) > 1.3
    assert effective_sample_size(draws) < 20
    drift = normal(4, 500) + torch.linspace(0, 5, 500)
    assert potential_scale_reduction(drift) > 1.3
    still = torch.ones(2, 10, 1)
    assert effective_sample_size(still).item() == potential_scale_reduction(still).item() == 1
    apart = torch.stack([torch.zeros(10), torch.ones(10)])
    assert potential_scale_reduction(apart).item() == math.inf


def test_refusals() -> None:
    compressed = array(2, 1.0)
    with pytest.raises(ValueError, match="l_max is 3"):
        linear_posterior(compressed, torch.ones(9), 3)
    with pytest.raises(ValueError, match="data has shape"):
        linear_posterior(compressed, torch.ones(2, 9), 2)
    with pytest.raises(ValueError, match="draws 0"):
        linear_posterior(compressed, torch.ones(9), 2, draws=0)
    with pytest.raises(ValueError, match="needs 2 or more"):
        square_root_posterior(array(1, 1.0), torch.ones(4), 1)
    with pytest.raises(ValueError, match="4 or more draws"):
        effective_sample_size(torch.ones(2, 3))
    with pytest.raises(ValueError, match="not finite"):
        effective_sample_size(torch.full((2, 5), torch.nan))
