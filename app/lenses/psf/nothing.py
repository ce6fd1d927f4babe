"""The tables of every figure before there is anything to draw in it."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ...frame import Columns
from .scales import WAYS

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
        **_beside(),
        **_fit(),
    }


def _beside() -> dict[str, Columns]:
    """Of the views over all places, of tables, and of the adviser."""
    levels: Columns = {"y": NONE}
    bars: Columns = {"left": NONE, "right": NONE, "top": NONE}
    curves = (
        "map_point", "otf_axis", "otf_diagonal", "dip_axis", "dip_diagonal", "dip_found", "flow_profile",
        "flow_kernel", "flow_now", "flow_widths", "table_point", "snr_law", "snr_measured", "partners",
        "partner_point", "advice_average", "advice_growths", "advice_growth", "advice_snr",
    )  # fmt: skip
    return {
        **dict.fromkeys(curves, CURVE),
        **dict.fromkeys(("beta_map", "ratio_map", "collided", "speckle"), IMAGE),
        **dict.fromkeys(("dip_level", "flow_single", "flow_pixel", "load_one"), levels),
        **dict.fromkeys(("advice_wanted", "advice_most"), levels),
        **{name: {"x": NONE} for name in ("table_bits", "advice_levels")},
        **dict.fromkeys(("loads", "used"), bars),
        "advice_bracket": {"x": NONE, "y": NONE, "y2": NONE},
        "advice_reasons": LABELS,
        "place_widths": {"beta": NONE, "ratio": NONE, "axis_diagonal": NONE},
    }


def _fit() -> dict[str, Columns]:
    """Of one image fitted four ways."""
    return {
        **dict.fromkeys(("fit_original", "fit_own_spectrum"), IMAGE),
        **dict.fromkeys((f"fit_{part}{way}" for part in ("", "spectrum_") for way in WAYS), IMAGE),
        **dict.fromkeys((f"fit_{part}_{way}" for part in ("psnr", "held", "radial") for way in WAYS), CURVE),
        "fit_names": LABELS,
    }
