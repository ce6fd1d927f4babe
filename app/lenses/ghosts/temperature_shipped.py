"""Curves of networks trained at six temperatures, as `temperature_tables.py` has written them, and how far they spread."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np

from .sweep_shipped import AXES, RATIOS, shipped, spread_in_decades

ASSET = resources.files("anisoscope.assets") / "ghosts" / "temperature.npz"


@dataclass(frozen=True, eq=False)
class Trained:
    """kept: (seeds, temperatures, ratios) accuracy over its start. radii: (seeds, temperatures, 3), as in `AXES`."""

    kept: np.ndarray
    radii: np.ndarray

    def unit(self, axis: str) -> np.ndarray:
        """(seeds, temperatures) length of the unit of an axis: 1 for "tau", or the radius of this kind."""
        return np.ones(self.radii.shape[:2]) if axis == "tau" else self.radii[:, :, AXES.index(axis)]

    def places(self, axis: str) -> np.ndarray:
        """(seeds, temperatures, ratios) log₁₀ of the steps in the unit of an axis."""
        return np.log10(RATIOS * (self.radii[:, :, :1] / self.unit(axis)[..., None]))


@cache
def trained() -> Trained:
    """Read once; shared, so not to be written to."""
    with ASSET.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
        return Trained(**{name: arrays[name].astype(float) for name in Trained.__dataclass_fields__})


def spread(onsets: np.ndarray, units: np.ndarray) -> float:
    """Standard deviation over temperatures of log₁₀ onset in a unit, in decades; the mean over the rows."""
    return float(np.mean([spread_in_decades(row) for row in onsets / units]))


def trained_spread(axis: str, quantity: str = "onset") -> float:
    """Of the networks trained at each T: of the break of accuracy ("onset"), or of the loss's first doubling ("double")."""
    table = shipped()
    onsets = table.trained_onset if quantity == "onset" else table.trained_double
    return spread(onsets, trained().unit(axis))


def tempered_spread(axis: str) -> float:
    """Of the six networks at other T after their training, in τ ("tau") or in units of the bound ("bound")."""
    table = shipped()
    units = np.ones_like(table.tempered_bound) if axis == "tau" else table.tempered_bound
    return spread(table.tempered_onset, units)
