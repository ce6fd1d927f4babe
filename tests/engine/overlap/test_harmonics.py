"""Real spherical harmonics against SciPy's complex ones, and exact sums."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import sph_harm_y

from anisoscope.engine.overlap.harmonics import real_harmonics
from anisoscope.engine.overlap.healpix import pixel_directions

finite = st.floats(-1, 1, allow_subnormal=False)


def random_directions(count: int, seed: int = 1) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    vectors = torch.randn(count, 3, generator=generator, dtype=torch.float64)
    return vectors / torch.linalg.vector_norm(vectors, dim=-1, keepdim=True)


def test_agrees_with_scipy_condon_shortley_included():
    directions, l_max = random_directions(100), 40
    ours = real_harmonics(directions, l_max)
    polar = torch.arccos(directions[:, 2]).numpy()
    azimuth = torch.atan2(directions[:, 1], directions[:, 0]).numpy()
    for degree in range(l_max + 1):
        for m in range(-degree, degree + 1):
            theirs = sph_harm_y(degree, abs(m), polar, azimuth)
            part = theirs.imag if m < 0 else theirs.real
            expected = torch.from_numpy(part * (1 if m == 0 else math.sqrt(2)))
            torch.testing.assert_close(ours[:, degree * (degree + 1) + m], expected, rtol=0, atol=1e-12)


def test_dipole_by_hand():
    """Y_1,-1, Y_10, Y_11 = √(3/4π) (-y, z, -x): the phase is -1 at m = 1."""
    x, y, z = direction = torch.tensor([0.36, -0.48, 0.8], dtype=torch.float64)
    expected = math.sqrt(3 / (4 * math.pi)) * torch.stack([-y, z, -x])
    torch.testing.assert_close(real_harmonics(direction, 1)[1:], expected)


def test_orthonormal_by_gauss_legendre():
    """Exact quadrature for products up to degree 24: Gauss–Legendre in z times equal steps in φ."""
    l_max = 12
    nodes, weights = np.polynomial.legendre.leggauss(l_max + 1)
    z = torch.from_numpy(nodes)[:, None]
    phi = torch.arange(2 * l_max + 1, dtype=torch.float64) * 2 * math.pi / (2 * l_max + 1)
    radius = (1 - z * z).sqrt()
    points = torch.stack([radius * phi.cos(), radius * phi.sin(), z.expand(-1, len(phi))], -1)
    y = real_harmonics(points, l_max)
    gram = torch.einsum("i,ijk,ijl->kl", torch.from_numpy(weights), y, y) * 2 * math.pi / len(phi)
    torch.testing.assert_close(gram, torch.eye(len(gram), dtype=torch.float64), rtol=0, atol=1e-13)


def test_orthonormal_on_pixels_to_quadrature_error():
    y = real_harmonics(pixel_directions(32), 6)
    gram = y.T @ y * 4 * math.pi / len(y)
    torch.testing.assert_close(gram, torch.eye(49, dtype=torch.float64), rtol=0, atol=1e-3)


@given(finite, finite, finite)
def test_addition_theorem_at_equal_directions(x: float, y: float, z: float):
    """Σ_m Y_lm² = (2l + 1)/4π everywhere, at any length of the vector."""
    if max(abs(x), abs(y), abs(z)) == 0:
        return
    values = real_harmonics(torch.tensor([x, y, z], dtype=torch.float64), 8)
    for degree in range(9):
        total = values[degree**2 : (degree + 1) ** 2].square().sum().item()
        assert abs(total - (2 * degree + 1) / (4 * math.pi)) < 1e-13


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_gradient_at_the_pole(sign: float):
    """∂Y_11/∂x = -√(3/4π), ∂Y_21/∂x = -√(15/4π) z at the pole; nothing infinite up to l = 30."""
    pole = torch.tensor([0.0, 0.0, sign], dtype=torch.float64)
    jacobian = torch.func.jacrev(lambda point: real_harmonics(point, 30))(pole)
    assert torch.isfinite(jacobian).all()
    assert abs(jacobian[3, 0].item() + math.sqrt(3 / (4 * math.pi))) < 1e-14
    assert abs(jacobian[7, 0].item() + sign * math.sqrt(15 / (4 * math.pi))) < 1e-14


def test_gradcheck_and_batch_shapes():
    points = random_directions(6).reshape(2, 3, 3).requires_grad_()
    assert torch.autograd.gradcheck(lambda p: real_harmonics(p, 4), points)
    assert real_harmonics(points, 4).shape == (2, 3, 25)
    assert real_harmonics(points[:0], 4).shape == (0, 3, 25)
    assert torch.equal(real_harmonics(points, 4)[1, 2], real_harmonics(points[1, 2], 4))


def test_a_high_degree_stays_bounded():
    values = real_harmonics(random_directions(50), 200)
    total = values[:, 200 * 200 :].square().sum(-1)
    torch.testing.assert_close(total, torch.full_like(total, 401 / (4 * math.pi)), rtol=1e-11, atol=0)


@pytest.mark.parametrize("bad", [[0.0, 0, 0], [math.nan, 0, 1], [math.inf, 0, 1]])
def test_refuses_what_is_no_direction(bad: list[float]):
    good = [0.0, 0.0, 1.0]
    with pytest.raises(ValueError, match="vector 1"):
        real_harmonics(torch.tensor([good, bad]), 2)


def test_refuses_wrong_shape_and_degree():
    with pytest.raises(ValueError, match=r"\(\.\.\., 3\)"):
        real_harmonics(torch.zeros(4, 2), 2)
    for l_max in (-1, 2.0, True):
        with pytest.raises(ValueError, match="l_max"):
            real_harmonics(torch.tensor([0.0, 0, 1]), l_max)  # pyright: ignore[reportArgumentType]
