"""PolarGrad's three problems against plain formulas, Kronecker Hessians and pseudo-inverses."""

import math

import pytest
import torch
from torch import Tensor

from anisoscope.engine.problems import (
    InvalidProblem,
    LogisticRegression,
    LowRankCompletion,
    MatrixRegression,
    UnknownProblem,
)


def gradients(value: Tensor, *parameters: Tensor) -> tuple[Tensor, ...]:
    return torch.autograd.grad(value, parameters)


@pytest.mark.parametrize("shape", [(9, 6, 4, 7), (7, 3, 5, 5), (4, 4, 1, 3)])
def test_regression_is_the_plain_quadratic(shape: tuple[int, int, int, int]) -> None:
    problem = MatrixRegression(shape=shape)
    model = problem.model(3)
    plain = 0.5 * (problem.A @ model.X @ problem.B - problem.C).square().sum()
    assert math.isclose(problem.loss(model, 1, 0).item(), plain.item(), rel_tol=1e-12)
    assert math.isclose(problem.report(model)["loss"], plain.item(), rel_tol=1e-12)
    (ours,), (theirs,) = gradients(2.5 * problem.loss(model, 1, 0), model.X), gradients(2.5 * plain, model.X)
    torch.testing.assert_close(ours, theirs, rtol=1e-11, atol=1e-11 * theirs.abs().max().item())


def test_regression_minimum_is_that_of_least_squares() -> None:
    problem = MatrixRegression(shape=(9, 6, 4, 7))
    X = torch.linalg.pinv(problem.A) @ problem.C @ torch.linalg.pinv(problem.B)
    torch.testing.assert_close(problem.X_star, X, rtol=1e-11, atol=1e-11)
    system = torch.kron(problem.A, problem.B.mT.contiguous())
    solution = torch.linalg.lstsq(system, problem.C.flatten()[:, None])
    residual = (system @ solution.solution).flatten() - problem.C.flatten()
    assert problem.minimum is not None
    assert math.isclose(problem.minimum, 0.5 * residual.square().sum().item(), rel_tol=1e-12)


def test_regression_curvature_is_that_of_the_kronecker_hessian() -> None:
    problem = MatrixRegression(shape=(9, 6, 4, 7))
    hessian = torch.kron(problem.A.mT @ problem.A, problem.B @ problem.B.mT)
    eigenvalues = torch.linalg.eigvalsh(hessian)
    assert math.isclose(problem.lipschitz, eigenvalues[-1].item(), rel_tol=1e-11)
    assert math.isclose(problem.strong_convexity, eigenvalues[0].item(), rel_tol=1e-9)


def test_regression_gap_keeps_its_digits_near_the_minimum() -> None:
    problem = MatrixRegression("small")
    D = torch.randn(100, 20, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    at_one = problem.gap(problem.X_star + D)
    for scale in (1e-3, 1e-6, 1e-9):
        assert math.isclose(problem.gap(problem.X_star + scale * D), scale**2 * at_one, rel_tol=1e-5)
    assert 0 <= problem.gap(problem.X_star) < 1e-20


def test_gradient_descent_reaches_the_minimum_of_the_regression() -> None:
    problem = MatrixRegression(shape=(30, 6, 4, 20))
    model = problem.model(0)
    for _ in range(400):
        (G,) = gradients(problem.loss(model, 1, 0), model.X)
        with torch.no_grad():
            model.X -= 2 / (problem.lipschitz + problem.strong_convexity) * G
    assert problem.report(model)["gap"] < 1e-20
    torch.testing.assert_close(model.X.detach(), problem.X_star, rtol=1e-10, atol=1e-10)


def test_paper_size_has_the_published_condition() -> None:
    problem = MatrixRegression("paper")
    assert tuple(problem.model(42).X.shape) == (500, 100)
    assert problem.lipschitz == pytest.approx(1.83e6, rel=0.01)
    assert problem.lipschitz / problem.strong_convexity == pytest.approx(578, rel=0.01)
    assert problem.report(problem.model(42))["gap"] == pytest.approx(2.05e9, rel=0.03)


def test_logistic_regression_is_the_plain_sum_over_the_drawn_rows() -> None:
    problem = LogisticRegression(shape=(11, 6, 4, 7), batch=9, dtype=torch.float64)
    model = problem.model(1, torch.float64)
    entries = torch.log1p(torch.exp(-problem.C * (problem.A @ model.X @ problem.B)))
    by_row = entries.sum(dim=1)
    losses = problem.losses(model, 5, 2)
    rows = [int((by_row - value).abs().argmin()) for value in losses]
    assert len(losses) == 9
    torch.testing.assert_close(losses, by_row[rows], rtol=1e-12, atol=1e-12)
    (ours,), (theirs,) = gradients(problem.loss(model, 5, 2), model.X), gradients(by_row[rows].sum(), model.X)
    torch.testing.assert_close(ours, theirs, rtol=1e-11, atol=1e-11)
    report = problem.report(model)
    assert math.isclose(report["loss"], entries.mean().item(), rel_tol=1e-12)
    assert problem.loss(model, 5, 2).item() / problem.shown_divisor == pytest.approx(
        by_row[rows].mean().item() / 7
    )
    right = (torch.sign(problem.A @ model.X @ problem.B) == problem.C).double().mean().item()
    assert report["accuracy"] == right


def test_logistic_batches_meet_every_row_equally_often() -> None:
    problem = LogisticRegression(shape=(8, 2, 2, 3), batch=400)
    model = problem.model(1)
    distinct, counts = problem.losses(model, 1, 0).detach().unique(return_counts=True)
    assert len(distinct) == 8 and int(counts.min()) > 25 and int(counts.max()) < 80


def test_logistic_live_size_starts_at_the_published_loss() -> None:
    problem = LogisticRegression("live")
    assert problem.report(problem.model(42))["loss"] == pytest.approx(20.7, rel=0.05)
    assert (problem.C > 0).double().mean().item() == pytest.approx(0.3085, abs=0.005)
    assert set(problem.C.unique().tolist()) == {-1.0, 1.0}


def test_completion_is_the_plain_masked_mean_square() -> None:
    problem = LowRankCompletion(shape=(12, 9, 2))
    model = problem.model(4)
    seen = problem.mask.nonzero().tolist()
    plain = sum(((model.X[i] @ model.Y[j] - problem.M[i, j]) ** 2 for i, j in seen), torch.zeros(())) / len(
        seen
    )
    assert math.isclose(problem.loss(model, 1, 0).item(), plain.item(), rel_tol=1e-12)
    ours, theirs = gradients(problem.loss(model, 1, 0), model.X, model.Y), gradients(plain, model.X, model.Y)
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-11, atol=1e-12)
    report = problem.report(model)
    squares = (model() - problem.M).square()
    everything = report["loss"] * len(seen) + report["unobserved"] * (12 * 9 - len(seen))
    assert math.isclose(everything, squares.sum().item(), rel_tol=1e-12)
    assert math.isclose(report["loss"], plain.item(), rel_tol=1e-12)


def test_completion_target_has_its_rank_and_mask_its_share() -> None:
    for size, shape in LowRankCompletion.sizes.items():
        problem = LowRankCompletion(size)
        assert tuple(problem.M.shape) == shape[:2] and int(torch.linalg.matrix_rank(problem.M)) == shape[2]
        assert problem.mask.double().mean().item() == pytest.approx(0.3, abs=0.01)


def test_factors_of_the_target_are_a_minimum_of_zero() -> None:
    problem = LowRankCompletion(shape=(12, 9, 2))
    U, S, Vh = torch.linalg.svd(problem.M)
    model = problem.model(0)
    with torch.no_grad():
        model.X.copy_(U[:, :2] * S[:2])
        model.Y.copy_(Vh[:2].mT)
    report = problem.report(model)
    assert report["gap"] < 1e-25 and report["unobserved"] < 1e-25
    assert problem.loss(model, 1, 0).item() < 1e-25


@pytest.mark.parametrize("kind", [MatrixRegression, LogisticRegression, LowRankCompletion])
def test_sizes_and_shapes_that_cannot_be_are_refused(kind: type) -> None:
    with pytest.raises(UnknownProblem, match="paper"):
        kind("huge")
    with pytest.raises(InvalidProblem, match="shape is"):
        kind(shape=(3, 0, 2, 2)[: 3 if kind is LowRankCompletion else 4])
    with pytest.raises(InvalidProblem, match="shape is"):
        kind(shape=(3, 2))


def test_data_without_a_problem_in_them_are_refused() -> None:
    with pytest.raises(InvalidProblem, match="p ≥ m and q ≥ n"):
        MatrixRegression(shape=(5, 6, 4, 7))
    with pytest.raises(InvalidProblem, match="p ≥ m and q ≥ n"):
        MatrixRegression(shape=(9, 6, 8, 7))
    for observed in (0.0, 1.0, math.nan, 1e-9):
        with pytest.raises(InvalidProblem, match="observed is"):
            LowRankCompletion(shape=(5, 4, 1), observed=observed)
    with pytest.raises(InvalidProblem, match="batch is 0"):
        LogisticRegression(shape=(3, 2, 2, 2), batch=0)
