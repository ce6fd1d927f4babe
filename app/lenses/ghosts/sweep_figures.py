"""Figures of the sweep of r: three quantities on one axis of steps, and the onsets on every axis side by side."""

from __future__ import annotations

import math

from ...figure import Axis, Figure, Key, Layer, Style, when
from ...frame import Frame
from ...numbers import shown
from .choices import SWEEP_AXES
from .sweep_shipped import decades, direction_of, shipped

SWEEP = when("view", "sweep")
QUANTITIES = ("kept", "loss", "flipped")
LABELS = {"tau": "step τ", "bound": "step, τ / ρₐ", "margin": "step, τ / ρₘ", "exact": "step, τ / ρ*"}
SHORT = {"tau": "τ", "bound": "τ / ρₐ", "margin": "τ / ρₘ", "exact": "τ / ρ*"}
WORDS = {"-gradient": "−gradient", "+gradient": "+gradient"}
STRIP = 1.25
"""Decades either way in the figure of the onsets."""

SIX = Style("grey", "fine", size=1.4, alpha=0.7)


def figures(frame: Frame) -> tuple[Figure, ...]:
    """In reading order."""
    percent = ((0.0, "0"), (0.5, "50 %"), (0.9, "90 %"), (1.0, ""))
    powers = ((0.0, "1"), (2.0, "100"), (4.0, "10⁴"))
    shares = ((0.0, "0"), (0.5, "50 %"), (1.0, "100 %"))
    return (
        _figure(frame, "kept", "Accuracy kept", "of that at τ = 0, 1438 samples", (-0.02, 1.1), percent),
        _figure(frame, "loss", "Loss over its start", "logarithmic", (-0.6, 5.0), powers),
        _figure(frame, "flipped", "Predictions flipped", "share of the samples", (-0.02, 1.05), shares),
        _strip(frame),
    )


def _figure(
    frame: Frame,
    quantity: str,
    title: str,
    unit: str,
    ends: tuple[float, float],
    ticks: tuple[tuple[float, str], ...],
) -> Figure:
    hero = quantity == "kept"
    legend = (
        Key("yours", "line", "blue"),
        Key(f"six networks, converged, {_direction(frame)}", "fine", "grey"),
        Key("your ρₐ", "bound"),
        Key("ρ*", "line"),
        Key("onset, below 90 %", "ring", "blue"),
        Key("your step", "line", "hand"),
    )
    return Figure(
        name=f"sweep_{quantity}",
        title=title,
        unit=unit,
        hint="drag the step" if hero else "",
        legend=legend if hero else (),
        layers=(
            *((Layer("sweep_level", "hlines", Style("axis", "fine")),) if hero else ()),
            Layer("sweep_bound_line", "vlines", Style("ink2", "bound", size=1.2)),
            Layer("sweep_exact_line", "vlines", Style("ink2", "fine")),
            Layer(f"sweep_{quantity}_six", "path", SIX),
            Layer(f"sweep_{quantity}", "curve", Style("blue", "current")),
            *(_onset_layers() if hero else ()),
            Layer("sweep_cursor", "vlines", Style("hand", "exact"), above=True),
        ),
        x=_axis(frame, visible=quantity == "flipped"),
        y=Axis("", ends, ticks),
        size="second" if hero else "thin",
        drag=True,
        tap=True,
        when=SWEEP,
        aria=f"{title} against the {LABELS[frame.facts.get('sweep_axis', 'bound')]}, logarithmic: the chosen network, and "
        "six shipped ones behind it.",
    )


def _onset_layers() -> tuple[Layer, ...]:
    return (
        Layer("sweep_onset", "points", Style("blue", "ring", size=9)),
        Layer("sweep_kept_names", "labels", Style("ink2"), offset=(5, 0)),
    )


def _direction(frame: Frame) -> str:
    kind = frame.facts.get("sweep_direction", "-gradient")
    return WORDS.get(kind, f"random {frame.facts.get('sweep_seed', 0)}")


def _axis(frame: Frame, visible: bool) -> Axis:
    axis = frame.facts.get("sweep_axis", "bound")
    low, high = frame.facts.get("sweep_low", -2.45), frame.facts.get("sweep_high", 2.05)
    ticks = tuple((float(k), _power(k)) for k in range(math.ceil(low), math.floor(high) + 1))
    return Axis(LABELS[axis], (low, high), ticks, share="sweep", visible=visible)


def _power(k: int) -> str:
    return shown(10.0**k) if k >= -2 else "10" + str(k).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def _strip(frame: Frame) -> Figure:
    """Which unit brings the six onsets together: the fewer decades they spread over, the better it predicts."""
    rows = tuple(
        (3.0 - row, f"{SHORT[axis]}  {spread_of(frame, axis):.2f}")
        for row, axis in enumerate(SWEEP_AXES.values())
    )
    return Figure(
        name="sweep_strip",
        title="Where accuracy breaks, unit by unit",
        unit="over the mean of the six; beside the unit, their standard deviation in decades",
        legend=(Key("one of the six", "dot", "grey"), Key("yours", "ring", "blue")),
        layers=(
            Layer("sweep_strip_middle", "vlines", Style("axis", "fine")),
            Layer("sweep_strip_six", "points", Style("grey", "points", size=7)),
            Layer("sweep_strip_yours", "points", Style("blue", "ring", size=11)),
        ),
        x=Axis("onset over the mean", (-STRIP, STRIP), ((-1.0, "÷ 10"), (0.0, "1"), (1.0, "× 10"))),
        y=Axis("", (-0.6, 3.6), rows),
        when=SWEEP,
        aria="Onsets of the six networks in four units of the step, each over its geometric mean: close together where the "
        "unit predicts them.",
    )


def spread_of(frame: Frame, axis: str) -> float:
    """Standard deviation of log₁₀ onset over the six networks along the direction that is drawn, in decades."""
    facts = frame.facts
    chosen = direction_of(facts.get("sweep_direction", "-gradient"), facts.get("sweep_seed", 0))
    return decades(shipped().onsets(axis)[:, chosen])
