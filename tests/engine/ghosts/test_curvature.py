"""Gradients and products of the Hessian in parts: against dense Hessians, torch's own products, and closed forms."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from anisoscope.engine.ghosts import InvalidDirection, InvalidSweep, LossAlong, MeanLoss
from anisoscope.engine.ghosts import curvature as module

D = torch.float64


def finished(parts):
    """What a generator returns at its end, and how often it paused."""
    pauses = 0
    while True:
        try:
            next(parts)
        except StopIteration as end:
            return end.value, pauses
        pauses += 1


def network(samples: int = 30):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.BatchNorm1d(5), nn.Linear(5, 4)).double()
    inputs, labels = torch.randn(samples, 3, dtype=D), torch.arange(samples) % 4
    return model.eval(), inputs, labels


def dense(model, inputs, labels):
    """Loss as a function of one long vector, and that vector."""
    named = dict(model.named_parameters())
    sizes = [p.numel() for p in named.values()]

    def loss(theta):
        pieces = theta.split(sizes)
        moved = {name: piece.reshape(p.shape) for piece, (name, p) in zip(pieces, named.items(), strict=True)}
        return nn.functional.cross_entropy(torch.func.functional_call(model, moved, (inputs,)), labels)

    return loss, torch.cat([p.detach().flatten() for p in named.values()])


def flat(named):
    return torch.cat([value.flatten() for value in named.values()])


def test_along_a_direction_is_torchs_own_product(monkeypatch):
    monkeypatch.setattr(module, "_PART", 7)
    model, inputs, labels = network()
    loss, theta = dense(model, inputs, labels)
    v = {name: torch.randn_like(p) for name, p in model.named_parameters()}
    found, pauses = finished(MeanLoss(model, inputs, labels).along_in_parts(v))
    slope = torch.autograd.functional.jacobian(loss, theta)
    _, product = torch.autograd.functional.hvp(loss, theta, flat(v))
    assert found.loss == pytest.approx(loss(theta).item(), rel=1e-12)
    assert found.gradient_norm == pytest.approx(slope.norm().item(), rel=1e-10)
    assert found.slope == pytest.approx((slope @ flat(v)).item(), rel=1e-10)
    assert found.curvature == pytest.approx((product @ flat(v)).item(), rel=1e-10)
    assert pauses == 2 * math.ceil(30 / 7)


def test_largest_eigenvalue_is_that_of_the_dense_hessian():
    model, inputs, labels = network()
    loss, theta = dense(model, inputs, labels)
    eigenvalues = torch.linalg.eigvalsh(torch.autograd.functional.hessian(loss, theta))
    start = {name: torch.randn_like(p) for name, p in model.named_parameters()}
    mean = MeanLoss(model, inputs, labels)
    values = [v for v in mean.largest_in_parts(start, most=40, tolerance=1e-12) if v is not None]
    assert values == sorted(values), "Ritz values only grow"
    assert values[-1] == pytest.approx(eigenvalues[-1].item(), rel=1e-8)
    assert max(values) <= eigenvalues[-1].item() * (1 + 1e-10)


def test_parameters_that_are_not_named_are_frozen():
    model, inputs, labels = network()
    loss, theta = dense(model, inputs, labels)
    hessian = torch.autograd.functional.hessian(loss, theta)
    first, parameter = next(iter(model.named_parameters()))
    block = torch.linalg.eigvalsh(hessian[: parameter.numel(), : parameter.numel()])
    start, mean = {first: torch.randn_like(parameter)}, MeanLoss(model, inputs, labels)
    values = [v for v in mean.largest_in_parts(start, most=40, tolerance=1e-12) if v is not None]
    assert values[-1] == pytest.approx(block[-1].item(), rel=1e-8)
    (_, slope), _ = finished(mean.gradient_in_parts())
    found, _ = finished(mean.along_in_parts(start))
    assert found.gradient_norm == pytest.approx(slope[first].norm().item(), rel=1e-10)


def test_iteration_ends_in_the_space_of_its_start():
    """Of a linear softmax and one sample of x = e_1, gradient and Hessian live in one column: at most four products."""
    model = nn.Linear(3, 4, bias=False, dtype=D)
    inputs, labels = torch.tensor([[1.0, 0, 0]], dtype=D), torch.tensor([2])
    mean = MeanLoss(model, inputs, labels)
    (_, slope), _ = finished(mean.gradient_in_parts())
    values = [v for v in mean.largest_in_parts(slope, most=24, tolerance=0.0) if v is not None]
    p = torch.softmax(model.weight[:, 0].detach(), 0)
    known = torch.linalg.eigvalsh(p.diag() - torch.outer(p, p))[-1].item()
    assert len(values) <= 5 and values[-1] == pytest.approx(known, rel=1e-9)


def test_curvature_of_a_linear_softmax_is_the_variance_of_its_slopes():
    """vᵀHv = E Var_p(a), a the slopes of the logits: no other term where the logits are linear."""
    torch.manual_seed(1)
    model = nn.Linear(3, 4, dtype=D)
    inputs, labels = torch.randn(9, 3, dtype=D), torch.arange(9) % 4
    v = {"weight": torch.randn(4, 3, dtype=D)}
    found, _ = finished(MeanLoss(model, inputs, labels).along_in_parts(v))
    a, p = inputs @ v["weight"].T, torch.softmax(model(inputs), -1).detach()
    variance = (p * a.square()).sum(-1) - (p * a).sum(-1).square()
    assert found.curvature == pytest.approx(variance.mean().item(), rel=1e-12)
    assert found.slope == pytest.approx(
        ((p * a).sum(-1) - a.gather(1, labels[:, None])[:, 0]).mean().item(), rel=1e-12
    )


def test_steps_of_a_quadratic_are_those_of_its_formula():
    """ℓ = 3 - 2τ + 5τ²/2: back at 3 at τ = 4/5, tangent at 0 at τ = 3/2, rate 2/λ makes a step of 2·2/5."""
    along = LossAlong(loss=3.0, gradient_norm=2.0, slope=-2.0, curvature=5.0)
    assert along.quadratic_step == pytest.approx(0.8)
    assert 3 - 2 * along.quadratic_step + 2.5 * along.quadratic_step**2 == pytest.approx(3.0)
    assert along.polyak_step == 1.5
    assert along.sharpness_step(5.0) == pytest.approx(0.8)
    uphill = LossAlong(3.0, 2.0, 2.0, 5.0)
    assert uphill.quadratic_step == uphill.polyak_step == math.inf
    assert LossAlong(3.0, 2.0, -2.0, -5.0).quadratic_step == along.sharpness_step(-1.0) == math.inf


def test_networks_are_left_as_they_were_and_wrong_input_is_named():
    model, inputs, labels = network()
    model.train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    v = {name: torch.ones_like(p) for name, p in model.named_parameters()}
    finished(MeanLoss(model, inputs, labels).along_in_parts(v))
    assert model.training and all(torch.equal(before[k], value) for k, value in model.state_dict().items())
    assert all(p.grad is None for p in model.parameters())
    for wrong in (labels[:3], labels.double()):
        with pytest.raises(InvalidSweep, match="labels"):
            MeanLoss(model, inputs, wrong)
    with pytest.raises(InvalidSweep, match="at least one"):
        MeanLoss(model, inputs[:0], labels[:0])
    with pytest.raises(InvalidDirection):
        finished(MeanLoss(model, inputs, labels).along_in_parts({"nothing": torch.ones(2)}))
