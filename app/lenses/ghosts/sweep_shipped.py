"""The sweeps that the lens ships, as `sweep_tables.py` has written them: numbers alone, no network is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np

ASSET = resources.files("anisoscope.assets") / "ghosts" / "sweep.npz"

NETWORKS = ("linear", "mlp", "cnn", "mlp_layernorm", "cnn_batchnorm", "transformer")
SEEDS = (0, 1, 2, 3)
DIRECTIONS = (("-gradient", 0), ("+gradient", 0), *(("random", seed) for seed in SEEDS))
"""Kind and seed; the seed counts where the direction is random."""

TEMPERATURES = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
TRAINED_SEEDS = 3
RATIOS = np.sort(np.append(np.logspace(-2, 2, 41), 0.99))
"""Steps in units of the bound of all training samples: ten in a decade, and the last one before r = 1."""

INSIDE = int(np.searchsorted(RATIOS, 0.995))
"""How many of them are at most 0.99."""

KEPT = 0.9
"""The engine's share of the accuracy below which a network counts as broken, written here too: no torch is imported."""

NAMES = {
    "linear": "Linear",
    "mlp": "MLP",
    "cnn": "CNN",
    "mlp_layernorm": "MLP + LN",
    "cnn_batchnorm": "CNN + BN",
    "transformer": "Transformer",
}
AXES = ("bound", "margin", "exact")


@dataclass(frozen=True, eq=False)
class Shipped:
    """Every array is over networks first; float64.

    kept, loss, flipped: (networks, directions, ratios) accuracy and loss over their start, share of flips.
    radii: (networks, directions, 3) of the training set at T = 1, in the order of `AXES`.
    onset: (networks, directions) as a step τ.
    tempered_onset, tempered_bound: (networks, temperatures) along −∇ of the loss at T.
    trained_onset, trained_double, trained_bound: (seeds, temperatures) for an MLP trained at each T; where its accuracy
    breaks, and where its loss has doubled.
    """

    kept: np.ndarray
    loss: np.ndarray
    flipped: np.ndarray
    radii: np.ndarray
    onset: np.ndarray
    tempered_onset: np.ndarray
    tempered_bound: np.ndarray
    trained_onset: np.ndarray
    trained_double: np.ndarray
    trained_bound: np.ndarray

    def steps(self, network: int, direction: int) -> np.ndarray:
        """The steps τ of a curve."""
        return RATIOS * self.radii[network, direction, 0]

    def onsets(self, axis: str) -> np.ndarray:
        """(networks, directions) onsets in the unit of an axis: "tau", or one of `AXES`."""
        return self.onset if axis == "tau" else self.onset / self.radii[:, :, AXES.index(axis)]


@cache
def shipped() -> Shipped:
    """Read once; shared, so not to be written to."""
    with ASSET.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
        return Shipped(**{name: arrays[name].astype(float) for name in Shipped.__dataclass_fields__})


def direction_of(kind: str, seed: int) -> int:
    """The shipped direction nearest to one asked for: its own kind and seed where there is one, else descent."""
    if kind == "random":
        return DIRECTIONS.index((kind, seed if seed in SEEDS else SEEDS[0]))
    return DIRECTIONS.index((kind, 0)) if (kind, 0) in DIRECTIONS else 0


def spread_in_decades(values: np.ndarray) -> float:
    """Standard deviation of log₁₀ over all entries: the engine's `onset_spread`, which would import torch."""
    return float(np.log10(values).std())
