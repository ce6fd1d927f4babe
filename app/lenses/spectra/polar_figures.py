"""The figures of the polar factor: errors, the map of one singular value, its orbit, what comes out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...figure import Axis, Figure, Key, Layer, Role, Style, when
from ...frame import Frame
from ...numbers import shown
from ...ticks import plain, powers, quarters, rounded
from .polar_words import ERRORS, FACET, FLOOR, MAP_FROM, METHODS, MOST_STEPS, SHORT

SHOWN = when("view", "polar")
PRESETS: dict[str, tuple[str, Role]] = {
    "jordan": ("Newton–Schulz", "blue"),
    "polar_express": ("Polar Express", "purple"),
    "you": ("dion’s triples", "amber"),
    "nanochat": ("nanochat’s", "grey"),
}


def figures(frame: Frame) -> tuple[Figure, ...]:
    facts = frame.facts
    return _errors(facts), _map(facts), _cobweb(facts), _sigma(facts)


def _methods() -> tuple[Key, ...]:
    return tuple(
        Key(f"{name} ({SHORT[method]})" if method in SHORT else name, "line", role)
        for method, (name, role) in METHODS.items()
    )


def _errors(facts: Mapping[str, Any]) -> Figure:
    places = (1, 4, 8, 12)
    ticks = tuple((facet * FACET + k, str(k)) for facet in range(len(ERRORS)) for k in places)
    return Figure(
        name="polar_errors",
        title="What is missing after each step",
        unit="relative; 10⁻¹⁶ and less at the bottom, where a measurement in float64 ends",
        legend=(*_methods(), Key("how well U is known itself, ε κ", "bound", "grey")),
        layers=(
            Layer("polar_between", "vlines", Style("line", "fine")),
            Layer("polar_known", "segments", Style("grey", "bound", size=1.4)),
            *(
                Layer(f"polar_error_{m}", "path", Style(role, "exact", size=1.6))
                for m, (_, role) in METHODS.items()
            ),
            *(
                Layer(f"polar_dots_{m}", "points", Style(role, "points", size=5))
                for m, (_, role) in METHODS.items()
                if m != "svd"
            ),
            Layer("polar_steps_now", "segments", Style("hand", "exact"), above=True),
            Layer("polar_error_names", "labels", Style("ink2")),
        ),
        x=Axis("steps", (0.5, (len(ERRORS) - 1) * FACET + MOST_STEPS + 0.5), ticks),
        y=Axis("", (FLOOR - 0.4, 3.0), powers((0, -4, -8, -12, -16))),
        size="hero",
        when=SHOWN,
        aria="Three errors of the polar factor against the number of steps, logarithmic, one line for each method: "
        "orthogonality, distance from the exact factor, nuclear norm.",
    )


def _map(facts: Mapping[str, Any]) -> Figure:
    step, threshold = facts.get("polar_steps", 5), facts.get("polar_threshold", 1.50512e-3)
    shorter = {"you", "nanochat"} if step > 5 else set()
    missing = "; dion’s and nanochat’s end after 5" if shorter else ""
    return Figure(
        name="polar_map",
        title=f"Where {step} step{'s' * (step > 1)} take{'s' * (step == 1)} a singular value",
        unit=f"against σ / ‖G‖{missing}",
        legend=(
            *(Key(name, "line", role) for preset, (name, role) in PRESETS.items() if preset not in shorter),
            Key(f"[0.6818, 1.2024], exact for Newton–Schulz from {shown(threshold)} on", "swatch", "blue"),
        ),
        layers=(
            Layer("polar_band", "area", Style("blue", "band", alpha=0.16)),
            *(
                Layer(f"polar_map_{preset}", "curve", Style(role, "exact", size=1.6))
                for preset, (_, role) in reversed(PRESETS.items())
            ),
            Layer("polar_start_line", "vlines", Style("hand", "exact", size=1.2), above=True),
            Layer("polar_start_point", "points", Style("hand", "handle", size=11), above=True),
        ),
        x=Axis("σ / ‖G‖ of the input", (MAP_FROM, 0.04), powers((-6, -4, -2, 0))),
        y=_from_zero(max(1.5, 1.04 * facts.get("polar_map_highest", 1.5))),
        size="pair",
        when=SHOWN,
        aria="Singular value after the chosen number of steps against the one before, logarithmic, for four sets of "
        "coefficients.",
    )


def _cobweb(facts: Mapping[str, Any]) -> Figure:
    end = f", which ends at {shown(facts['polar_orbit_end'])}" if "polar_orbit_end" in facts else ""
    return Figure(
        name="polar_cobweb",
        title="Orbit of Newton–Schulz",
        unit=f"one step, and the orbit{end}; it never settles at 1",
        legend=(Key("as + bs³ + cs⁵", "line", "blue"), Key("orbit", "line"), Key("start", "handle", "hand")),
        layers=(
            Layer("polar_diagonal", "curve", Style("ink2", "fine")),
            Layer("polar_cobweb_map", "curve", Style("blue", "current")),
            Layer("polar_cobweb", "curve", Style("ink", "exact", size=1.4)),
            Layer("polar_cobweb_end", "points", Style("ink", "points")),
            Layer("polar_cobweb_start", "points", Style("hand", "handle", size=11), above=True),
        ),
        x=Axis("s", (-0.02, 1.25), plain((0, 0.5, 1))),
        y=Axis("", (-0.06, 1.25), plain((0, 0.5, 1))),
        size="pair",
        when=SHOWN,
        aria="One Newton–Schulz step as a curve, the diagonal, and the orbit of the chosen singular value between them.",
    )


def _sigma(facts: Mapping[str, Any]) -> Figure:
    step, values = facts.get("polar_steps", 5), facts.get("polar_values", 128)
    top = max(1.28, 1.06 * facts.get("polar_highest", 1.2))
    return Figure(
        name="polar_sigma",
        title=f"Singular values after {step} step{'s' * (step > 1)}",
        unit="all want 1, but flat alone proves nothing: an orthogonal matrix need not be the polar factor. "
        "Only U − exact tells",
        legend=(*_methods(), Key("input, σ / σ₁", "fine", "ink2")),
        layers=(
            Layer("polar_sigma_input", "curve", Style("ink2", "fine")),
            *(
                Layer(f"polar_sigma_{m}", "curve", Style(METHODS[m][1], "exact", size=size))
                for m, size in (("svd", 3.6), ("qdwh", 2.0), ("polar_express", 2.0), ("newton_schulz", 2.0))
            ),
        ),
        x=Axis("index i", (0, values + 1), quarters(values)),
        y=_from_zero(top),
        size="second",
        when=SHOWN,
        aria="Singular values of what each method gives, largest first.",
    )


def _from_zero(top: float) -> Axis:
    return Axis("", (-0.03 * top, top), rounded(0, top))
