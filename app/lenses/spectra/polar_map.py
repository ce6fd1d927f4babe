"""What the steps do to one singular value: the map of each preset, and the orbit of Newton–Schulz."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import torch

from anisoscope.engine.polar import PRESETS, singular_value_map, singular_value_orbit

from ...frame import Columns
from .polar_words import MAP_FROM, MOST_STEPS

GRID = 481


def _turning_points() -> tuple[float, float]:
    """Least and greatest value that Muon's p(s) = as + bs³ + cs⁵ takes where its slope vanishes."""
    a, b, c = PRESETS["jordan"].triples[0]
    root = math.sqrt(9 * b * b - 20 * a * c)
    squares = ((-3 * b + root) / (10 * c), (-3 * b - root) / (10 * c))
    lowest, highest = (math.sqrt(q) * (a + q * (b + q * c)) for q in squares)
    return lowest, highest


LOWEST, HIGHEST = _turning_points()
"""0.6818 and 1.2024: p maps [LOWEST, HIGHEST] into itself, so an orbit that has entered stays."""


def newton_schulz(s: float, steps: int) -> np.ndarray:
    """(steps + 1,) the orbit of one singular value."""
    return singular_value_orbit("jordan", s, steps).numpy()


@lru_cache(maxsize=MOST_STEPS)
def threshold(steps: int) -> float:
    """The s = σ/‖G‖_F from which Newton–Schulz ends in [LOWEST, HIGHEST] after so many steps, by bisection.

    Below it the map is monotone; above it the orbit has entered the interval, which the map does not leave.
    """
    low, high = 0.0, 0.25
    for _ in range(60):
        middle = (low + high) / 2
        if newton_schulz(middle, steps)[-1] < LOWEST:
            low = middle
        else:
            high = middle
    return high


def where(step: int, start: float) -> dict[str, Columns]:
    """Where each preset takes s = σ/‖G‖_F, and the band of Newton–Schulz from its threshold on."""
    grid = np.linspace(MAP_FROM, 0.0, GRID)
    found: dict[str, Columns] = {}
    for preset, known in PRESETS.items():
        if step <= len(known.triples) or known.tail is not None:
            values = singular_value_map(torch.as_tensor(10.0**grid), preset, step)[-1].numpy()
            found[f"polar_map_{preset}"] = {"x": grid, "y": values}
    left = max(MAP_FROM, math.log10(threshold(step)))
    band = {"x": np.array([left, 0.0]), "y": np.full(2, LOWEST), "y2": np.full(2, HIGHEST)}
    here = np.array([math.log10(start)])
    return found | {
        "polar_band": band,
        "polar_start_line": {"x": here},
        "polar_start_point": {"x": here, "y": newton_schulz(start, step)[-1:]},
    }


def highest(step: int) -> float:
    """The largest value of the maps that are drawn."""
    return max(float(columns["y"].max()) for name, columns in where(step, 1.0).items() if "_map_" in name)


def cobweb(step: int, start: float) -> dict[str, Columns]:
    """One step of Newton–Schulz, and the orbit between it and the diagonal."""
    orbit = newton_schulz(start, step)
    corners = np.repeat(orbit, 2)
    s = np.linspace(0.0, 1.25, GRID)
    p = singular_value_map(torch.as_tensor(s), "jordan", 1)[-1].numpy()
    return {
        "polar_cobweb_map": {"x": s, "y": p},
        "polar_cobweb": {"x": corners[:-2], "y": np.concatenate([[0.0], corners[2:-1]])},
        "polar_cobweb_start": {"x": orbit[:1], "y": np.zeros(1)},
        "polar_cobweb_end": {"x": orbit[-2:-1], "y": orbit[-1:]},
    }
