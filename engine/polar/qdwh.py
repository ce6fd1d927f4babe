"""QDWH: dynamically weighted Halley steps by QR, then by Cholesky. Nakatsukasa & Higham (2013)."""

import math
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor


class HalleyWeights(NamedTuple):
    """X ← X (aI + bXᵀX)(I + cXᵀX)⁻¹, and the lower bound of the singular values after it."""

    a: float
    b: float
    c: float
    next_bound: float


def qdwh_weights(bound: float) -> HalleyWeights:
    """The weights for singular values in [bound, 1]; plain Halley (3, 1, 3) at bound 1.

    Nakatsukasa & Higham (2013), eq. 3.

    >>> [round(value, 3) for value in qdwh_weights(0.1)]
    [11.848, 29.422, 40.271, 0.866]
    """
    if not 0 < bound <= 1:
        raise ValueError(f"bound is {bound!r}: a number in (0, 1] is needed")
    square = bound * bound
    d = math.cbrt(4 * (1 - square) / square**2)
    s = math.sqrt(1 + d)
    a = s + math.sqrt(2 - d + 2 * (2 - square) / (square * s))
    b = (a - 1) ** 2 / 4
    c = a + b - 1
    return HalleyWeights(a, b, c, min(1.0, bound * (a + b * square) / (1 + c * square)))


def qdwh(X: Tensor, steps: int | None) -> Tensor:
    """The polar factor of a scaled X by `steps` Halley steps and one Newton–Schulz step.

    The bound starts at the rounding unit for every matrix, so a batch shares its weights.

    Args:
        X: (..., m, n) float32 or float64, entries near 1 at most.
        steps: None until the bound has reached 1 to rounding, six in float64.
    """
    for iterate in halley_steps(X, steps):
        X = iterate
    return polished(X)


def halley_steps(X: Tensor, steps: int | None) -> Iterator[Tensor]:
    """What `qdwh` passes through before it polishes: the start, its spectral norm at most 1, and each step."""
    tall = X.shape[-2] >= X.shape[-1]
    X = X if tall else X.mT
    magnitude = X.abs()
    # sqrt(‖X‖₁ ‖X‖_∞) bounds ‖X‖₂ from above
    norm = (magnitude.sum(-2).amax(-1) * magnitude.sum(-1).amax(-1)).sqrt()
    X = X / torch.where(norm > 0, norm, 1)[..., None, None]
    yield X if tall else X.mT
    rounding = torch.finfo(X.dtype).eps
    bound, taken = rounding, 0
    while taken < steps if steps is not None else bound < 1 - 5 * rounding:
        # 1 - bound below 5 roundings is rounding alone
        weights = qdwh_weights(bound if bound < 1 - 5 * rounding else 1.0)
        X, bound, taken = _halley(X, weights), weights.next_bound, taken + 1
        yield X if tall else X.mT


def polished(X: Tensor) -> Tensor:
    """One Newton–Schulz step, 1.5X − 0.5XXᵀX: it squares what the singular values lack of 1."""
    if X.shape[-2] < X.shape[-1]:
        return polished(X.mT).mT
    return 1.5 * X - 0.5 * X @ (X.mT @ X)


def _halley(X: Tensor, weights: HalleyWeights) -> Tensor:
    a, b, c, _ = weights
    identity = torch.eye(X.shape[-1], dtype=X.dtype, device=X.device).expand(*X.shape[:-2], -1, -1)
    if c > 100:
        # the Cholesky form loses c·eps; QR of the stacked matrix does not
        Q, _ = torch.linalg.qr(torch.cat([math.sqrt(c) * X, identity], -2))
        Q1, Q2 = Q[..., : X.shape[-2], :], Q[..., X.shape[-2] :, :]
        return b / c * X + (a - b / c) / math.sqrt(c) * Q1 @ Q2.mT
    factor = torch.linalg.cholesky(identity + c * X.mT @ X)
    return b / c * X + (a - b / c) * torch.cholesky_solve(X.mT, factor).mT
