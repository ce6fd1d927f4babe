"""The tables of the other views before there is anything to draw in them."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ...frame import Columns
from .beyond_figures import PARTS as BEYOND_PARTS
from .compare_figures import ROLES as COMPARE_ROLES
from .spike_figures import QUANTITIES as SPIKE_QUANTITIES
from .spike_words import LANES as SPIKE_LANES
from .sweep_figures import QUANTITIES as SWEEP_QUANTITIES
from .sweep_shipped import TEMPERATURES
from .temperature_figures import UNITS as TEMPERATURE_UNITS
from .watch_view import no_tables

NONE = np.zeros(0)
CURVE: Columns = {"x": NONE, "y": NONE}
PATH: Columns = {"xs": [], "ys": []}
LINES: Columns = {"x": NONE}
LABELS: Columns = {"x": NONE, "y": NONE, "text": []}


@lru_cache(maxsize=1)
def tables() -> dict[str, Columns]:
    """The same objects each time: a view does not look at them twice."""
    return {**_sweep(), **_spike(), **_temperature(), **_compare(), **no_tables(), **_beyond()}


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
        "sweep_strip_spread": LABELS,
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


def _compare() -> dict[str, Columns]:
    curves = ("loss", "quadratic", "kl", "kl_reverse", "kl_mean", "kl_bound", *COMPARE_ROLES)
    return {
        **{f"compare_{name}": CURVE for name in curves},
        "compare_onset": LINES,
        "compare_one": LINES,
        "compare_level": {"y": NONE},
        "compare_rows": {"y": NONE},
        "compare_beside": LABELS,
        "compare_names": LABELS,
        "compare_unit": {"bound": NONE},
        "compare_captions": {"label": [], "value": [], "beside": [], "role": []},
    }


def _temperature() -> dict[str, Columns]:
    places = range(len(TEMPERATURES))
    curves = ["ghosts", "flips", "bound", "margin", "exact", "dots", "yours_tau", "yours_here"]
    curves += [f"yours_bound_{k}" for k in places]
    curves += [f"{whose}_{unit}_onsets" for whose in ("trained", "yours") for unit in TEMPERATURE_UNITS]
    paths = ["paths", *(f"trained_{unit}_{k}" for unit in TEMPERATURE_UNITS for k in places)]
    lines = ("cursor", "now", "one")
    return {
        **{f"temperature_{name}": CURVE for name in curves},
        **{f"temperature_{name}": PATH for name in paths},
        **{f"temperature_{name}": LINES for name in lines},
        "temperature_names": LABELS,
        "temperature_flip_line": {"y": NONE},
        "temperature_level": {"y": NONE},
        "temperature_tracks": {"x": NONE, "y": NONE, "t": NONE},
        "temperature_captions": {"label": [], "value": [], "beside": [], "role": []},
    }


def _beyond() -> dict[str, Columns]:
    places = {"x": NONE, "y": NONE, "distance": NONE}
    points = ("ghosts", "zeros", "nearest", "feed_points", "norm_points")
    curves = [f"{name}_disc" for name in ("bound", "exact", "true")]
    curves += [f"samples_{name}" for name in (*BEYOND_PARTS, "own", "equal")]
    curves += [f"layers_{name}" for name in ("own", "all", "kinks")]
    corner = {
        name: np.array([value]) for name, value in (("x0", -3.0), ("x1", 3.0), ("y0", -1.65), ("y1", 1.65))
    }
    image: Columns = {**corner, "image": np.zeros((1, 1), np.uint8)}
    layers = ("name", "singularity", "own", "own_bound", "all", "kinks", "limits")
    return {
        **{f"beyond_{name}": places for name in points},
        **{f"beyond_{name}": CURVE for name in curves},
        **{f"beyond_{name}": image for name in ("field", "linear_field")},
        **{f"beyond_{name}": LABELS for name in ("names", "linear_names", "layers_none")},
        **{f"beyond_layers_{name}_line": {"x": NONE} for name in ("bound", "exact", "true")},
        "beyond_axis": {"y": NONE},
        "beyond_samples_bound": {"y": NONE},
        "beyond_layers": {name: [] for name in layers},
        "beyond_unit": {"bound": NONE},
        "beyond_captions": {"label": [], "value": [], "beside": [], "role": []},
    }
