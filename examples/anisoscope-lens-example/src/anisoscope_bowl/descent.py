"""Gradient descent in the bowl f(x, y) = (x²/κ + y²)/2: eigenvalues 1/κ and 1, condition number κ.

Steps are in units of 2/λ_max = 2, beyond which the descent diverges (Goh 2017, "First Steps: Gradient Descent").
"""

from __future__ import annotations

import numpy as np

START = (1.0, 0.5)


def descend(step: float, condition: float, count: int) -> np.ndarray:
    """Iterates of gradient descent from `START`.

    Args:
        step: in units of 2/λ_max.
        condition: λ_max/λ_min, at least 1.
        count: number of steps.

    Returns:
        (count + 1, 2) places, the start first.

    >>> descend(0.5, 20.0, 1)[1].tolist()  # one step of 1/λ_max ends the steep direction
    [0.95, 0.0]
    """
    curvature = np.array([1 / condition, 1.0])
    places = np.empty((count + 1, 2))
    places[0] = START
    for k in range(count):
        gradient = curvature * places[k]
        places[k + 1] = places[k] - 2 * step * gradient
    return places


def height(places: np.ndarray, condition: float) -> np.ndarray:
    """f at places (..., 2)."""
    return (places[..., 0] ** 2 / condition + places[..., 1] ** 2) / 2


def rate(step: float, condition: float) -> float:
    """Factor on the distance per step in the slower direction: max |1 − η λ| (Goh 2017).

    >>> rate(1.0, 20.0)
    1.0
    """
    return max(abs(1 - 2 * step / condition), abs(1 - 2 * step))


def best_step(condition: float) -> float:
    """The step with the smallest rate, 2/(λ_min + λ_max), in units of 2/λ_max (Goh 2017).

    >>> round(rate(best_step(20.0), 20.0), 6)  # (κ − 1)/(κ + 1)
    0.904762
    """
    return condition / (condition + 1)
