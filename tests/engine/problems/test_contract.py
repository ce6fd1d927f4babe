"""What every problem keeps: weights from a seed, batches from step and seed, reports, names, refusals."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from anisoscope.engine.problems import (
    PROBLEMS,
    CharacterTransformer,
    DigitsMLP,
    InvalidProblem,
    LogisticRegression,
    LowRankCompletion,
    MatrixRegression,
    Problem,
    SvenPolynomial,
    SvenToy,
    UnknownProblem,
    problem_class,
)

TEXT = "".join(chr(97 + (7 * i * i + i // 5) % 11) + (" " if i % 6 == 0 else "") for i in range(900))


def digits(**options: object) -> DigitsMLP:
    generator = torch.Generator().manual_seed(5)
    images = torch.rand(61, 9, generator=generator)
    labels = torch.randint(0, 4, (61,), generator=generator)
    return DigitsMLP(images, labels, **{"widths": (9, 7, 6, 4), "batch": 8, **options})  # pyright: ignore[reportArgumentType]


def transformer(**options: object) -> CharacterTransformer:
    sizes = {"width": 8, "heads": 2, "blocks": 2, "context": 12, "batch": 5}
    return CharacterTransformer(TEXT, **{**sizes, **options})  # pyright: ignore[reportArgumentType]


MAKERS: dict[str, Callable[[], Problem]] = {
    "digits-mlp": digits,
    "character-transformer": transformer,
    "matrix-regression": lambda: MatrixRegression(shape=(9, 6, 4, 7)),
    "logistic-regression": lambda: LogisticRegression(shape=(30, 6, 4, 7), batch=5, dtype=torch.float64),
    "low-rank-completion": lambda: LowRankCompletion(shape=(12, 9, 2)),
    "sven-toy": lambda: SvenToy(samples=70),
    "sven-polynomial": lambda: SvenPolynomial(samples=70),
}
every = pytest.mark.parametrize("problem", [make() for make in MAKERS.values()], ids=MAKERS.keys())


def weights(model: nn.Module) -> Tensor:
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def test_the_catalogue_lists_each_problem_once() -> None:
    assert set(PROBLEMS) == set(MAKERS)
    for slug, make in MAKERS.items():
        assert type(make()) is problem_class(slug) and problem_class(slug).slug == slug
    with pytest.raises(UnknownProblem, match="digits-mlp"):
        problem_class("digits")


@every
def test_equal_seeds_give_equal_weights_and_the_global_generator_rests(problem: Problem) -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    first = problem.model(17)
    problem.losses(first, 4, 2)
    problem.report(first)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(4)
    assert torch.equal(weights(problem.model(17)), weights(first))
    assert not torch.equal(weights(problem.model(18)), weights(first))


@every
def test_float32_starts_at_the_rounded_numbers_of_float64(problem: Problem) -> None:
    single, double = problem.model(3, torch.float32), problem.model(3, torch.float64)
    assert torch.equal(weights(single), weights(double).float())
    value = problem.loss(single, 1, 0).item()
    assert math.isclose(value, problem.loss(double, 1, 0).item(), rel_tol=1e-4)
    assert {p.dtype for p in double.parameters()} == {torch.float64}


@every
def test_batches_are_pure_functions_of_step_and_seed(problem: Problem) -> None:
    model = problem.model(0)
    forward = {k: problem.losses(model, k, 9).detach().clone() for k in range(1, 25)}
    problem.losses(model, 3, 10)
    fresh = MAKERS[problem.slug]()
    for step in (24, 1, 13, 12, 24):
        assert torch.equal(problem.losses(model, step, 9), forward[step])
        assert torch.equal(fresh.losses(model, step, 9), forward[step])
    if problem.stochastic:
        assert len({tuple(values.tolist()) for values in forward.values()}) == len(forward)
        assert not torch.equal(problem.losses(model, 1, 10), forward[1])
        assert all(len(values) == problem.batch for values in forward.values())
    else:
        assert all(torch.equal(values, forward[1]) and len(values) == 1 for values in forward.values())


def test_the_regression_is_drawn_and_solved_to_the_same_bit_each_time() -> None:
    first = MatrixRegression(shape=(9, 6, 4, 7))
    for _ in range(20):
        again = MatrixRegression(shape=(9, 6, 4, 7))
        assert torch.equal(again.X_star, first.X_star) and again.minimum == first.minimum


@every
def test_the_gradient_is_the_slope_of_the_loss(problem: Problem) -> None:
    model = problem.model(1, torch.float64)
    problem.loss(model, 2, 3).backward()
    generator = torch.Generator().manual_seed(8)
    slope, directions = 0.0, []
    for p in model.parameters():
        assert p.grad is not None
        directions.append(torch.randn(p.shape, generator=generator, dtype=torch.float64))
        slope += (p.grad * directions[-1]).sum().item()
    values = []
    for sign in (1, -1):
        moved = problem.model(1, torch.float64)
        with torch.no_grad():
            for p, direction in zip(moved.parameters(), directions, strict=True):
                p += sign * 1e-5 * direction
        values.append(problem.loss(moved, 2, 3).item())
    assert math.isclose((values[0] - values[1]) / 2e-5, slope, rel_tol=1e-5)


@every
def test_losses_add_up_to_the_loss(problem: Problem) -> None:
    model = problem.model(1)
    losses = problem.losses(model, 2, 3)
    total = losses.sum() if problem.slug == "logistic-regression" else losses.mean()
    assert losses.requires_grad and torch.allclose(problem.loss(model, 2, 3), total)


@every
def test_reports_are_plain_numbers_about_the_model(problem: Problem) -> None:
    model = problem.model(1, torch.float64)
    report = problem.report(model)
    assert "loss" in report and all(type(value) is float for value in report.values())
    if problem.minimum is not None:
        assert math.isclose(report["gap"], report["loss"] - problem.minimum, rel_tol=1e-9)
    start = report["loss"]
    optimizer = torch.optim.SGD(model.parameters(), lr={"matrix-regression": 1e-3}.get(problem.slug, 0.02))
    for step in range(1, 81):
        optimizer.zero_grad()
        problem.loss(model, step, 0).backward()
        optimizer.step()
    assert problem.report(model)["loss"] < start


@every
def test_matrix_names_are_parameters_with_two_axes(problem: Problem) -> None:
    model = problem.model(0)
    names = problem.matrix_names(model)
    assert names and len(set(names)) == len(names)
    assert all(model.get_parameter(name).ndim == 2 for name in names)


@every
@pytest.mark.parametrize("step", [0, -1, 1.0, True])
def test_steps_count_from_one(problem: Problem, step: int) -> None:
    with pytest.raises(InvalidProblem, match="step is"):
        problem.losses(problem.model(0), step, 0)


@every
@pytest.mark.parametrize("seed", [-1, 0.5, None])
def test_seeds_are_integers_of_at_least_zero(problem: Problem, seed: int) -> None:
    with pytest.raises(InvalidProblem, match="seed is"):
        problem.model(seed)
    with pytest.raises(InvalidProblem, match="seed is"):
        problem.losses(problem.model(0), 1, seed)


@every
def test_types_that_cannot_be_trained_are_refused(problem: Problem) -> None:
    with pytest.raises(InvalidProblem, match="dtype is"):
        problem.model(0, torch.int64)
