"""The tables of every figure before there is anything to draw in it."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ...frame import Columns

NONE = np.zeros(0)
CURVE: Columns = {"x": NONE, "y": NONE}
PATH: Columns = {"xs": [], "ys": []}
LABELS: Columns = {"x": NONE, "y": NONE, "text": []}
IMAGE: Columns = {
    "x0": np.array([-1.0]),
    "x1": np.array([1.0]),
    "y0": np.array([-1.0]),
    "y1": np.array([1.0]),
    "image": np.zeros((1, 1), np.uint8),
}


@lru_cache(maxsize=1)
def tables() -> dict[str, Columns]:
    """The same objects each time: a view does not look at them twice."""
    return {
        "psf": IMAGE,
        "lit_point": CURVE,
        "half_maximum": CURVE,
        "mean_cell": CURVE,
        "lattice": PATH,
        "polar_plain": CURVE,
        "polar_turned": CURVE,
        "polar_rings": PATH,
        "polar_ring_names": LABELS,
        "profile_axis": CURVE,
        "profile_diagonal": CURVE,
        "asymptote": CURVE,
        "half": {"y": np.array([0.5])},
        "tents": PATH,
    }
