"""One pulsar with itself, and the full matrix."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from anisoscope.engine.overlap.autocorrelation import _is_map, autocorrelation, overlap_matrix
from anisoscope.engine.overlap.harmonics import real_harmonics
from anisoscope.engine.overlap.healpix import pixel_directions
from anisoscope.engine.overlap.isotropic import hellings_downs
from anisoscope.engine.overlap.sky_frame import overlap_from_coefficients, separations

seeds = st.integers(0, 2**31)


def randoms(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def dense_sphere(degree: int) -> tuple[Tensor, Tensor]:
    """Points and weights of a product rule, exact up to that degree; the weights sum to 1."""
    count = degree // 2 + 1
    companion = torch.diag(
        torch.arange(1, count) / torch.sqrt(4 * torch.arange(1, count).double() ** 2 - 1), 1
    )
    z, vectors = torch.linalg.eigh(companion + companion.T)
    phi = 2 * math.pi * torch.arange(degree + 1, dtype=torch.float64) / (degree + 1)
    sine = (1 - z * z).sqrt()[:, None]
    points = torch.stack([sine * phi.cos(), sine * phi.sin(), z[:, None].expand(-1, degree + 1)], 2)
    return points.reshape(-1, 3), (vectors[0] ** 2)[:, None].expand(-1, degree + 1).reshape(-1) / (degree + 1)


def squared_sky(seed: int, l_max: int) -> Tensor:
    """Coefficients up to 2 l_max of the square of a random function: nowhere negative."""
    points, weights = dense_sphere(4 * l_max)
    root = real_harmonics(points, l_max) @ randoms(seed, (l_max + 1) ** 2)
    return 4 * math.pi * (weights * root**2) @ real_harmonics(points, 2 * l_max)


@settings(deadline=None, max_examples=40)
@given(seeds, st.integers(0, 8))
def test_dense_quadrature(seed, l_max):
    pulsars, sky = randoms(seed, 5, 3), randoms(seed + 1, (l_max + 1) ** 2)
    points, weights = dense_sphere(l_max + 2)
    power = real_harmonics(points, l_max) @ sky
    unit = pulsars / pulsars.norm(dim=1, keepdim=True)
    # Γ_aa = 2 · 3/2 · mean of P F_a², F_a² = ((1 - k·p)/2)² with k = -n
    expected = 2 * 1.5 * ((1 + unit @ points.T) / 2) ** 2 @ (weights * power)
    torch.testing.assert_close(autocorrelation(pulsars, sky), expected, rtol=0, atol=1e-13)
    torch.testing.assert_close(
        autocorrelation(pulsars, sky, pulsar_term=False), expected / 2, rtol=0, atol=1e-13
    )


def test_isotropic_sky_and_a_source_behind_or_opposite():
    pulsar = torch.tensor([[0.0, 0.0, 1.0], [0.6, 0.0, 0.8]], dtype=torch.float64)
    assert autocorrelation(pulsar, torch.ones(12 * 16**2)).tolist() == pytest.approx([1, 1], abs=1e-3)
    for side, value in ((1, 3.0), (-1, 0.0)):
        sky = 4 * math.pi * real_harmonics(side * pulsar[:1], 2)[0]
        assert autocorrelation(pulsar[:1], sky).item() == pytest.approx(value, abs=1e-13)
    sky = torch.zeros(9, dtype=torch.float64)
    sky[0] = math.sqrt(4 * math.pi)
    assert autocorrelation(pulsar, sky).tolist() == pytest.approx([1, 1], abs=1e-15)


@pytest.mark.parametrize("seed", range(4))
def test_without_pulsar_term_it_is_the_limit_of_a_close_pair(seed):
    pulsar, sky = randoms(seed, 1, 3), randoms(seed + 9, 121)
    limit = overlap_from_coefficients(torch.cat([pulsar, pulsar]), sky)
    torch.testing.assert_close(autocorrelation(pulsar, sky, False), limit, rtol=0, atol=1e-13)


def test_map_agrees_with_coefficients():
    pulsars, sky = randoms(1, 6, 3), randoms(2, 25)
    pixels = real_harmonics(pixel_directions(32), 4) @ sky
    torch.testing.assert_close(
        autocorrelation(pulsars, pixels), autocorrelation(pulsars, sky), rtol=0, atol=2e-3
    )


@settings(deadline=None, max_examples=25)
@given(seeds, st.booleans())
def test_matrix_of_a_positive_sky_is_positive(seed, pulsar_term):
    pulsars = randoms(seed, 15, 3)
    for sky in (squared_sky(seed, 3), randoms(seed, 192) ** 2):
        matrix = overlap_matrix(pulsars, sky, pulsar_term)
        assert torch.equal(matrix, matrix.T)
        eigenvalues = torch.linalg.eigvalsh(matrix)
        assert eigenvalues[0] > -1e-13 * eigenvalues[-1]


@settings(deadline=None, max_examples=25)
@given(seeds)
def test_pulsar_on_a_pixel_centre_leaves_the_matrix_positive(seed):
    generator = torch.Generator().manual_seed(seed)
    chosen = pixel_directions(2)[torch.randint(48, (8,), generator=generator)]
    sky = torch.rand(48, generator=generator, dtype=torch.float64)
    for pulsar_term in (True, False):
        eigenvalues = torch.linalg.eigvalsh(overlap_matrix(torch.cat([chosen, chosen[:2]]), sky, pulsar_term))
        assert eigenvalues[0] > -1e-13 * eigenvalues[-1]


def test_matrix_holds_pairs_and_diagonal():
    pulsars, sky = randoms(3, 7, 3), randoms(4, 36)
    matrix = overlap_matrix(pulsars, sky)
    first, second = torch.triu_indices(7, 7, 1)
    torch.testing.assert_close(matrix[first, second], overlap_from_coefficients(pulsars, sky))
    torch.testing.assert_close(matrix.diagonal(), autocorrelation(pulsars, sky))
    isotropic = overlap_matrix(pulsars, torch.tensor([math.sqrt(4 * math.pi)], dtype=torch.float64))
    torch.testing.assert_close(isotropic[first, second], hellings_downs(separations(pulsars)))
    assert overlap_matrix(pulsars, sky, False).diagonal().tolist() == pytest.approx(
        (matrix.diagonal() / 2).tolist()
    )


def test_gradients():
    pulsars = randoms(5, 4, 3).requires_grad_()
    assert torch.autograd.gradcheck(overlap_matrix, (pulsars, randoms(6, 16).requires_grad_()))
    assert torch.autograd.gradcheck(overlap_matrix, (pulsars, randoms(7, 12).requires_grad_()))


@pytest.mark.parametrize(
    ("power", "words"),
    [
        (torch.ones(5), "power has 5 values"),
        (torch.ones(0), "power has shape"),
        (torch.ones(3, 4), "power has shape"),
        (torch.full((12,), math.nan), "sky: number 0"),
        (torch.full((4,), math.nan), "coefficients: number 0"),
    ],
)
def test_impossible_skies_are_refused(power, words):
    for function in (autocorrelation, overlap_matrix):
        with pytest.raises(ValueError, match=words):
            function(randoms(0, 3, 3), power)


def test_the_length_tells_a_map_from_coefficients():
    for number in range(1, 65):
        assert _is_map(torch.ones(12 * number**2)) and not _is_map(torch.ones(number**2))
