"""Figures of the adviser."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...figure import Axis, Figure, Key, Layer, Style, when
from ...frame import Frame
from ...numbers import shown
from ...ticks import plain, powers, rounded

ADVISER = when("view", "adviser")


def figures(frame: Frame) -> tuple[Figure, ...]:
    """In reading order."""
    facts = frame.facts
    return (_width(facts), _growth(facts), _snr(frame), _reasons())


def _width(facts: Mapping[str, Any]) -> Figure:
    top = 1.3 * max(facts.get("advice_wide", 2.0), facts.get("advice_wanted", 2.0))
    return Figure(
        name="advice_width",
        title="Width to expect, by number of levels",
        unit="pixels, along an axis",
        legend=(
            Key("lit point from node to mid-cell", "swatch", "blue"),
            Key("mean over all places", "line", "blue"),
            Key("wanted", "line", "hand"),
            Key("advice", "fine", "ink"),
        ),
        layers=(
            Layer("advice_bracket", "area", Style("blue", "band", alpha=0.25)),
            Layer("advice_average", "curve", Style("blue", "current")),
            Layer("advice_levels", "vlines", Style("ink", "fine", size=1.4)),
            Layer("advice_wanted", "hlines", Style("hand", "fine", size=1.4)),
        ),
        x=_levels(facts),
        y=Axis("", (0, top), rounded(0, top)),
        when=ADVISER,
        aria="Expected full width at half maximum in pixels against the number of levels, from node to mid-cell.",
    )


def _growth(facts: Mapping[str, Any]) -> Figure:
    return Figure(
        name="advice_growth",
        title="Growth that reaches the same width",
        unit=f"b = {shown(facts.get('advice_growth', 1.0))} with {facts.get('advice_levels', 0)} levels",
        legend=(Key("at most", "fine", "ink"),),
        layers=(
            Layer("advice_most", "hlines", Style("ink", "fine", size=1.2)),
            Layer("advice_growths", "curve", Style("blue", "current")),
            Layer("advice_growth", "points", Style("blue", "dots", size=8)),
        ),
        x=_levels(facts),
        y=Axis("", (1, 2.6), plain((1, 1.5, 2, 2.5))),
        size="pair",
        when=ADVISER,
        aria="Growth against the number of levels at the same width.",
    )


def _snr(frame: Frame) -> Figure:
    facts = frame.facts
    top = max(4.0, float(np.ceil(np.max(frame.tables["advice_snr"]["y"], initial=0.0))))
    return Figure(
        name="advice_snr",
        title="Peak over speckle",
        unit=f"T = 2^{facts.get('advice_log2_table', 0)}; nothing where nothing collides",
        layers=(
            Layer("advice_snr", "curve", Style("blue", "current")),
            Layer("advice_levels", "vlines", Style("ink", "fine", size=1.4)),
        ),
        x=_levels(facts),
        y=Axis("", (0, top + 0.5), powers(range(0, int(top) + 1, 1 if top < 7 else 2))),
        size="pair",
        when=ADVISER,
        aria="Peak of the kernel over the speckle against the number of levels.",
    )


def _reasons() -> Figure:
    return Figure(
        name="advice_reasons",
        title="Why",
        layers=(Layer("advice_reasons", "labels", Style("ink")),),
        x=Axis("", (-0.02, 10), visible=False),
        y=Axis("", (-5.7, 0.7), visible=False),
        size="thin",
        when=ADVISER,
        aria="The reasons for each choice, one a line.",
    )


def _levels(facts: Mapping[str, Any]) -> Axis:
    """Around the advice, as far as is drawn."""
    levels = facts.get("advice_levels", 12)
    first, last = max(2, levels - 6), min(32, levels + 8)
    ticks = plain(k for k in range(first, last + 1) if k % 4 == 0)
    return Axis("levels L", (first - 0.3, last + 0.3), ticks)
