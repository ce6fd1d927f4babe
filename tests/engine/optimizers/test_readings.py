"""FISMO, LANTON and ARO as we read them: plain float64 loops, their limits, how they see the gradient's scale."""

import numpy as np
import pytest
import scipy.linalg
import torch
from torch import Tensor

from anisoscope.engine.optimizers import Aro, Fismo, InvalidOption, Lanton, Muon


def gaussian(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def first_update(optimizer: type, G: Tensor, **options: object) -> Tensor:
    W = torch.nn.Parameter(torch.zeros_like(G))
    W.grad = G.clone()
    optimizer([W], lr=1.0, **options).step()
    return -W.detach()


def polar_factor(A: np.ndarray) -> np.ndarray:
    U, _, Vh = np.linalg.svd(A, full_matrices=False)
    return U @ Vh


def root(A: np.ndarray, exponent: float) -> np.ndarray:
    return np.real(scipy.linalg.fractional_matrix_power(A, exponent))


def test_fismo_against_a_plain_loop() -> None:
    W = torch.nn.Parameter(gaussian(5, 4))
    optimizer = Fismo([W], lr=0.1, momentum=0.9, gamma=0.8, damping=1e-2, weight_decay=0.1)
    plain, P, Q, M = gaussian(5, 4).numpy(), np.eye(5), np.eye(4), np.zeros((5, 4))
    for seed in range(1, 9):
        G = gaussian(5, 4, seed=seed).numpy()
        L = G @ np.linalg.inv(Q) @ G.T / 4 + 1e-2 * np.trace(P) / 5 * np.eye(5)
        P = 0.8 * P + 0.2 * L
        P = P * 5 / np.trace(P)
        R = G.T @ np.linalg.inv(P) @ G / 5 + 1e-2 * np.trace(Q) / 4 * np.eye(4)
        Q = 0.8 * Q + 0.2 * R
        Q = Q * 4 / np.trace(Q)
        left, right = root(P, -0.5), root(Q, -0.5)
        M = 0.9 * M + 0.1 * left @ G @ right
        plain = (1 - 0.01) * plain - 0.1 * left @ polar_factor(M) @ right
        W.grad = torch.from_numpy(G)
        optimizer.step()
    torch.testing.assert_close(W.detach(), torch.from_numpy(plain), rtol=0, atol=1e-11)


def test_fismo_sees_the_scale_unless_told_not_to() -> None:
    G = gaussian(24, 24)
    tiny = first_update(Fismo, 1e-6 * G)
    muon = first_update(Muon, G, orthogonalizer="svd", scale="none")
    torch.testing.assert_close(tiny, muon, rtol=0, atol=1e-9)
    assert first_update(Fismo, 1e5 * G).norm() > 3 * tiny.norm()
    free = first_update(Fismo, G, scale_free=True)
    torch.testing.assert_close(first_update(Fismo, 1e5 * G, scale_free=True), free, rtol=0, atol=1e-10)


def test_lanton_against_a_plain_loop() -> None:
    shapes = [(5, 4), (4, 4)]
    params = [torch.nn.Parameter(gaussian(*shape, seed=i)) for i, shape in enumerate(shapes)]
    optimizer = Lanton(params, lr=0.1, betas=(0.9, 0.8), alpha=2.0, weight_decay=0.1, scale="none")
    plain = [p.detach().numpy().copy() for p in params]
    B, H = [np.zeros(s) for s in shapes], [0.0, 0.0]
    previous: list[np.ndarray] | None = None
    for seed in range(6):
        G = [(1 + 3 * i) * gaussian(*shape, seed=10 * seed + i + 5).numpy() for i, shape in enumerate(shapes)]
        if previous is not None:
            H = [0.8 * H[i] + 0.2 * np.linalg.norm(G[i] - previous[i], "nuc") ** 2 for i in range(2)]
        previous = G
        alphas = [2.0 / np.sqrt(4.0 + h) for h in H]
        for i in range(2):
            B[i] = 0.9 * B[i] + 0.1 * G[i]
            rate = 0.1 * np.sqrt(alphas[i] / max(alphas))
            plain[i] = (1 - 0.1 * rate) * plain[i] - rate * polar_factor(B[i])
            params[i].grad = torch.from_numpy(G[i])
        optimizer.step()
    for p, expected in zip(params, plain, strict=True):
        torch.testing.assert_close(p.detach(), torch.from_numpy(expected), rtol=0, atol=1e-12)
    assert optimizer.state[params[0]]["rate"] == pytest.approx(0.1)
    assert optimizer.state[params[1]]["rate"] < 0.09


def test_lanton_without_noise_is_muon() -> None:
    ours, theirs = (torch.nn.Parameter(gaussian(5, 4)) for _ in range(2))
    lanton = Lanton([ours], lr=0.1)
    muon = Muon([theirs], lr=0.1, nesterov=False, orthogonalizer="svd")
    for _ in range(4):
        ours.grad = theirs.grad = gaussian(5, 4, seed=1)
        lanton.step()
        muon.step()
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-13)
    assert float(lanton.state[ours]["noise"]) == 0


@pytest.mark.parametrize("base", ["sign", "row", "sinkhorn"])
def test_aro_against_a_plain_loop(base: str) -> None:
    def f(X: np.ndarray) -> np.ndarray:
        if base == "sign":
            return np.sign(X)
        for _ in range(5 if base == "sinkhorn" else 1):
            X = X * np.sqrt(X.shape[1]) / np.linalg.norm(X, axis=1, keepdims=True)
            if base == "sinkhorn":
                X = X * np.sqrt(X.shape[0]) / np.linalg.norm(X, axis=0, keepdims=True)
        return X

    W = torch.nn.Parameter(gaussian(4, 24))
    optimizer = Aro([W], lr=0.1, base=base, weight_decay=0.1)
    plain, R, M = gaussian(4, 24).numpy(), np.eye(4), np.zeros((4, 24))
    for seed in range(1, 7):
        M = 0.95 * M + 0.05 * gaussian(4, 24, seed=seed).numpy()
        A = M @ f(R.T @ M).T
        # A chol(AᵀA)^(-T): the positive QR, as the paper's shifted Cholesky makes it
        R = A @ np.linalg.inv(np.linalg.cholesky(A.T @ A)).T
        plain = 0.99 * plain - 0.1 * 0.2 * R @ f(R.T @ M)
        W.grad = gaussian(4, 24, seed=seed)
        optimizer.step()
        # at each step: a wrong sign of R undoes itself at the next, and W never sees it
        torch.testing.assert_close(optimizer.state[W]["rotation"], torch.from_numpy(R), rtol=0, atol=1e-8)
        torch.testing.assert_close(W.detach(), torch.from_numpy(plain), rtol=0, atol=1e-8)


@pytest.mark.parametrize("base", ["sign", "row", "sinkhorn"])
@pytest.mark.parametrize("shape", [(16, 24), (24, 16)])
def test_aro_scales(base: str, shape: tuple[int, int]) -> None:
    # large enough that no sign matrix is singular: there the frame would follow rounding
    G = gaussian(*shape)
    update = first_update(Aro, G, base=base)
    torch.testing.assert_close(first_update(Aro, 1000 * G, base=base), update, rtol=0, atol=1e-11)
    if shape[0] < shape[1]:
        assert update.square().mean().sqrt().item() == pytest.approx(0.2, rel=1e-12)
    # a tall update stays in the column space of its momentum
    assert torch.linalg.matrix_rank(torch.cat([G, update], 1)) == 16


def test_refusals() -> None:
    W = torch.nn.Parameter(gaussian(3, 2))
    with pytest.raises(InvalidOption, match=r"base is 'adam': one of sinkhorn, row, sign"):
        Aro([W], 0.1, base="adam")
    with pytest.raises(InvalidOption, match=r"damping is 0"):
        Fismo([W], 0.1, damping=0)
    with pytest.raises(InvalidOption, match=r"scale_free is 'yes'"):
        Fismo([W], 0.1, scale_free="yes")  # pyright: ignore[reportArgumentType]
    with pytest.raises(InvalidOption, match=r"alpha is 0.0"):
        Lanton([W], 0.1, alpha=0.0)
    with pytest.raises(InvalidOption, match=r"betas is 0.9"):
        Lanton([W], 0.1, betas=0.9)  # pyright: ignore[reportArgumentType]
