"""Shampoo: its first step is the polar factor; then a plain float64 loop with matrix powers by scipy."""

import json
from pathlib import Path

import numpy as np
import pytest
import scipy.linalg
import torch
from torch import Tensor

from anisoscope.engine.optimizers import InvalidOption, Shampoo

ORACLE = json.loads((Path(__file__).parent / "optimizer_oracle.json").read_text())


def gaussian(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def first_update(G: Tensor, **options: float) -> Tensor:
    W = torch.nn.Parameter(torch.zeros_like(G))
    W.grad = G.clone()
    Shampoo([W], lr=1.0, **options).step()  # pyright: ignore[reportArgumentType]
    return -W.detach()


@pytest.mark.parametrize(("exponent", "key"), [(0.25, "step"), (0.5, "minus_half_per_side")])
def test_first_step_of_the_oracle(exponent: float, key: str) -> None:
    G = torch.tensor(ORACLE["gaussian 4x3"]["A"], dtype=torch.float64)
    expected = torch.tensor(ORACLE["shampoo_first_step"][key], dtype=torch.float64)
    # the null direction of a side holds rounding times (1e-12 σ₁²)^(-exponent)
    tolerance = 4e-12 if exponent == 0.25 else 1e-8
    torch.testing.assert_close(first_update(G, exponent=exponent), expected, rtol=0, atol=tolerance)
    torch.testing.assert_close(first_update(G.mT, exponent=exponent), expected.mT, rtol=0, atol=tolerance)


def test_scale_of_the_gradient() -> None:
    G = gaussian(6, 4)
    torch.testing.assert_close(first_update(1000 * G), first_update(G), rtol=0, atol=1e-11)
    # the published epsilon, in units of the squared gradient, breaks that for small gradients
    small = first_update(1e-4 * G, epsilon=1e-6)
    assert (small - first_update(G)).norm() > 0.1


@pytest.mark.parametrize(("beta2", "frequency"), [(None, 1), (0.9, 1), (0.9, 3)])
def test_against_a_plain_loop(beta2: float | None, frequency: int) -> None:
    W = torch.nn.Parameter(gaussian(5, 5))
    optimizer = Shampoo(
        [W], 0.1, momentum=0.8, beta2=beta2, epsilon=1e-2, precondition_frequency=frequency, weight_decay=0.3
    )
    plain, M = gaussian(5, 5).numpy(), np.zeros((5, 5))
    L = R = 1e-2 * np.eye(5)
    for step in range(12):
        G = gaussian(5, 5, seed=step + 1).numpy()
        kept, added = (1, 1) if beta2 is None else (beta2, 1 - beta2)
        L, R = kept * L + added * G @ G.T, kept * R + added * G.T @ G
        M = 0.8 * M + 0.2 * G
        if step % frequency == 0:
            left, right = (scipy.linalg.fractional_matrix_power(A, -0.25) for A in (L, R))
        plain = (1 - 0.1 * 0.3) * plain - 0.1 * left @ M @ right
        W.grad = torch.from_numpy(G)
        optimizer.step()
    torch.testing.assert_close(W.detach(), torch.from_numpy(plain), rtol=0, atol=1e-11)


def test_float32_keeps_float64_sums_through_a_file() -> None:
    W = torch.nn.Parameter(gaussian(4, 3).float())
    optimizer = Shampoo([W], 0.1)
    W.grad = gaussian(4, 3, seed=1).float()
    optimizer.step()
    again = Shampoo([W], 0.1)
    again.load_state_dict(optimizer.state_dict())
    assert again.state[W]["rows"].dtype == torch.float64
    assert torch.equal(again.state[W]["rows"], optimizer.state[W]["rows"])
    assert again.state[W]["rows"] is not optimizer.state[W]["rows"]


def test_refusals() -> None:
    W = torch.nn.Parameter(gaussian(3, 2))
    with pytest.raises(InvalidOption, match=r"precondition_frequency is 0: an integer of at least 1"):
        Shampoo([W], 0.1, precondition_frequency=0)
    with pytest.raises(InvalidOption, match=r"exponent is 2: a number in \(0, 1\]"):
        Shampoo([W], 0.1, exponent=2)
    with pytest.raises(InvalidOption, match=r"beta2 is 1"):
        Shampoo([W], 0.1, beta2=1)
