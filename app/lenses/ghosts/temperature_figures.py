"""Figures of the temperature: ghosts on their ways, radii, and the curves of accuracy over temperatures."""

from __future__ import annotations

import math

from ...figure import Axis, Figure, Key, Layer, Role, Style, when
from ...frame import Frame
from ...ticks import Logarithmic, decades
from .extents import COLDEST, HOTTEST
from .sweep_shipped import TEMPERATURES
from .temperature_shipped import trained_spread

TEMPERATURE = when("view", "temperature")
NETWORK = TEMPERATURE & when("source", "network")
UNITS = ("tau", "bound")
LABELS = {"tau": "step τ", "bound": "r = τ / ρₐ at T"}
PAPER = {"tau": 0.992, "bound": 0.164}
"""Spread over temperatures before and after division by ρₐ, as Sao (2026), fig. 9, gives it."""

_SHADES: tuple[tuple[Role, float], ...] = (
    ("blue", 1.0), ("blue", 0.7), ("blue", 0.42), ("amber", 0.45), ("amber", 0.72), ("amber", 1.0),
)  # fmt: skip
"""Of the six temperatures, cold to hot."""

_DEGREES = Logarithmic((math.log10(t), f"{t:g}") for t in (COLDEST, 0.1, 1, 10))


def figures(frame: Frame) -> tuple[Figure, ...]:
    """In reading order."""
    return (
        _plane(frame),
        _radii(frame),
        *(_trained(frame, unit) for unit in UNITS),
        *(_yours(frame, unit) for unit in UNITS),
    )


def _plane(frame: Frame) -> Figure:
    window = float(frame.tables["numbers"]["window"][0])
    step = next(s for s in (1, 2, 4, 8, 40) if window / s <= 3.1)
    reach = math.floor(window / step)
    whole = [k * step for k in range(-reach, reach + 1)]
    words = [(float(v), f"{v}".replace("-", "−")) for v in whole]
    heights = tuple((v, f"{text}i" if v else "0") for v, text in words if abs(v) < 0.44 * window)
    return Figure(
        name="temperature_plane",
        title="Ghosts and their ways from T = 20 to 0.02",
        unit="F(t) = Σ exp((zₖ + aₖt)/T)",
        hint="drag a ghost",
        legend=(
            Key("ghost at T", "handle", "hand"),
            Key("its way", "fine"),
            Key("where the prediction flips", "dot"),
            Key("bound at T", "bound"),
            Key("exact radius at T", "line"),
        ),
        layers=(
            Layer("field", "image", Style(alpha=0.3), palette="phase"),
            Layer("axis", "hlines", Style("ink", "fine", size=1.4)),
            Layer("bound_disc", "curve", Style("ink", "bound", size=1.4)),
            Layer("exact_disc", "curve", Style("ink", "exact", size=1.4)),
            Layer("temperature_paths", "path", Style("ink", "fine", size=1.2, alpha=0.5)),
            Layer("ghosts", "points", Style("ink", "ring", size=8), hover=("distance", "multiplicity")),
            Layer("temperature_flips", "points", Style("ink", "points", size=8)),
            Layer("temperature_ghosts", "points", Style("hand", "handle", size=12)),
        ),
        x=Axis("step τ, Re t (units of ρₐ at T = 1)", (-window, window), tuple(words)),
        y=Axis("", (-window / 2.28, window / 2.28), heights),
        size="hero",
        equal_aspect=True,
        drag=True,
        when=TEMPERATURE,
        aria="Complex plane of the step: lines along which ghosts move with the temperature, the ghosts at the present "
        "one, and the points of the real axis where they end as it falls.",
    )


def _radii(frame: Frame) -> Figure:
    low, high = frame.facts.get("temperature_ends", (-2.0, 1.0))
    return Figure(
        name="temperature_radii",
        title="Radii of this sample against T",
        unit="as a step τ, both axes logarithmic",
        hint="drag T",
        legend=(
            Key("bound, πT/Δₐ", "bound"),
            Key("margin", "fine", "grey"),
            Key("exact", "line"),
            Key("flip distance, its limit", "line", "blue"),
            Key("T", "line", "hand"),
        ),
        layers=(
            Layer("temperature_flip_line", "hlines", Style("blue", "exact", size=1.6)),
            Layer("temperature_margin", "curve", Style("grey", "fine", size=1.6)),
            Layer("temperature_bound", "curve", Style("ink", "bound", size=1.6)),
            Layer("temperature_exact", "curve", Style("ink", "exact")),
            Layer("temperature_names", "labels", Style("ink2"), offset=(4, 0)),
            Layer("temperature_cursor", "vlines", Style("hand", "exact")),
            Layer("temperature_dots", "points", Style("hand", "handle", size=10)),
        ),
        x=Axis("temperature T", (math.log10(COLDEST) - 0.02, math.log10(HOTTEST) + 0.02), _DEGREES),
        y=Axis("", (low, high), decades(low, high)),
        size="second",
        drag=True,
        tap=True,
        when=TEMPERATURE,
        aria="Bound, margin bound and exact radius of the sample against the temperature, and the distance of the flip, at "
        "which the exact radius ends.",
    )


_KEPT = Axis("", (-0.02, 1.1), ((0.0, "0"), (0.5, "50 %"), (0.9, "90 %"), (1.0, "")))


_SEEN = (-1.0, 2.0)
"""log₁₀ of the steps at which the trained networks break, in either unit: as many decades in both."""

_TEMPERATURES = (
    Key(f"T = {TEMPERATURES[0]:g}", "line", "blue"),
    Key(f"T = {TEMPERATURES[-1]:g}", "line", "amber"),
)


def _trained(frame: Frame, unit: str) -> Figure:
    del frame
    first = unit == "tau"
    return Figure(
        name=f"temperature_trained_{unit}",
        title=f"Trained at each T, against {'τ' if first else 'r'}",
        unit=f"spread {trained_spread(unit):.2f}; the paper {PAPER[unit]}",
        legend=_TEMPERATURES if first else (Key("onset, below 90 %", "ring"),),
        layers=(
            Layer("temperature_level", "hlines", Style("axis", "fine")),
            *(
                Layer(f"temperature_trained_{unit}_{k}", "path", Style(role, "exact", size=1.4, alpha=alpha))
                for k, (role, alpha) in enumerate(_SHADES)
            ),
            Layer(f"temperature_trained_{unit}_onsets", "points", Style("ink", "ring", size=6)),
        ),
        x=Axis(LABELS[unit], _SEEN, decades(*_SEEN)),
        y=_KEPT,
        size="pair",
        when=TEMPERATURE,
        aria=f"Accuracy kept against {LABELS[unit]}, one colour for each of six temperatures, three seeds each.",
    )


def _yours(frame: Frame, unit: str) -> Figure:
    first = unit == "tau"
    low, high = frame.facts.get("temperature_steps", (-3.0, 1.0)) if first else (-2.0, 2.0)
    own = frame.facts.get("temperature_own")
    return Figure(
        name=f"temperature_yours_{unit}",
        title=f"Your network cooled, against {'τ' if first else 'r'}",
        unit="" if own is None else "spread 0" if first else f"spread {own:.2f}",
        legend=(Key("ρₐ at T", "bound", "hand"),) if first else (Key("at T", "line", "hand"),),
        layers=(Layer("temperature_level", "hlines", Style("axis", "fine")), *_yours_layers(first)),
        x=Axis(LABELS[unit], (low, high), decades(low, high)),
        y=_KEPT,
        size="pair",
        when=NETWORK,
        aria=f"Accuracy kept by the chosen network against {LABELS[unit]}, at six temperatures and the present one.",
    )


def _yours_layers(first: bool) -> tuple[Layer, ...]:
    """In τ one curve and the bound that passes over it; in r a curve for each temperature, and that of the present one."""
    if first:
        return (
            Layer("temperature_yours_tau", "curve", Style("blue", "exact", size=1.8)),
            Layer("temperature_yours_tau_onsets", "points", Style("ink", "ring", size=6)),
            Layer("temperature_now", "vlines", Style("hand", "bound", size=1.6)),
        )
    return (
        Layer("temperature_one", "vlines", Style("ink2", "bound", size=1.2)),
        *(
            Layer(f"temperature_yours_bound_{k}", "curve", Style(role, "exact", size=1.4, alpha=alpha))
            for k, (role, alpha) in enumerate(_SHADES)
        ),
        Layer("temperature_yours_bound_onsets", "points", Style("ink", "ring", size=6)),
        Layer("temperature_yours_here", "curve", Style("hand", "exact", size=1.8)),
    )
