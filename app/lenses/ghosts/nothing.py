"""The tables of the other views before there is anything to draw in them."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ...frame import Columns
from .spike_figures import QUANTITIES as SPIKE_QUANTITIES
from .spike_words import LANES as SPIKE_LANES

NONE = np.zeros(0)
CURVE: Columns = {"x": NONE, "y": NONE}
LABELS: Columns = {"x": NONE, "y": NONE, "text": []}


@lru_cache(maxsize=1)
def tables() -> dict[str, Columns]:
    """The same objects each time: a view does not look at them twice."""
    return {**_spike()}


def _spike() -> dict[str, Columns]:
    found: dict[str, Columns] = {"spike_shade": {"x0": NONE, "x1": NONE}, "spike_target": {"y": NONE}}
    for quantity in SPIKE_QUANTITIES:
        for lane in SPIKE_LANES:
            found[f"spike_{quantity}_{lane}"] = CURVE
            found[f"spike_{quantity}_name_{lane}"] = LABELS
    return {**found, "spike_captions": {"stopped": [], "asked": NONE, "head": NONE}}
