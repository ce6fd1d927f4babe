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
            "stopped": [""] * LANES,
            **dict.fromkeys(CAPTIONS, np.ones(LANES, np.float32)),
        },
    }
    for k in range(1, LANES + 1):
        found |= lane(k)
    return found | polar() | edge()


def polar() -> dict[str, Columns]:
    """The tables of the polar factor."""
    s = np.array([0.0, 1.25])
    methods = ("newton_schulz", "polar_express", "qdwh", "svd")
    curves = (
        *(f"polar_sigma_{method}" for method in (*methods, "input")),
        *(f"polar_dots_{method}" for method in methods[:3]),
        *(f"polar_map_{preset}" for preset in ("jordan", "polar_express", "you", "nanochat")),
        *(f"polar_cobweb{part}" for part in ("", "_map", "_start", "_end")),
        "polar_start_point",
    )
    return {
        **{f"polar_error_{method}": PATH for method in methods},
        **dict.fromkeys(curves, CURVE),
        "polar_diagonal": {"x": s, "y": s},
        "polar_error_names": LABELS,
        **dict.fromkeys(("polar_known", "polar_steps_now"), SEGMENTS),
        "polar_band": {**CURVE, "y2": NONE},
        **{name: {"x": NONE} for name in ("polar_between", "polar_start_line")},
    }


def edge() -> dict[str, Columns]:
    """The tables of the edge of stability."""
    return {
        **dict.fromkeys(("edge_gap", "edge_gradient_descent", "edge_faint"), PATH),
        **dict.fromkeys(("edge_inner_names", "edge_leaving_names", "edge_descent_name"), LABELS),
        "edge_sizes": CURVE,
        "edge_stable": {**CURVE, "y2": NONE},
        "edge_now": CURVE,
        "edge_now_line": {"y": NONE},
        "edge_entered": {"x": NONE},
    }


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
