"""The overlap functions on one core, each beside the least arithmetic it needs and the pixel sum it replaces.

Floors come from a matrix product's FLOP/s measured in the same run. The pixel basis at NSIDE 32 is the peers'
algorithm, blocked to stay in cache, in the same library; `enterprise` itself runs where it is installed.
"""

from __future__ import annotations

import importlib
import importlib.util
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from anisoscope.engine.overlap.harmonics import real_harmonics
from anisoscope.engine.overlap.healpix import pixel_directions
from anisoscope.engine.overlap.pair_frame import gamma_lm
from anisoscope.engine.overlap.pixel_map import (
    antenna_patterns,
    overlap_from_map,
    overlap_from_point_sources,
)
from anisoscope.engine.overlap.sky_frame import overlap_from_coefficients, overlap_harmonics

from .resident import most_resident
from .timing import least_seconds, torch_threads

PULSARS, MANY, STREAMED, L_MAX, NSIDE = 67, 500, 5000, 6, 32
# Terms of the pair table: 35 far, or 9 + 9 near
TERMS = 35


def rows() -> Iterator[dict[str, Any]]:
    """All rows, on one thread, whatever the process had before."""
    with torch_threads(1):
        with torch.no_grad():
            flops = _flops()
            yield from _harmonics(flops)
            yield from _maps(flops)
        yield from _gradient()


def _harmonics(flops: float) -> Iterator[dict[str, Any]]:
    array, many = _directions(PULSARS), _directions(MANY)
    pairs, most = PULSARS * (PULSARS - 1) // 2, MANY * (MANY - 1) // 2
    name = f"all Γ_lm, {pairs} pairs × {(L_MAX + 1) ** 2}"
    yield _row(name, lambda: overlap_harmonics(array, L_MAX), _work(pairs, L_MAX) / flops)
    pixels = 12 * NSIDE**2
    product = 2 * pairs * pixels * (L_MAX + 1) ** 2 / flops
    yield _row(
        f"the same as a pixel sum, NSIDE {NSIDE}", lambda: pixel_basis(array, L_MAX, NSIDE), product, name
    )
    if importlib.util.find_spec("enterprise") is not None:
        peer = importlib.import_module("enterprise.signals.anis_coefficients")
        places = torch.stack([torch.atan2(array[:, 1], array[:, 0]), array[:, 2].acos()], 1).numpy()
        yield _row(
            f"enterprise anis_basis, NSIDE {NSIDE}",
            lambda: peer.anis_basis(places, L_MAX, NSIDE),
            product,
            name,
        )
    yield _row(
        f"all Γ_lm, {pairs} pairs × 121", lambda: overlap_harmonics(array, 10), _work(pairs, 10) / flops
    )
    yield _row(
        f"all Γ_lm, {most} pairs × 49", lambda: overlap_harmonics(many, L_MAX), _work(most, L_MAX) / flops
    )
    sky = torch.randn((L_MAX + 1) ** 2, dtype=torch.float64)
    contracted = 2 * most * TERMS * (2 * L_MAX + 1) / flops
    yield _row(
        f"one sky, {most} pairs, Γ_lm never held", lambda: overlap_from_coefficients(many, sky), contracted
    )
    more = most_resident(lambda: overlap_harmonics(many, L_MAX))
    yield {"name": f"memory, {most} pairs × 49", "value": more, "unit": "MB", "floor": 8e-6 * most * 49}
    yield from _streamed(sky, flops)
    zeta = torch.linspace(0, 3.14159, 361, dtype=torch.float64)
    yield _row("Γ_lm(ζ) curves, 361 × 49", lambda: gamma_lm(zeta, L_MAX), 2 * 361 * TERMS * 49 / flops)


def _streamed(sky: Tensor, flops: float) -> Iterator[dict[str, Any]]:
    """One call, for it takes seconds; the floor of the memory is the correlations that come back."""
    array = _directions(STREAMED)
    pairs = STREAMED * (STREAMED - 1) // 2
    seconds: list[float] = []

    def call() -> Tensor:
        started = time.perf_counter()
        found = overlap_from_coefficients(array, sky)
        seconds.append(time.perf_counter() - started)
        return found

    more = most_resident(call)
    work = 2 * pairs * TERMS * (2 * L_MAX + 1) / flops
    name = f"one sky, {pairs} pairs, Γ_lm never held"
    yield {"name": name, "value": 1e3 * seconds[0], "unit": "ms", "floor": 1e3 * work}
    yield {"name": f"memory, {name}", "value": more, "unit": "MB", "floor": 8e-6 * pairs}


def _maps(flops: float) -> Iterator[dict[str, Any]]:
    array = _directions(PULSARS)
    for nside in (16, NSIDE):
        sky = torch.rand(12 * nside**2, dtype=torch.float64)
        # patterns: three products with 3-vectors; then two of pulsars × pixels with pulsars
        work = len(sky) * (3 * 6 * PULSARS + 4 * PULSARS**2) / flops
        yield _row(f"all pairs under a map, NSIDE {nside}", lambda s=sky: overlap_from_map(array, s), work)
    source = _directions(1)
    yield _row(
        "all pairs under a point source",
        lambda: overlap_from_point_sources(array, source),
        4 * PULSARS**2 / flops,
    )


def _gradient() -> Iterator[dict[str, Any]]:
    array = _directions(PULSARS).requires_grad_()
    sky = torch.randn((L_MAX + 1) ** 2, dtype=torch.float64)
    name = "one sky, 2211 pairs"
    yield _row(name, lambda: overlap_from_coefficients(array.detach(), sky))
    yield _row(
        "its gradient in all positions",
        lambda: torch.autograd.grad(overlap_from_coefficients(array, sky).sum(), array),
        ratio_to=name,
    )


def pixel_basis(directions: Tensor, l_max: int, nside: int) -> Tensor:
    """Γ_lm by a sum over pixels, one first pulsar at a time: exact only as NSIDE⁻²."""
    points = pixel_directions(nside)
    harmonics = real_harmonics(points, l_max) * (1.5 / len(points))
    plus, cross = antenna_patterns(directions, points)
    return torch.cat(
        [
            (plus[a] * plus[a + 1 :] + cross[a] * cross[a + 1 :]) @ harmonics
            for a in range(len(directions) - 1)
        ]
    )


def _work(pairs: int, l_max: int) -> float:
    """Flops of the table's product and of the turn to the sky, degree by degree."""
    functions = (l_max + 1) * (l_max + 2) // 2
    turns = sum((2 * l + 1) ** 2 for l in range(l_max + 1))
    return 2 * pairs * (TERMS * functions + turns)


def _row(
    name: str, call: Callable[[], object], floor: float | None = None, ratio_to: str | None = None
) -> dict[str, Any]:
    row: dict[str, Any] = {"name": name, "value": 1e3 * least_seconds(call), "unit": "ms"}
    if floor is not None:
        row["floor"] = 1e3 * floor
    if ratio_to is not None:
        row["ratio_to"] = ratio_to
    return row


def _flops() -> float:
    """Multiply-adds of float64 this core does in a second."""
    square = torch.randn(512, 512, dtype=torch.float64)
    return 2 * 512**3 / least_seconds(lambda: square @ square)


def _directions(count: int) -> Tensor:
    return torch.randn(count, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(count))
