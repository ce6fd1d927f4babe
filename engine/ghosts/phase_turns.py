"""How often analytic functions turn along a path, and where their zeros lie, from samples of their logarithm."""

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

NEWTON_STEPS = 14
_LARGEST_TURN = 2.0
"""Between two points of a circle; more is the edge of a cut, or too coarse to be followed."""

Logarithm = Callable[[Tensor], Tensor]
"""(n,) complex steps -> (n,) log f(t), its imaginary part up to a multiple of 2π."""


def polished(log: Logarithm, start: Tensor, scale: float) -> Tensor:
    """Zeros of f that Newton's iteration reaches, steps at most half the scale; NaN where it does not arrive.

    f' is a difference over 10⁻⁶ of the scale: the error of the slope only slows the iteration down. Of a pair
    of conjugate zeros the upper one.

    >>> polished(lambda t: torch.log(t**2 + 1), torch.tensor([0.2 + 0.8j]), 1.0).numpy().round(9).tolist()
    [1j]
    """
    t, width = start.to(torch.complex128), 1e-6 * scale
    length = torch.full_like(t.real, math.inf)
    for _ in range(NEWTON_STEPS):
        here, beside = log(torch.cat((t, t + width))).chunk(2)
        # f/f' = h/(f(t + h)/f(t) - 1)
        step = width / (torch.exp(beside - here) - 1)
        step = torch.where(here.real == -torch.inf, 0.0, step)
        length = step.abs()
        t = t - step * torch.where(length > scale / 2, scale / 2 / length, 1.0)
        if not bool((length > 1e-10 * scale).any()):
            break
    arrived = t.real.isfinite() & t.imag.isfinite() & (length <= 1e-7 * scale)
    t = torch.complex(t.real, t.imag.abs())
    return torch.where(arrived, t, complex(math.nan, math.nan))


def half_circle(radius: float, points: int) -> Tensor:
    """(points + 1,) of the upper half circle, both real ends included."""
    angles = torch.linspace(0, math.pi, points + 1, dtype=torch.float64)
    return radius * torch.polar(torch.ones_like(angles), angles)


def unwrapped(logs: Tensor) -> np.ndarray:
    """(points, columns) logarithms along a path, imaginary parts continued from the first point."""
    values = logs.cpu().numpy()
    return np.real(values) + 1j * np.unwrap(np.imag(values), axis=0)


def pairs_inside(logs: np.ndarray) -> np.ndarray:
    """(columns,) pairs of conjugate zeros inside, by the argument principle; NaN where the phase is not followed.

    Of functions with f(conj t) = conj f(t) that are positive on the real line, from their values on a half circle.
    """
    phase = np.imag(logs)
    steepest = np.abs(np.diff(phase, axis=0)).max(0)
    turned = (phase[-1] - phase[0]) / (2 * math.pi)
    followed = (
        np.isfinite(logs).all(0) & (steepest <= _LARGEST_TURN) & (np.abs(turned - np.round(turned)) < 0.05)
    )
    return np.where(followed, np.round(turned), math.nan)


def zeros_inside(logs: np.ndarray, radius: float, pairs: int) -> list[complex]:
    """Upper zeros of one function in the disc by their power sums p_n = -n Rⁿ mean(L e^{inφ}).

    L is log f on the circle less the winding. Good starts for Newton's iteration, no more.

    >>> t = half_circle(2.0, 64)
    >>> logs = unwrapped(torch.log(t**2 + 1)[:, None])
    >>> found = zeros_inside(logs[:, 0], 2.0, int(pairs_inside(logs)[0]))
    >>> [round(abs(zero - 1j), 9) for zero in found]
    [0.0]
    """
    angles = np.linspace(0, math.pi, len(logs))
    rest = logs - 2j * pairs * angles
    # The lower half circle is the conjugate of the upper: the mean over both is real, and its ends count half.
    weights = np.ones(len(logs))
    weights[[0, -1]] = 0.5
    sums = [
        -n * float((weights * (rest * np.exp(1j * n * angles)).real).sum() / weights.sum())
        for n in range(1, 2 * pairs + 1)
    ]
    # Newton's identities: from power sums to the polynomial whose roots have them.
    symmetric = [1.0]
    for n in range(1, 2 * pairs + 1):
        terms = ((-1) ** (k - 1) * symmetric[n - k] * sums[k - 1] for k in range(1, n + 1))
        symmetric.append(sum(terms) / n)
    roots = np.roots([(-1) ** n * value for n, value in enumerate(symmetric)])
    return [complex(radius * root) for root in roots if root.imag > 0]


def turning_cells(phase: Tensor) -> Tensor:
    """Cells of a grid around which the phase turns: places to start Newton's iteration from.

    Args:
        phase: (rows, columns) arguments of f on a grid, modulo 2π.

    Returns:
        (cells, 2) row and column of each cell's lower corner.

    >>> u, v = torch.meshgrid(torch.arange(4.0), torch.arange(5.0), indexing="ij")
    >>> turning_cells(torch.atan2(u - 1.5, v - 2.5)).tolist()
    [[1, 2]]
    """
    along, up = (wrapped(phase.diff(dim=dim)) for dim in (1, 0))
    turn = along[:-1] + up[:, 1:] - along[1:] - up[:, :-1]
    return (turn.abs() > 3).nonzero()


def wrapped(angle: Tensor) -> Tensor:
    """An angle as the one from -π to π."""
    return angle - 2 * math.pi * torch.round(angle / (2 * math.pi))
