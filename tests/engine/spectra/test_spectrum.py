"""Singular values against tables of 80 digits, and the noise floor against spectra that are known."""

import json
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from anisoscope.engine.spectra import InvalidMatrix, resolution, resolved, spectrum

ORACLE = json.loads(Path(__file__).with_name("spectra_oracle.json").read_text())
METHODS = ("svd", "gram")


def orthonormal(rows: int, columns: int, generator: torch.Generator) -> Tensor:
    return torch.linalg.qr(torch.randn(rows, columns, generator=generator, dtype=torch.float64))[0]


def with_spectrum(sigma: Tensor, rows: int, columns: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    left = orthonormal(rows, len(sigma), generator)
    return (left * sigma) @ orthonormal(columns, len(sigma), generator).mT


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("case", ORACLE["polar"], ids=lambda case: case["name"])
def test_table(case: dict, method: str) -> None:
    X = torch.tensor(case["A"], dtype=torch.float64)
    sigma = spectrum(X, method)
    wanted = torch.zeros_like(sigma)
    wanted[: len(case["sigma"])] = torch.tensor(case["sigma"], dtype=torch.float64)
    floor = resolution(X, method)
    assert bool(((sigma - wanted).abs() <= floor).all())
    near = wanted > 1e-2 * wanted[0]
    torch.testing.assert_close(sigma[near], wanted[near], rtol=1e-12, atol=0)
    if method == "svd":
        torch.testing.assert_close(sigma, wanted, rtol=0, atol=1e-14 * float(wanted[0]))
        # the rank of the table is what can be believed
        assert int((resolved(sigma, floor) > 0).sum()) == len(case["sigma"])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("rows", "columns"), [(8, 8), (128, 128), (64, 256), (1000, 16)])
def test_floor_bounds_the_error(rows: int, columns: int, method: str) -> None:
    """Everywhere within the floor; within 1 % from 7 (Gram) or 100 (SVD) floors upwards."""
    r = min(rows, columns)
    steep = torch.logspace(0, -14, r, dtype=torch.float64)
    flat = torch.ones(r, dtype=torch.float64)
    flat[-3:] = torch.tensor([1e-5, 1e-7, 1e-10])
    for sigma in (steep, flat):
        X = with_spectrum(sigma, rows, columns)
        floor = resolution(X, method)
        error = (spectrum(X, method) - sigma).abs()
        assert bool((error <= floor).all())
        seen = sigma > (7.1 if method == "gram" else 100) * floor
        assert bool((error[seen] <= 0.01 * sigma[seen]).all())


def test_below_the_floor_gram_is_noise() -> None:
    """The floor is needed: rank one of 100 shows up as values near √ε, which `resolved` removes."""
    X = with_spectrum(torch.ones(1, dtype=torch.float64), 100, 100)
    sigma = spectrum(X, "gram")
    assert sigma[1] > 1e-9
    assert resolved(sigma, resolution(X, "gram", sigma)).count_nonzero() == 1


def test_storage_limits_what_is_known() -> None:
    X = torch.randn(50, 20, generator=torch.Generator().manual_seed(1))
    for dtype in (torch.float32, torch.bfloat16, torch.float16):
        stored = X.to(dtype)
        sigma = spectrum(stored)
        assert sigma.dtype == torch.float64
        assert resolution(stored).item() == pytest.approx(50 * torch.finfo(dtype).eps * sigma[0].item())
        assert bool(((sigma - spectrum(X)).abs() <= resolution(stored)).all())


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 7), st.integers(1, 7), st.integers(0, 999), st.integers(-900, 900))
def test_invariances(rows: int, columns: int, seed: int, exponent: int) -> None:
    """Rotations and the transpose change nothing, powers of two are exact, batches are their members."""
    generator = torch.Generator().manual_seed(seed)
    X = torch.randn(3, rows, columns, generator=generator, dtype=torch.float64)
    sigma = spectrum(X)
    torch.testing.assert_close(spectrum(X.mT), sigma)
    torch.testing.assert_close(torch.stack([spectrum(member) for member in X]), sigma, rtol=1e-13, atol=1e-15)
    turned = orthonormal(rows, rows, generator) @ X @ orthonormal(columns, columns, generator)
    torch.testing.assert_close(spectrum(turned), sigma, rtol=0, atol=1e-13)
    for method in METHODS:
        scaled = spectrum(X * 2.0**exponent, method)
        torch.testing.assert_close(scaled, spectrum(X, method) * 2.0**exponent, rtol=0, atol=0)
    assert bool((sigma.diff(dim=-1) <= 0).all())


@pytest.mark.parametrize("method", METHODS)
def test_ends_of_the_number_range(method: str) -> None:
    zero = torch.zeros(2, 3, 4)
    assert not spectrum(zero, method).any()
    assert not resolution(zero, method).any()
    assert spectrum(torch.full((2, 2), 5e-324, dtype=torch.float64), method)[0] > 0
    assert spectrum(torch.full((2, 2), 8e307, dtype=torch.float64), method)[0].item() == pytest.approx(
        1.6e308
    )
    assert spectrum(torch.zeros(0, 3, 4), method).shape == (0, 3)
    assert spectrum(torch.tensor([[3, 0], [0, 4]]), method).tolist() == [4, 3]


def test_refusals() -> None:
    good = torch.eye(3)
    with pytest.raises(InvalidMatrix, match="gradient holds NaN"):
        spectrum(good * torch.nan, name="gradient")
    with pytest.raises(InvalidMatrix, match="X holds an infinite entry"):
        resolution(good + torch.inf)
    with pytest.raises(InvalidMatrix, match=r"X has shape \(3,\)"):
        spectrum(good[0])
    with pytest.raises(InvalidMatrix, match=r"X has shape \(3, 0\)"):
        spectrum(good[:, :0])
    with pytest.raises(InvalidMatrix, match="complex"):
        spectrum(good.to(torch.complex64))
    with pytest.raises(InvalidMatrix, match="sparse"):
        spectrum(good.to_sparse())
    for function in (spectrum, resolution):
        with pytest.raises(ValueError, match="method is 'qr'"):
            function(good, "qr")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
@pytest.mark.parametrize("method", METHODS)
def test_cuda_gives_the_processors_numbers(method: str) -> None:
    X = torch.randn(4, 60, 30, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    found = spectrum(X.cuda(), method)
    assert found.device.type == "cuda"
    torch.testing.assert_close(found.cpu(), spectrum(X, method), rtol=1e-10, atol=0)
