"""Sven against the oracle, against a plain SVD of an explicit Jacobian, and layer by layer against row by row."""

import copy
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import cast

import pytest
import torch
from torch import Tensor, nn

from anisoscope.engine.optimizers import InvalidLoss, InvalidOption, InvalidParameter, Sven

ORACLE = json.loads((Path(__file__).parent / "optimizer_oracle.json").read_text())["sven"]
X, Y, THETA = (torch.tensor(ORACLE[key], dtype=torch.float64) for key in ("X", "y", "theta0"))
RUNS = {
    "k=3 lr=0.5 kappa=2": {"k": 3, "lr": 0.5},
    "k=2 lr=0.5 kappa=2": {"k": 2, "lr": 0.5},
    "k=3 lr=1 kappa=1 (|residual|: interpolates in one step)": {"k": None, "lr": 1.0, "kappa": 1.0},
}


def gaussian(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def network(seed: int = 0, dtype: torch.dtype = torch.float64) -> nn.Sequential:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        layers = [nn.Linear(3, 8), nn.GELU(), nn.Linear(8, 8, bias=False), nn.GELU(), nn.Linear(8, 1)]
        return nn.Sequential(*layers).to(dtype)


def losses_of(model: nn.Module, seed: int, dtype: torch.dtype = torch.float64) -> Callable[[], Tensor]:
    x = gaussian(6, 3, seed=seed).to(dtype)
    return lambda: (model(x)[:, 0] - x.sin().sum(1)).square()


@pytest.mark.parametrize("run", RUNS)
def test_oracle(run: str) -> None:
    theta = nn.Parameter(THETA.clone())
    optimizer = Sven([theta], **RUNS[run])
    for expected in ORACLE[run]:
        optimizer.step(lambda: (X @ theta - Y).square())
        torch.testing.assert_close(
            theta.detach(), torch.tensor(expected, dtype=torch.float64), rtol=0, atol=1e-12
        )


@pytest.mark.parametrize(("k", "rtol", "kappa"), [(None, 1e-3, 2.0), (3, 1e-4, 2.0), (None, 1e-2, 1.0)])
@pytest.mark.parametrize("layered", [False, True])
def test_against_the_svd_of_the_jacobian(k: int | None, rtol: float, kappa: float, layered: bool) -> None:
    model, plain = network(), network()
    optimizer = Sven(model.parameters(), 0.05, k, rtol, kappa, model if layered else None)
    for seed in range(10):
        optimizer.step(losses_of(model, seed))
        kept = svd_step(plain, losses_of(plain, seed)() ** (kappa / 2), k, rtol)
        assert optimizer.last_step is not None and optimizer.last_step.kept == kept
    for a, b in zip(model.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-9)


def svd_step(model: nn.Module, residuals: Tensor, k: int | None, rtol: float) -> int:
    parameters = list(model.parameters())
    rows = [torch.autograd.grad(r, parameters, retain_graph=True) for r in residuals]
    J = torch.stack([torch.cat([block.flatten() for block in row]) for row in rows])
    U, S, Vh = torch.linalg.svd(J, full_matrices=False)
    kept = int((rtol * S[0] < S).sum())
    kept = kept if k is None else min(k, kept)
    step = Vh[:kept].mT @ ((U[:, :kept].mT @ residuals.detach()) / S[:kept])
    offset = 0
    for p in parameters:
        p.data -= 0.05 * step[offset : offset + p.numel()].view_as(p)
        offset += p.numel()
    return kept


def test_linear_model_interpolates_in_one_step() -> None:
    model = nn.Linear(9, 1).double()
    x, y = gaussian(5, 9), gaussian(5, seed=1)
    optimizer = Sven(model.parameters(), 1.0, kappa=1.0, model=model)
    for _ in range(3):
        # the second and third find losses at rounding or at zero, and stay
        optimizer.step(lambda: (model(x)[:, 0] - y).square())
        assert (model(x)[:, 0] - y).abs().max() < 1e-12


def test_rank_falls_as_rtol_rises() -> None:
    kept = []
    for rtol in (0.0, 1e-6, 1e-3, 1e-1, 0.9):
        model = network()
        optimizer = Sven(model.parameters(), 0.05, rtol=rtol, model=model)
        optimizer.step(losses_of(model, 0))
        assert optimizer.last_step is not None
        kept.append(optimizer.last_step.kept)
    assert kept == sorted(kept, reverse=True) and kept[0] == 6 and kept[-1] >= 1


@pytest.mark.parametrize("layered", [False, True])
def test_float32_gradients_and_frozen_layers(layered: bool) -> None:
    model = network(dtype=torch.float32)
    next(iter(model.parameters())).requires_grad_(False)
    before = copy.deepcopy(model.state_dict())
    for p in model.parameters():
        p.grad = torch.ones_like(p)
    optimizer = Sven(model.parameters(), 0.05, model=model if layered else None)
    losses = optimizer.step(losses_of(model, 0, torch.float32))
    assert losses.shape == (6,) and not losses.requires_grad
    assert torch.equal(model.state_dict()["0.weight"], before["0.weight"])
    assert not torch.equal(model.state_dict()["0.bias"], before["0.bias"])
    assert all(torch.equal(p.grad, torch.ones_like(p)) for p in model.parameters() if p.grad is not None)
    assert not model[0]._forward_hooks


def test_layers_and_rows_agree_with_frozen_weights() -> None:
    first, second = network(), network()
    for model in (first, second):
        model[2].weight.requires_grad_(False)
    layered, rows = Sven(first.parameters(), 0.1, model=first), Sven(second.parameters(), 0.1)
    for seed in range(5):
        layered.step(losses_of(first, seed))
        rows.step(losses_of(second, seed))
    for a, b in zip(first.parameters(), second.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-10)


def small(activation: nn.Module) -> nn.Sequential:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return nn.Sequential(
            nn.Linear(3, 8), activation, nn.Linear(8, 8), nn.GELU(), nn.Linear(8, 1)
        ).double()


def doubled(_: nn.Module, inputs: object, output: Tensor) -> Tensor:
    return 2 * output


@pytest.mark.parametrize(
    "case", ["in place", "a hook", "a forward of its own", "some parameters", "frozen layer"]
)
def test_layers_and_rows_agree(case: str) -> None:
    """In place the output of a layer becomes another tensor's; a hook makes another of it."""
    ends = []
    for layered in (True, False):
        model = small(nn.ReLU(inplace=case == "in place"))
        parameters = list(model.parameters())
        if case == "a hook":
            model[0].register_forward_hook(doubled)
        if case == "a forward of its own":
            vars(model[2])["forward"] = partial(nn.Linear.forward, cast(nn.Linear, model[2]))
        if case == "frozen layer":
            model[0].requires_grad_(False)
        moving = parameters[::2] if case == "some parameters" else parameters
        own = vars(model[2]).get("forward")
        optimizer = Sven(moving, 0.1, model=model if layered else None)
        for seed in range(4):
            optimizer.step(losses_of(model, seed))
        assert "forward" not in vars(model[0]) and vars(model[2]).get("forward") is own
        assert optimizer.last_step is not None
        ends.append([*parameters, optimizer.last_step.singular_values])
    for a, b in zip(*ends, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-10)


def test_input_changed_in_place_is_refused() -> None:
    model = small(nn.GELU())
    optimizer = Sven(model[4].parameters(), 0.1, model=model)

    def losses() -> Tensor:
        with torch.no_grad():
            inner = model[:4](gaussian(6, 3))
        found = model[4](inner)[:, 0].square()
        inner.add_(1)
        return found

    with pytest.raises(InvalidLoss, match="changed in place"):
        optimizer.step(losses)
    assert "forward" not in vars(model[4])


def test_groups_and_state_dict() -> None:
    model = network()
    biases = [p for p in model.parameters() if p.ndim == 1]
    weights = [p for p in model.parameters() if p.ndim == 2]
    before = copy.deepcopy(model.state_dict())
    optimizer = Sven([{"params": weights}, {"params": biases, "lr": 0.0}], 0.05, model=model)
    optimizer.load_state_dict(optimizer.state_dict())
    optimizer.step(losses_of(model, 0))
    assert torch.equal(model.state_dict()["0.bias"], before["0.bias"])
    assert not torch.equal(model.state_dict()["0.weight"], before["0.weight"])


def test_refusals() -> None:
    model = network()
    parameters = list(model.parameters())
    with pytest.raises(InvalidOption, match=r"k is 0: an integer of at least 1"):
        Sven(parameters, 0.1, k=0)
    with pytest.raises(InvalidOption, match=r"rtol is 1: a number in \[0, 1\)"):
        Sven(parameters, 0.1, rtol=1)
    with pytest.raises(InvalidOption, match=r"kappa is 0"):
        Sven(parameters, 0.1, kappa=0)
    with pytest.raises(InvalidOption, match=r"k is 2 in a later group: None, as in the first"):
        Sven([{"params": parameters[:1]}, {"params": parameters[1:], "k": 2}], 0.1)
    with pytest.raises(InvalidParameter, match=r"shape \(4,\) belongs to 0 nn.Linear"):
        Sven([nn.Parameter(torch.zeros(4))], 0.1, model=model)
    optimizer, layered = Sven(parameters, 0.1, kappa=1.0), Sven(parameters, 0.1, model=model)
    with pytest.raises(InvalidLoss, match=r"closure is None"):
        optimizer.step()
    with pytest.raises(InvalidLoss, match=r"returned \(\): the losses \(B,\)"):
        optimizer.step(lambda: losses_of(model, 0)().mean())
    with pytest.raises(InvalidLoss, match=r"without a graph"):
        optimizer.step(lambda: losses_of(model, 0)().detach())
    with pytest.raises(InvalidLoss, match=r"6 losses are NaN"):
        optimizer.step(lambda: losses_of(model, 0)() * torch.nan)
    with pytest.raises(InvalidLoss, match=r"kappa=1.0 needs losses of at least 0"):
        optimizer.step(lambda: -losses_of(model, 0)())
    with pytest.raises(InvalidLoss, match=r"called twice"):
        layered.step(lambda: losses_of(model, 0)() + losses_of(model, 1)())
    with pytest.raises(InvalidLoss, match=r"returned 3 losses"):
        layered.step(lambda: losses_of(model, 0)()[:3])
    assert not model[0]._forward_hooks
