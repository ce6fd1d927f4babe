"""Numbers of the polar factor and of the edge of stability."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ...control import Readout
from ...frame import Frame
from ...numbers import shown
from ...request import Request
from .edge_words import OVERFLOW
from .polar_words import METHODS


def pane_readouts(request: Request, frame: Frame) -> tuple[Readout, ...]:
    """Rows of the view that is shown; none while its first frame is still to come."""
    facts = frame.facts
    if request["view"] == "polar" and "polar_error_svd" in facts:
        return _polar(facts)
    if request["view"] == "edge" and "edge_gap_end" in facts:
        return _edge(facts)
    return ()


def _polar(facts: Mapping[str, Any]) -> tuple[Readout, ...]:
    rows = [Readout(f"after {facts['polar_steps']} steps", "U − exact", "nuclear norm", "ink2")]
    for method, (name, role) in METHODS.items():
        error, nuclear = facts[f"polar_error_{method}"], facts[f"nuclear_{method}"]
        rows.append(Readout(name, number(error), number(nuclear), role))
    null = facts["polar_rank"] < facts["polar_values"]
    rows.append(Readout("", "UᵀU − I", "in null space" if null else "smallest σ", "ink2"))
    for method, (name, role) in METHODS.items():
        beside = facts[f"null_{method}"] if null else facts[f"lowest_{method}"]
        rows.append(Readout(name, number(facts[f"orthogonality_{method}"]), number(beside), role))
    return tuple(rows)


def _edge(facts: Mapping[str, Any]) -> tuple[Readout, ...]:
    done, diverged = facts["edge_steps_done"], facts["edge_diverged_step"]
    rows = [Readout(f"after {done} steps", "f − f*", "below 10⁻³ from", "ink2")]
    name = f"PolarGrad, c = {shown(facts['edge_c'])}"
    if diverged >= 0:
        rows.append(Readout(name, f"diverged at step {diverged}", "never", "green"))
    else:
        rows.append(Readout(name, number(facts["edge_gap_end"]), _step(facts["edge_drop_step"]), "green"))
    rows.append(
        Readout("Gradient descent", number(facts["gd_gap_end"]), _step(facts["gd_drop_step"]), "grey")
    )
    entered = facts["edge_stable_step"]
    rows.append(Readout("c at the end", shown(facts["edge_c_end"]), "", "ink2"))
    rows.append(Readout("c in the stable range from", _step(entered), "", "ink2"))
    highest = facts["edge_gap_highest"]
    words = "past float32" if highest > OVERFLOW else number(highest)
    return (*rows, Readout("Largest gap on the way", words, "", "ink2"))


def _step(step: int) -> str:
    return f"step {step}" if step >= 0 else "never"


def number(value: float) -> str:
    """A number, or in words that it is none."""
    return shown(value) if math.isfinite(value) else "not finite"
