"""Tables of Γ_lm against the angle, and of the power in each degree."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from anisoscope.engine.overlap import angular_power, gamma_lm

from ...frame import Columns
from ...request import Request
from .array_state import ArrayState
from .scales import BAND, DIPOLE_LIMIT

POINTS = 181


def overlap_curves(request: Request, array: ArrayState, pair: int) -> dict[str, Columns]:
    """All orders m ≥ 0 of the chosen degree in the pair frame, the chosen order, and Γ_00 for comparison."""
    degree, order = request["degree"], min(request["order"], request["degree"])
    sign = (-1.0) ** degree if request["orientation"] == "propagation" else 1.0
    degrees, table = _table()
    at = degree * degree + degree
    others = [m for m in range(degree + 1) if m != order]
    return {
        "orders": {"xs": [degrees for _ in others], "ys": [sign * table[:, at + m] for m in others]},
        "order": {"x": degrees, "y": sign * table[:, at + order]},
        "monopole": {"x": degrees, "y": table[:, 0]},
        "zero": {"y": np.array([0.0])},
        "pair_cursor": {"x": array.zeta[pair].rad2deg().cpu().numpy().reshape(1)},
    }


@lru_cache(maxsize=1)
def _table() -> tuple[np.ndarray, np.ndarray]:
    degrees = np.linspace(0, 180, POINTS)
    return degrees, gamma_lm(torch.from_numpy(np.radians(degrees)), BAND).numpy()


def power_bars(coefficients: Tensor) -> dict[str, Columns]:
    """C_l/C_0, l ≥ 1, and the published limit on l = 1."""
    power = angular_power(coefficients).cpu().numpy()
    degrees = np.arange(1, BAND + 1)
    share = np.zeros(BAND)
    share[: len(power) - 1] = power[1:] / power[0]
    return {
        "power": {"left": degrees - 0.36, "right": degrees + 0.36, "top": share},
        "dipole_limit": {
            "x0": np.array([0.55]),
            "y0": np.array([DIPOLE_LIMIT]),
            "x1": np.array([1.45]),
            "y1": np.array([DIPOLE_LIMIT]),
        },
        "dipole_limit_name": {
            "x": np.array([1.6]),
            "y": np.array([DIPOLE_LIMIT]),
            "text": ["95 % limit, NANOGrav 15 yr"],
        },
    }
