"""Errors of the approximate polar factors, step by step: against `polar` itself, the scalar maps and known tables."""

import itertools

import pytest
import torch
from torch import Tensor

from anisoscope.engine.polar import (
    METHODS,
    PRESETS,
    InvalidMatrix,
    polar,
    polar_error,
    polar_iterates,
    polar_quality,
    singular_value_map,
    singular_value_orbit,
)

STEPPED = [method for method in METHODS if method != "svd"]
WORKED = [torch.float32, torch.float64, torch.bfloat16]


def gaussian(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def diagonal(*sigma: float) -> Tensor:
    """7×k with these singular values in random frames."""
    left = torch.linalg.qr(gaussian(7, 7, seed=1))[0][:, : len(sigma)]
    right = torch.linalg.qr(gaussian(len(sigma), len(sigma), seed=2))[0]
    return left @ torch.tensor(sigma, dtype=torch.float64).diag() @ right


@pytest.mark.parametrize(
    ("method", "shape"), list(itertools.product(STEPPED, [(9, 5), (5, 9), (6, 6), (2, 4, 3)]))
)
def test_one_pass_is_each_step_count_alone(method: str, shape: tuple[int, ...]) -> None:
    G = gaussian(*shape)
    counts = [6, 1, 3]
    errors = polar_error(G, method, counts)
    for i, steps in enumerate(counts):
        U = polar(G, method, steps)
        torch.testing.assert_close(polar_iterates(G, method, 6)[steps], U, rtol=0, atol=1e-14)
        quality, alone = polar_quality(G, U), polar_error(G, method, steps)
        for one, other in ((errors, i), (alone, ...)):
            torch.testing.assert_close(one.error[other], quality.error, rtol=0, atol=1e-13)
            torch.testing.assert_close(one.orthogonality[other], quality.orthogonality, rtol=0, atol=1e-13)
            torch.testing.assert_close(
                one.nuclear_error[other], quality.nuclear_ratio - 1, rtol=0, atol=1e-13
            )


@pytest.mark.parametrize("preset", PRESETS)
def test_errors_follow_from_the_scalar_map(preset: str) -> None:
    # all three are functions of the singular values alone
    sigma = torch.tensor([2.0, 1.0, 0.3, 0.01], dtype=torch.float64)
    errors = polar_error(diagonal(*sigma.tolist()), "newton_schulz", list(range(6)), preset=preset)
    moved = singular_value_map(sigma / sigma.norm(), preset, 5)
    expected = {
        "orthogonality": ((moved**2 - 1) ** 2).sum(1).sqrt() / 2,
        "error": (moved - 1).norm(dim=1) / 2,
        "nuclear_error": (moved @ sigma) / sigma.sum() - 1,
    }
    for name, values in expected.items():
        torch.testing.assert_close(getattr(errors, name), values, rtol=0, atol=1e-12)


def test_qdwh_steps_of_a_known_spectrum() -> None:
    # float32 starts from the bound 2^-23: two steps leave 10 % of the true factor, three 1e-5 (of well-conditioned G)
    # and float64, from 2^-52, 80 %; six are always enough
    A, B, X = gaussian(500, 250), gaussian(100, 125, seed=1), gaussian(250, 100, seed=2)
    G = A.mT @ (A @ X @ B - gaussian(500, 125, seed=3)) @ B.mT
    single = polar_error(G, "qdwh", list(range(7)), torch.float32)
    double = polar_error(G, "qdwh", list(range(7)), torch.float64)
    assert 0.05 < single.error[2] < 0.2 and single.error[3] < 1e-3 and single.error[6] < 2e-5
    assert 0.7 < double.error[2] < 0.95 and 1e-3 < double.error[3] < 0.1 and double.error[6] < 1e-12
    assert -0.2 < single.nuclear_error[2] < -0.05
    assert single.error[0] > 0.9 and bool((double.error.diff()[:5] < 0).all())


def test_newton_schulz_window() -> None:
    # [0.6818, 1.2024] from s = 1.50512e-3 of the Frobenius norm on; six steps reach it from 4.36964e-4
    for steps, threshold in ((5, 1.50512e-3), (6, 4.36964e-4)):
        inside = torch.logspace(
            torch.tensor(threshold * 1.00001).log10().item(), 0, 40_001, dtype=torch.float64
        )
        ends = singular_value_map(inside, "jordan", steps)[-1]
        assert ends.min() > 0.681831 and ends.max() < 1.202369
        assert singular_value_orbit("jordan", threshold * 0.999, steps)[-1] < 0.681831
    assert singular_value_orbit("jordan", 1.5e-3)[-1].item() == pytest.approx(0.67983, abs=1e-5)
    G = diagonal(1.0, 0.5, 0.002)
    assert polar_error(G, "newton_schulz").orthogonality < 0.55


@pytest.mark.parametrize(
    ("steps", "low", "high"),
    [(5, 0.840145, 1.123559), (6, 0.993479, 1.001185), (7, 0.999989, 0.999998), (8, 1.0, 1.0)],
)
def test_polar_express_table(steps: int, low: float, high: float) -> None:
    s = torch.logspace(-3, 0, 20_001, dtype=torch.float64)
    ends = singular_value_map(s, "polar_express", steps)[-1]
    assert ends.min().item() == pytest.approx(low, abs=1e-6)
    assert ends.max().item() == pytest.approx(high, abs=1e-6)
    assert polar_error(diagonal(1.0, 0.1, 0.002), "polar_express", 8).error < 1e-9


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", WORKED, ids=str)
def test_working_dtypes(method: str, dtype: torch.dtype) -> None:
    G = gaussian(12, 8, seed=3)
    if dtype == torch.bfloat16 and method in ("svd", "qdwh"):
        with pytest.raises(ValueError, match=r"dtype is torch.bfloat16"):
            polar_error(G, method, dtype=dtype)
        return
    error = polar_error(G, method, dtype=dtype).error
    limits = {torch.float32: (1e-8, 2e-6), torch.float64: (0, 1e-12), torch.bfloat16: (1e-4, 3e-2)}
    if method == "newton_schulz":
        assert 0.05 < error < 0.35
    else:
        low, high = limits[dtype]
        assert low <= error <= high
    # a float32 matrix worked in float64 is as good as float64
    if dtype == torch.float64 and method != "newton_schulz":
        assert polar_error(G.float(), method, dtype=dtype).error < 1e-12


def test_the_exact_factor_may_be_shared() -> None:
    G = gaussian(6, 4)
    shared = polar_error(G, "qdwh", [0, 2], exact=polar(G))
    torch.testing.assert_close(shared, polar_error(G, "qdwh", [0, 2]), rtol=0, atol=0)
    assert polar_error(G, "qdwh", 2, exact=-polar(G)).error > 0.5


def test_orbits() -> None:
    orbit = singular_value_orbit("jordan", 1.0, 5)
    torch.testing.assert_close(orbit, singular_value_map(torch.tensor(1.0), "jordan", 5), rtol=0, atol=0)
    assert [round(value, 3) for value in orbit.tolist()] == [1.0, 0.701, 1.114, 0.721, 1.09, 0.696]
    assert singular_value_orbit("nanochat", 0.5).shape == (6,)


def test_refusals() -> None:
    G = gaussian(4, 3)
    with pytest.raises(ValueError, match=r"steps is 3: method 'svd' has no steps, None is needed"):
        polar_error(G, "svd", 3)
    with pytest.raises(ValueError, match=r"steps is 5: method 'svd'"):
        polar(G, "svd", steps=5)
    with pytest.raises(ValueError, match=r"steps holds -1: integers of at least 0"):
        polar_error(G, "qdwh", [2, -1])
    with pytest.raises(ValueError, match=r"steps holds 1.5"):
        polar_error(G, "qdwh", 1.5)  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match=r"steps is empty"):
        polar_error(G, "qdwh", [])
    with pytest.raises(ValueError, match=r"steps is 6: this preset has 5 steps"):
        polar_error(G, "newton_schulz", range(7), preset="you")
    with pytest.raises(ValueError, match=r"s0 is 1.5: a number in \[0, 1\]"):
        singular_value_orbit("jordan", 1.5)


@pytest.mark.parametrize("shape", [(3, 2), (2, 3, 3), (0, 2)])
def test_zero_matrices_have_no_error(shape: tuple[int, ...]) -> None:
    zero = torch.zeros(shape)
    if zero.ndim == 3:
        zero[1] = torch.eye(3)
    for measure in (lambda: polar_error(zero, "qdwh"), lambda: polar_quality(zero, zero)):
        with pytest.raises(InvalidMatrix, match="G holds a matrix that is zero or empty"):
            measure()


@pytest.mark.parametrize("s", [-0.1, float("nan"), float("inf")])
def test_the_scalar_map_takes_singular_values(s: float) -> None:
    with pytest.raises(ValueError, match=f"s holds {s}"):
        singular_value_map(torch.tensor([0.5, s], dtype=torch.float64))
    assert singular_value_map(1.25, "jordan", 1)[-1].isfinite()  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("steps", [-1, 1.5, True])
def test_the_scalar_map_takes_a_number_of_steps(steps: int) -> None:
    with pytest.raises(ValueError, match=f"steps is {steps}: an integer of at least 0"):
        singular_value_map(torch.tensor(0.5), steps=steps)
    assert singular_value_map(torch.tensor(0.5), steps=0).tolist() == [0.5]
