"""Tables of the scatter: every pair's correlation against its angle, the even sky, and measured points."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from anisoscope.engine.overlap import cosmic_variance, hellings_downs

from ...frame import Columns
from ...request import Request
from .array_state import ArrayState
from .real_data import points
from .skies import Sky

BINS = 18
MOST_DOTS = 12_000
"""More pairs than this are thinned evenly: a browser draws so many dots at the speed of a hand."""


def scatter(request: Request, array: ArrayState, sky: Sky, gamma: Tensor, pair: int) -> dict[str, Columns]:
    """Dots coloured by the mean power where the two pulsars are; means in bins; the selected pair."""
    degrees = array.zeta.rad2deg().cpu().numpy()
    values = gamma.cpu().numpy()
    at_pulsars = sky.power(array.directions)
    behind = (0.5 * (at_pulsars[array.first] + at_pulsars[array.second])).cpu().numpy()
    shade = np.clip(255 * behind / max(float(behind.max()), 1e-12), 0, 255)
    order = np.argsort(shade, kind="stable")
    order = order[:: 1 + (len(order) - 1) // MOST_DOTS]
    mean, middle = _binned(degrees, values)
    return {
        "pairs": {
            "x": degrees[order],
            "y": values[order],
            "color": shade[order].astype(np.uint8),
        },
        "pair_index": {"a": array.first.cpu().numpy()[order], "b": array.second.cpu().numpy()[order]},
        "means": {"x": middle, "y": mean},
        "selected_pair": {"x": degrees[[pair]], "y": values[[pair]]},
        **_even_sky(),
        **points(request["data"])[0],
    }


def _binned(degrees: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    edges = np.linspace(0, 180, BINS + 1)
    counts, _ = np.histogram(degrees, edges)
    sums, _ = np.histogram(degrees, edges, weights=values)
    full = counts > 0
    return sums[full] / counts[full], ((edges[:-1] + edges[1:]) / 2)[full]


@lru_cache(maxsize=1)
def _even_sky() -> dict[str, Columns]:
    """The Hellings–Downs curve and one standard deviation of cosmic variance around it (one real amplitude)."""
    degrees = np.linspace(0, 180, 241)
    zeta = torch.from_numpy(np.radians(degrees))
    curve, spread = hellings_downs(zeta).numpy(), cosmic_variance(zeta).sqrt().numpy()
    return {
        "hellings_downs": {"x": degrees, "y": curve},
        "cosmic_variance": {"x": degrees, "y": curve + spread, "y2": curve - spread},
        "hellings_downs_name": {"x": np.array([178.0]), "y": np.array([0.36]), "text": ["Hellings–Downs"]},
    }
