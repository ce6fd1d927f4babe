"""Muon against the oracle, torch.optim.Muon, and a plain float64 loop written here; what it must refuse."""

import json
import math
from pathlib import Path

import pytest
import torch
from torch import Tensor

from anisoscope.engine.optimizers import (
    CorruptingOptimizer,
    InvalidGradient,
    InvalidOption,
    InvalidParameter,
    Muon,
    matrix_groups,
    muon_scale,
    refuse_corrupting_muon,
)

ORACLE = json.loads((Path(__file__).parent / "optimizer_oracle.json").read_text())
RUNS = {
    "muon svd lr=0.05 momentum=0.95 nesterov": {"orthogonalizer": "svd"},
    "muon svd lr=0.05 momentum=0.9 no nesterov weight_decay=0.1": {
        "orthogonalizer": "svd",
        "momentum": 0.9,
        "nesterov": False,
        "weight_decay": 0.1,
    },
    "muon svd lr=0.05 momentum=0.95 nesterov bias_correction match_rms_adamw": {
        "orthogonalizer": "svd",
        "bias_correction": True,
        "scale": "match_rms_adamw",
    },
    "muon newton_schulz steps=5 lr=0.05 momentum=0.95 nesterov": {},
    "muon newton_schulz steps=5 lr=0.05 momentum=0.95 nesterov bias_correction scale=none": {
        "bias_correction": True,
        "scale": "none",
    },
    "muon polar_express steps=5 lr=0.05 momentum=0.95 nesterov": {"orthogonalizer": "polar_express"},
}


def gaussian(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def drive(optimizer: torch.optim.Optimizer, W: Tensor, seeds: range) -> None:
    for seed in seeds:
        W.grad = gaussian(*W.shape, seed=seed).to(W.dtype)
        optimizer.step()


@pytest.mark.parametrize("run", RUNS)
def test_oracle_trajectories(run: str) -> None:
    data = ORACLE["trajectories"]
    A, B, C = (torch.tensor(data[key], dtype=torch.float64) for key in "ABC")
    X = torch.nn.Parameter(torch.tensor(data["X0"], dtype=torch.float64))
    optimizer = Muon([X], lr=0.05, **RUNS[run])
    for expected, loss in zip(data[run]["X_1..X_5"], data[run]["loss_0..5"], strict=False):
        value = 0.5 * (A @ X @ B - C).square().sum()
        assert value.item() == pytest.approx(loss, rel=1e-12)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        exact = torch.tensor(expected, dtype=torch.float64)
        torch.testing.assert_close(X.detach(), exact, rtol=0, atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(("rows", "columns"), [(40, 24), (24, 40), (16, 16), (1, 7), (7, 1)])
@pytest.mark.parametrize("scale", ["original", "match_rms_adamw"])
def test_bfloat16_mode_is_torch_muon(dtype: torch.dtype, rows: int, columns: int, scale: str) -> None:
    start = gaussian(rows, columns).to(dtype)
    ours, theirs = torch.nn.Parameter(start.clone()), torch.nn.Parameter(start.clone())
    settings = {"lr": 0.02, "momentum": 0.9, "weight_decay": 0.1}
    drive(Muon([ours], scale=scale, dtype=torch.bfloat16, **settings), ours, range(1, 6))
    drive(torch.optim.Muon([theirs], adjust_lr_fn=scale, **settings), theirs, range(1, 6))
    torch.testing.assert_close(ours, theirs, rtol=0, atol=0)


def test_bfloat16_batch_is_torch_muon() -> None:
    ours = [torch.nn.Parameter(gaussian(64, 64, seed=i).float()) for i in range(6)]
    theirs = [torch.nn.Parameter(p.detach().clone()) for p in ours]
    for i, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        a.grad = gaussian(64, 64, seed=10 + i).float()
        b.grad = a.grad.clone()
    Muon(ours, lr=0.02, dtype=torch.bfloat16).step()
    torch.optim.Muon(theirs, lr=0.02, weight_decay=0).step()
    for a, b in zip(ours, theirs, strict=True):
        # batched products may be summed in another order than single ones: one rounding of bfloat16 in an update
        torch.testing.assert_close(a, b, rtol=0, atol=0.02 * 1e-2)


def test_bfloat16_without_nesterov_keeps_its_momentum() -> None:
    start = gaussian(8, 6).bfloat16()
    ours, theirs = torch.nn.Parameter(start.clone()), torch.nn.Parameter(start.clone())
    optimizer, peer = Muon([ours], lr=0.02, nesterov=False), torch.optim.Muon([theirs], nesterov=False)
    drive(optimizer, ours, range(3, 4))
    drive(peer, theirs, range(3, 4))
    sound = 0.05 * gaussian(8, 6, seed=3).norm()
    assert float(optimizer.state[ours]["momentum_buffer"].norm()) == pytest.approx(float(sound), rel=1e-2)
    # the defect that refuse_corrupting_muon is there for: when torch has mended it, so can we
    assert float(peer.state[theirs]["momentum_buffer"].norm()) == pytest.approx(1.0, rel=1e-2)
    with pytest.raises(CorruptingOptimizer, match=r"nesterov is False in group 0.*nesterov=True"):
        refuse_corrupting_muon(peer)
    refuse_corrupting_muon(torch.optim.Muon([theirs]))
    refuse_corrupting_muon(torch.optim.Muon([torch.nn.Parameter(start.float())], nesterov=False))


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 2e-5)])
def test_against_a_plain_loop(dtype: torch.dtype, tolerance: float) -> None:
    W = torch.nn.Parameter(gaussian(12, 8).to(dtype))
    plain, M = gaussian(12, 8).numpy(), 0
    optimizer = Muon([W], lr=0.03, weight_decay=0.2, scale="spectral")
    for seed in range(1, 30):
        G = gaussian(12, 8, seed=seed).numpy()
        M = 0.95 * M + 0.05 * G
        X = 0.05 * G + 0.95 * M
        X = X / (X**2).sum() ** 0.5
        for _ in range(5):
            square = X @ X.T
            X = 3.4445 * X - 4.7750 * square @ X + 2.0315 * square @ square @ X
        plain = (1 - 0.03 * 0.2) * plain - 0.03 * math.sqrt(12 / 8) * X
        W.grad = torch.from_numpy(G).to(dtype)
        optimizer.step()
    torch.testing.assert_close(W.detach().double(), torch.from_numpy(plain), rtol=0, atol=tolerance)


@pytest.mark.parametrize("case", ORACLE["muon_scale"]["cases"])
def test_scales(case: dict) -> None:
    rows, columns = case["rows_out"], case["cols_in"]
    for scale in ("original", "match_rms_adamw", "spectral", "none"):
        assert muon_scale(rows, columns, scale) == pytest.approx(case[scale], rel=1e-14)
    W = torch.nn.Parameter(torch.zeros(rows, columns).double())
    drive(Muon([W], lr=1, orthogonalizer="svd", scale="none"), W, range(1))
    assert W.square().mean().sqrt().item() == pytest.approx(
        case["rms of a full-rank polar factor"], rel=1e-12
    )


def test_gradient_scale_and_zero_gradient() -> None:
    V, W = (torch.nn.Parameter(torch.zeros(6, 4).double()) for _ in range(2))
    V.grad = gaussian(6, 4)
    W.grad = 1024 * V.grad
    Muon([V, W], lr=1.0).step()
    torch.testing.assert_close(V, W, rtol=0, atol=1e-14)
    W.grad = torch.zeros_like(W)
    before = W.detach().clone()
    Muon([W], lr=1.0).step()
    assert torch.equal(W, before)


def test_matrix_and_other_groups() -> None:
    model = torch.nn.Sequential(torch.nn.Linear(5, 4), torch.nn.Linear(4, 3)).double()
    twin = torch.nn.Sequential(torch.nn.Linear(5, 4), torch.nn.Linear(4, 3)).double()
    twin.load_state_dict(model.state_dict())
    optimizer = Muon(matrix_groups(model, lr=1e-2, weight_decay=0.1), lr=0.05)
    biases = [p for p in twin.parameters() if p.ndim == 1]
    adamw = torch.optim.AdamW(biases, lr=1e-2, weight_decay=0.1)
    for seed in range(5):
        for p in model.parameters():
            p.grad = gaussian(*p.shape, seed=seed)
        for p in biases:
            p.grad = gaussian(*p.shape, seed=seed)
        optimizer.step()
        adamw.step()
    for ours, theirs in zip([p for p in model.parameters() if p.ndim == 1], biases, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-14)


def test_groups_of_a_model_without_biases() -> None:
    groups = matrix_groups(torch.nn.Linear(3, 2, bias=False))
    assert [group["matrix"] for group in groups] == [True]
    assert Muon(groups, lr=0.1).param_groups[0]["param_names"] == ["weight"]


def test_refusals() -> None:
    W, bias = torch.nn.Parameter(torch.zeros(3, 2)), torch.nn.Parameter(torch.zeros(3))
    with pytest.raises(InvalidOption, match=r"lr is -1: .*at least 0"):
        Muon([W], lr=-1)
    with pytest.raises(InvalidOption, match=r"lr is nan"):
        Muon([W], lr=math.nan)
    with pytest.raises(InvalidOption, match=r"momentum is 1.0: a number in \[0, 1\)"):
        Muon([W], lr=0.1, momentum=1.0)
    with pytest.raises(InvalidOption, match=r"scale is 'rms': one of original, match_rms_adamw"):
        Muon([W], lr=0.1, scale="rms")
    with pytest.raises(InvalidOption, match=r"orthogonalizer is 'ns'"):
        Muon([W], lr=0.1, orthogonalizer="ns")
    with pytest.raises(ValueError, match=r"steps is 0"):
        Muon([W], lr=0.1, steps=0)
    with pytest.raises(ValueError, match=r"dtype is torch.int32"):
        Muon([W], lr=0.1, dtype=torch.int32)
    with pytest.raises(
        InvalidParameter, match=r"parameter 'b' has shape \(3,\): Muon moves matrices.*matrix=False"
    ):
        Muon([("w", W), ("b", bias)], lr=0.1)
    optimizer = Muon([W], lr=0.1)
    with pytest.raises(InvalidParameter, match=r"parameter 0 of group 1"):
        optimizer.add_param_group({"params": [bias]})
    assert len(optimizer.param_groups) == 1


def test_a_gradient_that_is_not_finite_moves_nothing() -> None:
    first, second = (torch.nn.Parameter(torch.ones(3, 2)) for _ in range(2))
    optimizer = Muon([("first", first), ("second", second)], lr=0.1)
    first.grad, second.grad = torch.ones(3, 2), torch.ones(3, 2)
    second.grad[1, 1] = math.nan
    with pytest.raises(InvalidGradient, match=r"gradient of parameter 'second' has 1 entries"):
        optimizer.step()
    assert torch.equal(first, torch.ones(3, 2)) and not optimizer.state
    # large, and finite: the sum of squares overflows, the gradient does not
    second.grad = torch.full((3, 2), 1e30)
    optimizer.step()
    assert torch.isfinite(second).all()
