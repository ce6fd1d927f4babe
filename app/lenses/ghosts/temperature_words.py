"""Words of the temperature: numbers of the sample, how far curves spread in which unit, and claims with our numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ...control import Claim, Readout, Table
from ...frame import Columns, Frame
from ...numbers import shown
from ...request import Request
from .sweep_shipped import TEMPERATURES, shipped, spread_in_decades
from .sweep_words import ESTIMATOR, after_the_fact, trained_at_each
from .temperature_figures import PAPER
from .temperature_shipped import tempered_spread, trained_spread

SOURCE = "Sao 2026"


def captions(facts: Mapping[str, Any]) -> Columns:
    """Rows of numbers beside those of the sample: spreads in τ and in r, ours and the paper's."""
    rows = [
        ("spread over T", "in τ", "in τ / ρₐ", "ink2"),
        (
            "trained at each T",
            _two(facts["temperature_trained_tau"]),
            _two(facts["temperature_trained_bound"]),
            "ink",
        ),
        ("the paper, Fig. 9", f"{PAPER['tau']}", f"{PAPER['bound']}", "ink"),
    ]
    if "temperature_own" in facts:
        rows.append(("your network, cooled", "0", _two(facts["temperature_own"]), "blue"))
    names = ("label", "value", "beside", "role")
    return dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))


def readouts(request: Request, frame: Frame) -> tuple[Readout, ...]:
    """Radii at T as a step, and beside them in units of the bound at T = 1; below, the spreads."""
    facts, unit = frame.facts, frame.facts.get("temperature_unit", 1.0)
    rows = [Readout("temperature T", shown(request["temperature"]), "", "hand")]
    named = (("bound ρₐ", "bound_radius"), ("margin ρₘ", "margin_radius"), ("exact ρ*", "exact_radius"))
    for label, name in (*named, ("flip distance", "temperature_flip")):
        value = facts.get(name, math.nan)
        written = ("–", "–") if math.isnan(value) else (shown(value), shown(value / unit))
        rows.append(Readout(label, *written, "blue" if name == "temperature_flip" else "ink"))
    columns = (frame.tables["temperature_captions"][name] for name in ("label", "value", "beside", "role"))
    return (*rows, *(Readout(*row) for row in zip(*columns, strict=True)))


def table(request: Request, frame: Frame) -> Table | None:
    """Spread of the onsets over temperatures, unit by unit."""
    del request
    axes = ("tau", "bound", "margin", "exact")
    double = [trained_spread(axis, "double") for axis in axes]
    rows = [
        _row("trained at each T: accuracy breaks", [trained_spread(axis) for axis in axes]),
        _row("trained at each T: loss doubles", double),
        _row("six networks cooled, −∇ at T", [tempered_spread("tau"), tempered_spread("bound")]),
        _row("the paper, estimator not defined", [PAPER["tau"], PAPER["bound"]]),
    ]
    if "temperature_own" in frame.facts:
        rows.insert(3, _row("your network cooled, one direction", [0.0, frame.facts["temperature_own"]]))
    return Table(
        f"Spread over the temperatures T = {', '.join(f'{t:g}' for t in TEMPERATURES)}, in decades",
        f"{ESTIMATOR} Of networks trained at each T the mean over three seeds; of six networks, over the networks.",
        ("curves", "in τ", "in τ / ρₐ", "in τ / ρₘ", "in τ / ρ*", "factor τ → r"),
        rows,
        ("", *("\n".join(column) for column in list(zip(*rows, strict=True))[1:])),
    )


def _row(name: str, spreads: list[float]) -> tuple[str, ...]:
    cells = [_two(value) for value in spreads] + ["–"] * (4 - len(spreads))
    factor = f"{spreads[0] / spreads[1]:.1f}" if spreads[0] > 0 else "–"
    return (name, *cells, factor)


def _two(value: float) -> str:
    return f"{value:.2f}" if value else "0"


def claims(request: Request, frame: Frame) -> tuple[Claim, ...]:
    """What the temperature does to the radii of this sample, and to curves over temperatures."""
    table_ = shipped()
    return (
        _proportional(request, frame.facts),
        trained_at_each(table_),
        _exact_collapses(),
        after_the_fact(table_),
        _given_direction(),
    )


def _proportional(request: Request, facts: Mapping[str, Any]) -> Claim:
    over = facts.get("temperature_over_flip", math.nan)
    said = f"ρ* = {shown(over)} flip distances at T = {request['temperature']:g}"
    if math.isnan(over):
        said = "this sample has no flip to fall to"
    return Claim(
        "Only the bound is proportional to T. The exact radius falls to the distance at which the prediction flips and "
        "stays there (for two classes √(δ² + π²T²)/Δₐ): a collapse of curves by T alone cannot be perfect.",
        f"{SOURCE}, §6.4",
        "ρₐ(T) = πT/Δₐ",
        said,
    )


def _exact_collapses() -> Claim:
    spreads = [trained_spread(axis) for axis in ("tau", "bound", "margin", "exact")]
    return Claim(
        "The same networks, trained at each T: the exact radius brings their onsets closer together than the bound does. "
        "Spread in τ, τ/ρₐ, τ/ρₘ, τ/ρ*, in decades.",
        f"ours, after {SOURCE}, Fig. 9",
        "no statement",
        ", ".join(f"{spread:.2f}" for spread in spreads),
    )


def _given_direction() -> Claim:
    own = spread_in_decades(np.array(TEMPERATURES))
    return Claim(
        "A trained network cooled along one direction: the largest logit does not depend on T, so the accuracy is one "
        "curve in τ, and in units of ρₐ ∝ T exactly as far apart as the temperatures.",
        "ours, exact",
        "no statement",
        f"0 in τ → {own:.2f} in r",
    )
