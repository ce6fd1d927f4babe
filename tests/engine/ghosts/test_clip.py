"""Steps cut to a radius: what is measured, what is moved and what must not be."""

import copy
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from anisoscope.engine.ghosts import ClipStep, RadiusClip, measure_step

OPTIMIZERS: dict[str, Callable[[Any], torch.optim.Optimizer]] = {
    "sgd": lambda p: torch.optim.SGD(p, lr=3.0, momentum=0.9, weight_decay=0.01, nesterov=True),
    "adam": lambda p: torch.optim.Adam(p, lr=0.5),
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.5, weight_decay=0.1, foreach=True),
    "rmsprop": lambda p: torch.optim.RMSprop(p, lr=0.3, momentum=0.5),
}
BACKENDS = ("auto", "jvp", "finite_difference")


@pytest.fixture(autouse=True)
def _keep_the_generator():
    with torch.random.fork_rng():
        torch.manual_seed(3)
        yield


def linear() -> tuple[nn.Linear, Tensor, Tensor]:
    """A model whose first order is all there is."""
    model = nn.Linear(5, 4, dtype=torch.float64)
    return model, torch.randn(8, 5, dtype=torch.float64), torch.randint(4, (8,))


def network(dtype: torch.dtype = torch.float32) -> tuple[nn.Module, Tensor, Tensor]:
    model = nn.Sequential(nn.Linear(6, 9), nn.BatchNorm1d(9), nn.GELU(), nn.Dropout(0.3), nn.Linear(9, 4))
    return model.to(dtype), torch.randn(16, 6, dtype=dtype), torch.randint(4, (16,))


def backward(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    model.zero_grad()
    logits = model(x)
    nn.functional.cross_entropy(logits, y).backward()
    return logits.detach()


def weights(model: nn.Module) -> Tensor:
    return torch.cat([p.detach().flatten().clone() for p in model.parameters()])


def moved(model: nn.Module, before: nn.Module, x: Tensor) -> Tensor:
    """r of each sample from the logits themselves."""
    with torch.no_grad():
        change = model(x) - before(x)
    return (change.amax(-1) - change.amin(-1)) / math.pi


def flat(value: object) -> list[Tensor]:
    if isinstance(value, dict):
        return [t for item in value.values() for t in flat(item)]
    if isinstance(value, (list, tuple)):
        return [t for item in value for t in flat(item)]
    return [value.detach().clone()] if isinstance(value, Tensor) else [torch.tensor(hash(value))]


def equal(left: list[Tensor], right: list[Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(left, right, strict=True))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("mode", ["cap", "set"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_step_has_the_direction_of_the_optimizer_and_the_length_asked_for(name, mode, backend):
    model, x, y = linear()
    optimizer = OPTIMIZERS[name](model.parameters())
    clip = RadiusClip(model, optimizer, target=0.7, mode=mode, backend=backend)
    for _ in range(5):
        backward(model, x, y)
        before, twin = copy.deepcopy(model), copy.deepcopy((model, optimizer))
        for ours, theirs in zip(model.parameters(), twin[0].parameters(), strict=True):
            theirs.grad = ours.grad
        twin[1].step()
        own = weights(twin[0]) - weights(before)
        last = clip.step(x)
        r = moved(model, before, x)
        assert r.max() <= 0.7 * (1 + 1e-6)
        assert last.normalized_step_taken == pytest.approx(r.max().item(), rel=1e-6)
        assert last.step_norm == pytest.approx(own.norm().item(), rel=1e-12)
        assert last.normalized_step == pytest.approx(last.step_norm / last.radius, rel=1e-12)
        assert last.bottleneck_index == r.argmax()
        torch.testing.assert_close(weights(model) - weights(before), last.scale * own, rtol=1e-9, atol=1e-13)
        if mode == "set":
            assert last.normalized_step_taken == pytest.approx(0.7, rel=1e-9)
        assert last.clipped == (last.scale != 1)
        assert equal(flat(optimizer.state_dict()["state"]), flat(twin[1].state_dict()["state"]))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("every", [1, 3])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_monitoring_changes_nothing(name, every, backend):
    """Weights, moments, buffers, modes and random numbers, bit by bit."""

    def end(watched: bool) -> list[Tensor]:
        torch.manual_seed(5)
        model, x, y = network()
        model[1].eval()
        optimizer = OPTIMIZERS[name](model.parameters())
        clip = RadiusClip(model, optimizer, mode="monitor", every=every, backend=backend)
        for _ in range(7):
            backward(model, x, y)
            if watched:
                assert clip.step(x).scale == 1
            else:
                optimizer.step()
        assert not watched or (clip.last is not None and clip.last.normalized_step > 0)
        return [
            *flat(dict(model.state_dict())),
            *flat(optimizer.state_dict()),
            *flat([p.grad for p in model.parameters()]),
            *flat([m.training for m in model.modules()]),
            torch.get_rng_state(),
        ]

    assert equal(end(False), end(True))


def test_a_cap_that_never_binds_changes_nothing():
    ends = []
    for target in (None, 1e9):
        torch.manual_seed(5)
        model, x, y = network()
        optimizer = OPTIMIZERS["adam"](model.parameters())
        clip = RadiusClip(model, optimizer, target=target or 1.0)
        for _ in range(4):
            backward(model, x, y)
            optimizer.step() if target is None else clip.step(x)
        ends.append([*flat(dict(model.state_dict())), torch.get_rng_state()])
    assert equal(*ends)


@pytest.mark.parametrize("kind", ["bound", "margin"])
def test_the_difference_agrees_with_forward_mode_and_with_measure_step(kind):
    model, x, y = network()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    clip = RadiusClip(model, optimizer, target=0.5, kind=kind)
    backends = []
    for _ in range(12):
        backward(model, x, y)
        exact = measure_step(model, optimizer, x, kind=kind)
        last = clip.step(x)
        backends.append(last.backend)
        assert last.radius == pytest.approx(exact.radius.item(), rel=1e-2)
        assert last.step_norm == pytest.approx(exact.step_norm.item(), rel=1e-6)
    assert backends[0] == "jvp" and backends.count("forward_difference") >= 9


class Counted(nn.Identity):
    """Counts the passes."""

    passes = 0

    def forward(self, x: Tensor) -> Tensor:
        self.passes += 1
        return x


@pytest.mark.parametrize("kind", ["bound", "margin"])
def test_one_pass_more_than_training_and_two_without_its_logits(kind):
    model = nn.Sequential(nn.Linear(6, 9), nn.GELU(), nn.Linear(9, 4), Counted())
    x, y = torch.randn(16, 6), torch.randint(4, (16,))
    ways = ({}, {"reuse": False}, {"reuse": False})
    twins = [copy.deepcopy(model) for _ in ways]
    clips = [
        RadiusClip(m, torch.optim.Adam(m.parameters(), lr=0.01), kind=kind, target=0.02, **way)
        for m, way in zip(twins, ways, strict=True)
    ]
    for step in range(6):
        found = []
        for index, (twin, clip) in enumerate(zip(twins, clips, strict=True)):
            start = twin[-1].passes
            logits = backward(twin, x, y)
            # The last one is handed the logits.
            found.append(clip.step(x, logits=logits if index == 2 else None))
            reused = step > 0 and index != 1
            assert found[-1].reused == reused
            if step:
                assert twin[-1].passes - start == (2 if reused else 3)
        # Bit by bit the same radii and weights.
        assert found[0]._replace(reused=False) == found[1] == found[2]._replace(reused=False)
        assert torch.equal(weights(twins[0]), weights(twins[1]))
    assert found[0].clipped


def test_in_between_the_last_radius_holds_and_a_jump_is_measured():
    model, x, y = linear()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    clip = RadiusClip(model, optimizer, every=4)
    seen: list[ClipStep] = []
    for step in range(10):
        optimizer.param_groups[0]["lr"] = 50.0 if step == 6 else 0.5
        backward(model, x, y)
        before = copy.deepcopy(model)
        seen.append(clip.step(x))
        if step == 6:
            assert seen[-1].normalized_step > 1
            assert moved(model, before, x).max().item() == pytest.approx(1, rel=1e-6)
    assert [s.step for s in seen if s.measured] == [0, 4, 6]
    assert seen[5].radius == seen[4].radius


@pytest.mark.parametrize("mode", ["cap", "set"])
def test_a_reduction_keeps_its_part_of_the_samples(mode):
    model, x, y = linear()
    x = x.repeat(5, 1) * torch.linspace(0.1, 3, 40, dtype=torch.float64)[:, None]
    y = torch.randint(4, (40,))
    clip = RadiusClip(model, torch.optim.SGD(model.parameters(), lr=9.0), mode=mode, reduction=0.75)
    backward(model, x, y)
    before = copy.deepcopy(model)
    last = clip.step(x)
    r = moved(model, before, x)
    assert r.max() > 1.01
    assert (r <= 1 + 1e-6).double().mean() == 0.75
    assert r[last.bottleneck_index].item() == pytest.approx(1, rel=1e-6)


def test_other_samples_count_batch_by_batch():
    model, x, y = linear()
    batches = [torch.randn(3, 5, dtype=torch.float64) for _ in range(3)]
    batches[1][2] *= 10
    for samples in (batches, torch.cat(batches)):
        twin = copy.deepcopy(model)
        clip = RadiusClip(twin, torch.optim.SGD(twin.parameters(), lr=9.0), samples=samples)
        for _ in range(2):
            backward(twin, x, y)
            before = copy.deepcopy(twin)
            last = clip.step()
            assert last.bottleneck_index == 5
            assert moved(twin, before, torch.cat(batches)).max().item() == pytest.approx(1, rel=1e-6)


def test_each_measured_step_is_told():
    model, x, y = linear()
    told: list[ClipStep] = []
    clip = RadiusClip(model, torch.optim.SGD(model.parameters(), lr=0.1), every=2, on_step=told.append)
    for _ in range(5):
        backward(model, x, y)
        clip.step(x)
    assert [step.step for step in told] == [0, 2, 4] and all(step.measured for step in told)


@pytest.mark.parametrize("mode", ["cap", "set", "monitor"])
def test_dead_steps_and_steps_that_move_no_logit(mode):
    model, x, _ = linear()
    clip = RadiusClip(model, torch.optim.SGD(model.parameters(), lr=1.0), mode=mode)
    last = clip.step(x)
    assert (last.step_norm, last.normalized_step, last.scale, last.radius) == (0, 0, 1, math.inf)
    assert last.bottleneck_index == -1 and not last.clipped
    # All logits rise alike: a step of finite length whose log-odds stand still.
    model.bias.grad = torch.ones_like(model.bias)
    before = model.bias.detach().clone()
    last = clip.step(x)
    assert last.step_norm == pytest.approx(2) and last.scale == 1 and last.radius > 1e9
    torch.testing.assert_close(model.bias.detach(), before - 1)


def test_of_a_step_that_is_not_measured_nothing_is_said():
    model, x, y = linear()
    clip = RadiusClip(model, torch.optim.SGD(model.parameters(), lr=0.1), mode="monitor", every=4)
    backward(model, x, y)
    first = clip.step(x)
    assert model.bias.grad is not None
    model.bias.grad.fill_(math.nan)
    unknown = dict.fromkeys(("step_norm", "normalized_step", "normalized_step_taken"), math.nan)
    for step in (1, 2, 3):
        if step == 3:
            # As a cap leaves it, which knows ‖p‖ of every step.
            clip.last = first._replace(measured=False)
        last = clip.step(x)
        expected = first._replace(**unknown, step=step, measured=False, reused=False)
        # By their text: NaN is not equal to NaN.
        assert str(last) == str(expected) and last.radius > 0


def test_a_step_that_does_not_move_leaves_the_measurement_to_the_next():
    model, x, y = linear()
    clip = RadiusClip(model, torch.optim.SGD(model.parameters(), lr=0.1), every=2)
    measured = []
    for step in range(6):
        backward(model, x, y)
        if step == 2:
            model.zero_grad()
        measured.append(clip.step(x).measured)
    assert measured == [True, False, True, True, False, True]
