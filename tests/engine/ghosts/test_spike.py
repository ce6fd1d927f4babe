"""The four lanes through a spike of the learning rate: the numbers that must hold, equal bits, and what is refused."""

from __future__ import annotations

import math
from collections.abc import Iterator
from importlib import resources
from io import BytesIO
from typing import Any

import numpy as np
import pytest
import torch

from anisoscope.engine.digits.spike import SpikeLab
from anisoscope.engine.digits.spike_lane import CHECKPOINT_EVERY, SpikeData, SpikeLane
from anisoscope.engine.digits.spike_limits import FREE_STEPS, LIMITS
from anisoscope.engine.digits.spike_spec import OPTIMIZERS, InvalidSpike, LaneSpec, Spike

HELD = LaneSpec(spikes=(Spike(1000, 50, 151),))
ONCE = LaneSpec(spikes=(Spike(1e4, 50),))


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def data() -> SpikeData:
    content = (resources.files("anisoscope.assets") / "ghosts" / "digits.npz").read_bytes()
    with np.load(BytesIO(content)) as arrays:
        images = torch.from_numpy(arrays["images"].astype(np.float32) / 16)
        labels = torch.from_numpy(arrays["labels"].astype(np.int64))
        train = torch.from_numpy(arrays["train_index"].astype(np.int64))
    held_back = torch.ones(len(labels), dtype=torch.bool)
    held_back[train] = False
    return SpikeData(images[train], labels[train], images[held_back], labels[held_back])


def lab(data: SpikeData, spec: LaneSpec, steps: int, target: float = 1.0, **more: Any) -> SpikeLab:
    made = SpikeLab(data, spec, target, **more)
    made.advance(steps)
    return made


@pytest.fixture(scope="module")
def held(data: SpikeData) -> SpikeLab:
    torch.set_num_threads(1)
    return lab(data, HELD, 200)


@pytest.fixture(scope="module")
def once(data: SpikeData) -> SpikeLab:
    torch.set_num_threads(1)
    return lab(data, ONCE, 61)


def lane(found: SpikeLab, limit: str) -> SpikeLane:
    return found.lanes[LIMITS.index(limit)]


def same_bits(one: SpikeLane, other: SpikeLane, rows: int | None = None) -> bool:
    return all(
        np.array_equal(a[:rows], b[:rows], equal_nan=True)
        for a, b in zip(vars(one.records).values(), vars(other.records).values(), strict=True)
    )


def test_a_held_spike_erases_the_plain_lane_and_not_the_capped_one(held: SpikeLab) -> None:
    assert lane(held, "plain").records.accuracy[-1] <= 0.2
    assert lane(held, "radius").records.accuracy[-1] >= 0.93
    # Adam's step does not scale with the gradient; a cap of the step itself does as well as the radius.
    assert lane(held, "gradient_norm").records.accuracy[-1] <= 0.2
    assert lane(held, "step_norm").records.accuracy[-1] >= 0.93


def test_one_spiked_step_costs_the_capped_lane_nothing(once: SpikeLab) -> None:
    assert min(lane(once, "radius").records.accuracy[50:61]) >= 0.9
    assert min(lane(once, "plain").records.accuracy[50:61]) <= 0.2


def test_no_step_of_the_capped_lane_reaches_beyond_the_target(held: SpikeLab, data: SpikeData) -> None:
    for found, target in ((held, 1.0), (lab(data, HELD, 60, target=0.25), 0.25)):
        records = lane(found, "radius").records
        reach = np.array(records.norm[1:]) / np.array(records.radius[1:])
        assert reach.max() <= target * (1 + 1e-6)
        assert reach[49:].min() == pytest.approx(target)
        asked = np.array(records.proposed[1:]) / np.array(records.radius[1:])
        assert asked[49] > 100 * target


def test_the_step_norm_is_capped_at_the_median_of_those_before(held: SpikeLab) -> None:
    records = lane(held, "step_norm").records
    norms, proposed = records.norm[1:], records.proposed[1:]
    assert norms[:FREE_STEPS] == proposed[:FREE_STEPS]
    for k in range(FREE_STEPS, len(norms)):
        expected = min(proposed[k], float(np.median(norms[:k])))
        assert norms[k] == pytest.approx(expected)


def test_the_norm_is_that_of_the_weights_difference(data: SpikeData) -> None:
    for limit in LIMITS:
        one = SpikeLane(data, LaneSpec(spikes=(Spike(1000, 15, 5),)), limit)
        for _ in range(18):
            before = [p.detach().clone() for p in one.model.parameters()]
            one.advance()
            moved = [p.detach() - old for p, old in zip(one.model.parameters(), before, strict=True)]
            norm = math.sqrt(sum(float(part.double().square().sum()) for part in moved))
            assert one.records.norm[-1] == pytest.approx(norm, rel=1e-4)


def test_watching_changes_no_bit_of_the_plain_lane(data: SpikeData) -> None:
    from anisoscope.engine.digits import build
    from anisoscope.engine.problems.draws import EpochBatches

    spec = LaneSpec(spikes=(Spike(100, 5, 3),), learning_rate=1e-3)
    watched = SpikeLane(data, spec, "plain")
    model = build("mlp", torch.Generator().manual_seed(0))
    adam, batches = torch.optim.Adam(model.parameters(), lr=1e-3), EpochBatches(len(data.images), 64)
    for step in range(1, 13):
        watched.advance()
        adam.param_groups[0]["lr"] = 1e-3 * (100 if 5 <= step < 8 else 1)
        chosen = batches.indices(step, 0)
        adam.zero_grad()
        torch.nn.functional.cross_entropy(model(data.images[chosen]), data.labels[chosen]).backward()
        adam.step()
    for name, value in model.state_dict().items():
        assert torch.equal(value, watched.model.state_dict()[name])


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_lanes_are_the_same_bits_each_time(data: SpikeData, optimizer: str) -> None:
    spec = LaneSpec(optimizer, 1e-2, seed=3, spikes=(Spike(100, 8, 4),))
    for one, other in zip(lab(data, spec, 14).lanes, lab(data, spec, 14).lanes, strict=True):
        assert same_bits(one, other)
    unlike = lab(data, LaneSpec(optimizer, 1e-2, seed=4), 2)
    assert (
        unlike.lanes[0].records.loss != lab(data, LaneSpec(optimizer, 1e-2, seed=5), 2).lanes[0].records.loss
    )


def test_lanes_agree_until_a_limit_acts(data: SpikeData) -> None:
    """Equal weights and equal batches: a target out of reach and a free first ten steps leave three lanes alike."""
    found = lab(data, LaneSpec(), FREE_STEPS, target=1e6)
    plain = lane(found, "plain")
    assert same_bits(plain, lane(found, "radius")) and same_bits(plain, lane(found, "step_norm"))


@pytest.mark.parametrize("come_to", [12, 33])
def test_a_branch_is_the_run_that_was_asked_for_from_the_start(data: SpikeData, come_to: int) -> None:
    before = LaneSpec("adamw", spikes=(Spike(100, 5),))
    after = LaneSpec("adamw", spikes=(Spike(100, 5), Spike(1000, 13)))
    earlier = lab(data, before, come_to)
    branched = lab(data, after, 20, reuse=[earlier])
    anew = lab(data, after, 20)
    for one, other in zip(branched.lanes, anew.lanes, strict=True):
        assert same_bits(one, other)
        for name, value in one.model.state_dict().items():
            assert torch.equal(value, other.model.state_dict()[name])
    # and the run it left goes on as if nothing had been taken from it
    earlier.advance(36)
    for one, other in zip(earlier.lanes, lab(data, before, 36).lanes, strict=True):
        assert same_bits(one, other)


def test_another_target_trains_one_lane_anew(data: SpikeData) -> None:
    first = lab(data, HELD, 5)
    second = SpikeLab(data, HELD, 2.0, reuse=[first])
    shared = [one is other for one, other in zip(first.lanes, second.lanes, strict=True)]
    assert shared == [True, True, True, False]
    assert second.head == 0 and first.head == 5 and CHECKPOINT_EVERY > 5


def test_a_lane_that_is_no_longer_finite_stops_and_says_where(data: SpikeData) -> None:
    found = lab(data, LaneSpec("sgd", 1e30, spikes=(Spike(1e8, 3, 100),)), 12)
    plain = lane(found, "plain")
    assert not plain.running and plain.status == f"diverged at step {plain.step + 1}"
    assert all(math.isfinite(value) for value in plain.records.loss)
    assert found.done(12)
    stopped = plain.step
    assert plain.advance() is False and plain.step == stopped


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: LaneSpec("lion"), "optimizer is 'lion'"),
        (lambda: LaneSpec(learning_rate=0.0), "learning_rate is 0.0"),
        (lambda: LaneSpec(learning_rate=math.nan), "learning_rate is nan"),
        (lambda: LaneSpec(batch=0), "batch is 0"),
        (lambda: LaneSpec(seed=-1), "seed is -1"),
        (lambda: Spike(math.inf, 5), "factor is inf"),
        (lambda: Spike(10, 0), "at is 0"),
        (lambda: Spike(10, 5, 0), "held is 0"),
    ],
)
def test_settings_that_cannot_be_used_are_named(make: Any, named: str) -> None:
    with pytest.raises(InvalidSpike, match=named):
        make()


def test_a_limit_or_target_that_cannot_be_used_is_named(data: SpikeData) -> None:
    with pytest.raises(InvalidSpike, match="limit is 'none'"):
        SpikeLane(data, HELD, "none")
    with pytest.raises(InvalidSpike, match="target is 0"):
        SpikeLab(data, HELD, 0)
