"""Products of known spectra, products too large to form, and chains that are none."""

import math

import pytest
import torch
from torch import Tensor

from anisoscope.engine.spectra import InvalidMatrix
from anisoscope.engine.training import InvalidChain, product_spectrum

DOUBLE = torch.float64


def orthogonal(size: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.linalg.qr(torch.randn(size, size, generator=generator, dtype=DOUBLE))[0]


def test_diagonals_in_hidden_frames() -> None:
    first, second = torch.tensor([4.0, 2.0, 1.0], dtype=DOUBLE), torch.tensor([1.0, 3.0, 1e-6], dtype=DOUBLE)
    P, Q, R = orthogonal(3, 1), orthogonal(3, 2), orthogonal(3, 3)
    found = product_spectrum([Q @ torch.diag(first) @ P, R @ torch.diag(second) @ Q.mT])
    expected = torch.tensor([6.0, 4.0, 1e-6], dtype=DOUBLE)
    assert torch.allclose(found.sigma, expected, rtol=0, atol=found.floor)
    # largest side 3, two factors, norms 4 and 3
    assert math.isclose(found.floor, 2 * 3 * 2**-52 * 12, rel_tol=1e-9)


def test_order_and_shapes() -> None:
    generator = torch.Generator().manual_seed(0)
    chain = [torch.randn(shape, generator=generator) for shape in ((7, 5), (3, 7), (6, 3))]
    A, B, C = (matrix.double() for matrix in chain)
    found = product_spectrum(chain)
    assert found.sigma.shape == (5,)
    assert torch.allclose(found.sigma, torch.linalg.svdvals(C @ B @ A), atol=1e-12)
    # three values at most come through the narrow factor
    assert bool((found.sigma[:3] > found.floor).all()) and bool((found.sigma[3:] < found.floor).all())
    with pytest.raises(InvalidChain, match=r"matrices\[1\] takes 7 inputs: 6, the outputs of matrices\[0\]"):
        product_spectrum([chain[2], chain[1]])


@pytest.mark.parametrize("scale", [1e-300, 1e-20, 1e20, 1e300])
def test_no_partial_product_over_or_underflows(scale: float) -> None:
    Q = orthogonal(4, 5)
    chain = [scale * Q, scale * torch.eye(4, dtype=DOUBLE), Q / scale, torch.eye(4, dtype=DOUBLE) * 3 / scale]
    found = product_spectrum(chain)
    assert torch.allclose(found.sigma, torch.full((4,), 3.0, dtype=DOUBLE), rtol=1e-12)
    assert 0 < found.floor < 1e-13


def test_zero_and_beyond_the_range() -> None:
    zero = product_spectrum([torch.zeros(3, 3), torch.eye(3)])
    assert zero.sigma.tolist() == [0, 0, 0] and zero.floor == 0
    large = torch.eye(2, dtype=DOUBLE) * 1e200
    assert product_spectrum([large, large]).sigma.tolist() == [math.inf] * 2


def test_what_is_refused() -> None:
    with pytest.raises(InvalidChain, match="matrices is empty"):
        product_spectrum([])
    with pytest.raises(InvalidChain, match=r"matrices\[0\] has shape \(2, 3, 3\): two axes"):
        product_spectrum([torch.zeros(2, 3, 3)])
    with pytest.raises(InvalidMatrix, match=r"matrices\[1\] holds NaN"):
        product_spectrum([torch.eye(2), torch.full((2, 2), math.nan)])
