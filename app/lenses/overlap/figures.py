"""The figures of the lens: the sky, every pair, overlap functions, the pair's kernel, and the recovered sky."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ...figure import Axis, Figure, Key, Layer, Style, when
from ...frame import Frame
from ...numbers import shown
from ...ticks import percents, plain, rounded
from .scales import BAND

HAND = "hand"
FINE = Style("ink2", "fine")
SKY_HALF = 2.42
"""Half width of the frame around an ellipse: it is cut by its height."""

ANGLES = tuple((30.0 * k, f"{30 * k}°") for k in range(7))
FITTED = Axis("degree l", (0.4, 6.6), plain(range(1, 7)))
THIRDS = tuple((60.0 * k, f"{60 * k}°") for k in range(4))


def figures(frame: Frame) -> tuple[Figure, ...]:
    """All figures, in reading order; their number and layers are the same for every frame."""
    facts = frame.facts
    return (
        _sky(),
        _scatter(frame),
        _overlap(frame),
        _power(frame),
        *_maps(facts),
        _recovered_bars(frame),
        _detection(frame),
        _posterior(frame),
        _placement(),
    )


def _maps(facts: Mapping[str, Any]) -> tuple[Figure, ...]:
    """Skies: the selected pair's response, and what is simulated and recovered."""
    return (
        _map(
            "kernel",
            "What the pair feels",
            "exact kernel, 3/2 Σ FᵃFᵇ",
            "signed",
            "Response of the selected pair over the sky.",
        ),
        _map(
            "partial_kernel",
            "Summed over degrees",
            "the same up to the highest degree l",
            "signed",
            "Partial sum of the pair's response up to the highest shown degree.",
        ),
        _map(
            "injected_map",
            "Injected sky",
            _range_words(facts, "injected"),
            "sky",
            "The sky that the data were simulated from.",
        ),
        _map(
            "recovered_map",
            "Recovered sky",
            _range_words(facts, "recovered"),
            "sky",
            "The sky recovered from simulated pair correlations.",
        ),
        _map(
            "residual_map",
            "Difference",
            _residual_words(facts),
            "signed",
            "Difference between recovered and injected sky.",
        ),
    )


def _range_words(facts: Mapping[str, Any], which: str) -> str:
    """What the colours of a map run over; nothing before there is a map."""
    if f"{which}_low" not in facts:
        return "no data can be simulated from a negative sky" if facts.get("simulated") is False else ""
    unit = facts["recovered_unit"] if which == "recovered" else "power"
    if which == "recovered" and facts["method"] == "likelihood":
        unit += f", condition number {shown(facts['regularised_condition'])} ({shown(facts['condition'])} unregularised)"
    return f"{unit}; colours from {shown(facts[f'{which}_low'])} to {shown(facts[f'{which}_high'])}"


def _null_words(facts: Mapping[str, Any]) -> str:
    """How the threshold was found: by simulation, never from χ²."""
    if "null_threshold" not in facts:
        return "at 3 σ, by simulation"
    return (
        f"at your SNR the even sky gives {shown(facts['null_median'])} in the median and {shown(facts['null_threshold'])} "
        f"at 3 σ; {facts['injections']} injections, {facts['null_draws']} even skies"
    )


def _sampler_words(facts: Mapping[str, Any]) -> str:
    """Acceptance and effective sample size of each sampler, as far as they have run."""
    words = ["Cₗ / C₀, median and 68 %"]
    for name, key in (("wall", "linear"), ("square root", "root")):
        if f"ess_{key}" in facts:
            accepted, size = facts[f"acceptance_{key}"], facts[f"ess_{key}"]
            words.append(f"{name}: {shown(accepted)} accepted, {size:.0f} effective samples")
    return "; ".join(words)


def _residual_words(facts: Mapping[str, Any]) -> str:
    return f"recovered − injected, ± {shown(facts['residual_high'])}" if "residual_high" in facts else ""


def _around() -> tuple[Layer, ...]:
    return (
        Layer("surround", "polygons", Style("plot", "band", alpha=1.0)),
        Layer("graticule", "path", Style("line", "fine", size=0.7)),
        Layer("edge", "curve", Style("axis", "fine")),
    )


def _sky() -> Figure:
    return Figure(
        name="sky",
        title="The sky",
        unit="gravitational-wave power, equatorial, source direction",
        hint="drag the spot or a white ring",
        legend=(Key("pulsar", "dot"), Key("half power", "line", "hand"), Key("selected pair", "ring")),
        layers=(
            Layer("sky", "image", palette="sky"),
            *_around(),
            Layer("hours", "labels", Style("ink2"), align="center"),
            Layer("arc", "path", Style("ink", "exact", size=1.6)),
            Layer("pulsars", "points", Style("ink", "dots"), hover=("name",)),
            Layer("heavy", "points", Style("ink", "dots", size=11), hover=("name",)),
            Layer("selected", "points", Style("ink", "ring")),
            Layer("selected_names", "labels", Style("ink"), offset=(10, -12)),
            Layer("spot_ring", "path", Style(HAND, "current")),
            Layer("spot", "points", Style(HAND, "handle")),
            # To the left: the names of the pair go to the right.
            Layer("spot_name", "labels", Style(HAND), offset=(-12, 16), align="right"),
        ),
        x=Axis("", (-SKY_HALF, SKY_HALF), visible=False),
        y=Axis("", (-SKY_HALF / 2.28, SKY_HALF / 2.28), visible=False),
        size="hero",
        equal_aspect=True,
        drag=True,
        tap=True,
        aria="Map of the sky: gravitational-wave power in blue, pulsars as dots, the hot spot and the selected pair.",
    )


def _scatter(frame: Frame) -> Figure:
    values = frame.tables["pairs"]["y"]
    low, high = float(np.min(values, initial=-0.4)), float(np.max(values, initial=0.85))
    bottom, top = 0.2 * math.floor(low / 0.2) - 0.05, 0.2 * math.ceil(high / 0.2) + 0.05
    return Figure(
        name="pairs",
        title="Correlation of every pair",
        unit=f"{frame.facts['pairs']} pairs, Γ",
        hint="click a dot",
        legend=(
            Key("power behind the pair", "dot", "blue"),
            Key("even sky", "line"),
            Key("cosmic variance, ±1 σ", "swatch", "grey"),
            Key("mean in a bin", "ring"),
            *((Key("measured", "dot", "amber"),) if frame.facts.get("real_count") else ()),
        ),
        layers=(
            Layer("cosmic_variance", "area", Style("grey", "band", alpha=0.18)),
            Layer("pairs", "points", Style("blue", "points", size=5, alpha=0.85), palette="sky_dots"),
            Layer("hellings_downs", "curve", Style("ink", "exact")),
            Layer("real_points", "segments", Style("amber", "fine")),
            Layer("real_points", "points", Style("amber", "points", size=6), hover=("names",)),
            Layer("means", "points", Style("ink", "ring", size=7)),
            Layer("selected_pair", "points", Style(HAND, "ring", size=12)),
            Layer("hellings_downs_name", "labels", Style("ink"), align="right"),
        ),
        x=Axis("angle between the two pulsars, ζ", (0, 180), ANGLES),
        y=Axis("", (bottom, top), rounded(bottom, top)),
        tap=True,
        aria="Correlation of every pulsar pair against the angle between the pulsars, with the Hellings–Downs curve.",
    )


def _overlap(frame: Frame) -> Figure:
    shown = [frame.tables["order"]["y"], frame.tables["monopole"]["y"], *frame.tables["orders"]["ys"]]
    reach = 1.1 * max(float(np.abs(values).max()) for values in shown)
    degree, order = frame.facts["degree"], frame.facts["order"]
    return Figure(
        name="overlap",
        title="Overlap",
        unit="Γₗₘ(ζ), pair frame",
        legend=(
            Key(f"l = {degree}, m = {order}", "line", "blue"),
            Key("other m", "fine", "grey"),
            Key("l = 0", "line"),
        ),
        layers=(
            Layer("zero", "hlines", Style("axis", "fine")),
            Layer("orders", "path", Style("grey", "exact", size=1.2)),
            Layer("monopole", "curve", Style("ink", "exact")),
            Layer("order", "curve", Style("blue", "current")),
            Layer("pair_cursor", "vlines", FINE),
        ),
        x=Axis("ζ", (0, 180), THIRDS),
        y=Axis("", (-reach, reach), rounded(-reach, reach)),
        size="pair",
        aria="Overlap functions of the chosen degree against the angle between the pulsars.",
    )


def _power(frame: Frame) -> Figure:
    top = max(0.34, 1.1 * float(frame.tables["power"]["top"].max()))
    return Figure(
        name="power",
        title="Power in each degree",
        unit="Cₗ / C₀ of the sky shown, exact",
        layers=(
            Layer("power", "bars", Style("blue", "band", alpha=0.8)),
            Layer("dipole_limit", "segments", Style("ink", "exact")),
            Layer("dipole_limit_name", "labels", Style("ink"), offset=(0, -8)),
        ),
        x=Axis("degree l", (0.4, BAND + 0.6), plain(range(1, BAND + 1))),
        y=Axis("", (0, top), percents(0, top)),
        size="pair",
        aria="Angular power of the sky in each degree, as a share of the mean.",
    )


def _map(table: str, title: str, unit: str, palette: str, aria: str) -> Figure:
    return Figure(
        name=table,
        title=title,
        unit=unit,
        layers=(Layer(table, "image", palette=palette), *_around()),
        x=Axis("", (-SKY_HALF, SKY_HALF), visible=False),
        y=Axis("", (-SKY_HALF / 2.28, SKY_HALF / 2.28), visible=False),
        size="pair",
        equal_aspect=True,
        aria=aria,
    )


def _recovered_bars(frame: Frame) -> Figure:
    tops = [frame.tables[name]["top"] for name in ("injected_bars", "recovered_bars")]
    top = 1.15 * max(0.05, *(float(np.max(t, initial=0.0)) for t in tops))
    return Figure(
        name="recovered_bars",
        title="Recovered power",
        unit="Cₗ / C₀",
        legend=(Key("injected", "swatch", "grey"), Key("recovered", "swatch", "blue")),
        layers=(
            Layer("injected_bars", "bars", Style("grey", "band", alpha=0.5)),
            Layer("recovered_bars", "bars", Style("blue", "band", alpha=0.8)),
        ),
        x=FITTED,
        y=Axis("", (0, top), percents(0, top)),
        size="pair",
        aria="Power in each degree, injected and recovered.",
    )


def _detection(frame: Frame) -> Figure:
    # to 50, and as far as your own SNR lies
    top = max(50, 10 * math.ceil(float(np.max(frame.tables["detection"]["x"], initial=0.0)) / 10))
    return Figure(
        name="detection",
        title="Chance to detect the unevenness",
        unit=_null_words(frame.facts),
        legend=(
            Key("probability", "line", "blue"),
            Key("68 %, with the threshold’s scatter", "swatch", "blue"),
            Key("your SNR", "handle", "hand"),
        ),
        layers=(
            Layer("detection_band", "area", Style("blue", "band", alpha=0.18)),
            Layer("detection", "curve", Style("blue", "current")),
            Layer("detection_now", "points", Style(HAND, "handle", size=11)),
        ),
        x=Axis("Hellings–Downs SNR", (0, top), plain(range(0, top + 1, 10 if top <= 60 else 20))),
        y=Axis("", (-0.03, 1.03), ((0.0, "0"), (0.5, "½"), (1.0, "1"))),
        size="pair",
        when=when("more", "detection"),
        aria="Probability to detect the anisotropy against the Hellings–Downs signal-to-noise ratio.",
    )


def _posterior(frame: Frame) -> Figure:
    ends = [frame.tables[name]["y1"] for name in ("posterior_linear", "posterior_root")]
    top = 1.1 * max(0.3, *(float(np.max(e, initial=0.0)) for e in ends))
    return Figure(
        name="posterior",
        title="Posterior of the power",
        unit=_sampler_words(frame.facts),
        legend=(
            Key("wall P ≥ 0", "line", "blue"),
            Key("square root", "line", "amber"),
            Key("injected", "swatch", "grey"),
        ),
        layers=(
            Layer("posterior_linear", "segments", Style("blue", "current")),
            Layer("posterior_linear", "points", Style("blue", "points")),
            Layer("posterior_root", "segments", Style("amber", "current")),
            Layer("posterior_root", "points", Style("amber", "points")),
            Layer("injected_bars", "bars", Style("grey", "band", alpha=0.3)),
        ),
        x=FITTED,
        y=Axis("", (0, top), percents(0, top)),
        size="pair",
        when=when("more", "posterior"),
        aria="Posterior intervals of the angular power under two priors.",
    )


def _placement() -> Figure:
    return Figure(
        name="placement",
        title="Which pulsar next",
        unit="information that one more pulsar would add",
        legend=(Key("best place", "handle", "hand"), Key("uphill", "line")),
        layers=(
            Layer("placement_map", "image", palette="sky"),
            *_around(),
            Layer("placement_gradient", "segments", Style("ink", "fine")),
            Layer("placement_best", "points", Style(HAND, "handle", size=11)),
        ),
        x=Axis("", (-SKY_HALF, SKY_HALF), visible=False),
        y=Axis("", (-SKY_HALF / 2.28, SKY_HALF / 2.28), visible=False),
        size="pair",
        equal_aspect=True,
        when=when("more", "placement"),
        aria="Map of the information gained by adding one pulsar at each place of the sky.",
    )
