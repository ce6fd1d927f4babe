"""Numbers of the polar factor and of the edge of stability."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ...control import Readout
from ...frame import Frame
from ...numbers import shown
from ...request import Request
from .edge_words import EDGE, OVERFLOW
from .polar_words import METHODS, SHORT


def pane_readouts(request: Request, frame: Frame) -> tuple[Readout, ...]:
    """Rows of the view that is shown; none while its first frame is still to come."""
    facts = frame.facts
    if request["view"] == "polar" and "polar_error_svd" in facts:
        return _polar(facts)
    if request["view"] == "edge" and "edge_gap_end" in facts:
        return _edge(facts)
    return ()


def _polar(facts: Mapping[str, Any]) -> tuple[Readout, ...]:
    null = facts["polar_rank"] < facts["polar_values"]
    rows = [Readout(f"{facts['polar_steps']} steps", "U − exact", "nuclear", "ink2")]
    for method, (name, role) in METHODS.items():
        error, nuclear = facts[f"polar_error_{method}"], facts[f"nuclear_{method}"]
        itself = method == "svd" and facts["dtype"] == "float64"
        words = ("reference", "reference") if itself else (number(error), number(nuclear))
        rows.append(Readout(SHORT.get(method, name), *words, role))
    rows.append(Readout("", "UᵗU − I", "σ of null space" if null else "smallest σ", "ink2"))
    for method, (name, role) in METHODS.items():
        beside = facts[f"null_{method}"] if null else facts[f"lowest_{method}"]
        orthogonality = number(facts[f"orthogonality_{method}"])
        rows.append(Readout(SHORT.get(method, name), orthogonality, number(beside), role))
    return tuple(rows)


def _edge(facts: Mapping[str, Any]) -> tuple[Readout, ...]:
    diverged, highest = facts["edge_diverged_step"], facts["edge_gap_highest"]
    gap = f"diverged at step {diverged}" if diverged >= 0 else number(facts["edge_gap_end"])
    return (
        Readout(f"gap at step {facts['edge_steps_done']}", "f − f*", "", "ink2"),
        Readout("PolarGrad", gap, "", "green"),
        Readout("below 0.1 %", _from(facts["edge_drop_step"]), "", "ink2"),
        Readout("largest", "past float32" if highest > OVERFLOW else number(highest), "", "ink2"),
        Readout("GD", number(facts["gd_gap_end"]), "", "grey"),
        Readout("below 0.1 %", _from(facts["gd_drop_step"]), "", "ink2"),
        Readout("c at the end", number(facts["edge_c_end"]), "", "ink2"),
        Readout(f"c ≤ {EDGE:g}", _from(facts["edge_stable_step"]), "", "ink2"),
    )


def _from(step: int) -> str:
    return f"from step {step}" if step >= 0 else "never"


def number(value: float) -> str:
    """A number, or in words that it is none."""
    return shown(value) if math.isfinite(value) else "not finite"
