"""What is known of one sample's true zeros, filled while it is looked at: singularities, layers, picture, other samples."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch

from anisoscope.engine.ghosts import (
    LayerRadii,
    NoContinuation,
    TrueRadius,
    apply_temperature,
    convergence_radius,
    exact_radius,
    layer_radii,
    mirror_index,
    phase_index,
    true_partition,
    true_radius_in_parts,
    true_zeros,
    turning_cells,
)

from .plane import HEIGHT_SHARE
from .probe import PART, Probe, bound_of_all

SAMPLES = 16
"""Of the training set, evenly spread by index, of which the true radius is found beside the chosen one."""

WINDOWS = (1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0, 48.0)
"""Half widths of the plane, in units of the sample's bound."""

_BAND = 4
_STEEP = 2.0**30
_LOWEST = -60.0


class Picture(NamedTuple):
    """F_true over the plane: colours, how many columns it was made with, and the zeros that are seen in it, in units."""

    image: np.ndarray
    columns: int
    zeros: tuple[complex, ...]


@dataclass(eq=False)
class Beyond:
    """One sample of a network along a direction.

    index: its place in the training set. unit: its bound ρ_a at T, as a step; lengths below are in this unit.
    z, a: logits over T and slopes per unit. ghost, exact: of the linearised logits. layers: of this sample.
    all_layers: of the training set; empty before. true: None before, or where `refusal` says why there is none.
    picture: the finest so far; None before, and where there is a refusal.
    """

    source: Probe
    index: int
    temperature: float
    unit: float
    z: torch.Tensor
    a: torch.Tensor
    ghost: complex
    exact: float
    layers: tuple[LayerRadii, ...]
    all_layers: tuple[LayerRadii, ...] = ()
    true: TrueRadius | None = None
    refusal: NoContinuation | None = None
    picture: Picture | None = None

    @property
    def flat(self) -> bool:
        """Nothing moves this sample: there is no length to measure by."""
        return not math.isfinite(self.unit)

    @property
    def singularity(self) -> complex:
        """The nearest found of the true network, in units; NaN before, and where there is none."""
        return self.true.singularity / self.unit if self.true else complex(math.nan, math.nan)

    @property
    def window(self) -> float:
        """The smallest of `WINDOWS` that shows the ghost and the true singularity."""
        places = [p for p in (self.ghost, self.singularity) if math.isfinite(p.real)]
        reach = max([1.0, *(max(abs(p.real), 2.3 * abs(p.imag)) for p in places)])
        return next((w for w in WINDOWS if w >= 1.1 * reach), WINDOWS[-1])


@lru_cache(maxsize=16)
def beyond(source: Probe, sample: int, temperature: float) -> Beyond:
    """The sample as far as it is known; −1 is the one of the smallest bound."""
    index = int(bound_of_all(source, 1.0).argmin()) if sample == -1 else sample
    z, a = apply_temperature(source.z[index], source.a[index], temperature)
    unit = float(convergence_radius(z, a))
    moved = a * (unit if math.isfinite(unit) else 1.0)
    found = exact_radius(z, moved)
    inputs = source.images[index : index + 1]
    layers = layer_radii(source.model(), inputs, source.direction)
    ghost = complex(found.ghost.item())
    return Beyond(source, index, temperature, unit, z, moved, ghost, found.radius.item(), layers)


@dataclass(eq=False)
class Others:
    """True radii of the training samples that have been looked at, by index."""

    found: dict[int, TrueRadius] = field(default_factory=dict)

    @staticmethod
    def wanted(count: int) -> list[int]:
        return [int(k) for k in np.linspace(0, count - 1, SAMPLES).round()]


@lru_cache(maxsize=16)
def others(source: Probe, temperature: float) -> Others:
    return Others()


def find_true(one: Beyond) -> Iterator[None]:
    """The nearest singularity, or the reason why there is none to find."""
    if one.true is not None or one.refusal is not None:
        return
    known = others(one.source, one.temperature).found
    try:
        if one.index not in known:
            known[one.index] = yield from _radius(one.source, one.index, one.temperature)
        one.true = known[one.index]
    except NoContinuation as refusal:
        one.refusal = refusal


def find_others(one: Beyond) -> Iterator[int]:
    """The other samples, one after the other; yields how many are known after each part."""
    known = others(one.source, one.temperature).found
    for index in Others.wanted(len(one.source.labels)):
        if index in known:
            continue
        parts = _radius(one.source, index, one.temperature)
        while True:
            try:
                next(parts)
                yield len(known)
            except StopIteration as end:
                known[index] = end.value
                break
        yield len(known)


def _radius(source: Probe, index: int, temperature: float) -> Generator[None, None, TrueRadius]:
    inputs = source.images[index : index + 1]
    return (yield from true_radius_in_parts(source.model(), inputs, source.direction, temperature))


def find_layers(one: Beyond) -> Iterator[None]:
    """Radii of every layer on the whole training set."""
    if one.all_layers:
        return
    parts = []
    for images in one.source.images.split(PART):
        parts.append(layer_radii(one.source.model(), images, one.source.direction))
        yield None
    columns = ("radii", "steps", "kink_distance")
    one.all_layers = tuple(
        same[0]._replace(**{name: torch.cat([getattr(layer, name) for layer in same]) for name in columns})
        for same in zip(*parts, strict=True)
    )


def find_picture(one: Beyond, columns: int) -> Iterator[None]:
    """F_true over the plane: colour, and its zeros from the cells around which the phase turns."""
    if _is_as_fine(one, columns):
        return
    window, rows = one.window, columns // 4
    re = (torch.arange(columns, dtype=torch.float64) + 0.5) * (2 * window / columns) - window
    im = (torch.arange(rows, dtype=torch.float64) + 0.5) * (HEIGHT_SHARE * window / rows)
    inputs, model, along = (
        one.source.images[one.index : one.index + 1],
        one.source.model(),
        one.source.direction,
    )
    bands = []
    for heights in torch.cat((im.new_zeros(1), im)).split(_BAND):
        t = torch.complex(re.expand(len(heights), -1), heights[:, None].expand(-1, columns))
        bands.append(true_partition(model, inputs, along, t * one.unit, one.temperature))
        yield None
    logs = torch.cat(bands)
    # Over its value on the real line below, as in the plane of one step; |F| may be larger than there.
    ratio = logs[1:] - logs[:1].real
    size = ratio.real.nan_to_num(nan=_LOWEST).clamp(_LOWEST, math.log(_STEEP)).exp()
    value = torch.polar(size, ratio.imag.nan_to_num(nan=0.0, posinf=0.0, neginf=0.0))
    upper = phase_index(value.real, value.imag)
    image = torch.cat([mirror_index(upper).flip(0), upper]).cpu().numpy()
    cells = turning_cells(ratio.imag)
    starts = torch.complex(re[cells[:, 1]], im[cells[:, 0]]) * one.unit
    yield None
    zeros = true_zeros(model, inputs, along, starts[starts.abs().argsort()][:64], one.unit, one.temperature)
    # Whole or not at all: a request that is cancelled here leaves none, one that is slower than another not its own.
    if not _is_as_fine(one, columns):
        one.picture = Picture(image, columns, tuple((zeros / one.unit).tolist()))


def _is_as_fine(one: Beyond, columns: int) -> bool:
    return one.picture is not None and one.picture.columns >= columns
