"""Figures of the comparison: the loss along the step, every scale on its axis, and the divergence and its bound."""

from __future__ import annotations

import math
from typing import NamedTuple

from ...figure import Axis, Figure, Key, Layer, Role, Style, when
from ...frame import Frame
from ...ticks import Logarithmic, decades
from .sweep_figures import samples

COMPARE = when("view", "compare")


class Scale(NamedTuple):
    """A length of step: its name on the axis, colour, fact, formula, what it is, and the passes forward it takes."""

    name: str
    role: Role
    fact: str
    formula: str
    standing: str
    cost: str


SCALES = (
    Scale("accuracy breaks", "blue", "onset", "kept < 0.9", "measured", "some 40"),
    Scale("loss doubles", "blue", "doubling", "ℓ(τ) > 2 ℓ(0)", "measured", "some 40"),
    Scale("bound ρₐ", "ink", "bound", "π/Δₐ", "bound of the series", "2"),
    Scale("margin ρₘ", "ink", "margin", "√(u₀² + ρₐ²)", "bound of the series", "2"),
    Scale("exact ρ*", "ink", "exact", "min |t|, F(t) = 0", "exact, logits linearised", "2"),
    Scale("KL region", "purple", "region", "max KL = π²/8", "exact, logits linearised", "2"),
    Scale("quadratic, v·Hv", "amber", "quadratic", "−2g·v/(v·Hv)", "heuristic, 2nd order", "9"),
    Scale("sharpness, λ", "amber", "sharpness", "2‖g‖/λ", "heuristic, 2nd order", "3 + 6 a product"),
    Scale("2/(v·Hv) as τ", "amber", "rate", "2/(v·Hv)", "a rate, not a length", "6"),
    Scale("Polyak", "green", "polyak", "ℓ/(−g·v)", "heuristic, 1st order", "3"),
)
"""From top to bottom; the passes are nominal: a gradient counts as three, a product with H as six, slopes as one."""

ROLES: tuple[Role, ...] = ("blue", "ink", "purple", "amber", "green")


RISES = Logarithmic(((-1.0, "0.1"), (0.0, "1"), (1.0, "10"), (2.0, "100"), (4.0, "10⁴")))


def figures(frame: Frame) -> tuple[Figure, ...]:
    """In reading order."""
    return (_loss(frame), _ladder(frame), _divergence())


def _axis(frame: Frame, visible: bool) -> Axis:
    low, high = frame.facts.get("compare_ends", (-3.0, 1.0))
    return Axis("step τ", (low, high), decades(low, high), share="compare", visible=visible)


def _loss(frame: Frame) -> Figure:
    return Figure(
        name="compare_loss",
        title="Loss over its start",
        unit=f"true network{samples(frame)}, both axes logarithmic",
        hint="drag the step",
        legend=(
            Key("loss", "line", "blue"),
            Key("quadratic model", "fine", "amber"),
            Key("accuracy breaks", "bound", "blue"),
            Key("your step", "line", "hand"),
        ),
        layers=(
            Layer("compare_level", "hlines", Style("axis", "fine")),
            Layer("compare_onset", "vlines", Style("blue", "bound", size=1.4)),
            Layer("compare_quadratic", "curve", Style("amber", "fine", size=1.6)),
            Layer("compare_loss", "curve", Style("blue", "current")),
            Layer("compare_cursor", "vlines", Style("hand", "exact"), above=True),
        ),
        x=_axis(frame, visible=False),
        y=Axis("", (-1.0, 4.0), RISES),
        size="second",
        drag=True,
        tap=True,
        when=COMPARE,
        aria="Loss of the true network over its start along the step, and its quadratic model.",
    )


def _ladder(frame: Frame) -> Figure:
    top = len(SCALES) - 1
    return Figure(
        name="compare_ladder",
        title="Which scale says when it breaks",
        unit="length of a step, one row for each",
        legend=(
            Key("measured", "dot", "blue"),
            Key("radii", "dot"),
            Key("KL", "dot", "purple"),
            Key("curvature", "dot", "amber"),
            Key("Polyak", "dot", "green"),
        ),
        layers=(
            Layer("compare_rows", "hlines", Style("axis", "fine", alpha=0.4)),
            Layer("compare_onset", "vlines", Style("blue", "bound", size=1.4)),
            *(Layer(f"compare_{role}", "points", Style(role, "points", size=10)) for role in ROLES),
            Layer("compare_names", "labels", Style("ink2"), offset=(4, 0)),
            Layer("compare_beside", "labels", Style("ink2"), offset=(9, 0)),
            Layer("compare_cursor", "vlines", Style("hand", "exact"), above=True),
        ),
        x=_axis(frame, visible=True),
        y=Axis("", (-0.7, top + 0.7), ((0.0, ""),)),
        size="hero",
        drag=True,
        tap=True,
        when=COMPARE,
        aria="Steps at which the network breaks, and the lengths of step that ten scales allow, on one axis.",
    )


def _divergence() -> Figure:
    return Figure(
        name="compare_divergence",
        title="KL divergence against its bound",
        unit="nats, logits linearised",
        legend=(
            Key("bound (πr)²/8", "bound"),
            Key("sample that moves most", "line", "purple"),
            Key("the other way round", "fine", "purple"),
            Key("mean", "line", "grey"),
        ),
        layers=(
            Layer("compare_one", "vlines", Style("axis", "fine")),
            Layer("compare_kl_mean", "curve", Style("grey", "exact", size=1.8)),
            Layer("compare_kl_reverse", "curve", Style("purple", "fine", size=1.6)),
            Layer("compare_kl", "curve", Style("purple", "current")),
            Layer("compare_kl_bound", "curve", Style("ink", "bound", size=1.6)),
            Layer("compare_kl_cursor", "vlines", Style("hand", "exact"), above=True),
        ),
        x=Axis("r = τ / ρₐ", (-2.05, 2.05), decades(-2.05, 2.05)),
        y=Axis("", (-4.5, 4.5), decades(-4.5, 4.5)),
        size="second",
        drag=True,
        tap=True,
        when=COMPARE,
        aria="Kullback-Leibler divergence of the sample that moves most and of the mean, against r, below the bound.",
    )


def written(ratio: float) -> str:
    """A length over that of the break, beside its mark."""
    return f"÷ {1 / ratio:.3g}" if 0 < ratio < 1 and math.isfinite(ratio) else f"× {ratio:.3g}"
