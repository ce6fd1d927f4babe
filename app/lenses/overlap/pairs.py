"""Tables of the scatter: every pair's correlation against its angle, the even sky, and measured points."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from anisoscope.engine.overlap import cosmic_variance, hellings_downs

from ...frame import Columns
from ...request import Request
from .array_state import ArrayState
from .real_data import points

BINS = 18
MOST_DOTS = 12_000
"""More pairs than this are thinned evenly: a browser draws so many dots at the speed of a hand."""


def scatter(
    request: Request, array: ArrayState, at_pulsars: Tensor, gamma: Tensor, pair: int
) -> dict[str, Columns]:
    """Dots coloured by the mean power where the two pulsars are; means in bins; the selected pair."""
    places = _places(array)
    degrees, values, power = places.degrees, gamma.cpu().numpy(), at_pulsars.numpy()
    behind = 0.5 * (power[places.first] + power[places.second])
    shade = np.clip(255 * behind / max(float(behind.max()), 1e-12), 0, 255)
    order = np.argsort(shade, kind="stable")
    order = order[:: 1 + (len(order) - 1) // MOST_DOTS]
    sums = np.bincount(places.bins, values, BINS)[places.full]
    return {
        "pairs": {
            "x": degrees[order],
            "y": values[order],
            "color": shade[order].astype(np.uint8),
        },
        "pair_index": {"a": places.first[order], "b": places.second[order]},
        "means": {"x": places.middles[places.full], "y": sums / places.counts[places.full]},
        "selected_pair": {"x": degrees[[pair]], "y": values[[pair]]},
        **_even_sky(),
        **points(request["data"])[0],
    }


class _Places(NamedTuple):
    """The pairs of an array: angle, pulsars and bin of each; pairs and middle of each bin, and which has any."""

    degrees: np.ndarray
    first: np.ndarray
    second: np.ndarray
    bins: np.ndarray
    counts: np.ndarray
    middles: np.ndarray
    full: np.ndarray


@lru_cache(maxsize=4)
def _places(array: ArrayState) -> _Places:
    degrees = array.zeta.rad2deg().cpu().numpy()
    bins = np.minimum((degrees * (BINS / 180)).astype(np.int64), BINS - 1)
    counts = np.bincount(bins, minlength=BINS)
    middles = (np.arange(BINS) + 0.5) * (180 / BINS)
    return _Places(
        degrees, array.first.cpu().numpy(), array.second.cpu().numpy(), bins, counts, middles, counts > 0
    )


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
