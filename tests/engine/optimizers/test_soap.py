"""SOAP: the diagonal of its frame exactly, and a plain loop in numpy that turns back and forth at every step."""

import numpy as np
import pytest
import torch
from torch import Tensor

from anisoscope.engine.optimizers import InvalidGradient, InvalidOption, Soap
from anisoscope.engine.polar import polar


def gaussian(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_first_step_only_initialises() -> None:
    W = torch.nn.Parameter(gaussian(4, 3))
    before = W.detach().clone()
    optimizer = Soap([W])
    W.grad = gaussian(4, 3, seed=1)
    optimizer.step()
    assert torch.equal(W, before)
    frame = optimizer.state[W]["rows_frame"]
    torch.testing.assert_close(frame.mT @ frame, torch.eye(4).double(), rtol=0, atol=1e-14)


@pytest.mark.parametrize("shape", [(5, 5), (7, 4), (4, 7)])
def test_a_constant_gradient_moves_along_its_polar_factor(shape: tuple[int, int]) -> None:
    # in its own singular frame the gradient is diagonal and Adam's first update its sign; the rest is rounding,
    # which eps silences in float64
    W = torch.nn.Parameter(torch.zeros(*shape).double())
    optimizer = Soap([W], lr=1.0, weight_decay=0.0)
    W.grad = gaussian(*shape, seed=2)
    for _ in range(2):
        optimizer.step()
    torch.testing.assert_close(-W.detach(), polar(W.grad), rtol=0, atol=1e-5)


def plain_soap(start: np.ndarray, steps: int, frequency: int, eps: float) -> np.ndarray:
    W, lr, beta, decay = start.copy(), 0.02, 0.95, 0.1
    L, R = np.zeros((5, 5)), np.zeros((4, 4))
    m, v = np.zeros((5, 4)), np.zeros((5, 4))
    QL = QR = None
    for step in range(steps):
        G = gaussian(5, 4, seed=step + 1).numpy()
        if QL is not None and QR is not None:
            g = QL.T @ G @ QR
            m = beta * m + (1 - beta) * (QL.T @ G @ QR)
            v = beta * v + (1 - beta) * g**2
            rate = lr * np.sqrt(1 - beta**step) / (1 - beta**step)
            W -= rate * QL @ (m / (np.sqrt(v) + eps)) @ QR.T
            W -= lr * decay * W
            m = QL @ m @ QR.T
        L, R = beta * L + (1 - beta) * G @ G.T, beta * R + (1 - beta) * G.T @ G
        if QL is None or QR is None:
            QL, QR = np.linalg.eigh(L)[1][:, ::-1], np.linalg.eigh(R)[1][:, ::-1]
        elif step % frequency == 0:
            first, second = np.argsort(-np.diag(QL.T @ L @ QL)), np.argsort(-np.diag(QR.T @ R @ QR))
            v = v[first][:, second]
            QL, QR = np.linalg.qr(L @ QL[:, first])[0], np.linalg.qr(R @ QR[:, second])[0]
        m = QL.T @ m @ QR
    return W


@pytest.mark.parametrize("frequency", [1, 3, 10])
def test_against_a_plain_loop(frequency: int) -> None:
    W = torch.nn.Parameter(gaussian(5, 4))
    # the null direction of the tall first gradient is arbitrary; eps far above rounding keeps it from mattering
    optimizer = Soap([W], lr=0.02, eps=1e-3, weight_decay=0.1, precondition_frequency=frequency)
    for step in range(25):
        W.grad = gaussian(5, 4, seed=step + 1)
        optimizer.step()
    expected = plain_soap(gaussian(5, 4).numpy(), 25, frequency, 1e-3)
    torch.testing.assert_close(W.detach(), torch.from_numpy(expected), rtol=0, atol=1e-9)


def test_refusals() -> None:
    W = torch.nn.Parameter(gaussian(3, 2))
    with pytest.raises(InvalidOption, match=r"betas is \(0.95, 1.0\): two numbers in \[0, 1\)"):
        Soap([W], betas=(0.95, 1.0))
    with pytest.raises(InvalidOption, match=r"eps is 0"):
        Soap([W], eps=0)


@pytest.mark.parametrize(("dtype", "size"), [(torch.float32, 1e30), (torch.float64, 1e200)])
def test_a_gradient_whose_square_overflows_is_refused_whole(dtype: torch.dtype, size: float) -> None:
    small, large = (torch.nn.Parameter(gaussian(4, 3, seed=i).to(dtype)) for i in range(2))
    optimizer = Soap([small, large])
    for p in (small, large):
        p.grad = gaussian(4, 3, seed=2).to(dtype)
    for _ in range(2):
        optimizer.step()
    before = small.detach().clone()
    large.grad = torch.full((4, 3), size, dtype=dtype)
    with pytest.raises(InvalidGradient, match=r"gradient of parameter 1 of group 0 has norm .*: at most"):
        optimizer.step()
    assert torch.equal(small, before)
    # up to there it survives
    large.grad = large.grad / large.grad.amax() * 0.1 * torch.finfo(dtype).max ** 0.5
    for _ in range(12):
        optimizer.step()
    assert bool(large.isfinite().all()) and bool(small.isfinite().all())


def test_the_check_leaves_half_precision_and_vectors_alone() -> None:
    half, vector = torch.nn.Parameter(torch.ones(300, 300).half()), torch.nn.Parameter(torch.ones(3))
    optimizer = Soap([{"params": [half]}, {"params": [vector], "matrix": False}])
    half.grad, vector.grad = torch.full_like(half, 6e4), torch.full_like(vector, 1e18)
    optimizer.step()
    vector.grad = torch.full_like(vector, 1e30)
    optimizer.step()
