"""Figures of the sweep of r: three quantities on one axis of steps, and the onsets on every axis side by side."""

from __future__ import annotations

import math
from typing import NamedTuple

from ...figure import Axis, Figure, Key, Layer, Style, when
from ...frame import Frame
from ...ticks import Logarithmic, Ticks, decades, powers
from .choices import SWEEP_AXES

SWEEP = when("view", "sweep")
QUANTITIES = ("kept", "loss", "flipped")
SHORT = {slug: words for words, slug in SWEEP_AXES.items()}
WORDS = {"-gradient": "−gradient", "+gradient": "+gradient"}
LOSS = (-0.6, 5.0)
"""log₁₀ of the loss over its start that most networks keep to; the axis is longer where curves leave it."""

STRIP = 1.25
"""Decades either way in the figure of the onsets; more where an onset lies farther out."""

SIX = Style("grey", "fine", size=1.4, alpha=0.7)


class _Plot(NamedTuple):
    """What is particular to the figure of one quantity."""

    title: str
    unit: str
    ends: tuple[float, float]
    ticks: Ticks


def figures(frame: Frame) -> tuple[Figure, ...]:
    """In reading order."""
    top = frame.facts.get("sweep_top", 1.1)
    kept = ((0.0, "0"), (0.5, "50 %"), (0.9, "90 %"), (1.0, "")) if top < 1.5 else _percents(top)
    loss = frame.facts.get("sweep_loss_ends", LOSS)
    shares = ((0.0, "0"), (0.5, "50 %"), (1.0, "100 %"))
    return (
        _figure(
            frame, "kept", _Plot("Accuracy kept", f"of that at τ = 0{samples(frame)}", (-0.02, top), kept)
        ),
        _figure(frame, "loss", _Plot("Loss over its start", "logarithmic", loss, _even_powers(*loss))),
        _figure(
            frame, "flipped", _Plot("Predictions flipped", "share of the samples", (-0.02, 1.05), shares)
        ),
        _strip(frame),
    )


def samples(frame: Frame) -> str:
    """How many samples the means are over, where there are any: the shipped ones, or the reader's."""
    return f", {frame.facts['samples']} samples" if "samples" in frame.facts else ""


def _percents(top: float) -> Ticks:
    """Ticks where a network that knew nothing gains by the step: whole hundreds."""
    return tuple((float(k), f"{100 * k} %" if k else "0") for k in range(math.floor(top) + 1))


def _even_powers(low: float, high: float) -> Ticks:
    """Ticks at every second power of ten, at fewer where there are many: the figure is low."""
    whole = range(math.ceil(low), math.floor(high) + 1)
    every = 2 * math.ceil(len(whole) / 8)
    return powers(k for k in whole if k % every == 0)


def _factors(most: int) -> Ticks:
    """A tick at every decade up to this one, either way."""
    words = {k: f"÷ {10**-k}" if k < 0 else f"× {10**k}" for k in range(-most, most + 1)} | {0: "1"}
    return Logarithmic((float(k), text) for k, text in words.items())


def _figure(frame: Frame, quantity: str, plot: _Plot) -> Figure:
    hero = quantity == "kept"
    return Figure(
        name=f"sweep_{quantity}",
        title=plot.title,
        unit=plot.unit,
        hint="drag the step" if hero else "",
        legend=_legend(frame) if hero else (),
        layers=_layers(quantity, hero),
        x=_axis(frame, visible=quantity == "flipped"),
        y=Axis("", plot.ends, plot.ticks),
        size="second" if hero else "thin",
        drag=True,
        tap=True,
        when=SWEEP,
        aria=f"{plot.title} against the {_label(frame)}, logarithmic: the chosen network, and six shipped ones behind it.",
    )


def _legend(frame: Frame) -> tuple[Key, ...]:
    """The six are always those of T = 1; it is said where the reader's network is at another temperature."""
    six = f"six converged networks, {_direction(frame)}"
    return (
        Key("yours", "line", "blue"),
        Key(six if frame.facts.get("sweep_temperature", 1.0) == 1.0 else f"{six}, T = 1", "fine", "grey"),
        Key("your bound ρₐ", "bound"),
        Key("your exact ρ*", "fine"),
        Key("onset, below 90 %", "ring", "blue"),
        Key("your step", "line", "hand"),
    )


def _layers(quantity: str, hero: bool) -> tuple[Layer, ...]:
    level = Layer("sweep_level", "hlines", Style("axis", "fine"))
    onset = (
        Layer("sweep_onset", "points", Style("blue", "ring", size=9)),
        Layer("sweep_kept_names", "labels", Style("ink2"), offset=(5, 0)),
    )
    return (
        *((level,) if hero else ()),
        Layer("sweep_bound_line", "vlines", Style("ink2", "bound", size=1.2)),
        Layer("sweep_exact_line", "vlines", Style("ink2", "fine")),
        Layer(f"sweep_{quantity}_six", "path", SIX),
        Layer(f"sweep_{quantity}", "curve", Style("blue", "current")),
        *(onset if hero else ()),
        Layer("sweep_cursor", "vlines", Style("hand", "exact"), above=True),
    )


def _direction(frame: Frame) -> str:
    kind = frame.facts.get("sweep_direction", "-gradient")
    return WORDS.get(kind, f"random {frame.facts.get('sweep_seed', 0)}")


def _label(frame: Frame) -> str:
    axis = frame.facts.get("sweep_axis", "bound")
    return "step τ" if axis == "tau" else f"step, {SHORT[axis]}"


def _axis(frame: Frame, visible: bool) -> Axis:
    low, high = frame.facts.get("sweep_low", -2.45), frame.facts.get("sweep_high", 2.05)
    return Axis(_label(frame), (low, high), decades(low, high), share="sweep", visible=visible)


def _strip(frame: Frame) -> Figure:
    """Which unit brings the six onsets together: the fewer decades they spread over, the better it predicts."""
    rows = tuple((3.0 - row, words) for row, words in enumerate(SHORT.values()))
    reach = frame.facts.get("sweep_strip_reach", STRIP)
    return Figure(
        name="sweep_strip",
        title="Where accuracy breaks, unit by unit",
        unit="over the mean of the six; at the right, their standard deviation in decades",
        legend=(Key("one of the six", "dot", "grey"), Key("yours", "ring", "blue")),
        layers=(
            Layer("sweep_strip_middle", "vlines", Style("axis", "fine")),
            Layer("sweep_strip_six", "points", Style("grey", "points", size=7)),
            Layer("sweep_strip_yours", "points", Style("blue", "ring", size=11)),
            Layer("sweep_strip_spread", "labels", Style("ink2"), offset=(-6, 0), align="right"),
        ),
        x=Axis("onset over the mean", (-reach, reach), _factors(math.floor(reach))),
        y=Axis("", (-0.6, 3.6), rows),
        when=SWEEP,
        aria="Onsets of the six networks in four units of the step, each over its geometric mean: close together where the "
        "unit predicts them.",
    )
