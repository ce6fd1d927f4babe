"""Figures over all places of the lit point, and of transfer, gradient flow and two-point resolution."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...figure import Axis, Figure, Key, Layer, Style, when
from ...frame import Frame
from ...numbers import shown
from ...ticks import plain, powers

FINE = Style("line", "fine")
MAPS = when("view", "maps")
HALVES = plain((0, 0.5, 1))


def figures(frame: Frame) -> tuple[Figure, ...]:
    """In reading order."""
    facts = frame.facts
    return (
        _map(facts, "beta", "Width by place of the lit point", "FWHM · N_avg, mean over directions"),
        _map(facts, "ratio", "Anisotropy by place", "largest / smallest width"),
        _transfer(),
        _two_points(),
        _flow_widths(),
        _flow_profile(),
    )


def _map(facts: Mapping[str, Any], name: str, title: str, unit: str) -> Figure:
    least, most = (facts.get(f"{name}_{end}", 1.0) for end in ("least", "most"))
    return Figure(
        name=f"{name}_map",
        title=title,
        unit=f"{unit}: dark {shown(least)}, yellow {shown(most)}",
        legend=(Key("lit point", "handle", "hand"),),
        layers=(
            Layer(f"{name}_map", "image", palette="cividis"),
            Layer("map_point", "points", Style("hand", "handle", size=10)),
        ),
        x=Axis("place, mean cells", (0, 1), HALVES),
        y=Axis("", (0, 1), HALVES),
        size="square",
        equal_aspect=True,
        when=MAPS,
        aria=f"{title}: {unit}, over one mean cell.",
    )


def _transfer() -> Figure:
    return Figure(
        name="transfer",
        title="Optical transfer function",
        unit="modulus, 1 at rest",
        legend=(Key("axis", "line", "blue"), Key("diagonal", "line", "purple")),
        layers=(
            Layer("otf_axis", "curve", Style("blue", "current")),
            Layer("otf_diagonal", "curve", Style("purple", "current")),
        ),
        x=Axis("cycles per mean cell", (-1.5, 1.5), powers((-1, 0, 1))),
        y=Axis("", (-7, 0.2), powers((-6, -4, -2, 0))),
        size="pair",
        when=MAPS,
        aria="Fourier transform of the kernel along an axis and the diagonal, both scales logarithmic.",
    )


def _two_points() -> Figure:
    return Figure(
        name="two_points",
        title="Two points: the dip between them",
        legend=(
            Key("axis", "line", "blue"),
            Key("diagonal", "line", "purple"),
            Key("told apart", "dot", "blue"),
            Key("criterion", "line", "hand"),
        ),
        layers=(
            Layer("dip_level", "hlines", Style("hand", "fine", size=1.4)),
            Layer("dip_axis", "curve", Style("blue", "current")),
            Layer("dip_diagonal", "curve", Style("purple", "current")),
            Layer("dip_found", "points", Style("blue", "dots", size=8)),
        ),
        x=Axis("distance, mean cells", (-1.5, 1.5), powers((-1, 0, 1))),
        y=Axis("", (-0.1, 1.05), HALVES),
        size="pair",
        when=MAPS,
        aria="Depth of the dip midway between two fitted points against their distance.",
    )


def _flow_widths() -> Figure:
    return Figure(
        name="flow_widths",
        title="Every pixel supervised: width against time",
        unit="FWHM · N_avg",
        legend=(
            Key("gradient flow", "line", "amber"),
            Key("one point alone", "line", "blue"),
            Key("one pixel", "fine", "grey"),
        ),
        layers=(
            Layer("flow_pixel", "hlines", Style("grey", "fine", size=1.2)),
            Layer("flow_single", "hlines", Style("blue", "exact", size=1.6)),
            Layer("flow_widths", "curve", Style("amber", "current")),
            Layer("flow_now", "points", Style("hand", "handle", size=10)),
        ),
        x=Axis("time τ", (-3.1, 3.1), powers((-3, 0, 3))),
        y=Axis("", (0, 2.1), plain((0, 0.5, 1, 1.5, 2))),
        size="pair",
        when=MAPS,
        aria="Width of a bright pixel under gradient flow against training time, beside the kernel of a single point.",
    )


def _flow_profile() -> Figure:
    return Figure(
        name="flow_profile",
        title="The bright pixel after time τ",
        unit="in the plane, along x; an image of 1024 × 1024",
        legend=(Key("gradient flow", "line", "amber"), Key("one point alone", "line", "blue")),
        layers=(
            Layer("half", "hlines", FINE),
            Layer("flow_kernel", "curve", Style("blue", "current")),
            Layer("flow_profile", "curve", Style("amber", "current")),
        ),
        x=Axis("distance, mean cells", (0, 3), plain(range(4))),
        y=Axis("", (-0.1, 1.05), HALVES),
        size="pair",
        when=MAPS,
        aria="Profile of a bright pixel after gradient flow of the chosen duration, beside the kernel.",
    )
