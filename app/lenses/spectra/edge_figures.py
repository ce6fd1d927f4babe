"""The figures of the edge of stability: the gap, and the step size on its way down."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...figure import Axis, Figure, Key, Layer, Style, when
from ...frame import Frame
from ...numbers import shown
from ...ticks import plain, powers, rounded
from .edge_words import EDGE, HIGH, LOW

SHOWN = when("view", "edge")


def figures(frame: Frame) -> tuple[Figure, ...]:
    return _gap(frame.facts), _sizes(frame.facts)


def _gap(facts: Mapping[str, Any]) -> Figure:
    return Figure(
        name="edge_gap",
        title="Gap to the minimum",
        unit="f − f*, 100 × 20 unknowns, exact polar factor" + _diverged(facts),
        legend=(
            Key(f"PolarGrad, c = {shown(facts.get('edge_c', 7.0))}", "line", "green"),
            Key("other c, same decay", "fine", "green"),
            Key("gradient descent (GD), η = 2 / (L + μ): not in the paper’s figure", "line", "grey"),
            Key(f"c falls below {EDGE:g}", "fine", "ink2"),
        ),
        layers=(
            Layer("edge_entered", "vlines", Style("ink2", "fine")),
            Layer("edge_faint", "path", Style("green", "earlier", alpha=0.45)),
            Layer("edge_gradient_descent", "path", Style("grey", "exact")),
            Layer("edge_gap", "path", Style("green", "current")),
            Layer("edge_inner_names", "labels", Style("ink2"), offset=(-4, 13), align="right"),
            Layer("edge_leaving_names", "labels", Style("ink2"), offset=(7, 0)),
            Layer("edge_descent_name", "labels", Style("grey"), offset=(0, -12), align="center"),
        ),
        x=_steps(facts),
        y=Axis("", (LOW, HIGH), powers((-8, -4, 0, 4, 8))),
        size="hero",
        when=SHOWN,
        aria="Gap to the minimum against the step, logarithmic, for PolarGrad at the chosen step size, at five others, "
        "and for gradient descent.",
    )


def _diverged(facts: Mapping[str, Any]) -> str:
    step = facts.get("edge_diverged_step", -1)
    return f"; diverged at step {step}, past float32" if step >= 0 else ""


def _sizes(facts: Mapping[str, Any]) -> Figure:
    return Figure(
        name="edge_sizes",
        title="Step size",
        unit="c = η L r, measured in 1 / (L r)",
        legend=(
            Key("c at this step", "line", "green"),
            Key(f"stable, c ≤ {EDGE:g}: measured on this regression, ours", "swatch", "grey"),
            Key("your c", "handle", "hand"),
        ),
        layers=(
            Layer("edge_stable", "area", Style("grey", "band", alpha=0.18)),
            Layer("edge_entered", "vlines", Style("ink2", "fine")),
            Layer("edge_now_line", "hlines", Style("hand", "exact", size=1.2)),
            Layer("edge_sizes", "steps", Style("green", "current")),
            Layer("edge_now", "points", Style("hand", "handle", size=11), above=True),
        ),
        x=_steps(facts),
        y=Axis("", (0, 10.8), plain((0, 2, 4, 6, 8, 10))),
        size="second",
        when=SHOWN,
        aria="Step size in units of 1 / (L r) against the step, and the range in which the method is stable.",
    )


def _steps(facts: Mapping[str, Any]) -> Axis:
    steps = facts.get("edge_steps", 600)
    return Axis("step", (-0.012 * steps, steps), rounded(0, steps))
