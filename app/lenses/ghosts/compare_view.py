"""Which scale says when a step breaks the network: radii, divergence, curvature and Polyak's step on one axis of τ."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from ...frame import Columns, Frame, Idle
from ...request import Request
from .compare_figures import ROLES, SCALES, figures, written
from .compare_hand import readouts
from .compare_words import captions, claims, table
from .sweep_shipped import RATIOS as SWEPT

if TYPE_CHECKING:
    from .compare_live import Compared

__all__ = ["claims", "figures", "frames", "readouts", "table"]

FLOOR = 1e-6
LAST = 5
"""Frames of a request in which everything is still to be found."""


def frames(request: Request) -> Iterator[Frame | Idle | None]:
    """Radii and divergence first, then the loss coarse and fine, curvature, and the sharpness as it settles."""
    from .compare_live import compared, find_along, find_divergence, find_largest
    from .sweep_live import COARSE, find_radii, find_rows

    known = compared(request)
    if known is None:
        yield Frame({}, {}, (LAST, LAST), ("the sandbox has no weights to move",))
        return
    yield from find_radii(known.sweep)
    if known.sweep.flat:
        yield Frame({}, {}, (LAST, LAST), ("all slopes agree: no radius, and no step in units of one",))
        return
    yield from find_divergence(known)
    yield _frame(known, (1, LAST))
    yield from find_rows(known.sweep, COARSE)
    yield _frame(known, (2, LAST))
    yield from find_along(known)
    yield _frame(known, (3, LAST))
    yield from find_rows(known.sweep, 1)
    yield _frame(known, (4, LAST))
    yield from find_largest(known)
    yield _frame(known, (LAST, LAST))


def _frame(known: Compared, stage: tuple[int, int]) -> Frame:
    facts = _facts(known)
    found: dict[str, Columns] = {
        **_curves(known, facts),
        **_ladder(facts),
        **_divergence(known),
        "compare_unit": {"bound": np.array([known.sweep.radii["bound"]])},
        "compare_captions": captions(facts),
    }
    return Frame(found, facts, stage)


def _facts(known: Compared) -> dict[str, Any]:
    """Every scale as a length; those that are not known yet, or that the network does not have, are left out."""
    radii, along = known.sweep.radii, known.along
    found = {kind: radii[kind] for kind in ("bound", "margin", "exact")}
    if known.region is not None:
        found["region"] = known.region
    if len(known.sweep.rows) == len(SWEPT):
        found |= {"onset": known.sweep.onset, "doubling": known.doubling}
    if along is not None:
        rate = 2 / along.curvature if along.curvature > 0 else math.inf
        found |= {"quadratic": along.quadratic_step, "polyak": along.polyak_step, "rate": rate}
        if known.largest is not None:
            found["sharpness"] = along.sharpness_step(known.largest)
    facts: dict[str, Any] = {
        f"compare_{name}": value for name, value in found.items() if math.isfinite(value)
    }
    if known.largest is not None:
        facts |= {"compare_eigenvalue": known.largest, "compare_products": known.products}
    low = math.log10(radii["bound"] * SWEPT[0])
    return {**facts, "compare_ends": (low, low + math.log10(SWEPT[-1] / SWEPT[0]))}


def _curves(known: Compared, facts: dict[str, Any]) -> dict[str, Columns]:
    """The loss over its start, and what the quadratic model says of it where that is above 0."""
    steps, loss = known.sweep.curve("loss")
    found: dict[str, Columns] = {
        "compare_loss": {"x": np.log10(steps), "y": np.log10(np.maximum(loss, FLOOR))},
        "compare_quadratic": {"x": np.zeros(0), "y": np.zeros(0)},
        "compare_onset": {"x": np.log10([facts["compare_onset"]] if "compare_onset" in facts else [])},
        "compare_level": {"y": np.zeros(1)},
    }
    along = known.along
    if along is not None and along.loss > 0:
        taus = SWEPT * known.sweep.radii["bound"]
        model = 1 + (along.slope * taus + along.curvature * taus**2 / 2) / along.loss
        # Up to where it leaves the positive numbers: beyond, a logarithm has no place for it.
        end = int(np.argmax(model <= 0)) if (model <= 0).any() else len(model)
        found["compare_quadratic"] = {"x": np.log10(taus[:end]), "y": np.log10(model[:end])}
    return found


def _ladder(facts: dict[str, Any]) -> dict[str, Columns]:
    """A mark for each scale in its row, and beside it how far it lies from the break."""
    low, high = facts["compare_ends"]
    top, broken = len(SCALES) - 1, facts.get("compare_onset")
    marks: dict[str, list[tuple[float, float]]] = {role: [] for role in ROLES}
    beside: list[tuple[float, float, str]] = []
    for k, scale in enumerate(SCALES):
        length = facts.get(f"compare_{scale.fact}")
        if length is None or not low <= math.log10(length) <= high:
            continue
        place = (math.log10(length), float(top - k))
        marks[scale.role].append(place)
        if broken is not None and scale.fact != "onset":
            beside.append((*place, written(length / broken)))
    found: dict[str, Columns] = {
        f"compare_{role}": {"x": np.array([x for x, _ in row]), "y": np.array([y for _, y in row])}
        for role, row in marks.items()
    }
    found["compare_beside"] = {
        "x": np.array([x for x, _, _ in beside]),
        "y": np.array([y for _, y, _ in beside]),
        "text": [text for _, _, text in beside],
    }
    # Names stand inside the frame: beside it they would push it out of line with the loss above.
    heights = top - np.arange(len(SCALES), dtype=float)
    names = {"x": np.full(len(SCALES), low), "y": heights, "text": [scale.name for scale in SCALES]}
    return {**found, "compare_rows": {"y": heights}, "compare_names": names}


def _divergence(known: Compared) -> dict[str, Columns]:
    """log₁₀ of the divergences against log₁₀ r, those that float64 can tell from 0."""
    from .compare_live import RATIOS

    assert known.divergence is not None
    worst, reverse, mean, _ = known.divergence
    x = np.log10(RATIOS)
    curves = {"kl": worst, "kl_reverse": reverse, "kl_mean": mean, "kl_bound": (math.pi * RATIOS) ** 2 / 8}
    found: dict[str, Columns] = {
        f"compare_{name}": {"x": x[values > 0], "y": np.log10(values[values > 0])}
        for name, values in curves.items()
    }
    return {**found, "compare_one": {"x": np.zeros(1)}}
