"""PolarGrad at and beyond its stable step: η = c / (L r) on the quadratic. After Lau et al. (2025), arXiv:2505.21799."""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from ..polar import METHODS, polar
from .draws import require_integer
from .errors import InvalidProblem, UnknownProblem
from .matrix_regression import Curvature, MatrixRegression

BEYOND = 1e250
"""a gap above this is given as infinite and its run ends: the next squares would overflow"""
GRAM_LIMIT = 1e-6
"""smallest over largest eigenvalue of GᵀG above which U from them is good to 1e-10 (eps times their ratio)"""


class EdgeOfStability(NamedTuple):
    """Runs side by side, one for each c."""

    sharpness: Tensor
    """(steps, B) the values η·L·r of each step"""
    gap: Tensor
    """(steps + 1, B) f − f*, from the start on; inf where a run has left the number range"""
    gradient_descent: Tensor
    """(steps + 1,) f − f* of gradient descent with its best constant step, 2 / (L + μ)"""


@torch.no_grad()
def edge_of_stability(
    c: float | Sequence[float] | Tensor,
    decay: float = 0.99,
    steps: int = 600,
    problem: MatrixRegression | None = None,
    method: str = "svd",
    *,
    polar_steps: int | None = None,
    every: int = 25,
    seed: int = 42,
) -> EdgeOfStability:
    """X ← X − η ‖G‖_* polar(G) with η = c decayᵏ / (L r), k growing by one each `every` steps; r = min(m, n).

    The run is made in the eigenvectors of AᵀA and BBᵀ, where the gradient is G = H ∘ E, H the Hessian's eigenvalues and
    E the error: the polar factor turns with its matrix, so nothing changes but the cost, and gaps keep their relative
    accuracy down to the end of the number range. The exact factor is taken from the Gram matrix (n, n) of the gradient
    while the condition of G is below 1000, as it is at all but a few steps here, and by SVD where it is not: faster by
    1.2 (one c) to 1.6 (five). "qdwh" is scaled by norms that do not turn, so it is taken in the original frame.

    Below the edge all singular values of G come to a common size and shrink together; above it the stiff directions
    grow. Decay brings a run back from there, and the gap then falls at a rate no constant step has. While a run hovers
    at the edge rounding is amplified: when the gap falls is sure, its size at a step of the fall only to a factor of 10
    to 100.

    Args:
        c: (B,) or one number, positive; the edge lies near 7 for the "small" regression.
        decay: in (0, 1]; 1 keeps η.
        steps: of each run.
        problem: None takes `MatrixRegression("small")`.
        method: of the polar factor, one of `anisoscope.engine.polar.METHODS`.
        polar_steps: of the method; None takes its default. Other methods than "svd" scale by ⟨U, G⟩ for ‖G‖_*.
        every: steps between two decays.
        seed: of X₀.

    Raises:
        UnknownProblem, InvalidProblem: (ValueErrors) on an unknown method, a number out of range.
    """
    (whole,) = edge_of_stability_in_parts(
        c, decay, steps, problem, method, polar_steps=polar_steps, every=every, seed=seed, part=steps
    )
    return whole


@torch.no_grad()
def edge_of_stability_in_parts(
    c: float | Sequence[float] | Tensor,
    decay: float = 0.99,
    steps: int = 600,
    problem: MatrixRegression | None = None,
    method: str = "svd",
    *,
    polar_steps: int | None = None,
    every: int = 25,
    seed: int = 42,
    part: int = 200,
) -> Iterator[EdgeOfStability]:
    """`edge_of_stability` as it grows: what has been run after each `part` steps, and at the end all.

    Args:
        part: steps from one to the next, at least 1; the others as `edge_of_stability` takes them.
    """
    values = _checked(c, decay)
    for name, number in (("steps", steps), ("every", every), ("part", part)):
        require_integer(name, number, 1)
    if method not in METHODS:
        raise UnknownProblem(f"method is {method!r}: one of {', '.join(METHODS)} is needed")
    problem = MatrixRegression("small") if problem is None else problem
    frame = problem.curvature
    H = frame.left[:, None] * frame.right
    start = frame.left_basis.mT @ (problem.model(seed, torch.float64).X - problem.X_star) @ frame.right_basis
    sharpness = values * decay ** (torch.arange(steps) // every).double()[:, None]
    rates = sharpness / (H[-1, -1] * min(H.shape))
    descent = _gradient_descent(H, start, steps)
    gap = torch.full((steps + 1, len(values)), math.inf, dtype=torch.float64)
    for step in _run(gap, H, start, rates, frame, method, polar_steps):
        if step == steps or (step and step % part == 0):
            yield EdgeOfStability(sharpness[:step], gap[: step + 1].clone(), descent[: step + 1])


def _run(
    gap: Tensor,
    H: Tensor,
    start: Tensor,
    rates: Tensor,
    frame: Curvature,
    method: str,
    polar_steps: int | None,
) -> Iterator[int]:
    """Fill `gap`; every step at which it is known is yielded."""
    steps, lanes = rates.shape
    running = torch.arange(lanes)
    E = start.expand(lanes, *start.shape)
    for step in range(steps + 1):
        G = H * E
        gaps = 0.5 * torch.linalg.vecdot(E.flatten(1), G.flatten(1))
        if not bool((gaps < BEYOND).all()):
            kept = gaps < BEYOND
            running, E, G, gaps = running[kept], E[kept], G[kept], gaps[kept]
        gap[step, running] = gaps
        yield step
        if step == steps or not len(running):
            continue
        rate = rates[step, running][:, None, None]
        E = E - rate * (exact_step(G) if method == "svd" else _scaled_polar(G, frame, method, polar_steps))


def exact_step(G: Tensor) -> Tensor:
    """‖G‖_* polar(G), (B, m, n): by the eigenvectors of the smaller Gram matrix, or by SVD where that is too coarse."""
    if G.shape[-2] < G.shape[-1]:
        return exact_step(G.mT).mT
    scale = G.abs().amax((-2, -1), keepdim=True).clamp_min(torch.finfo(G.dtype).tiny)
    X = G / scale
    squares, V = torch.linalg.eigh(X.mT @ X)
    if not bool((squares[:, 0] > GRAM_LIMIT * squares[:, -1]).all()):
        return _exact_by_svd(G)
    sigma = squares.sqrt()
    # One small factor V Σ⁻¹ Vᵀ, scaled, before the only product of the size of G.
    return X @ ((V * (sigma.sum(-1, keepdim=True) / sigma)[:, None, :]) @ V.mT * scale)


def _exact_by_svd(G: Tensor) -> Tensor:
    U, sigma, Vh = torch.linalg.svd(G, full_matrices=False)
    smallest = max(G.shape[-2:]) * torch.finfo(G.dtype).eps * sigma[:, :1]
    weights = sigma.sum(dim=-1, keepdim=True) * (sigma > smallest)
    return (U * weights[:, None, :]) @ Vh


def _scaled_polar(G: Tensor, frame: Curvature, method: str, polar_steps: int | None) -> Tensor:
    if method == "qdwh":
        G = frame.left_basis @ G @ frame.right_basis.mT
    U = polar(G, method=method, steps=polar_steps)
    step = (U * G).sum(dim=(-2, -1), keepdim=True) * U
    return frame.left_basis.mT @ step @ frame.right_basis if method == "qdwh" else step


def _gradient_descent(H: Tensor, start: Tensor, steps: int) -> Tensor:
    """Each entry of the error shrinks on its own: by (1 − ηH)² in the gap, η = 2 / (L + μ)."""
    contraction = (1 - 2 / (H[-1, -1] + H[0, 0]) * H).square()
    share = 0.5 * H * start.square()
    gap = torch.empty(steps + 1, dtype=torch.float64)
    for step in range(steps + 1):
        gap[step] = share.sum()
        share = share * contraction
    return gap


def _checked(c: float | Sequence[float] | Tensor, decay: float) -> Tensor:
    values = torch.atleast_1d(torch.as_tensor(c, dtype=torch.float64))
    if values.ndim != 1 or not len(values) or not bool(((values > 0) & torch.isfinite(values)).all()):
        raise InvalidProblem(f"c is {c!r}: positive finite numbers are needed")
    if not 0 < decay <= 1:
        raise InvalidProblem(f"decay is {decay!r}: a number in (0, 1] is needed")
    return values
