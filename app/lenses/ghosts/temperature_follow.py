"""One sample at all temperatures: the ways of its ghosts and its radii, found in parts and kept."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from anisoscope.engine.ghosts import (
    GhostPaths,
    flip_distance,
    flip_points,
    ghost_paths_in_parts,
    ghosts_at,
    radii_over_temperature,
)

from ...request import Request
from .extents import COLDEST, HOTTEST
from .probe import Probe
from .state import Subject

TEMPERATURES = torch.logspace(math.log10(COLDEST), math.log10(HOTTEST), 61, dtype=torch.float64)
# Rounding must not leave an end of the parameter outside.
TEMPERATURES[0], TEMPERATURES[-1] = COLDEST, HOTTEST
_PART = 4


@dataclass(eq=False)
class Followed:
    """All in picture units: one is the sample's bound at T = 1.

    Attributes:
        z, a: (classes,) logits and slopes at T = 1.
        flips: where on the real line the prediction changes.
        flip: distance of the nearest of them, +inf where there is none.
        radii: bound, margin bound and exact radius, each (temperatures,); None before they are found.
        paths: the ways of the ghosts; None before they are found.
    """

    z: Tensor
    a: Tensor
    flips: np.ndarray
    flip: float
    radii: dict[str, np.ndarray] | None = None
    paths: GhostPaths | None = None
    _rows: dict[int, tuple[Tensor, ...]] = field(default_factory=dict)

    @property
    def flat(self) -> bool:
        """All slopes agree: no ghost moves."""
        return bool(self.a.amax() == self.a.amin())

    def find(self) -> Iterator[None]:
        """Radii first, then the ways of the ghosts; a place to cancel after every few milliseconds."""
        if self.flat:
            return
        if self.radii is None:
            parts = TEMPERATURES.split(_PART)
            # What another request has found stays: one that was cancelled, or goes on in turn with this one.
            for number, part in enumerate(parts):
                if number not in self._rows:
                    found = radii_over_temperature(self.z, self.a, part)
                    self._rows[number] = found.bound, found.margin, found.exact
                    yield None
            rows = [self._rows[number] for number in range(len(parts))]
            columns = (torch.cat(column).numpy() for column in zip(*rows, strict=True))
            self.radii = dict(zip(("bound", "margin", "exact"), columns, strict=True))
        if self.paths is None:
            self.paths = yield from ghost_paths_in_parts(self.z, self.a, TEMPERATURES)

    def ghosts_at(self, temperature: float) -> np.ndarray:
        """The followed ghosts at one temperature, upper half plane."""
        if self.paths is None:
            return np.zeros(0, dtype=complex)
        return ghosts_at(self.z, self.a, self.paths, temperature).numpy()


def followed(one: Subject, request: Request) -> Followed:
    """What is known of the sample of a request; the same object for every temperature."""
    if one.source is not None:
        return _of_sample(one.source, one.index, one.unit)
    count = request["classes"]
    return _of_bars(tuple(request["logits"][:count]), tuple(request["slopes"][:count]), one.unit)


@lru_cache(maxsize=32)
def _of_sample(source: Probe, index: int, unit: float) -> Followed:
    return _made(source.z[index].cpu(), source.a[index].cpu() * unit)


@lru_cache(maxsize=32)
def _of_bars(logits: tuple[float, ...], slopes: tuple[float, ...], unit: float) -> Followed:
    return _made(torch.tensor(logits, dtype=torch.float64), torch.tensor(slopes, dtype=torch.float64) * unit)


def _made(z: Tensor, a: Tensor) -> Followed:
    return Followed(z, a, flip_points(z, a).numpy(), float(flip_distance(z, a)))
