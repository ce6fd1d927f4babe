"""Measures of spectra: tables, closed forms, bounds, noise with known edges, subspaces with known angles."""

import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from anisoscope.engine import spectra
from anisoscope.engine.spectra import (
    InvalidMatrix,
    InvalidSpectrum,
    alignment,
    alpha_req,
    basis_overlap,
    bulk_variance,
    condition_over_median,
    flatness,
    marchenko_pastur_edge,
    outlier_count,
    rankme,
    spectrum,
    subspace_overlap,
    svd_entropy,
    top_subspace,
)

ORACLE = json.loads(Path(__file__).with_name("spectra_oracle.json").read_text())
RANKS = ("stable_rank", "nuclear_rank", "effective_rank", "rankme", "participation_ratio")
NAMES = (*RANKS, "svd_entropy", "flatness")
SPECTRA = {
    "3,2,1": [3, 2, 1],
    "flat 4": [1] * 4,
    "decades": [1, 0.1, 0.01, 0.001],
    "one": [1],
    "with zero": [2, 1, 0],
    "two scales": [10] + [1] * 9,
    "i^-1, 32": [1 / i for i in range(1, 33)],
    "i^-1/2, 128": [i**-0.5 for i in range(1, 129)],
    "0.9^i, 50": [0.9**i for i in range(50)],
}


def metric(name: str) -> Callable[[Tensor], Tensor]:
    return getattr(spectra, name)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("case", SPECTRA)
def test_table(case: str) -> None:
    sigma = torch.tensor(SPECTRA[case], dtype=torch.float64)
    wanted = ORACLE["metrics"]["values"][case]
    for name in NAMES:
        if wanted[name] is not None:
            assert metric(name)(sigma).item() == pytest.approx(wanted[name], rel=1e-13), name
    assert condition_over_median(sigma).item() == pytest.approx(wanted["kappa_50"], rel=1e-13)


def test_tables_are_all_used() -> None:
    assert set(SPECTRA) == set(ORACLE["metrics"]["values"])


@pytest.mark.parametrize("name", NAMES)
def test_zero_and_single(name: str) -> None:
    """Zero matrices are zero in every measure, and stay so in a batch; one value is rank one and flat."""
    batch = torch.tensor([[0.0, 0.0, 0.0], [2.0, 1.0, 0.5]])
    found = metric(name)(batch)
    assert found[0] == 0
    assert found[1] == metric(name)(batch[1]) > 0
    assert metric(name)(torch.tensor([7.0])).item() == pytest.approx(1.0, abs=2e-7)


def test_rank_deficient() -> None:
    sigma = torch.tensor([5.0, 5.0, 0.0, 0.0], dtype=torch.float64)
    for name in RANKS:
        assert metric(name)(sigma).item() == pytest.approx(2, abs=1e-5), name
    assert svd_entropy(sigma).item() == pytest.approx(0.5)
    assert flatness(sigma) == 0
    assert condition_over_median(sigma) == 1
    assert condition_over_median(torch.tensor([[1.0, 0, 0], [0, 0, 0]])).tolist() == [math.inf] * 2


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.integers(-900, 900))
def test_bounds_and_scaling(values: list[float], exponent: int) -> None:
    """Ranks lie between 1 and the number of values, the rest between 0 and 1; scale changes nothing."""
    values = [value if value > 1e-30 else 0.0 for value in values]
    sigma = torch.tensor(sorted(values, reverse=True), dtype=torch.float64)
    for name in NAMES:
        found = metric(name)(sigma)
        assert torch.equal(metric(name)(sigma * 2.0**exponent), found)
        if sigma[0] > 0:
            top = len(values) if name in RANKS else 1
            assert (1 - 1e-5 if name in RANKS else 0) <= found.item() <= top + 1e-4
    if sigma[0] > 0:
        # the order of Rényi entropies: more weight on the leading values, fewer of them counted
        stable, ratio, effective = (
            metric(n)(sigma).item() for n in ("stable_rank", "participation_ratio", "effective_rank")
        )
        assert stable <= ratio + 1e-12
        assert ratio <= effective**2 * (1 + 1e-12)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 999))
def test_orthogonal_invariance(rows: int, columns: int, seed: int) -> None:
    X = normal(rows, columns, seed=seed)
    Q, P = (torch.linalg.qr(normal(n, n, seed=seed + 1))[0] for n in (rows, columns))
    for name in NAMES:
        torch.testing.assert_close(metric(name)(spectrum(Q @ X @ P)), metric(name)(spectrum(X)))


def test_refusals_of_measures() -> None:
    for name in (*NAMES, "condition_over_median", "alpha_req"):
        with pytest.raises(InvalidSpectrum, match="holds NaN"):
            metric(name)(torch.tensor([torch.nan, 1.0]))
        with pytest.raises(InvalidSpectrum, match="is no spectrum"):
            metric(name)(normal(3, 3))
        with pytest.raises(InvalidSpectrum, match="r ≥ 1"):
            metric(name)(torch.ones(2, 0))
    with pytest.raises(ValueError, match="epsilon is -1"):
        rankme(torch.ones(3), epsilon=-1)


@pytest.mark.parametrize("case", ORACLE["alpha_req"]["cases"])
def test_alpha_req(case: dict) -> None:
    i = torch.arange(1, 129, dtype=torch.float64)
    made = {
        "i^-1.3": i**-1.3,
        "i^-1.3 exp(0.2 sin(3 ln i))": i**-1.3 * (0.2 * (3 * i.log()).sin()).exp(),
        "exp(-i/20)": (-i / 20).exp(),
    }[case["lambda_i, i=1..128"]]
    for scale in (1.0, 1e-150, 1e150):
        found = alpha_req(made * scale, case["first"], case["last"])
        assert found.item() == pytest.approx(case["alpha"], rel=1e-12)


def test_alpha_req_at_its_limits() -> None:
    batch = torch.stack([torch.ones(40), torch.cat([torch.ones(15), torch.zeros(25)]), torch.zeros(40)])
    assert alpha_req(batch).tolist() == [0, math.inf, math.inf]
    with pytest.raises(ValueError, match="first, last are 11, 8"):
        alpha_req(torch.ones(16))
    with pytest.raises(ValueError, match="r = 16"):
        alpha_req(torch.ones(16), 1, 17)


@pytest.mark.parametrize("case", ORACLE["marchenko_pastur"]["cases"], ids=lambda case: case["what"])
def test_edges(case: dict) -> None:
    edge = marchenko_pastur_edge(case["rows"], case["cols"], case["variance"])
    wanted = (case["sigma_min_edge"], case["sigma_max_edge"], case["outlier_above"])
    assert [value.item() for value in edge] == pytest.approx(wanted, rel=1e-14, abs=1e-15)


@pytest.mark.parametrize(("rows", "columns"), [(200, 200), (100, 400), (300, 60)])
def test_noise_has_no_outliers_and_planted_ones_are_counted(rows: int, columns: int) -> None:
    noise = 0.3 * normal(4, rows, columns)
    sigma = spectrum(noise)
    torch.testing.assert_close(
        bulk_variance(sigma, rows, columns), torch.full((4,), 0.09).double(), rtol=0.03, atol=0
    )
    assert outlier_count(sigma, rows, columns).tolist() == [0] * 4
    assert outlier_count(sigma, rows, columns, 0.09).tolist() == [0] * 4
    left, right = torch.linalg.qr(normal(rows, 3))[0], torch.linalg.qr(normal(columns, 3))[0]
    planted = noise + 2 * 0.3 * (rows**0.5 + columns**0.5) * left @ right.mT
    assert outlier_count(spectrum(planted), rows, columns).tolist() == [3] * 4


def test_marchenko_pastur_refuses() -> None:
    assert outlier_count(torch.zeros(2, 4), 4, 9).tolist() == [0, 0]
    with pytest.raises(ValueError, match="variance is -1"):
        marchenko_pastur_edge(3, 4, -1.0)
    with pytest.raises(ValueError, match="rows, columns are 0, 4"):
        marchenko_pastur_edge(0, 4, 1.0)
    with pytest.raises(ValueError, match="sigma has 3 values"):
        bulk_variance(torch.ones(3), 4, 9)


@pytest.mark.parametrize("side", ["left", "right"])
def test_subspaces_with_known_angles(side: str) -> None:
    """A rotation by θ of one of k leading directions out of their span costs sin²θ/k."""
    sigma = torch.tensor([4.0, 3.0, 1.0, 0.5], dtype=torch.float64)
    theta = 0.4
    turn = torch.eye(4, dtype=torch.float64)
    turn[1, 1] = turn[2, 2] = math.cos(theta)
    turn[1, 2], turn[2, 1] = -math.sin(theta), math.sin(theta)
    X = torch.diag(sigma)
    Y = turn @ X if side == "left" else X @ turn.mT
    assert subspace_overlap(X, Y, 2, side).item() == pytest.approx(1 - math.sin(theta) ** 2 / 2, abs=1e-14)
    other = "right" if side == "left" else "left"
    assert subspace_overlap(X, Y, 2, other).item() == pytest.approx(1, abs=1e-14)
    assert subspace_overlap(X, Y * -1e200, 3, side).item() == pytest.approx(subspace_overlap(X, Y, 3, side))


def test_subspaces_of_deficient_matrices() -> None:
    one, zero = torch.ones(5, 3), torch.zeros(5, 3)
    batch = torch.stack([one, zero])
    assert top_subspace(batch, 2).abs().sum((-2, -1)).tolist() == pytest.approx([5**0.5, 0])
    assert subspace_overlap(batch, batch, 2).tolist() == pytest.approx([1, 0])
    assert subspace_overlap(one, torch.eye(5, 3), 2).item() == pytest.approx(0.2)
    with pytest.raises(ValueError, match="k is 4"):
        top_subspace(one, 4)
    with pytest.raises(ValueError, match="side is 'top'"):
        top_subspace(one, 1, "top")
    with pytest.raises(InvalidMatrix, match="Y holds NaN"):
        subspace_overlap(one, one * torch.nan, 1)
    with pytest.raises(InvalidMatrix, match="5 and 3 rows"):
        basis_overlap(one, zero.mT)


@pytest.mark.parametrize("case", ORACLE["polar"], ids=lambda case: case["name"])
def test_polar_factors_are_aligned(case: dict) -> None:
    gradient, update = (torch.tensor(case[key], dtype=torch.float64) for key in ("A", "U"))
    found = alignment(update, gradient)
    assert found.nuclear.item() == pytest.approx(1, abs=1e-12)
    assert found.dual.item() == pytest.approx(1, abs=1e-12)
    assert alignment(-3 * update, gradient).nuclear.item() == pytest.approx(-3, abs=1e-12)
    assert alignment(gradient, gradient).cosine.item() == pytest.approx(1, abs=1e-14)


def test_alignment_bounds_and_limits() -> None:
    U, G = normal(6, 4, 5), normal(6, 4, 5, seed=1)
    found = alignment(U, G)
    assert bool((found.cosine.abs() < 1).all() and (found.dual.abs() < 1).all())
    inner = (U * G).sum((-2, -1))
    torch.testing.assert_close(found.nuclear, inner / torch.linalg.matrix_norm(G, "nuc"))
    torch.testing.assert_close(found.dual, found.nuclear / torch.linalg.matrix_norm(U, 2))
    assert [value.item() for value in alignment(U[0] * 0, G[0])] == [0, 0, 0]
    assert [value.item() for value in alignment(U[0], G[0] * 0)] == [0, 0, 0]
    with pytest.raises(InvalidMatrix, match="gradient holds NaN"):
        alignment(U, G * torch.nan)
    with pytest.raises(InvalidMatrix, match="equal is needed"):
        alignment(U, G.mT)
