"""The tables of every figure before there is anything to draw in it."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ...frame import Columns
from .choices import LANES

NONE = np.zeros(0, np.float32)
CURVE: Columns = {"x": NONE, "y": NONE}
PATH: Columns = {"xs": [], "ys": []}
LABELS: Columns = {"x": NONE, "y": NONE, "text": []}
SEGMENTS: Columns = {"x0": NONE, "y0": NONE, "x1": NONE, "y1": NONE}
IMAGE: Columns = {
    "x0": np.array([0.0]),
    "x1": np.array([1.0]),
    "y0": np.array([0.0]),
    "y1": np.array([1.0]),
    "image": np.zeros((1, 1), np.uint8),
}
CAPTIONS = ("end", "bottom_lead", "bottom_beside")
LANE_COLUMNS = (
    "step", "seconds", "loss", "smooth", "number",
    "top_lead", "top_beside", "floor_lead", "floor_beside", "edge_lead", "edge_beside",
)  # fmt: skip


@lru_cache(maxsize=1)
def tables() -> dict[str, Columns]:
    """The same objects each time: a view does not look at them twice."""
    found: dict[str, Columns] = {
        "heat": IMAGE,
        "heat_gaps": {"y": NONE},
        "cells": PATH,
        "cell_names": LABELS,
        "cell_chosen": CURVE,
        "cell_order": {"matrix": NONE, "across": NONE},
        "captions": {
            "title": [""] * LANES,
            "metric": [""] * LANES,
            **dict.fromkeys(CAPTIONS, np.ones(LANES, np.float32)),
        },
    }
    for k in range(1, LANES + 1):
        found |= lane(k)
    return found


@lru_cache(maxsize=LANES)
def lane(k: int) -> dict[str, Columns]:
    """The tables of lane k, counted from 1, where there is none."""
    codes: Columns = {"codes": np.zeros((0, 1), np.uint16)}
    return {
        f"lane_{k}": dict.fromkeys(LANE_COLUMNS, NONE),
        f"lead_{k}": codes,
        f"beside_{k}": codes,
        f"metric_{k}": CURVE,
        f"loss_{k}": CURVE,
        f"trace_{k}": PATH,
        f"rotation_{k}": CURVE,
        f"rotation_last_{k}": CURVE,
        f"product_{k}": CURVE,
    }
