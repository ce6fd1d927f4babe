"""PolarGrad against the oracle and its own identity: ⟨G, update⟩ = ‖G‖_*²."""

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor

from anisoscope.engine.optimizers import InvalidOption, PolarGrad

ORACLE = json.loads((Path(__file__).parent / "optimizer_oracle.json").read_text())
RUNS = {
    "polargrad lr=0.01": {},
    "polargrad lr=0.01 momentum=0.9 (ema) weight_decay=0.1": {"momentum": 0.9, "weight_decay": 0.1},
    "polargrad lr=0.01 momentum=0.9 polar_first": {"momentum": 0.9, "polar_first": True},
    # heavy ball, M ← βM + G: M and with it ν are 1/(1−β) times ours, so its path is ours at lr/(1−β)
    "polargrad lr=0.001 momentum=0.9 heavy_ball": {"momentum": 0.9},
}


def gaussian(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def first_update(G: Tensor, **options: object) -> Tensor:
    W = torch.nn.Parameter(torch.zeros_like(G))
    W.grad = G.clone()
    PolarGrad([W], lr=1.0, **options).step()  # pyright: ignore[reportArgumentType]
    return -W.detach()


@pytest.mark.parametrize("method", ["svd", "qdwh"])
@pytest.mark.parametrize("run", RUNS)
def test_oracle_trajectories(run: str, method: str) -> None:
    data = ORACLE["trajectories"]
    A, B, C = (torch.tensor(data[key], dtype=torch.float64) for key in "ABC")
    X = torch.nn.Parameter(torch.tensor(data["X0"], dtype=torch.float64))
    optimizer = PolarGrad([X], lr=0.01, method=method, **RUNS[run])
    for expected in data[run]["X_1..X_5"]:
        optimizer.zero_grad()
        loss = optimizer.step(lambda: _backward(A, B, C, X))
        assert loss is not None
        torch.testing.assert_close(
            X.detach(), torch.tensor(expected, dtype=torch.float64), rtol=0, atol=1e-12
        )
    assert _backward(A, B, C, X).item() == pytest.approx(data[run]["loss_0..5"][-1], rel=1e-12)


def _backward(A: Tensor, B: Tensor, C: Tensor, X: Tensor) -> Tensor:
    loss = 0.5 * (A @ X @ B - C).square().sum()
    loss.backward()
    return loss


@pytest.mark.parametrize("shape", [(40, 24), (24, 40), (9, 9), (1, 6)])
def test_nuclear_identity_and_flat_spectrum(shape: tuple[int, int]) -> None:
    G = gaussian(*shape)
    update, nuclear = first_update(G), torch.linalg.matrix_norm(G, "nuc")
    torch.testing.assert_close((G * update).sum(), nuclear**2, rtol=1e-13, atol=0)
    torch.testing.assert_close(torch.linalg.svdvals(update), nuclear.expand(min(shape)), rtol=1e-13, atol=0)
    torch.testing.assert_close(
        first_update(1000 * G), 1000 * update, rtol=0, atol=1e-12 * float(1000 * nuclear)
    )
    torch.testing.assert_close(first_update(G.mT), update.mT, rtol=1e-12, atol=1e-12)


def test_paper_budget_is_another_method() -> None:
    G = gaussian(50, 20)
    exact, published = first_update(G), first_update(G, method="qdwh", steps=2)
    assert (published - exact).norm() > 0.1 * exact.norm()
    torch.testing.assert_close(first_update(G, method="qdwh"), exact, rtol=0, atol=1e-11)


def test_rank_deficient_and_zero_gradient() -> None:
    u, v = gaussian(5, 1), gaussian(1, 4, seed=1)
    torch.testing.assert_close(first_update(u @ v), u @ v, rtol=1e-13, atol=1e-13)
    assert not first_update(torch.zeros(3, 2).double()).any()


def test_momentum_zero_keeps_no_buffer() -> None:
    W = torch.nn.Parameter(gaussian(3, 2))
    W.grad = gaussian(3, 2)
    optimizer = PolarGrad([W], lr=0.1)
    optimizer.step()
    assert set(optimizer.state[W]) == {"step"}


def test_refusals() -> None:
    W = torch.nn.Parameter(gaussian(3, 2))
    with pytest.raises(InvalidOption, match=r"method is 'zolo-pd': one of svd, qdwh"):
        PolarGrad([W], lr=0.1, method="zolo-pd")
    with pytest.raises(InvalidOption, match=r"polar_first is 1: True or False"):
        PolarGrad([W], lr=0.1, polar_first=1)  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match=r"steps is -2"):
        PolarGrad([W], lr=0.1, method="qdwh", steps=-2)
