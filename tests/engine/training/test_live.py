"""Lanes against plain loops, and against themselves: alone, replayed, branched, reused, diverged."""

import copy
from collections.abc import Callable
from dataclasses import replace
from itertools import zip_longest
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from anisoscope.engine.problems import DigitsMLP, MatrixRegression
from anisoscope.engine.spectra import Status
from anisoscope.engine.training import (
    KINDS,
    OPTIMIZERS,
    InvalidSpec,
    InvalidStep,
    LaneSpec,
    LiveTraining,
    TrainingSpec,
    learning_rate_factor,
)
from anisoscope.engine.training.lane import Lane

STEPS = 40
PAIR = (LaneSpec("muon", 0.02, "linear"), LaneSpec("adamw", 3e-3, weight_decay=0.1))
Weights = dict[str, torch.Tensor]
Blobs = Any  # the class of the fixture `blobs`


def trained(problem: Blobs, *lanes: LaneSpec, steps: int = STEPS, **options: int) -> LiveTraining:
    training = LiveTraining(problem, TrainingSpec(lanes, steps, **options))
    while not training.done:
        training.advance(1.0)
    return training


def equal(first: Weights, second: Weights) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def same_records(
    first: LiveTraining, a: int, second: LiveTraining, b: int, rows: slice = slice(None)
) -> bool:
    x, y = first.timelines[a], second.timelines[b]
    return all(
        np.array_equal(p[rows], q[rows], equal_nan=True)
        for p, q in [
            (x.steps, y.steps),
            (x.loss, y.loss),
            (x.learning_rate, y.learning_rate),
            (x.floor, y.floor),
            (x.cosine, y.cosine),
            (x.dual, y.dual),
            *((x.sigma(layer, kind), y.sigma(layer, kind)) for layer in range(3) for kind in KINDS),
        ]
    )


@pytest.fixture(scope="module")
def pair(blobs: Blobs) -> LiveTraining:
    return trained(blobs, *PAIR)


def by_hand(
    problem: Blobs, spec: LaneSpec, build: Callable[[nn.Module], list[torch.optim.Optimizer]], steps: int
) -> tuple[Weights, list[float]]:
    model = problem.model(0)
    optimizers = build(model)
    rates = [[group["lr"] for group in optimizer.param_groups] for optimizer in optimizers]
    losses = []
    for step in range(1, steps + 1):
        for optimizer, own in zip(optimizers, rates, strict=True):
            for group, rate in zip(optimizer.param_groups, own, strict=True):
                group["lr"] = rate * learning_rate_factor(spec.schedule, step, steps)
        for optimizer in optimizers:
            optimizer.zero_grad()
        loss = problem.loss(model, step, 0)
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()
        losses.append(loss.item())
    return model.state_dict(), losses


def torch_muon(model: nn.Module) -> list[torch.optim.Optimizer]:
    named = dict(model.named_parameters())
    rest = [p for name, p in named.items() if name != "2.weight"]
    return [
        torch.optim.Muon([named["2.weight"]], lr=0.02, weight_decay=0.05),
        torch.optim.AdamW(rest, lr=3e-3, weight_decay=0.0),
    ]


@pytest.mark.parametrize(
    ("spec", "build"),
    [
        (PAIR[1], lambda model: [torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.1)]),
        (LaneSpec("adam", 1e-3), lambda model: [torch.optim.Adam(model.parameters(), lr=1e-3)]),
        (
            LaneSpec("sgd", 0.05, "steps"),
            lambda model: [torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)],
        ),
        (LaneSpec("gd", 0.1, "warmup"), lambda model: [torch.optim.SGD(model.parameters(), lr=0.1)]),
        pytest.param(
            LaneSpec("muon_bf16", 0.02, "linear", 0.05),
            torch_muon,
            marks=pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="torch.optim.Muon came in 2.9"),
        ),
    ],
    ids=lambda value: getattr(value, "optimizer", ""),
)
def test_a_lane_is_the_plain_loop(
    blobs: Blobs, spec: LaneSpec, build: Callable[[nn.Module], list[torch.optim.Optimizer]]
) -> None:
    lane = trained(blobs, spec)
    weights, losses = by_hand(blobs, spec, build, STEPS)
    assert equal(lane.weights(0, STEPS), weights)
    assert lane.timelines[0].loss[1:].tolist() == losses


def test_spectra_are_those_of_the_weights(blobs: Blobs, pair: LiveTraining) -> None:
    for lane in range(2):
        timeline = pair.timelines[lane]
        start = pair.weights(lane, 0)
        for step in (0, 1, 7, 25, 26, STEPS):
            row, weights = timeline.row_of(step), pair.weights(lane, step)
            before = pair.weights(lane, max(0, step - 1))
            rate = timeline.learning_rate[row]
            for index, layer in enumerate(timeline.layers):
                W = weights[layer.name].double()
                expected = {"W": W}
                if step:
                    expected["D"] = W - start[layer.name].double()
                    rate = 3e-3 * learning_rate_factor(PAIR[lane].schedule, step, STEPS)
                    if layer.name == "2.weight" and lane == 0:
                        rate = timeline.learning_rate[row]
                    expected["U"] = (before[layer.name].double() - W) / rate
                for kind, matrix in expected.items():
                    floor = timeline.floor[row, index, KINDS.index(kind)]
                    sigma = timeline.sigma(index, kind)[row]
                    exact = torch.linalg.svdvals(matrix).numpy()
                    assert np.abs(sigma - exact).max() <= 3 * floor + 1e-6 * exact[0]
                    above = exact > 7 * floor
                    assert above[0] and np.allclose(sigma[above], exact[above], rtol=1e-2)


def test_gradients_and_momenta_of_a_step(blobs: Blobs, pair: LiveTraining) -> None:
    step = 9
    timeline = pair.timelines[1]
    averages = [torch.zeros_like(layer.parameter) for layer in timeline.layers]
    model = blobs.model(0)
    for past in range(1, step + 1):
        model.load_state_dict(pair.weights(1, past - 1))
        gradients = torch.autograd.grad(
            blobs.loss(model, past, 0),
            [dict(model.named_parameters())[layer.name] for layer in timeline.layers],
        )
        averages = [0.9 * m + 0.1 * g for m, g in zip(averages, gradients, strict=True)]
    for index, (gradient, average) in enumerate(zip(gradients, averages, strict=True)):
        for kind, matrix in (("G", gradient), ("M", average)):
            exact = torch.linalg.svdvals(matrix.double()).numpy()
            assert np.abs(timeline.sigma(index, kind)[step] - exact).max() <= 1e-5 * exact[0]


def test_the_start_has_weights_alone(pair: LiveTraining) -> None:
    timeline = pair.timelines[0]
    assert timeline.status[0].tolist() == [[Status.MEASURED, *[Status.ABSENT] * 4]] * 3
    assert np.isnan(timeline.sigma(1, "G")[0]).all() and np.isnan(timeline.loss[0])
    assert (timeline.status[1:] == Status.MEASURED).all()
    assert np.isnan(timeline.overlap_last[0]).all() and np.isfinite(timeline.overlap_last[2:]).all()
    assert timeline.seconds[0] == 0 and (np.diff(timeline.seconds) > 0).all()


def test_lanes_do_not_know_one_another(blobs: Blobs, pair: LiveTraining) -> None:
    four = trained(blobs, LaneSpec("sgd", 0.01), PAIR[1], LaneSpec("soap", 3e-3), PAIR[0])
    alone = trained(blobs, PAIR[0])
    assert (
        same_records(alone, 0, pair, 0) and same_records(four, 3, pair, 0) and same_records(four, 1, pair, 1)
    )
    assert equal(alone.weights(0, STEPS), four.weights(3, STEPS))
    assert not equal(alone.weights(0, STEPS), four.weights(1, STEPS))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_replay_is_exact(blobs: Blobs, optimizer: str) -> None:
    if optimizer == "muon_bf16" and not hasattr(torch.optim, "Muon"):
        pytest.skip("torch.optim.Muon came in 2.9")
    steps, spec = (
        33,
        LaneSpec(
            optimizer, OPTIMIZERS[optimizer].learning_rate, "linear", 0.01 * OPTIMIZERS[optimizer].decays
        ),
    )
    training = LiveTraining(blobs, TrainingSpec((spec,), steps))
    seen = {0: training.weights(0, 0)}
    while not training.done:
        training.advance()
        seen[training.head] = training.weights(0, training.head)
    assert training.status == ("done",) and len(seen) == steps + 1
    for step in (31, 25, 24, 3, 0, 26, 28):
        assert equal(training.weights(0, step), seen[step])
    assert not equal(seen[31], seen[32])
    assert np.isfinite(training.timelines[0].sigma(1, "G")[1:]).all()


def test_two_replays_in_turn_make_no_step_twice(blobs: Blobs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of two sessions that look at different steps of one lane."""
    training, made = trained(blobs, *PAIR), list[int]()
    advance = Lane.advance

    def counted(self: Lane, *args: Any) -> bool:
        made.append(self.step + 1)
        return advance(self, *args)

    monkeypatch.setattr(Lane, "advance", counted)
    for first, second in zip_longest(training.replay(1, 20), training.replay(1, 23)):
        assert first is None or equal(first, second)
    assert sorted(made) == sorted([*range(1, 21), *range(1, 24)])


def test_a_replay_in_parts_goes_from_the_nearest_known_step_and_may_be_disturbed(
    blobs: Blobs, pair: LiveTraining
) -> None:
    training = trained(blobs, *PAIR)
    wanted = [pair.weights(1, step) for step in range(STEPS + 1)]

    def same(found: list[Weights], steps: range) -> bool:
        return len(found) == len(steps) and all(map(equal, found, (wanted[s] for s in steps)))

    assert same(list(training.replay(1, 33)), range(25, 34)), "from the checkpoint"
    assert same(list(training.replay(1, 36)), range(33, 37)), "from where the last one stopped"
    assert same(list(training.replay(1, 30)), range(25, 31))
    assert same(list(training.replay(1, STEPS)), range(STEPS, STEPS + 1)), "nothing to replay"
    parts = training.replay(1, 12)
    first = [next(parts) for _ in range(4)]
    for other in (39, 2):
        training.weights(1, other)
    assert same([*first, *parts], range(13))
    assert same(list(training.replay(1, 14)), range(12, 15)), "from where the one that was disturbed came to"
    next(left := training.replay(1, 20)), next(left), left.close()
    assert same(list(training.replay(1, 20)), range(15, 21)), "from where one was left"
    branch = training.branch_from(1, 20, learning_rate=1e-2)
    assert same(list(branch.replay(2, 3)), range(4)), "before it leaves, a branch is its parent"
    for lane, step in ((2, 0), (0, STEPS + 1)):
        with pytest.raises(InvalidStep):
            next(training.replay(lane, step))


def test_an_unchanged_branch_is_its_parent(blobs: Blobs, pair: LiveTraining) -> None:
    for step in (0, 25, 31):
        for lane in (0, 1):
            branched = pair.branch_from(lane, step)
            assert branched.head == step and branched.timelines[2].rows == step + 1
            while not branched.done:
                branched.advance(1.0)
            assert same_records(branched, 2, pair, lane)
            assert equal(branched.weights(2, STEPS), pair.weights(lane, STEPS))
            assert equal(branched.weights(2, 5), pair.weights(lane, 5))
            assert branched.timelines[0] is pair.timelines[0]


def test_a_branch_in_a_fresh_training_waits_for_its_parent(blobs: Blobs, pair: LiveTraining) -> None:
    changed = LaneSpec("adamw", 1e-2, branch=(1, 20))
    live = LiveTraining(blobs, TrainingSpec((*PAIR, changed, replace(changed, branch=(2, 30))), STEPS))
    for made in range(1, STEPS + 1):
        assert live.advance() == 1
        assert live.steps == (made,) * 4
    later = pair.branch_from(1, 20, learning_rate=1e-2, weight_decay=0.0)
    later.advance(60.0)
    assert same_records(live, 2, later, 2) and same_records(live, 3, later, 2)
    assert same_records(live, 2, pair, 1, slice(0, 21)) and not same_records(live, 2, pair, 1)
    assert live.timelines[2].learning_rate[[20, 21]].tolist() == [3e-3, 1e-2]


def test_a_branch_to_another_optimizer_starts_it_afresh(blobs: Blobs, pair: LiveTraining) -> None:
    branched = pair.branch_from(0, 30, optimizer="adam", learning_rate=1e-3, schedule="constant")
    branched.advance(60.0)
    model = blobs.model(0)
    model.load_state_dict(pair.weights(0, 30))
    adam = torch.optim.Adam(model.parameters(), lr=1e-3)
    for step in range(31, STEPS + 1):
        adam.zero_grad()
        blobs.loss(model, step, 0).backward()
        adam.step()
    assert equal(branched.weights(2, STEPS), model.state_dict())


def test_reuse_trains_only_what_changed(blobs: Blobs) -> None:
    first = LiveTraining(blobs, TrainingSpec(PAIR, STEPS))
    while first.head < 20:
        first.advance()
    spec = TrainingSpec((PAIR[0], replace(PAIR[1], learning_rate=0.01)), STEPS)
    second = LiveTraining(blobs, spec, reuse=first)
    assert second.timelines[0] is first.timelines[0] and second.timelines[0].rows == 21
    assert second.steps == (20, 0) and second.head == 0
    assert second.advance() == 1 and second.steps == (20, 1)
    second.advance(60.0)
    assert second.done and same_records(second, 1, trained(blobs, *spec.lanes), 1)
    for changes in ({"seed": 1}, {"steps": 41}, {"every": 2}):
        assert LiveTraining(blobs, replace(spec, **changes), reuse=first).steps == (0, 0)
    assert LiveTraining(copy.copy(blobs), spec, reuse=first).steps == (0, 0)


@pytest.mark.parametrize(
    "bad",
    [LaneSpec("sgd", 1e6), LaneSpec("adamw", 1e6, weight_decay=1.0), LaneSpec("muon", 1e6, weight_decay=1.0)],
)
def test_a_diverged_lane_stops_alone(blobs: Blobs, pair: LiveTraining, bad: LaneSpec) -> None:
    live = trained(blobs, bad, PAIR[1])
    last = live.steps[0]
    assert live.status == (f"diverged at step {last + 1}", "done") and last < 30
    assert live.timelines[0].steps.tolist() == list(range(last + 1))
    assert all(torch.isfinite(t).all() for t in live.weights(0, last).values())
    assert same_records(live, 1, pair, 1) and live.head == STEPS
    with pytest.raises(InvalidStep, match=rf"step is {last + 1}: 0 … {last}"):
        live.weights(0, last + 1)


def test_float64_diverges_in_words_long_before_it_overflows() -> None:
    problem = MatrixRegression(shape=(30, 12, 10, 20))
    live = LiveTraining(problem, TrainingSpec((LaneSpec("gd", 1e-2), LaneSpec("gd", 1e-4)), 40))
    live.advance(60.0)
    assert live.status[0].startswith("diverged at step") and live.status[1] == "done"
    assert live.timelines[0].rows == live.steps[0] + 1 < 40
    assert live.timelines[0].loss[-1] < 1e30


def test_sven_diverges_in_words(blobs: Blobs) -> None:
    live = LiveTraining(blobs, TrainingSpec((LaneSpec("sven", 1e12), PAIR[1]), 40))
    live.advance(60.0)
    assert live.status[0].startswith(("diverged at step", "stopped at step")) and live.status[1] == "done"


def test_nothing_global_is_touched(blobs: Blobs) -> None:
    random, threads = torch.get_rng_state(), torch.get_num_threads()
    live = trained(blobs, *PAIR, steps=5)
    live.weights(0, 3)
    assert torch.equal(random, torch.get_rng_state()) and threads == torch.get_num_threads()


def test_every_and_reports(blobs: Blobs, pair: LiveTraining) -> None:
    live = trained(blobs, *PAIR, every=7)
    timeline, dense = live.timelines[1], pair.timelines[1]
    assert timeline.steps.tolist() == list(range(0, STEPS, 7))
    for index in range(3):
        assert np.array_equal(timeline.sigma(index, "W"), dense.sigma(index, "W")[timeline.steps])
    reported = dense.reports["loss"]
    assert np.flatnonzero(np.isfinite(reported)).tolist() == list(range(0, STEPS + 1, 10))
    model = blobs.model(0)
    model.load_state_dict(pair.weights(1, 30))
    assert reported[30] == blobs.report(model)["loss"]


def test_timelines_are_read_only_and_know_their_steps(pair: LiveTraining) -> None:
    timeline = pair.timelines[0]
    with pytest.raises(ValueError, match="read-only"):
        timeline.sigma(0, "W")[0, 0] = 1
    with pytest.raises(InvalidStep, match="step is 41: a recorded step, the last of which is 40"):
        timeline.row_of(41)


def test_lanes_and_branches_out_of_range(blobs: Blobs, pair: LiveTraining) -> None:
    with pytest.raises(InvalidStep, match="lane is 2: 0 … 1"):
        pair.weights(2, 0)
    with pytest.raises(InvalidSpec, match="at step 40"):
        pair.branch_from(0, STEPS)
    with pytest.raises(InvalidSpec, match="report_every is 0"):
        LiveTraining(blobs, pair.spec, report_every=0)


def test_the_floor_of_change_and_update_covers_rounding(blobs: Blobs) -> None:
    """One sample a step: the update has rank one, the change after n steps rank n, all beyond is rounding."""
    one = copy.copy(blobs)
    one.batch = 1
    timeline = trained(one, LaneSpec("gd", 0.05), steps=8).timelines[0]
    for row in range(1, 9):
        for kind, rank in (("G", 1), ("U", 1), ("D", row)):
            for index in range(2):
                sigma = timeline.sigma(index, kind)[row]
                floor = timeline.floor[row, index, KINDS.index(kind)]
                assert sigma[0] > floor and (sigma[rank:] <= floor).all()
                # a floor that swallowed everything would be no floor
                assert floor < 1e-2 * sigma[0]


def test_a_lane_on_the_digits_problem() -> None:
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(300, 64, generator=generator)
    problem = DigitsMLP(images, torch.arange(300) % 10, (64, 20, 20, 10), batch=32)
    live = LiveTraining(problem, TrainingSpec((LaneSpec("muon", 0.02), LaneSpec("sven", 0.05)), 6))
    live.advance(60.0)
    assert live.status == ("done", "done")
    assert [layer.name for layer in live.timelines[0].layers] == ["0.weight", "2.weight", "4.weight"]
    assert np.isfinite(live.timelines[1].sigma(1, "G")[1:]).all()
    # Newton–Schulz at work on the hidden matrix alone: the others are AdamW's, of low rank
    flat = live.timelines[0].sigma(1, "U")[1]
    assert flat[0] < 1.21 and flat[9] > 0.6
    assert live.timelines[0].reports.keys() == {"loss", "accuracy"}


def test_equal_lanes_are_trained_once(blobs: Blobs, pair: LiveTraining) -> None:
    live = LiveTraining(blobs, TrainingSpec((PAIR[0], PAIR[1], PAIR[0]), STEPS))
    assert live.advance() == 1 and live.steps == (1, 1, 1)
    live.advance(60.0)
    assert live.timelines[0] is live.timelines[2] and same_records(live, 2, pair, 0)
    again = LiveTraining(blobs, TrainingSpec((PAIR[0],) * 2, STEPS), reuse=live)
    assert again.done and again.timelines == (live.timelines[0],) * 2


class Asking:
    """Calls somebody whenever a row is about to be written, as another thread may look at any time."""

    def __init__(self, problem: Blobs, look: Callable[[], None]) -> None:
        self._problem, self._look = problem, look

    def __getattr__(self, name: str) -> Any:
        return getattr(self._problem, name)

    def report(self, model: nn.Module) -> dict[str, float]:
        self._look()
        return self._problem.report(model)


def test_whoever_looks_meanwhile_finds_the_rows_of_all_steps(blobs: Blobs) -> None:
    seen: list[tuple[int, str]] = []

    def look() -> None:
        if not made:
            return
        (training,) = made
        for step, status, rows in zip(training.steps, training.status, training.timelines, strict=True):
            assert rows.steps[-1] >= step and (status == "running" or step == 4)
            seen.append((step, status))

    made: list[LiveTraining] = []
    branch = replace(LaneSpec("sgd", 0.1), branch=(0, 2))
    spec = TrainingSpec((LaneSpec("sgd", 0.2), branch), 4)
    made.append(LiveTraining(Asking(blobs, look), spec, report_every=1))
    while not made[0].done:
        made[0].advance()
    # the step whose row is being written is not yet told of
    assert seen[0] == (0, "running") and (3, "running") in seen
    assert made[0].status == ("done", "done") and made[0].steps == (4, 4)
