"""PolarGrad at the edge: against the optimiser itself, against gradient descent, and the published behaviour."""

import math

import pytest
import torch

from anisoscope.engine.optimizers import PolarGrad
from anisoscope.engine.problems import (
    InvalidProblem,
    MatrixRegression,
    UnknownProblem,
    edge_of_stability,
    edge_of_stability_in_parts,
)
from anisoscope.engine.problems.edge_of_stability import exact_step


@pytest.fixture(scope="module")
def small() -> MatrixRegression:
    return MatrixRegression("small")


@pytest.mark.parametrize("shape", [(12, 8, 5, 9), (9, 5, 8, 12)])
def test_it_is_polargrad_with_a_step_schedule(shape: tuple[int, int, int, int]) -> None:
    problem = MatrixRegression(shape=shape)
    c, decay = 2.5, 0.8
    run = edge_of_stability(c, decay, 40, problem, every=10, seed=7)
    model = problem.model(7)
    first = c / (problem.lipschitz * min(model.X.shape))
    optimizer = PolarGrad(model.parameters(), lr=first, momentum=0.0, method="svd")
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, step_size=10, gamma=decay)
    for step in range(41):
        gap = problem.report(model)["gap"]
        assert math.isclose(run.gap[step, 0].item(), gap, rel_tol=1e-7)
        if step == 40:
            break
        lr = optimizer.param_groups[0]["lr"]
        sharpness = lr * problem.lipschitz * min(model.X.shape)
        assert math.isclose(run.sharpness[step, 0].item(), sharpness, rel_tol=1e-12)
        optimizer.zero_grad()
        problem.loss(model, step + 1, 0).backward()
        optimizer.step()
        schedule.step()


def test_gradient_descent_takes_its_best_constant_step() -> None:
    problem = MatrixRegression(shape=(12, 8, 5, 9))
    run = edge_of_stability(1.0, 1.0, 30, problem, seed=2)
    model = problem.model(2)
    for step in range(31):
        assert math.isclose(run.gradient_descent[step].item(), problem.report(model)["gap"], rel_tol=1e-8)
        (G,) = torch.autograd.grad(problem.loss(model, 1, 0), model.X)
        with torch.no_grad():
            model.X -= 2 / (problem.lipschitz + problem.strong_convexity) * G


def test_runs_side_by_side_are_the_runs_alone(small: MatrixRegression) -> None:
    both = edge_of_stability([3.0, 5.0, 30.0], 0.99, 60, small)
    for lane, c in enumerate((3.0, 5.0, 30.0)):
        torch.testing.assert_close(
            both.gap[:, lane], edge_of_stability(c, 0.99, 60, small).gap[:, 0], rtol=1e-6, atol=0
        )
    assert both.gap.shape == (61, 3) and both.sharpness.shape == (60, 3)


def test_below_the_edge_the_gap_falls_slowly(small: MatrixRegression) -> None:
    gap = edge_of_stability([4.0, 6.0], 1.0, 600, small).gap
    assert gap[0, 0] == gap[0, 1] and gap[0, 0] > 1e6
    assert (gap[50] < 1e-2 * gap[0]).all() and (gap[600] < 100).all()
    assert gap[600, 0] > 1e-2


def test_seven_hovers_until_decay_brings_it_back_and_then_plunges(small: MatrixRegression) -> None:
    gap = edge_of_stability(7.0, 0.99, 300, small).gap[:, 0]
    assert (gap[40:101] > 1e6).all() and (gap[:101] < 1e8).all()
    assert gap[200] < 1 and gap[300] < 1e-10
    constant = edge_of_stability(7.0, 1.0, 300, small).gap[:, 0]
    assert constant[300] > 1e15


def test_eight_diverges_unless_decay_is_fast(small: MatrixRegression) -> None:
    slow, fast = (edge_of_stability(8.0, decay, 200, small).gap[:, 0] for decay in (0.99, 0.95))
    assert slow[200] > 1e30
    assert fast.max() > 1e12 and fast[200] < 1
    descent = edge_of_stability(8.0, 0.95, 200, small).gradient_descent
    assert fast[200] < 1e-2 * descent[200] and bool((descent.diff() < 0).all())


def test_runs_that_leave_the_number_range_are_infinite_and_others_go_on(small: MatrixRegression) -> None:
    gap = edge_of_stability([40.0, 4.0], 1.0, 250, small).gap
    assert math.isinf(gap[-1, 0]) and math.isfinite(gap[-1, 1]) and not gap.isnan().any()
    left = int(gap[:, 0].isinf().nonzero()[0])
    assert gap[left:, 0].isinf().all() and gap[left - 1, 0] > 1e200
    assert gap[-1, 1] == pytest.approx(edge_of_stability(4.0, 1.0, 250, small).gap[-1, 0].item(), rel=1e-6)


def test_two_steps_of_qdwh_hide_the_edge(small: MatrixRegression) -> None:
    exact = edge_of_stability(8.0, 0.99, 100, small, "qdwh").gap[-1, 0]
    budget = edge_of_stability(8.0, 0.99, 100, small, "qdwh", polar_steps=2).gap[-1, 0]
    assert exact > 1e20 and budget < 1e6
    svd = edge_of_stability(8.0, 0.99, 100, small).gap[-1, 0]
    assert math.isclose(exact.item(), svd.item(), rel_tol=1e-6)


@pytest.mark.parametrize("condition", [1.0, 30.0, 900.0, 3e3, 1e6, 1e12])
@pytest.mark.parametrize("scale", [1e-140, 1.0, 1e120])
@pytest.mark.parametrize("shape", [(9, 4), (4, 9)])
def test_the_exact_step_keeps_its_digits(condition: float, scale: float, shape: tuple[int, int]) -> None:
    generator = torch.Generator().manual_seed(0)
    left, right = (torch.randn(side, 4, generator=generator, dtype=torch.float64) for side in shape)
    U, V = torch.linalg.qr(left).Q, torch.linalg.qr(right).Q
    sigma = torch.logspace(0, -math.log10(condition), 4, dtype=torch.float64)
    step = exact_step((scale * (U * sigma) @ V.mT)[None])[0]
    error = (step / (scale * sigma.sum()) - U @ V.mT).abs().max().item()
    assert error < max(1e-9, 1e-15 * condition)


def test_a_vanished_gradient_makes_no_step() -> None:
    assert torch.equal(exact_step(torch.zeros(2, 5, 3).double()), torch.zeros(2, 5, 3).double())


@pytest.mark.parametrize("c", [0.0, -1.0, math.nan, math.inf, [], [1.0, -2.0], [[1.0]]])
def test_values_of_c_that_cannot_be_are_refused(c: float, small: MatrixRegression) -> None:
    with pytest.raises(InvalidProblem, match="c is"):
        edge_of_stability(c, problem=small)


def test_other_options_that_cannot_be_are_refused(small: MatrixRegression) -> None:
    for decay in (0.0, 1.01, math.nan):
        with pytest.raises(InvalidProblem, match="decay is"):
            edge_of_stability(1.0, decay, 5, small)
    with pytest.raises(InvalidProblem, match="steps is 0"):
        edge_of_stability(1.0, 0.9, 0, small)
    with pytest.raises(InvalidProblem, match="every is 0"):
        edge_of_stability(1.0, 0.9, 5, small, every=0)
    with pytest.raises(UnknownProblem, match="qdwh"):
        edge_of_stability(1.0, 0.9, 5, small, "newton")
    with pytest.raises(ValueError, match="steps is 0"):
        edge_of_stability(1.0, 0.9, 5, small, "qdwh", polar_steps=0)


def test_parts_are_the_run_so_far(small: MatrixRegression) -> None:
    whole = edge_of_stability([7.0, 30.0], 0.9, 130, small)
    parts = list(edge_of_stability_in_parts([7.0, 30.0], 0.9, 130, small, part=50))
    assert [len(part.sharpness) for part in parts] == [50, 100, 130]
    for part in parts:
        for ours, theirs in zip(part, whole, strict=True):
            assert torch.equal(ours, theirs[: len(ours)])
    assert len(parts[0].gap) == len(parts[0].gradient_descent) == 51


def test_parts_need_a_length(small: MatrixRegression) -> None:
    with pytest.raises(InvalidProblem, match="part is 0"):
        next(edge_of_stability_in_parts(7.0, problem=small, part=0))


def test_all_lanes_may_leave_the_number_range(small: MatrixRegression) -> None:
    *_, last = edge_of_stability_in_parts(1000.0, 1.0, 150, small, part=60)
    assert last.gap.shape == (151, 1) and math.isinf(last.gap[-1, 0].item())
