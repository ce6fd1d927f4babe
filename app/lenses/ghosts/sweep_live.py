"""The reader's own sweep, found step by step and kept: network, direction and temperature of the request."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import torch

from anisoscope.engine.ghosts import apply_temperature, convergence_radius, onset, smallest_exact, step_sweep

from ...request import Request
from .probe import Probe
from .state import source_of
from .sweep_shipped import RATIOS

PART = 240
"""Samples of one forward pass between two places to cancel: at most some 7 ms."""

COARSE = 4
"""Every how many of the steps are looked at first."""


@dataclass(eq=False)
class Sweep:
    """What is known of one network along one direction; filled while it is looked at.

    radii: of the training set at T by kind, empty before they are found. rows: accuracy, loss and share of flips by
    place in `RATIOS`. start: the same at τ = 0, None before.
    """

    source: Probe
    temperature: float
    radii: dict[str, float] = field(default_factory=dict)
    rows: dict[int, tuple[float, float, float]] = field(default_factory=dict)
    start: tuple[float, float, float] | None = None

    @property
    def flat(self) -> bool:
        """All slopes agree: no step has a length in units of a radius."""
        return math.isinf(self.radii.get("bound", 1.0))

    def curve(self, quantity: str) -> tuple[np.ndarray, np.ndarray]:
        """Steps τ, and what is kept of the accuracy, the loss over its start, or the share of flips.

        Not a number where the start is 0: nothing can be measured by it.
        """
        rows = dict(self.rows)
        places = np.array(sorted(rows), dtype=int)
        if self.start is None or not len(places):
            return np.zeros(0), np.zeros(0)
        column = ("kept", "loss", "flipped").index(quantity)
        values = np.array([rows[place][column] for place in places])
        start = 1.0 if quantity == "flipped" else self.start[column]
        return RATIOS[places] * self.radii["bound"], values / start if start else np.full(
            len(values), math.nan
        )

    @property
    def onset(self) -> float:
        """Where the accuracy breaks, as a step τ; +inf where it has not yet been seen to, NaN where there was none."""
        steps, kept = self.curve("kept")
        if np.isnan(kept).any():
            return math.nan
        return onset(torch.from_numpy(steps), torch.from_numpy(kept)) if len(steps) else math.inf


def sweep_of(request: Request) -> Sweep | None:
    """The sweep a request asks for, as far as it is known; None in the sandbox, where there is no network."""
    source = source_of(request)
    return None if source is None else _sweep(source, float(request["temperature"]))


@lru_cache(maxsize=16)
def _sweep(source: Probe, temperature: float) -> Sweep:
    return Sweep(source, temperature)


def find_radii(sweep: Sweep) -> Iterator[None]:
    """The three radii of the training set; the exact one last and a few samples at a time."""
    if sweep.radii:
        return
    z, a = apply_temperature(sweep.source.z, sweep.source.a, sweep.temperature)
    bounds, margins = (convergence_radius(z, a, kind=kind) for kind in ("bound", "margin"))
    yield None
    exact = math.inf
    for smallest in smallest_exact(z, a, margins):
        exact = smallest
        yield None
    sweep.radii.update(bound=float(bounds.min()), margin=float(margins.min()), exact=exact)


def find_rows(sweep: Sweep, every: int) -> Iterator[None]:
    """Every so many of the steps, with a place to cancel after each part of the samples."""
    if sweep.start is None:
        sweep.start = yield from _row(sweep, 0.0)
    for place in range(0, len(RATIOS), every):
        if place not in sweep.rows:
            sweep.rows[place] = yield from _row(sweep, float(RATIOS[place]) * sweep.radii["bound"])


def _row(sweep: Sweep, step: float) -> Generator[None, None, tuple[float, float, float]]:
    """Means over all samples at one step: accuracy, loss, share of flips."""
    source, sums = sweep.source, np.zeros(3)
    count = len(source.labels)
    for begin in range(0, count, PART):
        part = slice(begin, begin + PART)
        found = step_sweep(
            source.model(),
            source.images[part],
            source.labels[part],
            source.direction,
            [step],
            sweep.temperature,
            source.z[part],
        )
        sums += np.array([float(values[0]) for values in found]) * len(source.labels[part])
        yield None
    accuracy, loss, flipped = (sums / count).tolist()
    return accuracy, loss, flipped
