"""The sandbox: two to six classes whose logits and slopes are bars with a handle."""

from __future__ import annotations

import numpy as np

from ...frame import Columns
from ...request import Request

HALF_WIDTH = 0.36
GAP = 1


def bar_tables(request: Request) -> dict[str, Columns]:
    """Bars of the logits at 0..K-1 and of the slopes at K+1..2K, one handle on each."""
    classes = request["classes"]
    heights = np.array([*request["logits"][:classes], *request["slopes"][:classes]])
    places = np.array([*range(classes), *range(classes + GAP, 2 * classes + GAP)], dtype=float)
    reach = reach_of(heights)
    return {
        "sandbox_bars": {"left": places - HALF_WIDTH, "right": places + HALF_WIDTH, "top": heights},
        "sandbox_handles": {"x": places, "y": heights},
        "sandbox_names": {
            "x": np.array([-HALF_WIDTH, classes + GAP - HALF_WIDTH]),
            "y": np.array([0.92, 0.92]) * reach,
            "text": ["logits z", "slopes a"],
        },
        "sandbox_values": {
            "logits": np.array(request["logits"]),
            "slopes": np.array(request["slopes"]),
        },
        "sandbox_axis": {"reach": np.array([reach])},
    }


def reach_of(heights: np.ndarray) -> float:
    """Half height of the bar axis: at least 4. A bar dragged to its end does not move it under the hand."""
    tallest = float(np.abs(heights).max()) if len(heights) else 0.0
    return float(next(reach for reach in (4, 6, 10, 15, 25, 50, 100, 250) if reach >= tallest))
