"""Figures of tables and collisions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...figure import Axis, Figure, Key, Layer, Style, when
from ...frame import Frame
from ...numbers import shown
from ...ticks import plain, powers, rounded

TABLES = when("view", "tables")
FINE = Style("line", "fine")


def figures(frame: Frame) -> tuple[Figure, ...]:
    """In reading order."""
    facts = frame.facts
    return (
        _picture(facts, "collided", "Kernel with collisions", "dark 0.05 of the peak and less, yellow 1"),
        _speckle(facts),
        _snr(),
        _loads(facts),
        _partners(facts),
        _used(facts),
    )


def _speckle(facts: Mapping[str, Any]) -> Figure:
    if facts.get("trained"):
        words = "products with the lit point’s: blue −1, yellow 1"
        return _picture(facts, "speckle", "Trained features", words, "signed")
    words = "blue takes away, yellow adds, full at 4 σ of the law"
    return _picture(facts, "speckle", "What collisions add", words, "signed")


def _picture(facts: Mapping[str, Any], name: str, title: str, unit: str, palette: str = "psf") -> Figure:
    half = facts.get("field", 1.6)
    ticks = rounded(-half, half)
    return Figure(
        name=name,
        title=title,
        unit=unit,
        hint="drag the lit point",
        layers=(
            Layer(name, "image", palette=palette),
            Layer("table_point", "points", Style("hand", "handle", size=10)),
        ),
        x=Axis("distance, mean cells", (-half, half), ticks),
        y=Axis("", (-half, half), ticks),
        size="square",
        equal_aspect=True,
        when=TABLES,
        drag=True,
        aria=f"{title} around the lit point.",
    )


def _snr() -> Figure:
    return Figure(
        name="snr",
        title="Peak over speckle",
        legend=(
            Key("L √(T/L_h)", "line", "blue"),
            Key("measured", "ring", "blue"),
            Key("this table", "line", "hand"),
        ),
        layers=(
            Layer("table_bits", "vlines", Style("hand", "fine", size=1.4)),
            Layer("snr_law", "curve", Style("blue", "current")),
            Layer("snr_measured", "points", Style("blue", "ring", size=9)),
        ),
        x=Axis("log₂ T", (3.5, 24.5), plain(range(4, 25, 4))),
        y=Axis("", (0.5, 5.0), powers(range(1, 5))),
        size="pair",
        when=TABLES,
        aria="Peak of the kernel over the standard deviation of the speckle against the size of the table.",
    )


def _loads(facts: Mapping[str, Any]) -> Figure:
    return Figure(
        name="loads",
        title="Load of the table",
        unit="vertices over rows; above 1 they must collide",
        layers=(
            Layer("loads", "bars", Style("blue", "band", alpha=0.6)),
            Layer("load_one", "hlines", Style("ink", "fine", size=1.2)),
        ),
        x=_level_axis(facts),
        y=Axis("", None, powers(range(-4, 5, 2))),
        size="pair",
        when=TABLES,
        aria="Vertices of every level over the rows of a table, logarithmic.",
    )


def _partners(facts: Mapping[str, Any]) -> Figure:
    count, drawn = facts.get("partners"), facts.get("partners_drawn", 0)
    words = "more vertices than are searched" if count is None else f"{count} vertices"
    words += f", {drawn} drawn" if count is not None and drawn < count else ""
    return Figure(
        name="partners",
        title="Who shares its rows",
        unit=f"level {facts.get('partner_level', 0)}: {words}",
        legend=(Key("lit point", "handle", "hand"), Key("reads what it writes", "dot", "purple")),
        layers=(
            Layer("partners", "points", Style("purple", "dots", size=4)),
            Layer("partner_point", "points", Style("hand", "handle", size=10)),
        ),
        x=Axis("the whole square", (0, 1), plain((0, 0.5, 1))),
        y=Axis("", (0, 1), plain((0, 0.5, 1))),
        size="square",
        equal_aspect=True,
        when=TABLES,
        aria="Vertices over the unit square that share a row of the table with the corners of the lit point.",
    )


def _used(facts: Mapping[str, Any]) -> Figure:
    share = facts.get("utilisation")
    return Figure(
        name="used",
        title="Rows that the pixels read",
        unit="% of each level" + ("" if share is None else f"; {shown(100 * share)} % of all"),
        layers=(Layer("used", "bars", Style("blue", "band", alpha=0.6)),),
        x=_level_axis(facts),
        y=Axis("", (0, 105), plain((0, 50, 100))),
        size="square",
        when=TABLES,
        aria="Share of every level's rows that a lattice of pixels ever reads.",
    )


def _level_axis(facts: Mapping[str, Any]) -> Axis:
    last = facts.get("last_level", 15)
    return Axis("level", (-0.7, last + 0.7), plain(range(0, last + 1, max(1, -(-last // 5)))))
