"""The tables of the other views before there is anything to draw in them."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ...frame import Columns
from .spike_figures import QUANTITIES as SPIKE_QUANTITIES
from .spike_words import LANES as SPIKE_LANES
from .sweep_figures import QUANTITIES as SWEEP_QUANTITIES

NONE = np.zeros(0)
CURVE: Columns = {"x": NONE, "y": NONE}
PATH: Columns = {"xs": [], "ys": []}
LINES: Columns = {"x": NONE}
LABELS: Columns = {"x": NONE, "y": NONE, "text": []}


@lru_cache(maxsize=1)
def tables() -> dict[str, Columns]:
    """The same objects each time: a view does not look at them twice."""
    return {**_sweep(), **_spike()}


def _sweep() -> dict[str, Columns]:
    found: dict[str, Columns] = {}
    for quantity in SWEEP_QUANTITIES:
        found |= {f"sweep_{quantity}": CURVE, f"sweep_{quantity}_six": PATH}
    curves = ("sweep_onset", "sweep_strip_six", "sweep_strip_yours")
    lines = ("sweep_bound_line", "sweep_exact_line", "sweep_strip_middle")
    return {
        **found,
        **dict.fromkeys(curves, CURVE),
        **dict.fromkeys(lines, LINES),
        "sweep_kept_names": LABELS,
        "sweep_level": {"y": NONE},
        "sweep_unit": {"scale": NONE, "bound": NONE, "low": NONE, "high": NONE},
        "sweep_captions": {"label": [], "value": [], "beside": [], "role": []},
    }


def _spike() -> dict[str, Columns]:
    found: dict[str, Columns] = {"spike_shade": {"x0": NONE, "x1": NONE}, "spike_target": {"y": NONE}}
    for quantity in SPIKE_QUANTITIES:
        for lane in SPIKE_LANES:
            found[f"spike_{quantity}_{lane}"] = CURVE
            found[f"spike_{quantity}_name_{lane}"] = LABELS
    return {**found, "spike_captions": {"stopped": [], "asked": NONE, "head": NONE}}
