"""The figures of a training: spectra, every step, one number of each spectrum, loss; and all matrices at once."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ...figure import Axis, Figure, Key, Layer, Style, when
from ...frame import Frame
from ...numbers import power
from ...ticks import decades, logarithmic, quarters, rounded
from . import edge_figures, polar_figures
from .cells import columns_of, rows_of_cells
from .choices import METRICS, NAMES, ROLES
from .codes import DARKEST
from .product_words import OFF

HAND = Style("hand", "exact")
FINE = Style("ink2", "fine")


def figures(frame: Frame) -> tuple[Figure, ...]:
    """All figures, in reading order; their number and layers are the same for every frame."""
    facts = frame.facts
    return (
        _spectrum(facts, "lead"),
        _spectrum(facts, "beside"),
        _heat(facts),
        _metric(facts),
        _loss(facts),
        _cells(facts),
        _rotation(facts),
        _product(facts),
        *polar_figures.figures(frame),
        *edge_figures.figures(frame),
    )


def _lanes(name: str, kind: Any, standing: Any = "exact", **style: Any) -> tuple[Layer, ...]:
    """One layer for each lane, in the lane's colour."""
    above = style.pop("above", False)
    return tuple(
        Layer(f"{name}_{k}", kind, Style(role, standing, **style), above=above)
        for k, role in enumerate(ROLES, start=1)
    )


def _keys(facts: Mapping[str, Any]) -> tuple[Key, ...]:
    return tuple(Key(title, "line", role) for title, role in zip(facts.get("lanes", ()), ROLES, strict=False))


def _spectrum(facts: Mapping[str, Any], which: str) -> Figure:
    relative = facts.get("relative", True)
    kind = facts.get(f"kind_{which}", "U" if which == "lead" else "W")
    bottom, top = facts.get(f"ends_{which}", (-4.0, 0.15))
    values = facts.get("values", 96)
    return Figure(
        name=f"spectrum_{which}",
        title=f"Singular values of the {NAMES[kind]}" if which == "lead" else f"Of the {NAMES[kind]}",
        unit="σᵢ / σ₁" if relative else "σᵢ",
        legend=(
            Key("noise floor", "fine", "ink2"),
            Key("Marchenko–Pastur edge of the bulk", "bound", "grey"),
        ),
        layers=(
            Layer(f"{which}_floor", "segments", FINE, above=True),
            *_lanes(f"{which}_edge", "segments", "bound", size=1.2, alpha=0.6, above=True),
            *_lanes(f"{which}_earlier", "path", "earlier", above=True),
            *_lanes(f"{which}_line", "curve", "current", above=True),
            *(
                Layer(f"{which}_name_{k}", "labels", Style(role), offset=(0, -12), align="center", above=True)
                for k, role in enumerate(ROLES, start=1)
            ),
        ),
        x=Axis("index i", (0, values + 1), quarters(values)),
        y=Axis("", (bottom, top), decades(bottom, top)),
        size="pair",
        when=when("view", "training"),
        aria=f"Singular values of the {NAMES[kind]} against their index, logarithmic, one line for each optimiser.",
    )


def _heat(facts: Mapping[str, Any]) -> Figure:
    lanes = facts.get("lanes", ("", ""))
    values, count = facts.get("values", 96), len(lanes)
    kind = NAMES[facts.get("kind_lead", "U")]
    ticks = tuple((count - k - 0.5, title) for k, title in enumerate(lanes))
    return Figure(
        name="heat",
        title="Every step of training",
        unit=f"σᵢ / σ₁ of the {kind}, index 1 to {values} downwards; yellow 1, dark {power(int(DARKEST))} and less",
        hint="drag the step",
        layers=(
            Layer("heat", "image", palette="cividis_over_nothing"),
            Layer("heat_gaps", "hlines", Style("plot", "exact", size=6)),
            Layer("heat_cursor", "vlines", HAND, above=True),
        ),
        x=_step_axis(facts),
        y=Axis("", (0, count), ticks),
        size="second",
        when=when("view", "training"),
        drag=True,
        tap=True,
        aria="Singular values relative to the largest as colours, training step to the right, index downwards; one band "
        "for each optimiser.",
    )


def _metric(facts: Mapping[str, Any]) -> Figure:
    kind, metric = NAMES[facts.get("kind_lead", "U")], facts.get("metric", "stable_rank")
    words = next(text for text, name in METRICS.items() if name == metric)
    top = 1.06 * max(1e-9, facts.get("number_high", 1.0))
    return Figure(
        name="metric",
        title=f"{words[0].upper()}{words[1:]} of the {kind}",
        unit=_metric_unit(metric, facts),
        legend=_keys(facts),
        layers=(
            *_lanes("metric", "curve", "exact", size=1.6),
            Layer("metric_cursor", "vlines", HAND, above=True),
        ),
        x=_step_axis(facts),
        y=Axis("", (0, top), rounded(0, top)),
        size="pair",
        when=when("view", "training"),
        drag=True,
        tap=True,
        aria=f"{words} of the {kind} against the training step, one line for each optimiser.",
    )


def _metric_unit(metric: str, facts: Mapping[str, Any]) -> str:
    match metric:
        case (
            "stable_rank" | "effective_rank" | "nuclear_rank" | "participation_ratio" | "rankme" | "outliers"
        ):
            return f"of {facts.get('values', 96)}"
        case "flatness":
            return "geometric / arithmetic mean; an upper bound below the noise floor"
        case "condition_over_median":
            return "a lower bound below the noise floor"
    return ""


def _loss(facts: Mapping[str, Any]) -> Figure:
    low, high = facts.get("loss_low", -2.0), facts.get("loss_high", 1.0)
    low, high = max(low, high - 24) - 0.15, high + 0.15
    seconds = facts.get("against") == "seconds"
    reach = 1.02 * max(facts.get("seconds", 1.0), 1e-3)
    return Figure(
        name="loss",
        title="Loss",
        unit=facts.get("loss_unit", "of the batch, mean of 9 steps")
        + ("; seconds of training on this machine" if seconds else ""),
        legend=_keys(facts),
        layers=(
            *_lanes("loss", "curve", "exact", size=1.6),
            Layer("loss_cursor", "vlines", HAND, above=True),
        ),
        x=Axis("seconds", (0, reach), rounded(0, reach)) if seconds else _step_axis(facts),
        y=Axis("", (low, high), logarithmic(low, high)),
        size="pair",
        when=when("view", "training"),
        drag=True,
        tap=True,
        aria="Loss of the batch, logarithmic, one line for each optimiser.",
    )


def _cells(facts: Mapping[str, Any]) -> Figure:
    count = facts.get("last_layer", 3)
    metric = next(text for text, name in METRICS.items() if name == facts.get("metric", "stable_rank"))
    return Figure(
        name="cells",
        title=f"{metric[0].upper()}{metric[1:]} of every matrix",
        unit=f"of the {NAMES[facts.get('kind_lead', 'U')]}, steps to the right, from 0 up",
        hint="click one",
        legend=_keys(facts),
        layers=(
            Layer("cells", "path", Style("line", "fine")),
            *_lanes("trace", "path", "exact", size=1.6),
            Layer("cell_names", "labels", Style("ink2")),
            Layer("cell_chosen", "curve", HAND),
        ),
        x=Axis("", (0, columns_of(count)), visible=False),
        y=Axis("", (-rows_of_cells(count), 0), visible=False),
        size="hero",
        when=when("view", "layers"),
        tap=True,
        aria="One small picture for each matrix: the metric against the training step, one line for each optimiser.",
    )


def _rotation(facts: Mapping[str, Any]) -> Figure:
    kind = facts.get("kind_lead", "U") if facts.get("kind_lead") in ("W", "U") else "W"
    return Figure(
        name="rotation",
        title=f"Leading directions of the {NAMES[kind]}",
        unit="mean cos² of the four leading left directions",
        legend=(Key("with the first step", "line", "grey"), Key("with the step before", "fine", "grey")),
        layers=(
            *_lanes("rotation", "curve", "exact", size=1.6),
            *_lanes("rotation_last", "curve", "fine", alpha=0.35),
        ),
        x=_step_axis(facts),
        y=Axis("", (0, 1.04), ((0, "0"), (0.5, "0.5"), (1, "1"))),
        size="pair",
        when=when("view", "layers"),
        aria="How far the leading singular directions have turned, one line for each optimiser.",
    )


def _product(facts: Mapping[str, Any]) -> Figure:
    values, low = facts.get("product_values") or 10, facts.get("product_low")
    bottom = -6 if low is None else min(-1, math.floor(low))
    return Figure(
        name="product",
        title="Product of the layers",
        unit=str(facts.get("product", OFF)),
        legend=_keys(facts),
        layers=_lanes("product", "curve", "current"),
        x=Axis("index i", (0, values + 1), quarters(values)),
        y=Axis("", (bottom, 0.15), decades(bottom, 0.15)),
        size="pair",
        when=when("view", "layers"),
        aria="Singular values of the product of all weight matrices, one line for each optimiser.",
    )


def _step_axis(facts: Mapping[str, Any]) -> Axis:
    first, end = facts.get("axis_from", 0.0), max(1.0, float(facts.get("last_step", 240)))
    return Axis("training step", (first, end), rounded(first, end))
