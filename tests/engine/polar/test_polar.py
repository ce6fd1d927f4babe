"""The polar factor against 50-digit values, its two defining properties, and the maps of singular values.

Tolerances: 1e-13 times the condition number, as the oracle states; float32 5e-6.
"""

import itertools
import json
import math
from pathlib import Path

import mpmath
import pytest
import scipy.linalg
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from anisoscope.engine.polar import (
    METHODS,
    PRESETS,
    InvalidMatrix,
    odd_polynomials,
    polar,
    polar_quality,
    qdwh_weights,
    singular_value_map,
)

ORACLE = json.loads((Path(__file__).parent / "polar_oracle.json").read_text())
CASES = {case["name"]: case for case in ORACLE["polar"]}
DEFICIENT = [name for name in CASES if name.startswith("rank")]
FULL = [name for name in CASES if name not in DEFICIENT]
SHAPES = [(8, 5), (5, 8), (12, 12), (1, 7), (7, 1)]


def gaussian(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def rotation(n: int, seed: int) -> Tensor:
    return torch.linalg.qr(gaussian(n, n, seed=seed))[0]


def as_double(rows: list) -> Tensor:
    return torch.tensor(rows, dtype=torch.float64)


def exact_polar(G: Tensor) -> Tensor:
    """G (GᵀG)^(-1/2) by 50-digit eigenvectors; G at least as tall as wide."""
    with mpmath.workdps(50):
        A = mpmath.matrix(G.tolist())
        values, vectors = mpmath.eigsy(A.T * A)
        inverse_root = vectors * mpmath.diag([1 / mpmath.sqrt(value) for value in values]) * vectors.T
        U = A * inverse_root
        return as_double([[float(U[i, j]) for j in range(U.cols)] for i in range(U.rows)])


@pytest.mark.parametrize(("name", "method"), list(itertools.product(FULL, ["svd", "qdwh"])))
def test_oracle_full_rank(name: str, method: str) -> None:
    case = CASES[name]
    condition = case["sigma"][0] / case["sigma"][-1]
    error = (polar(as_double(case["A"]), method) - as_double(case["U"])).abs().max()
    assert error < 1e-13 * max(1, condition / 100)


@pytest.mark.parametrize("name", FULL)
def test_polar_express_is_exact_given_steps(name: str) -> None:
    case = CASES[name]
    error = (polar(as_double(case["A"]), "polar_express", steps=30) - as_double(case["U"])).abs().max()
    assert error < 1e-13


@pytest.mark.parametrize("name", DEFICIENT)
def test_rank_deficient_is_the_partial_isometry(name: str) -> None:
    U = polar(as_double(CASES[name]["A"]))
    torch.testing.assert_close(U, as_double(CASES[name]["U"]), rtol=0, atol=1e-14)
    projector = U.mT @ U
    torch.testing.assert_close(projector @ projector, projector, rtol=0, atol=1e-14)
    assert round(float(projector.trace())) == int(name.split()[1])


@pytest.mark.parametrize("shape", [(4, 3), (6, 6), (7, 1)])
def test_against_fifty_digits(shape: tuple[int, int]) -> None:
    G = gaussian(*shape, seed=3)
    exact = exact_polar(G)
    for method in ("svd", "qdwh", "polar_express"):
        torch.testing.assert_close(polar(G, method, steps=None), exact, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("method", "shape"), list(itertools.product(["svd", "qdwh", "polar_express"], SHAPES))
)
def test_isometry_and_symmetric_positive_product(method: str, shape: tuple[int, int]) -> None:
    # both halves: an orthogonal matrix that is no polar factor passes the first alone
    G = gaussian(*shape, seed=1)
    U = polar(G, method, steps=10 if method == "polar_express" else None)
    tall = U if shape[0] >= shape[1] else U.mT
    torch.testing.assert_close(tall.mT @ tall, torch.eye(min(shape)).double(), rtol=0, atol=1e-13)
    product = U.mT @ G
    torch.testing.assert_close(product, product.mT, rtol=0, atol=1e-12)
    assert torch.linalg.eigvalsh(product).min() > -1e-12
    torch.testing.assert_close(U, torch.from_numpy(scipy.linalg.polar(G.numpy())[0]), rtol=0, atol=1e-12)


def test_a_wrong_orthogonal_factor_is_seen() -> None:
    G = gaussian(8, 5)
    quality = polar_quality(G, polar(G) @ rotation(5, 2))
    assert quality.orthogonality < 1e-14
    assert quality.error > 0.1 and quality.asymmetry > 0.1 and quality.nuclear_ratio < 0.9


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), method=st.sampled_from(METHODS), shape=st.sampled_from(SHAPES))
def test_equivariance(seed: int, method: str, shape: tuple[int, int]) -> None:
    # singular values are chosen: rounding is then amplified by the condition number 20 at most
    m, n = shape
    r = min(shape)
    G = rotation(m, seed)[:, :r] @ torch.diag(torch.linspace(1, 0.05, r).double()) @ rotation(n, seed + 1)[:r]
    left, right = rotation(m, seed + 2), rotation(n, seed + 3)
    torch.testing.assert_close(
        polar(left @ G @ right, method), left @ polar(G, method) @ right, rtol=0, atol=1e-12
    )
    torch.testing.assert_close(polar(G.mT, method), polar(G, method).mT, rtol=0, atol=1e-12)


@settings(max_examples=20, deadline=None)
@given(exponent=st.integers(-900, 900), method=st.sampled_from(METHODS))
def test_scale_invariance(exponent: int, method: str) -> None:
    G = gaussian(5, 4, seed=4)
    torch.testing.assert_close(polar(G * 2.0**exponent, method), polar(G, method), rtol=0, atol=1e-14)


@pytest.mark.parametrize("method", METHODS)
def test_batch_equals_each(method: str) -> None:
    G = gaussian(2, 3, 6, 4, seed=5)
    G[1, 1] = 0
    U = polar(G, method)
    assert not U[1, 1].any()
    for index in itertools.product(range(2), range(3)):
        torch.testing.assert_close(U[index], polar(G[index], method), rtol=0, atol=1e-14)


@pytest.mark.parametrize("method", METHODS)
def test_dtypes(method: str) -> None:
    G = gaussian(9, 6, seed=6)
    exact = polar(G, method)
    torch.testing.assert_close(polar(G.float(), method).double(), exact, rtol=0, atol=5e-6)
    assert polar(G.float(), method, dtype=torch.float64).dtype == torch.float32
    half = polar(G.bfloat16(), method)
    assert half.dtype == torch.bfloat16
    torch.testing.assert_close(half.double(), polar(G.bfloat16().double(), method), rtol=0, atol=5e-3)
    assert polar([[2, 0], [0, -3]], method).dtype == torch.float64  # pyright: ignore[reportArgumentType]
    assert polar(torch.zeros(0, 3), method).shape == (0, 3)


@pytest.mark.parametrize("method", ["newton_schulz", "polar_express"])
def test_scalar_maps_of_the_oracle(method: str) -> None:
    maps = ORACLE["scalar_maps"]
    preset = {"newton_schulz": "jordan"}.get(method, method)
    expected = as_double(maps[method]).mT
    orbit = singular_value_map(as_double(maps["s"]), preset, steps=8)[1:]
    torch.testing.assert_close(orbit, expected, rtol=1e-12, atol=0)


@pytest.mark.parametrize(
    ("method", "steps"), list(itertools.product(["newton_schulz", "polar_express"], [1, 4, 5, 8]))
)
def test_matrices_move_as_the_map_says(method: str, steps: int) -> None:
    G = gaussian(7, 10, seed=7)
    sigma = torch.linalg.svdvals(G)
    preset = {"newton_schulz": "jordan"}.get(method, method)
    expected = singular_value_map(sigma / sigma.norm(), preset, steps)[-1].sort(descending=True).values
    torch.testing.assert_close(torch.linalg.svdvals(polar(G, method, steps)), expected, rtol=0, atol=1e-13)


def test_newton_schulz_interval() -> None:
    facts = ORACLE["newton_schulz_facts"]
    smallest, largest = facts["minimum of p for s>0.1 (at)"][0], facts["maximum of p (at)"][0]
    for steps, key in (
        (5, "5 steps lie in [minimum, maximum] for all s in [t,1], t"),
        (6, "6 steps: t"),
    ):
        s = torch.logspace(math.log10(facts[key]), 0, 20_001, dtype=torch.float64)
        ends = singular_value_map(s, steps=steps)[-1]
        assert ends.min() > smallest - 1e-9 and ends.max() < largest + 1e-12
        assert singular_value_map(torch.tensor(0.99 * facts[key]), steps=steps)[-1] < smallest
    slope = singular_value_map(torch.tensor(1e-12, dtype=torch.float64))[-1] / 1e-12
    assert float(slope) == pytest.approx(facts["slope at 0 after 5"], rel=1e-9)


@pytest.mark.parametrize("key", [key for key in ORACLE["qdwh_weights"] if key.startswith("l0")])
def test_qdwh_weights(key: str) -> None:
    bounds = {
        "l0=0.1": 0.1,
        "l0=1e-3": 1e-3,
        "l0=2^-23 (float32 eps)": 2.0**-23,
        "l0=2^-52 (float64 eps)": 2.0**-52,
    }
    bound = bounds[key]
    for row in ORACLE["qdwh_weights"][key]:
        if bound > 1 - 1e-12:
            break
        weights = qdwh_weights(bound)
        assert weights == pytest.approx((row["a"], row["b"], row["c"], row["l_next"]), rel=1e-8)
        bound = weights.next_bound
    assert qdwh_weights(1.0) == pytest.approx((3, 1, 3, 1), rel=1e-15)


def test_paper_budget_is_no_polar_factor() -> None:
    # two steps of QDWH: about 10 % off in float32 and 80 % in float64 on a 500×100 regression gradient
    A, B, X = gaussian(1000, 500), gaussian(100, 250, seed=1), gaussian(500, 100, seed=2)
    G = A.mT @ (A @ X @ B - gaussian(1000, 250, seed=3)) @ B.mT
    errors = {
        d: float(polar_quality(G, polar(G.to(d), "qdwh", 2)).error) for d in (torch.float32, torch.float64)
    }
    assert 0.05 < errors[torch.float32] < 0.2 and 0.7 < errors[torch.float64] < 0.95
    assert polar_quality(G, polar(G, "qdwh")).error < 1e-13


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_flatten(preset: str) -> None:
    s = torch.logspace(-2, 0, 500, dtype=torch.float64)
    ends = singular_value_map(s, preset, 5)[-1]
    assert ends.min() > 0.67 and ends.max() < 1.21
    U = polar(gaussian(6, 9), "newton_schulz", preset=preset)
    assert torch.linalg.svdvals(U).min() > 0.67


def test_low_precision_of_the_quintic() -> None:
    G = gaussian(128, 512, seed=8)
    sigma = torch.linalg.svdvals(polar(G, "newton_schulz", dtype=torch.bfloat16))
    assert sigma.min() > 0.6 and sigma.max() < 1.25


def test_batched_products_equal_single_ones() -> None:
    X = gaussian(5, 24, 40, seed=9).bfloat16() / 40
    coefficients = PRESETS["jordan"].coefficients(5)
    one_by_one = torch.stack([odd_polynomials(x, coefficients) for x in X])
    torch.testing.assert_close(odd_polynomials(X, coefficients), one_by_one, rtol=0, atol=4e-2)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("method", METHODS)
def test_refuses_what_is_not_finite(method: str, bad: float) -> None:
    G = gaussian(2, 4, 3)
    G[1, 2, 0] = bad
    with pytest.raises(InvalidMatrix, match="1 entries that are NaN or infinite"):
        polar(G, method)


def test_refusals_name_parameter_value_and_choice() -> None:
    G = gaussian(4, 3)
    with pytest.raises(ValueError, match=r"method is 'QR'.*newton_schulz"):
        polar(G, "QR")
    with pytest.raises(ValueError, match=r"steps is 0.*at least 1"):
        polar(G, "qdwh", steps=0)
    with pytest.raises(ValueError, match=r"dtype is torch.bfloat16: qdwh works in"):
        polar(G, "qdwh", dtype=torch.bfloat16)
    with pytest.raises(ValueError, match=r"preset is 'jordan'.*no coefficients"):
        polar(G, "svd", preset="jordan")
    with pytest.raises(ValueError, match=r"preset is 'muon'.*nanochat"):
        polar(G, "newton_schulz", preset="muon")
    with pytest.raises(ValueError, match=r"steps is 6.*5 steps"):
        polar(G, "polar_express", steps=6, preset="nanochat")
    with pytest.raises(InvalidMatrix, match=r"shape \(3,\)"):
        polar(torch.ones(3))
    with pytest.raises(InvalidMatrix, match="complex64"):
        polar(torch.ones(2, 2, dtype=torch.complex64))
    with pytest.raises(ValueError, match=r"bound is 0"):
        qdwh_weights(0.0)
    with pytest.raises(ValueError, match=r"U has shape"):
        polar_quality(G, G.mT)
