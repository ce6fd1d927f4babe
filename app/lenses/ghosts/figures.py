"""The eight figures of one step, before those of the other views: which table is drawn how, and what stands on the axes."""

from __future__ import annotations

import math

import numpy as np

from ...figure import Axis, Figure, Key, Layer, Style, when
from ...frame import Frame
from ...numbers import shown
from ...ticks import Logarithmic, powers
from . import views
from .extents import HIGHEST_ORDER, TILES_ACROSS, TILES_DOWN, estimate_ceiling
from .hand import BOTTOM_SHARE
from .sandbox import reach_of

HAND = "hand"
STEP = when("view", "step")
FINE = Style("ink2", "fine")

PLANE = (
    Layer("field", "image", palette="phase"),
    Layer("veil", "polygons", Style("veil", "band", alpha=0.62)),
    Layer("axis", "hlines", Style("axis", "fine")),
    Layer("strip", "hlines", Style("ink2", "bound", size=1.0, alpha=0.55)),
    Layer("corridors", "segments", Style("ink2", "current", size=5, alpha=0.45)),
    Layer("margin_disc", "curve", Style("ink", "fine", alpha=0.6)),
    Layer("bound_disc", "curve", Style("ink", "bound")),
    Layer("exact_disc", "curve", Style("ink", "exact")),
    Layer("ghosts", "points", Style("ink", "ring"), hover=("distance", "multiplicity")),
    Layer("plane_names", "labels", Style("ink")),
    Layer("step_fill", "area", Style(HAND, "band", alpha=0.09), above=True),
    Layer("step_disc", "curve", Style(HAND, "current"), above=True),
    Layer("step_radius", "segments", Style(HAND, "current"), above=True),
    Layer("step_handle", "points", Style(HAND, "handle"), above=True),
    Layer("step_label", "labels", Style(HAND), offset=(12, 16), above=True),
)
"""What is drawn in the complex plane, from the ground up."""


def figures(frame: Frame) -> tuple[Figure, ...]:
    """Figures of a frame; only ranges and ticks depend on it."""
    numbers = {name: float(value[0]) for name, value in frame.tables["numbers"].items()}
    return (
        _plane(numbers),
        _loss(numbers),
        _error(numbers),
        _sandbox(frame),
        _histogram(frame),
        _coefficients(frame),
        _thumbnails(frame),
        _estimates(numbers),
        *views.figures(frame),
    )


def _step_ticks(window: float) -> tuple[tuple[float, str], ...]:
    step = next(s for s in (1, 2, 4, 8, 40) if window / s <= 3.1)
    count = math.floor(window / step)
    return tuple((k * step, _whole(k * step)) for k in range(-count, count + 1))


def _step_axis(numbers: dict[str, float], visible: bool = True) -> Axis:
    """The axis three figures share; on the page only the lowest shows it, on paper each."""
    window = numbers["window"]
    unit = "ρₐ" if numbers["temperature"] == 1 else "ρₐ at T = 1"
    label = f"step τ, Re t (units of {unit})"
    return Axis(label, (-window, window), _step_ticks(window), share="tau", visible=visible)


def _round_ticks(top: float) -> tuple[tuple[float, str], ...]:
    """Three to five round numbers from 0 up."""
    scale = 10.0 ** math.floor(math.log10(top))
    step = next(s * scale for s in (0.2, 0.25, 0.5, 1.0, 2.0, 2.5, 5.0) if top / (s * scale) < 4.5)
    return tuple((k * step, f"{k * step:.3g}") for k in range(int(top / step) + 1))


def _whole(value: float) -> str:
    return f"{value:g}".replace("-", "−")


def _plane(numbers: dict[str, float]) -> Figure:
    window = numbers["window"]
    heights = [value for value, _ in _step_ticks(window) if abs(value) < 0.44 * window]
    imaginary = tuple((v, "0" if v == 0 else f"{_whole(v)}i") for v in heights)
    return Figure(
        name="plane",
        title="Where the softmax vanishes",
        unit="F(t) = Σ wₖ exp(aₖt), hue = phase",
        legend=(
            Key("ghost, F = 0", "ring"),
            Key("bound", "bound"),
            Key("exact", "line"),
            Key("ghosts can live above", "swatch", "ink2"),
            Key("your step", "handle", "hand"),
        ),
        layers=PLANE,
        x=_step_axis(numbers, visible=False),
        y=Axis("", (-window / 2.28, window / 2.28), imaginary),
        size="hero",
        equal_aspect=True,
        drag=True,
        when=STEP,
        aria="Complex plane of the step: coloured phase of the partition function, its zeros, the disc of the bound, "
        "the disc of the exact radius, and the disc of the step, which can be dragged.",
    )


def _loss(numbers: dict[str, float]) -> Figure:
    top = numbers["top"]
    return Figure(
        name="loss",
        title="What the optimiser sees",
        unit="nats",
        legend=(
            Key("true loss", "line"),
            Key("linearised", "fine", "grey"),
            Key("Taylor model", "line", "blue"),
        ),
        layers=(
            Layer("outside", "vspans", Style("veil", "band", alpha=0.35)),
            Layer("bound_lines", "vlines", Style("ink2", "bound", size=1.2)),
            Layer("radius_lines", "vlines", Style("ink2", "fine")),
            Layer("linearised_loss", "curve", Style("grey", "exact", size=1.6)),
            Layer("loss_names", "labels", Style("ink"), align="center"),
            Layer("taylor", "curve", Style("blue", "current"), above=True),
            Layer("true_loss", "curve", Style("ink", "current"), above=True),
            Layer("loss_cursor", "vlines", Style(HAND, "exact"), above=True),
            Layer("loss_dot", "points", Style(HAND, "handle", size=10), above=True),
            Layer("taylor_name", "labels", Style("blue"), align="right", above=True),
        ),
        x=_step_axis(numbers, visible=False),
        y=Axis("", (-BOTTOM_SHARE * top, top), _round_ticks(top)),
        when=STEP,
        aria="Loss of the chosen sample along the step: true network, linearised logits, Taylor model.",
    )


def _error(numbers: dict[str, float]) -> Figure:
    return Figure(
        name="error",
        title="Error of the Taylor model",
        unit="nats, |Tₙ − linearised|",
        legend=(Key("computed", "line", "blue"),),
        layers=(
            Layer("bound_lines", "vlines", Style("ink2", "bound", size=1.2)),
            Layer("radius_lines", "vlines", Style("ink2", "fine")),
            Layer("error", "curve", Style("blue", "exact", size=1.8), above=True),
            Layer("error_cursor", "vlines", Style(HAND, "exact"), above=True),
            Layer("error_dot", "points", Style(HAND, "handle", size=10), above=True),
        ),
        x=_step_axis(numbers),
        y=Axis("", (-16, 8), powers((-16, -8, 0, 8))),
        size="thin",
        when=STEP,
        aria="Error of the Taylor model along the step, logarithmic: with the order it goes to zero inside the "
        "radius and beyond bounds outside.",
    )


def _sandbox(frame: Frame) -> Figure:
    handles = frame.tables["sandbox_handles"]
    reach = reach_of(np.asarray(handles["y"]))
    count = len(handles["x"]) // 2
    names = tuple((float(x), str(k % count + 1)) for k, x in enumerate(handles["x"]))
    return Figure(
        name="sandbox",
        title="Your softmax",
        hint="drag a bar",
        layers=(
            Layer("sandbox_bars", "bars", Style("grey", "band", alpha=0.45)),
            Layer("axis", "hlines", Style("axis", "fine")),
            Layer("sandbox_handles", "points", Style(HAND, "handle", size=12)),
            Layer("sandbox_names", "labels", Style("ink2")),
        ),
        x=Axis("class", (-0.6, 2 * count + 0.6), names),
        y=Axis("", (-reach, reach), ((-reach, _whole(-reach)), (0, "0"), (reach, _whole(reach)))),
        when=when("view", "step", "temperature") & when("source", "sandbox"),
        drag=True,
        aria="Bars of the logits and slopes of the sandbox's classes; each can be dragged.",
    )


def _histogram(frame: Frame) -> Figure:
    bins = np.asarray(frame.tables["bins"]["x"])
    tables = frame.tables
    counts = [np.max(v["top" if "top" in v else "y"], initial=1) for n, v in tables.items() if n.startswith("histogram_")
              and n != "histogram_cursor"]  # fmt: skip
    tallest = 1.12 * float(max(counts))
    marks = [m * 10.0**e for e in range(-6, 7) for m in (1, 2, 5)]
    inside = [m for m in marks if bins[0] < math.log10(m) < bins[-1]]
    thinned = inside if len(inside) <= 6 else inside[:: math.ceil(len(inside) / 6)]
    return Figure(
        name="histogram",
        title=f"Radius of {int(frame.facts.get('last_sample', 1437)) + 1} samples",
        unit="count",
        hint="drag to brush",
        legend=(Key("bound", "bound"), Key("margin", "fine", "grey"), Key("exact", "swatch", "grey")),
        layers=(
            Layer("brush", "vspans", Style(HAND, "band", alpha=0.14)),
            Layer("histogram_exact", "bars", Style("grey", "band", alpha=0.32)),
            Layer("histogram_margin", "steps", Style("grey", "fine", size=1.4)),
            Layer("histogram_bound", "steps", Style("ink", "bound", size=1.6)),
            Layer("histogram_cursor", "vlines", Style(HAND, "exact"), above=True),
        ),
        x=Axis(
            "radius as a step τ",
            (float(bins[0]), float(bins[-1])),
            Logarithmic((math.log10(m), shown(m) if m < 1e-3 else f"{m:g}") for m in thinned),
        ),
        y=Axis("", (0, tallest), _round_ticks(tallest)),
        size="pair",
        when=STEP & when("source", "network", "table", "own"),
        drag=True,
        tap=True,
        aria="Histogram of the radius of all training samples: bound, margin bound and exact; drag to choose a range.",
    )


def _coefficients(frame: Frame) -> Figure:
    reach = 1.15 * max(2.0, min(20.0, float(np.abs(frame.tables["coefficients"]["y"]).max())))
    return Figure(
        name="coefficients",
        title="Coefficients",
        unit="n·ℓₙ·ρⁿ",
        legend=(Key("computed", "dot", "blue"), Key("one pair of ghosts, −2 cos nφ", "line")),
        layers=(
            Layer("axis", "hlines", Style("axis", "fine")),
            Layer("stems", "segments", Style("blue", "stems")),
            Layer("reference", "curve", Style("ink", "exact", size=1.4)),
            Layer("coefficients", "points", Style("blue", "points")),
            Layer("order_cursor", "vlines", FINE, above=True),
        ),
        x=Axis("order n", (1, HIGHEST_ORDER + 1), tuple((n, str(n)) for n in (2, 10, 20, 30, 40, 48))),
        y=Axis("", (-reach, reach), ((-2, "−2"), (0, "0"), (2, "2"))),
        size="pair",
        when=STEP,
        aria="Taylor coefficients of the loss, scaled by powers of the radius: they oscillate as the nearest ghosts tell.",
    )


def _thumbnails(frame: Frame) -> Figure:
    count = int(frame.tables["inside"]["count"][0])
    drawn = min(count, TILES_ACROSS * TILES_DOWN)
    return Figure(
        name="thumbnails",
        title="Samples in the brush",
        unit=f"the {drawn} tightest of {count}" if drawn < count else "tightest first",
        hint="click one",
        layers=(
            Layer("thumbnails", "image", palette="ink"),
            Layer("chosen_tile", "curve", Style(HAND, "exact")),
        ),
        x=Axis("", (-0.1, TILES_ACROSS), visible=False),
        y=Axis("", (-0.1, TILES_DOWN), visible=False),
        size="pair",
        when=STEP & when("source", "network"),
        tap=True,
        aria="The digits inside the brush, tightest bound first; a click makes one the sample.",
    )


def _estimates(numbers: dict[str, float]) -> Figure:
    infinite = numbers["exact"] < 0
    radius = 1.0 if infinite else numbers["exact"] / numbers["temperature"]
    top = estimate_ceiling(radius)
    ticks = tuple((t, shown(t) if t else "0") for t in (0.0, radius, top))
    return Figure(
        name="estimates",
        title="Radius from the coefficients",
        unit="units of ρₐ",
        legend=(
            Key("Mercer–Roberts", "dot", "blue"),
            Key("root test", "dot", "grey"),
            Key("exact", "line"),
        ),
        layers=(
            Layer("true_radius", "hlines", Style("ink", "exact", size=1.4)),
            Layer("root_test", "points", Style("grey", "points", size=5)),
            Layer("mercer_roberts", "points", Style("blue", "points", size=6)),
            Layer("order_cursor", "vlines", FINE, above=True),
        ),
        x=Axis("order n", (1, HIGHEST_ORDER + 1), tuple((n, str(n)) for n in (2, 10, 20, 30, 40, 48))),
        y=Axis("", (0, top), ticks),
        size="pair",
        when=STEP,
        aria="Running estimates of the radius of convergence from the Taylor coefficients, against the exact radius.",
    )
