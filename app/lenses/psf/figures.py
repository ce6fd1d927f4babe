"""The figures of the kernel: picture, width by direction, profiles, levels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...figure import Axis, Figure, Key, Layer, Style, when
from ...frame import Frame
from ...numbers import shown
from ...ticks import plain, powers, rounded
from . import adviser_figures, fit_figures, maps_figures, tables_figures
from .scales import FAINTEST

HAND = "hand"
FINE = Style("line", "fine")
KERNEL = when("view", "kernel")


def figures(frame: Frame) -> tuple[Figure, ...]:
    """All figures, in reading order; their number and layers are the same for every frame."""
    facts = frame.facts
    return (
        *(_picture(facts), _polar(facts), _profiles(), _levels(facts)),
        *maps_figures.figures(frame),
        *tables_figures.figures(frame),
        *adviser_figures.figures(frame),
        *fit_figures.figures(frame),
    )


def _picture(facts: Mapping[str, Any]) -> Figure:
    half = facts.get("field", 1.6)
    return Figure(
        name="psf",
        title="Point spread",
        unit=f"mean cells; dark {FAINTEST:g} of the peak and less, yellow 1",
        hint="drag the lit point",
        legend=(Key("half maximum", "line"), Key("mean cell 1/N_avg", "fine", "grey")),
        layers=(
            Layer("psf", "image", palette="psf"),
            Layer("lattice", "path", Style("axis", "fine", size=0.8, alpha=0.5)),
            Layer("mean_cell", "curve", Style("grey", "fine", size=1.4)),
            Layer("half_maximum", "curve", Style("ink", "current")),
            Layer("lit_point", "points", Style(HAND, "handle", size=12)),
        ),
        x=Axis("distance, mean cells", (-half, half), rounded(-half, half)),
        y=Axis("", (-half, half), rounded(-half, half)),
        size="square",
        equal_aspect=True,
        when=KERNEL,
        drag=True,
        aria="Point-spread function of the encoding around the lit point, with its half maximum and the lattice of the "
        "level nearest to the mean resolution.",
    )


def _polar(facts: Mapping[str, Any]) -> Figure:
    reach = facts.get("polar_reach", 0.9)
    turned = facts.get("turned")
    return Figure(
        name="polar",
        title="Width by direction",
        unit=f"FWHM · N_avg; largest / smallest {shown(facts.get('plain_ratio', 1.0))}"
        + (f", turned {shown(facts.get('turned_ratio', 1.0))}" if turned else ""),
        legend=(Key("grid", "line", "blue"), *((Key("turned", "line", "green"),) if turned else ())),
        layers=(
            Layer("polar_rings", "path", FINE),
            Layer("polar_plain", "curve", Style("blue", "current")),
            Layer("polar_turned", "curve", Style("green", "current")),
            Layer("polar_ring_names", "labels", Style("ink2"), align="center"),
        ),
        x=Axis("", (-reach, reach), visible=False),
        y=Axis("", (-reach, reach), visible=False),
        size="square",
        equal_aspect=True,
        when=KERNEL,
        aria="Full width at half maximum by direction as a polar curve, with and without rotation.",
    )


def _profiles() -> Figure:
    return Figure(
        name="profiles",
        title="Radial profile",
        legend=(
            Key("axis", "line", "blue"),
            Key("diagonal", "line", "purple"),
            Key("law of many levels", "fine", "ink"),
        ),
        layers=(
            Layer("half", "hlines", FINE),
            Layer("asymptote", "curve", Style("ink", "fine", size=1.2)),
            Layer("profile_diagonal", "curve", Style("purple", "current")),
            Layer("profile_axis", "curve", Style("blue", "current")),
        ),
        x=Axis("distance, mean cells", (-2.0, 1.3), powers(range(-2, 2))),
        y=Axis("", (-0.03, 1.05), plain((0, 0.5, 1))),
        size="pair",
        when=KERNEL,
        aria="The kernel along an axis and along the diagonal against the logarithm of the distance.",
    )


def _levels(facts: Mapping[str, Any]) -> Figure:
    count = facts.get("levels", 16)
    return Figure(
        name="levels",
        title="The levels",
        unit=f"one tent each, N from coarse to {facts.get('finest', 0):.0f}",
        layers=(Layer("tents", "polygons", Style("blue", "band", alpha=0.55)),),
        x=Axis("distance, mean cells", (-7, 7), plain((-6, -3, 0, 3, 6))),
        y=Axis("", (-count - 0.3, 0.3), visible=False),
        size="pair",
        when=KERNEL,
        aria="One tent for each level, as wide as two of its cells.",
    )
