"""Figures of the spike lab: five quantities of four lanes on one axis of steps."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ...figure import Axis, Figure, Key, Layer, Role, Style, when
from ...frame import Frame
from ...ticks import decades, rounded
from .spike_words import LANES, TITLES

SPIKE = when("view", "spike")
ROLES: dict[str, Role] = {"plain": "grey", "gradient_norm": "amber", "step_norm": "purple", "radius": "blue"}

QUANTITIES = ("loss", "accuracy", "reach", "norm", "radius")
PAIR = ("norm", "radius")
ROOM, ROOM_IN_PAIR = 0.3, 0.42
"""Beyond the last step, as a share of all, for the names of the lanes, on 85 mm of paper too."""

GAP = 0.115
"""Between two names, as a share of the height."""


def figures(frame: Frame) -> tuple[Figure, ...]:
    """In reading order: what becomes of the training, then how far each step reaches."""
    return (
        _figure(
            frame,
            "accuracy",
            "Accuracy",
            "359 digits held back, after each step",
            (Key("learning rate × factor", "swatch", "hand"),),
        ),
        _figure(frame, "loss", "Loss", "nats, of the same digits"),
        _figure(
            frame,
            "reach",
            "Reach of the step taken, r = τ / ρₐ",
            "at the weights it starts from",
            (Key("target", "bound", "hand"),),
        ),
        _figure(frame, "norm", "Step taken, τ = ‖p‖", ""),
        _figure(frame, "radius", "Bound ρₐ", "along the step, over its minibatch"),
    )


def _figure(frame: Frame, quantity: str, title: str, unit: str, legend: tuple[Key, ...] = ()) -> Figure:
    steps = int(frame.facts.get("spike_last", 200))
    low, high = frame.facts.get(f"spike_{quantity}_ends", (0.0, 1.0))
    target = (
        (Layer("spike_target", "hlines", Style("hand", "bound", size=1.6)),) if quantity == "reach" else ()
    )
    ticks = ((0, "0"), (0.5, "50 %"), (1, "100 %")) if quantity == "accuracy" else decades(low, high)
    margin, room = 0.04 * (high - low), ROOM_IN_PAIR if quantity in PAIR else ROOM
    return Figure(
        name=f"spike_{quantity}",
        title=title,
        unit=unit,
        hint="drag the step" if quantity == "accuracy" else "",
        legend=legend,
        layers=(
            Layer("spike_shade", "vspans", Style("hand", "band", alpha=0.1)),
            *target,
            *(
                Layer(f"spike_{quantity}_{lane}", "curve", Style(ROLES[lane], "exact", size=1.8))
                for lane in LANES
            ),
            *(
                Layer(f"spike_{quantity}_name_{lane}", "labels", Style(ROLES[lane]), offset=(6, 0))
                for lane in LANES
            ),
            Layer("spike_cursor", "vlines", Style("hand", "exact"), above=True),
        ),
        x=Axis("training step", (0, steps * (1 + room)), rounded(0, steps), share=f"spike_step_{room}"),
        y=Axis("", (low - margin, high + margin), ticks),
        size="pair" if quantity in PAIR else "second",
        drag=True,
        tap=True,
        when=SPIKE,
        aria=f"{title} against the training step, one line for each of {', '.join(TITLES.values())}; "
        "spiked steps shaded.",
    )


def decades_around(values: np.ndarray) -> tuple[float, float]:
    """Whole powers of ten below and above logarithms, at least one apart: an axis that rests while a curve grows."""
    if not len(values):
        return -1.0, 1.0
    low, high = math.floor(float(values.min())), math.ceil(float(values.max()))
    return float(low), float(max(high, low + 1))


def spread(ends: Sequence[float], low: float, high: float) -> list[float]:
    """Heights for names beside the ends of curves, each near its own, `GAP` of the height apart and inside."""
    gap = GAP * (high - low)
    there = sorted((k for k, end in enumerate(ends) if math.isfinite(end)), key=lambda k: ends[k])
    places = [math.nan] * len(ends)
    for below, k in zip([None, *there], there, strict=False):
        places[k] = ends[k] if below is None else max(ends[k], places[below] + gap)
    ceiling = high - 0.02 * (high - low)
    for k in reversed(there):
        places[k] = min(places[k], ceiling)
        ceiling = places[k] - gap
    return places
