"""The step an optimizer is about to take, measured and not taken."""

import copy
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from anisoscope.engine.ghosts import (
    InvalidModelOutput,
    InvalidOptimizer,
    convergence_radius,
    logit_jvp,
    measure_step,
)

OPTIMIZERS = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01, nesterov=True),
    "plain sgd": lambda p: torch.optim.SGD(p, lr=0.1),
    "momentum": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9),
    "adam": lambda p: torch.optim.Adam(p, lr=0.01),
    "adam fused": lambda p: torch.optim.Adam(p, lr=0.01, fused=True),
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.1),
    "adamw foreach": lambda p: torch.optim.AdamW(p, lr=0.01, foreach=True, maximize=True),
    "capturable": lambda p: torch.optim.Adam(p, lr=torch.tensor(0.01)),
    "rmsprop": lambda p: torch.optim.RMSprop(p, lr=0.01, momentum=0.5),
}


def trained(
    make: Callable[[Any], torch.optim.Optimizer],
) -> tuple[Any, torch.optim.Optimizer, Tensor, Tensor]:
    """Three steps in, gradients of the fourth present."""
    torch.manual_seed(1)
    model = nn.Sequential(nn.Linear(6, 9), nn.BatchNorm1d(9), nn.GELU(), nn.Dropout(0.3), nn.Linear(9, 4))
    optimizer = make(model.parameters())
    x, y = torch.randn(16, 6), torch.randint(4, (16,))
    for step in range(4):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        if step < 3:
            optimizer.step()
    return model, optimizer, x, y


@pytest.fixture(autouse=True)
def _keep_the_generator():
    with torch.random.fork_rng():
        yield


def flat(value: object) -> list[Tensor]:
    """All tensors and numbers of a nested state, in order."""
    if isinstance(value, dict):
        return [t for item in value.values() for t in flat(item)]
    if isinstance(value, (list, tuple)):
        return [t for item in value for t in flat(item)]
    return [value.detach().clone()] if isinstance(value, Tensor) else [torch.tensor(hash(value))]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_measures_the_real_step_and_changes_nothing(name):
    model, optimizer, x, _ = trained(OPTIMIZERS[name])
    everything = lambda: [  # noqa: E731
        *flat(dict(model.state_dict())),
        *flat(optimizer.state_dict()),
        *flat([p.grad for p in model.parameters()]),
        *flat([m.training for m in model.modules()]),
        torch.get_rng_state(),
    ]
    before, identities = everything(), [id(s) for s in optimizer.state.values()]
    found = measure_step(model, optimizer, x)
    assert all(torch.equal(b, a) for b, a in zip(before, everything(), strict=True))
    assert identities == [id(s) for s in optimizer.state.values()]

    start = {n: p.detach().clone() for n, p in model.named_parameters()}
    at_start = copy.deepcopy(model)
    optimizer.step()
    step = {n: p.detach() - start[n] for n, p in model.named_parameters()}
    norm = math.sqrt(sum((s.double() ** 2).sum().item() for s in step.values()))
    z, a, _ = logit_jvp(at_start, x, {n: s / norm for n, s in step.items()})
    radius = convergence_radius(z, a)
    assert found.step_norm.item() == pytest.approx(norm, rel=1e-6)
    torch.testing.assert_close(found.samples, radius, rtol=1e-4, atol=0)
    assert found.radius == found.samples.min()
    assert found.bottleneck_index == found.samples.argmin()
    assert found.normalized_step.item() == pytest.approx(norm / found.radius.item(), rel=1e-6)
    assert found.backend == "jvp"


def test_r_is_the_largest_change_of_log_odds_over_pi():
    """A linear model: the first order is all there is."""
    model = nn.Linear(5, 4, dtype=torch.float64)
    x, y = torch.randn(8, 5, dtype=torch.float64), torch.randint(4, (8,))
    optimizer = torch.optim.SGD(model.parameters(), lr=3.0)
    nn.functional.cross_entropy(model(x), y).backward()
    r = measure_step(model, optimizer, x).normalized_step.item()
    before = model(x).detach()
    optimizer.step()
    change = model(x).detach() - before
    assert r == pytest.approx((change.amax(-1) - change.amin(-1)).max().item() / math.pi, rel=1e-12)


def test_scale_invariance_and_kinds():
    model, optimizer, x, _ = trained(lambda p: torch.optim.SGD(p, lr=0.1))
    bound, margin, exact = (measure_step(model, optimizer, x, kind) for kind in ("bound", "margin", "exact"))
    assert exact.normalized_step <= margin.normalized_step * (1 + 1e-6)
    assert margin.normalized_step <= bound.normalized_step * (1 + 1e-6)
    hot = measure_step(model, optimizer, x, temperature=2.0)
    assert hot.normalized_step.item() == pytest.approx(bound.normalized_step.item() / 2, rel=1e-5)
    optimizer.param_groups[0]["lr"] = 0.2
    assert measure_step(model, optimizer, x).normalized_step.item() == pytest.approx(
        2 * bound.normalized_step.item(), rel=1e-3
    )


@pytest.mark.parametrize("gradient", [None, 0.0])
def test_no_step_is_no_distance(gradient):
    model = nn.Linear(3, 2)
    if gradient is not None:
        for parameter in model.parameters():
            parameter.grad = torch.full_like(parameter, gradient)
    found = measure_step(model, torch.optim.SGD(model.parameters(), lr=1.0), torch.ones(4, 3))
    assert found.step_norm == 0
    assert found.normalized_step == 0
    assert found.radius == math.inf
    assert found.bottleneck_index == -1
    if gradient is None:
        assert all(p.grad is None for p in model.parameters())


def test_optimizer_with_a_closure():
    model, _, x, y = trained(OPTIMIZERS["sgd"])
    optimizer = torch.optim.LBFGS(model.parameters(), lr=0.1, max_iter=2)

    def closure() -> float:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        return loss.item()

    before, gradients = flat(dict(model.state_dict())), [p.grad.clone() for p in model.parameters()]
    found = measure_step(model, optimizer, x, closure=closure)
    assert found.step_norm > 0
    assert all(torch.equal(b, a) for b, a in zip(before, flat(dict(model.state_dict())), strict=True))
    assert all(torch.equal(g, p.grad) for g, p in zip(gradients, model.parameters(), strict=True))
    assert not optimizer.state


def test_failing_step_leaves_everything_in_place():
    model, optimizer, x, _ = trained(OPTIMIZERS["adam"])
    before = flat([dict(model.state_dict()), optimizer.state_dict()])
    optimizer.register_step_post_hook(lambda *_: (_ for _ in ()).throw(KeyError("hook")))
    with pytest.raises(KeyError):
        measure_step(model, optimizer, x)
    assert all(
        torch.equal(b, a)
        for b, a in zip(before, flat([dict(model.state_dict()), optimizer.state_dict()]), strict=True)
    )


def test_scheduler_goes_on_as_before():
    model, optimizer, x, _ = trained(OPTIMIZERS["sgd"])
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.5)
    measure_step(model, optimizer, x)
    optimizer.step()
    scheduler.step()
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.05)


def test_frozen_part_stands_still():
    model, _, x, _ = trained(OPTIMIZERS["sgd"])
    head = torch.optim.SGD(model[4].parameters(), lr=0.1)
    found = measure_step(model, head, x)
    step = math.sqrt(sum(((0.1 * p.grad) ** 2).sum().item() for p in model[4].parameters()))
    assert found.step_norm.item() == pytest.approx(step, rel=1e-5)


def test_refusals():
    model, optimizer, x, _ = trained(OPTIMIZERS["sgd"])
    with pytest.raises(InvalidOptimizer, match="not the model's"):
        measure_step(nn.Linear(6, 4), optimizer, x)
    with pytest.raises(InvalidModelOutput, match="empty"):
        measure_step(model, optimizer, x[:0])
    with pytest.raises(InvalidModelOutput, match=r"\(batch, classes\)"):
        measure_step(nn.Sequential(model, nn.Unflatten(1, (2, 2))), optimizer, x)
    model[4].bias.grad[1] = math.nan
    with pytest.raises(InvalidOptimizer, match=r"4\.bias"):
        measure_step(model, optimizer, x)
    whole = nn.Linear(6, 4)
    whole.register_parameter("count", nn.Parameter(torch.zeros(2, dtype=torch.int64), requires_grad=False))
    with pytest.raises(InvalidOptimizer, match="int64"):
        measure_step(whole, torch.optim.SGD(whole.parameters(), lr=0.1), x)
