"""The square-root basis: products of harmonics, positive skies, and fits that reach a minimum."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from anisoscope.engine.overlap.clebsch import product_tensor
from anisoscope.engine.overlap.compression import Compressed, compress
from anisoscope.engine.overlap.harmonics import real_harmonics, unit_vectors
from anisoscope.engine.overlap.healpix import pixel_directions
from anisoscope.engine.overlap.sky_frame import overlap_harmonics
from anisoscope.engine.overlap.square_root import (
    coefficients_of_root,
    isotropic_amplitude,
    square_root_fit,
)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=seeded(seed), dtype=torch.float64)


def array(l_max: int, pulsars: int = 40, snr: float = 10.0) -> Compressed:
    """An array at which an isotropic background A² = 1 has the HD SNR given."""
    gamma = overlap_harmonics(unit_vectors(normal(pulsars, 3, seed=3)), l_max)
    sigma = math.sqrt(4 * math.pi) * torch.linalg.vector_norm(gamma[:, 0]) / snr
    return compress(gamma, sigma.repeat(len(gamma)))


def chi_square(compressed: Compressed, data: Tensor, coefficients: Tensor) -> Tensor:
    return (data - coefficients @ compressed.r.T).square().sum(-1)


@pytest.mark.parametrize(("l_max", "root_l_max"), [(0, 0), (2, 1), (6, 3), (10, 5), (3, 3)])
def test_products_of_harmonics(l_max: int, root_l_max: int) -> None:
    """Σ β Y is the product itself wherever l_max reaches its degree; β is symmetric and obeys selection rules."""
    table = product_tensor(l_max, root_l_max)
    torch.testing.assert_close(table, table.mT, rtol=0, atol=1e-14)
    points = unit_vectors(normal(30, 3))
    harmonics = real_harmonics(points, max(l_max, root_l_max))
    factors = harmonics[:, : (root_l_max + 1) ** 2]
    if l_max >= 2 * root_l_max:
        product = torch.einsum("kij,pk->pij", table, harmonics[:, : (l_max + 1) ** 2])
        torch.testing.assert_close(product, factors[:, :, None] * factors[:, None, :], rtol=0, atol=1e-12)
    degree = torch.arange((max(l_max, root_l_max) + 1) ** 2).sqrt().floor()
    top, first, second = torch.meshgrid(
        degree[: len(table)], degree[: table.shape[1]], degree[: table.shape[1]], indexing="ij"
    )
    forbidden = (top > first + second) | (top < (first - second).abs()) | ((top + first + second) % 2 == 1)
    assert bool((table[forbidden] == 0).all())


def test_known_integrals() -> None:
    """∫Y_00 Y_i Y_j = δ_ij/√(4π); ∫Y_20 Y_10 Y_10 = 1/√(5π); ∫Y_20 Y_11 Y_11 = −1/√(20π)."""
    table = product_tensor(2)
    torch.testing.assert_close(table[0], torch.eye(4, dtype=torch.float64) / math.sqrt(4 * math.pi))
    assert table[6, 2, 2].item() == pytest.approx(1 / math.sqrt(5 * math.pi), rel=1e-13)
    assert table[6, 3, 3].item() == pytest.approx(-1 / math.sqrt(20 * math.pi), rel=1e-13)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 8), st.integers(0, 10_000))
def test_the_sky_is_the_square_of_its_root(l_max: int, seed: int) -> None:
    """On a grid far finer than the band limit: equal to the square, hence nowhere negative."""
    root = normal(3, (l_max // 2 + 1) ** 2, seed=seed)
    points = pixel_directions(24)
    coefficients = coefficients_of_root(root, l_max)
    sky = coefficients @ real_harmonics(points, l_max).T
    wanted = (root @ real_harmonics(points, l_max // 2).T).square()
    torch.testing.assert_close(sky, wanted, rtol=0, atol=1e-12 * float(wanted.max()))
    torch.testing.assert_close(coefficients[:, 0], root.square().sum(-1) / math.sqrt(4 * math.pi))
    if l_max % 2:
        assert bool((coefficients[:, l_max**2 :] == 0).all())


def test_noise_free_skies_come_back() -> None:
    """Without noise the best of a few starts is the sky itself, up to the sign of its root."""
    compressed = array(4, snr=100.0)
    truth = normal(5, 9, seed=2)
    truth[:, 0] += 3
    coefficients = coefficients_of_root(truth, 4)
    fit = square_root_fit(compressed, coefficients @ compressed.r.T, 4, starts=8)
    assert bool(fit.converged.all())
    assert fit.chi_square.max() < 1e-6
    torch.testing.assert_close(fit.coefficients, coefficients, rtol=0, atol=1e-4)
    torch.testing.assert_close(fit.root, truth * truth[:, :1].sign(), rtol=0, atol=1e-4)


@pytest.fixture(scope="module")
def fitted() -> tuple[Compressed, Tensor]:
    compressed = array(6)
    mean = math.sqrt(4 * math.pi) * compressed.r[:, 0]
    return compressed, mean + normal(50, 49)


def test_fits_are_minima(fitted: tuple[Compressed, Tensor]) -> None:
    """χ² is what it says, no neighbouring root is better, and it beats the best isotropic sky."""
    compressed, data = fitted
    fit = square_root_fit(compressed, data, 6)
    assert bool(fit.converged.all())
    torch.testing.assert_close(fit.chi_square, chi_square(compressed, data, fit.coefficients))
    for seed in range(20):
        moved = fit.root + 1e-3 * normal(50, 16, seed=seed)
        other = chi_square(compressed, data, coefficients_of_root(moved, 6))
        assert bool((other > fit.chi_square - 1e-9).all())
    amplitude, _ = isotropic_amplitude(compressed, data)
    isotropic = torch.zeros(50, 49, dtype=torch.float64)
    isotropic[:, 0] = math.sqrt(4 * math.pi) * amplitude
    assert bool((fit.chi_square <= chi_square(compressed, data, isotropic)).all())
    sky = fit.coefficients @ real_harmonics(pixel_directions(24), 6).T
    assert sky.min() > -1e-12


def test_gradient_vanishes_by_automatic_differentiation(fitted: tuple[Compressed, Tensor]) -> None:
    compressed, data = fitted
    root = square_root_fit(compressed, data, 6).root.requires_grad_(True)
    chi_square(compressed, data, coefficients_of_root(root, 6)).sum().backward()
    assert root.grad is not None
    # χ² changes by about 2 |J| per unit of a parameter, |J| some tens here
    assert root.grad.abs().max() < 2e-3


def test_batches_and_units_change_nothing(fitted: tuple[Compressed, Tensor]) -> None:
    compressed, data = fitted
    fit = square_root_fit(compressed, data[:6], 6)
    shaped = square_root_fit(compressed, data[:6].reshape(2, 3, 49), 6)
    torch.testing.assert_close(shaped.root.reshape(6, 16), fit.root)
    assert shaped.converged.shape == shaped.chi_square.shape == (2, 3)
    single = square_root_fit(compressed, data[4], 6)
    torch.testing.assert_close(single.coefficients, fit.coefficients[4], rtol=0, atol=1e-6)
    tiny = Compressed(compressed.q, compressed.r * 1e30, compressed.sigma)
    again = square_root_fit(tiny, data[:6], 6)
    torch.testing.assert_close(again.coefficients * 1e30, fit.coefficients, rtol=0, atol=1e-6)


def test_more_starts_are_never_worse(fitted: tuple[Compressed, Tensor]) -> None:
    compressed, data = fitted
    one, several = (square_root_fit(compressed, data, 6, starts=starts) for starts in (1, 6))
    assert bool((several.chi_square <= one.chi_square + 1e-9).all())
    assert bool((several.chi_square < one.chi_square - 1e-3).any())
    torch.testing.assert_close(several.root, square_root_fit(compressed, data, 6, starts=6).root)


def test_negative_data_and_stopping_early(fitted: tuple[Compressed, Tensor]) -> None:
    compressed, data = fitted
    below = square_root_fit(compressed, -data, 6)
    assert bool(below.coefficients.isfinite().all())
    assert bool((below.coefficients[:, 0] >= 0).all())
    early = square_root_fit(compressed, data, 6, iterations=1)
    assert early.iterations == 1
    assert not bool(early.converged.any())


def test_fewer_pairs_than_coefficients() -> None:
    compressed = array(6, pulsars=4)
    fit = square_root_fit(compressed, normal(5, 6), 6)
    assert bool(fit.root.isfinite().all())


def test_refusals(fitted: tuple[Compressed, Tensor]) -> None:
    compressed, data = fitted
    with pytest.raises(ValueError, match="l_max is 5"):
        square_root_fit(compressed, data, 5)
    with pytest.raises(ValueError, match="data has shape"):
        square_root_fit(compressed, data[:, 1:], 6)
    with pytest.raises(ValueError, match="not finite"):
        square_root_fit(compressed, data * torch.nan, 6)
    with pytest.raises(ValueError, match="starts is 0"):
        square_root_fit(compressed, data, 6, starts=0)
    with pytest.raises(ValueError, match="root has shape"):
        coefficients_of_root(torch.ones(3), 2)
    with pytest.raises(ValueError, match="l_max is -1"):
        product_tensor(-1)
    deaf = Compressed(compressed.q, torch.zeros_like(compressed.r), compressed.sigma)
    with pytest.raises(ValueError, match="does not respond"):
        isotropic_amplitude(deaf, data)
