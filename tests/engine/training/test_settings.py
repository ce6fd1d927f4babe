"""Names, schedules and specs: what is accepted, what is refused and how it is said."""

import math
from typing import Any

import pytest
import torch

from anisoscope.engine.training import (
    OPTIMIZERS,
    SCHEDULES,
    InvalidSpec,
    LaneSpec,
    TrainingSpec,
    UnknownOptimizer,
    UnknownSchedule,
    learning_rate_factor,
)

MUON = LaneSpec("muon", 0.02)


@pytest.mark.parametrize(
    ("schedule", "values"),
    [
        ("constant", {1: 1, 500: 1, 1000: 1}),
        ("linear", {1: 1, 600: 1, 601: 1, 602: 399 / 400, 801: 0.5, 1000: 1 / 400}),
        ("steps", {1: 1, 25: 1, 26: 0.99, 50: 0.99, 51: 0.99**2, 1000: 0.99**39}),
        ("steps_fast", {25: 1, 26: 0.95, 1000: 0.95**39}),
        ("warmup", {1: 0.01, 50: 0.5, 100: 1, 101: 1, 1000: 1}),
    ],
)
def test_schedules_by_hand(schedule: str, values: dict[int, float]) -> None:
    for step, value in values.items():
        assert math.isclose(learning_rate_factor(schedule, step, 1000), value, rel_tol=1e-12)


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("steps", [1, 2, 7, 30])
def test_every_factor_lies_above_zero_and_at_most_at_one(schedule: str, steps: int) -> None:
    assert all(0 < learning_rate_factor(schedule, step, steps) <= 1 for step in range(1, steps + 1))


@pytest.mark.parametrize("gamma", [("steps", 0.99), ("steps_fast", 0.95)])
def test_stairs_are_those_of_torch(gamma: tuple[str, float]) -> None:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    reference = torch.optim.lr_scheduler.StepLR(optimizer, 25, gamma[1])
    for step in range(1, 80):
        assert math.isclose(learning_rate_factor(gamma[0], step, 80), reference.get_last_lr()[0])
        optimizer.step()
        reference.step()


def test_a_step_out_of_range_is_refused() -> None:
    for step in (0, 11):
        with pytest.raises(ValueError, match=rf"step is {step}: 1 … steps = 10"):
            learning_rate_factor("linear", step, 10)


def test_unknown_names_name_those_there_are() -> None:
    with pytest.raises(UnknownOptimizer, match=r"optimizer is .lion.: one of muon, muon_bf16, adamw.*sven"):
        LaneSpec("lion", 0.1)
    with pytest.raises(UnknownSchedule, match="schedule is 'cosine': one of constant, linear"):
        LaneSpec("muon", 0.1, "cosine")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"learning_rate": 0.0}, "learning_rate is 0.0: a finite number above 0"),
        ({"learning_rate": math.inf}, "learning_rate is inf"),
        ({"learning_rate": math.nan}, "learning_rate is nan"),
        ({"learning_rate": True}, "learning_rate is True"),
        ({"weight_decay": -1.0}, "weight_decay is -1.0"),
        ({"optimizer": "sven", "weight_decay": 0.1}, "weight_decay is 0.1: 0 is needed, as Sven"),
        ({"branch": (0,)}, r"branch is \(0,\)"),
        ({"branch": (0, -1)}, r"branch is \(0, -1\)"),
    ],
)
def test_bad_lanes(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidSpec, match=words):
        LaneSpec(**{"optimizer": "muon", "learning_rate": 0.02, **changes})


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"lanes": ()}, "lanes has 0 entries: 1 … 4"),
        ({"lanes": (MUON,) * 5}, "lanes has 5 entries"),
        ({"lanes": [MUON]}, "a tuple of LaneSpec"),
        ({"steps": 0}, "steps is 0: an integer of at least 1"),
        ({"seed": -1}, "seed is -1"),
        ({"every": 2.0}, "every is 2.0"),
        ({"lanes": (LaneSpec("muon", 0.1, branch=(0, 0)),)}, "branch of lane 0 is from lane 0: an earlier"),
        ({"lanes": (MUON, LaneSpec("muon", 0.1, branch=(0, 10)))}, "branch of lane 1 is at step 10"),
        ({"lanes": (MUON, LaneSpec("muon", 0.1, branch=(0, 3))), "every": 2}, "multiple of every = 2"),
    ],
)
def test_bad_trainings(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidSpec, match=words):
        TrainingSpec(**{"lanes": (MUON,), "steps": 10, **arguments})


def test_specs_are_values() -> None:
    spec = TrainingSpec((MUON, LaneSpec("adamw", 1e-3, branch=(0, 4))), 10)
    assert spec == TrainingSpec((LaneSpec("muon", 0.02), LaneSpec("adamw", 1e-3, branch=(0, 4))), 10)
    assert hash(spec) != hash(TrainingSpec((MUON,), 10))


def test_the_catalogue_is_in_order() -> None:
    for slug, choice in OPTIMIZERS.items():
        low, high = choice.bounds
        assert choice.slug == slug and low < choice.learning_rate < high
        assert choice.title and choice.source
    read = {slug for slug, choice in OPTIMIZERS.items() if choice.reading}
    assert read == {"fismo", "lanton", "aro"}
