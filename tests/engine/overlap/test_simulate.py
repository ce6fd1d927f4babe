"""Simulated pairs have the mean, noise and covariance that was asked for."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from anisoscope.engine.overlap.harmonics import unit_vectors
from anisoscope.engine.overlap.isotropic import cosmic_variance, hellings_downs
from anisoscope.engine.overlap.optimal import optimal_statistic
from anisoscope.engine.overlap.simulate import pair_covariance, sigma_for_snr, simulate_pairs
from anisoscope.engine.overlap.sky_frame import separations


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def hellings_downs_matrix(directions: Tensor) -> Tensor:
    """(N, N), the pulsar term on its diagonal."""
    matrix = torch.eye(len(directions), dtype=torch.float64)
    first, second = torch.triu_indices(len(directions), len(directions), 1)
    matrix[first, second] = matrix[second, first] = hellings_downs(separations(directions))
    return matrix


def some_pulsars(count: int, seed: int = 1) -> Tensor:
    return unit_vectors(torch.randn(count, 3, generator=seeded(seed), dtype=torch.float64))


def test_mean_and_noise() -> None:
    expected = torch.linspace(-0.2, 0.5, 6, dtype=torch.float64)
    sigma = torch.linspace(0.1, 2.0, 6, dtype=torch.float64)
    draws = simulate_pairs(expected, sigma, 3.0, seeded(), 40_000)
    assert draws.shape == (40_000, 6)
    # five standard errors
    assert bool(((draws.mean(0) - 3 * expected).abs() < 5 * sigma / 200).all())
    torch.testing.assert_close(draws.std(0), sigma, rtol=0.02, atol=0)
    assert torch.corrcoef(draws.T).fill_diagonal_(0).abs().max() < 0.025


def test_same_seed_same_draws() -> None:
    expected, sigma = torch.ones(3), torch.ones(3)
    first, again = (simulate_pairs(expected, sigma, 1.0, seeded(7), 2) for _ in range(2))
    assert torch.equal(first, again)
    assert not torch.equal(first[0], first[1])


def test_sigma_for_snr_gives_that_snr() -> None:
    pattern = hellings_downs(separations(some_pulsars(12)))
    sigma = sigma_for_snr(pattern, 7.5)
    found = optimal_statistic(simulate_pairs(pattern, sigma, 1.0, seeded(), 20_000), pattern, sigma)
    assert abs(found.snr.mean().item() - 7.5) < 5 / 20_000**0.5
    assert abs(found.snr.std().item() - 1) < 0.03
    assert abs(optimal_statistic(pattern, pattern, sigma).snr.item() - 7.5) < 1e-12


def test_covariance_is_that_of_products_of_gaussian_data() -> None:
    """Isserlis' theorem against 400 000 draws of the pulsars' data themselves."""
    matrix, noise = hellings_downs_matrix(some_pulsars(4)), torch.tensor([0.5, 1.0, 0.2, 0.0])
    amplitude = 1.7
    covariance = pair_covariance(matrix, amplitude, noise)
    root = torch.linalg.cholesky(amplitude * matrix + torch.diag(noise.double()))
    data = torch.randn(400_000, 4, generator=seeded(), dtype=torch.float64) @ root.T
    first, second = torch.triu_indices(4, 4, 1)
    products = data[:, first] * data[:, second]
    torch.testing.assert_close(torch.cov(products.T), covariance, rtol=0.03, atol=0.03)
    torch.testing.assert_close(pair_covariance(matrix, amplitude, noise, samples=8), covariance / 8)


def test_weak_signal_leaves_independent_pairs() -> None:
    noise = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)
    covariance = pair_covariance(hellings_downs_matrix(some_pulsars(3)), 0.0, noise)
    torch.testing.assert_close(covariance, torch.diag(torch.tensor([2.0, 3.0, 6.0], dtype=torch.float64)))


@pytest.mark.parametrize("degrees", [30.0, 90.0, 150.0])
def test_without_noise_the_average_over_the_sky_is_the_cosmic_variance(degrees: float) -> None:
    """Allen (2023): Γ_acΓ_bd + Γ_adΓ_bc, averaged over two rotated pairs of one separation."""
    zeta = torch.tensor(degrees, dtype=torch.float64).deg2rad()
    q, r = torch.linalg.qr(torch.randn(60_000, 3, 3, generator=seeded(), dtype=torch.float64))
    # Only with these signs is q uniform over the orthogonal matrices (Mezzadri 2007).
    turns = q * r.diagonal(dim1=-2, dim2=-1).sign().unsqueeze(-2)
    pole = torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64)
    other = torch.stack([zeta.sin(), torch.zeros_like(zeta), zeta.cos()])
    # entries: (fixed pulsar, rotated pulsar)
    cosine = torch.stack([pole, other]) @ (turns @ torch.stack([pole, other], -1))
    overlap = hellings_downs(cosine.clamp(-1, 1).acos())
    terms = overlap[:, 0, 0] * overlap[:, 1, 1] + overlap[:, 0, 1] * overlap[:, 1, 0]
    error = terms.std() / len(terms) ** 0.5
    assert (terms.mean() - cosmic_variance(zeta)).abs() < 5 * error


def test_draws_with_a_covariance() -> None:
    matrix = hellings_downs_matrix(some_pulsars(4))
    covariance = pair_covariance(matrix, 1.0, torch.zeros(4))
    draws = simulate_pairs(torch.zeros(6), torch.ones(6), 1.0, seeded(), 100_000, covariance)
    torch.testing.assert_close(torch.cov(draws.T), covariance, rtol=0.03, atol=0.01)


def test_refusals() -> None:
    with pytest.raises(ValueError, match="sigma of pair 1 is -1"):
        simulate_pairs(torch.ones(2), torch.tensor([1.0, -1.0]), 1.0)
    with pytest.raises(ValueError, match="infinite noise"):
        simulate_pairs(torch.ones(2), torch.tensor([1.0, torch.inf]), 1.0)
    with pytest.raises(ValueError, match="count is 0"):
        simulate_pairs(torch.ones(2), torch.ones(2), 1.0, count=0)
    with pytest.raises(ValueError, match="expected has shape"):
        simulate_pairs(torch.ones(2, 2), torch.ones(2), 1.0)
    with pytest.raises(ValueError, match="eigenvalue"):
        simulate_pairs(torch.ones(2), torch.ones(2), 1.0, covariance=torch.tensor([[1.0, 2.0], [2.0, 1.0]]))
    with pytest.raises(ValueError, match="covariance has shape"):
        simulate_pairs(torch.ones(2), torch.ones(2), 1.0, covariance=torch.eye(3))
    for wrong in (torch.tensor([[1.0, 5.0], [0.0, 1.0]]), torch.tensor([[1.0, 0.0], [0.0, math.nan]])):
        with pytest.raises(ValueError, match=r"covariance (is not symmetric|holds numbers)"):
            simulate_pairs(torch.ones(2), torch.ones(2), 1.0, covariance=wrong)
    for expected, amplitude in ((torch.tensor([1.0, math.nan]), 1.0), (torch.ones(2), math.inf)):
        with pytest.raises(ValueError, match=r"amplitude · expected is .* for pair"):
            simulate_pairs(expected, torch.ones(2), amplitude)
    for snr in (0.0, -1.0, float("nan")):
        with pytest.raises(ValueError, match="snr is"):
            sigma_for_snr(torch.ones(2), snr)
    with pytest.raises(ValueError, match="expected has length 0"):
        sigma_for_snr(torch.zeros(2), 1.0)


@given(st.lists(st.floats(1e-3, 1e3), min_size=3, max_size=6), st.floats(0.1, 100))
def test_weighted_sigma_gives_that_snr_and_goes_as_the_root_of_both_weights(
    weights: list[float], snr: float
) -> None:
    each = torch.tensor(weights, dtype=torch.float64)
    first, second = torch.triu_indices(len(each), len(each), 1)
    pattern = torch.linspace(-0.2, 0.5, len(first), dtype=torch.float64) + 0.013
    sigma = sigma_for_snr(pattern, snr, each)
    assert float((pattern / sigma).norm()) == pytest.approx(snr)
    product = sigma.square() * each[first] * each[second]
    torch.testing.assert_close(product, product[:1].expand(len(product)))
    torch.testing.assert_close(sigma_for_snr(pattern, snr, 7 * each), sigma)
    torch.testing.assert_close(
        sigma_for_snr(pattern, snr, torch.ones_like(each)), sigma_for_snr(pattern, snr)
    )


@pytest.mark.parametrize("weights", [[1.0, 2.0], [1.0, 0.0, 1.0], [1.0, math.nan, 1.0], [1.0, math.inf, 1.0]])
def test_weights_that_are_none_are_refused(weights: list[float]) -> None:
    with pytest.raises(ValueError, match="weight"):
        sigma_for_snr(torch.ones(3), 1.0, torch.tensor(weights))


def test_covariances_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="not symmetric"):
        pair_covariance(torch.tensor([[1.0, 0.2], [0.1, 1.0]]), 1.0, torch.ones(2))
    with pytest.raises(ValueError, match="overlap_matrix has shape"):
        pair_covariance(torch.eye(3), 1.0, torch.ones(2))
    for amplitude in (-1.0, math.nan, math.inf):
        with pytest.raises(ValueError, match=f"amplitude is {amplitude}: it must not be negative"):
            pair_covariance(torch.eye(2), amplitude, torch.ones(2))
    with pytest.raises(ValueError, match="noise of pulsar 1 is nan"):
        pair_covariance(torch.eye(2), 1.0, torch.tensor([1.0, math.nan]))
    with pytest.raises(ValueError, match="samples is 0"):
        pair_covariance(torch.eye(2), 1.0, torch.ones(2), 0)
