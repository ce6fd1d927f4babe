"""Words of the comparison: every scale over the step at which the network breaks, what it is and what it costs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ...control import Claim, Table
from ...frame import Columns, Frame
from ...numbers import shown
from ...request import Request
from .compare_figures import SCALES
from .sweep_figures import samples

PAPER = "Sao 2026"


def captions(facts: Mapping[str, Any]) -> Columns:
    """Each scale as a step, and beside it over the step at which the accuracy breaks."""
    broken = facts.get("compare_onset", math.nan)
    rows = [("scale", "τ", "over break", "ink2")]
    for scale in SCALES:
        length = facts.get(f"compare_{scale.fact}")
        role = "blue" if scale.standing == "measured" else "ink"
        if length is not None:
            rows.append(
                (scale.name, shown(length), "" if math.isnan(broken) else shown(length / broken), role)
            )
    names = ("label", "value", "beside", "role")
    return dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))


def table(request: Request, frame: Frame) -> Table | None:
    """All scales: length, formula, standing and cost."""
    del request
    broken = frame.facts.get("compare_onset", math.nan)
    rows = []
    for scale in SCALES:
        length = frame.facts.get(f"compare_{scale.fact}", math.nan)
        known = "–" if math.isnan(length) else shown(length)
        over = "–" if math.isnan(length / broken) else shown(length / broken)
        rows.append((scale.name, known, over, scale.formula, scale.standing, scale.cost))
    values, ratios = ("\n".join(row[column] for row in rows) for column in (1, 2))
    return Table(
        "Ten scales of one step",
        f"At T = 1{samples(frame)}; g and H of their mean loss, v of norm 1, λ the largest eigenvalue of "
        "H. Passes forward: a gradient counted as three and a product with H as six, the slopes by a finite difference.",
        ("scale", "τ", "over break", "formula", "what it is", "passes forward"),
        rows,
        ("", values, ratios, "", "", ""),
    )


def claims(request: Request, frame: Frame) -> tuple[Claim, ...]:
    """What the comparison says of this network, with live numbers."""
    del request
    facts = frame.facts
    found = [_rate(facts), _region(facts)]
    if "compare_onset" in facts:
        found.insert(0, _nearest(facts))
    return tuple(found)


def _nearest(facts: Mapping[str, Any]) -> Claim:
    """Which scale that is not measured comes closest to the break."""
    broken = facts["compare_onset"]
    lengths = {s.name: facts[f"compare_{s.fact}"] for s in SCALES[2:] if f"compare_{s.fact}" in facts}
    best = min(lengths, key=lambda name: abs(math.log(lengths[name] / broken)))
    return Claim(
        "Which scale lies closest to the step at which this network breaks, and where the bound and the exact radius lie. "
        "No scale is a promise: look at other networks and directions.",
        "ours, computed now",
        "r = 1",
        f"{best} at {shown(lengths[best] / broken)} of the break; ρₐ at {shown(facts['compare_bound'] / broken)}, "
        f"ρ* at {shown(facts['compare_exact'] / broken)}",
    )


def _rate(facts: Mapping[str, Any]) -> Claim:
    said = "not known yet, or the loss does not curve upwards along this direction"
    if "compare_rate" in facts:
        said = f"2/(v·Hv) = {shown(facts['compare_rate'] / facts['compare_bound'])} ρₐ"
    if "compare_quadratic" in facts:
        said += f", as a length {shown(facts['compare_quadratic'] / facts['compare_bound'])} ρₐ"
    return Claim(
        "The paper sets 2/(v·Hv) beside ρₐ as if it were a length, and finds it far too large. It is a learning rate: "
        "times the slope of the loss it becomes a length.",
        f"{PAPER}, appendix on the Hessian",
        "10 to 460 times ρₐ",
        said,
        "disagrees" if "compare_quadratic" in facts else "ours",
    )


def _region(facts: Mapping[str, Any]) -> Claim:
    region = facts.get("compare_region", math.nan)
    return Claim(
        "A step of r moves the probabilities of no sample by more than KL = (πr)²/8, either way round, while logits are "
        "straight lines. The trust region that allows exactly 1.234 nats reaches farther than ρₐ.",
        "ours, from Popoviciu’s inequality",
        "no statement",
        "–" if math.isnan(region) else f"τ = {shown(region / facts['compare_bound'])} ρₐ",
    )
