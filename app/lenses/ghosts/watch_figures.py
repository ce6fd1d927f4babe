"""Figures of a reader's own training: how far its steps reach, how long they are, and which sample holds them back."""

from __future__ import annotations

import numpy as np

from ...figure import Axis, Figure, Key, Layer, Style, when
from ...frame import Frame
from ...ticks import logarithmic, plain, rounded

WATCH = when("view", "watch")
CURSOR = Layer("watch_cursor", "vlines", Style("hand", "exact"), above=True)
REFUSED = Layer("watch_refused", "vlines", Style("purple", "fine", size=1.4))


def figures(frame: Frame) -> tuple[Figure, ...]:
    """In reading order, on one axis of steps; then how often each sample was the tightest."""
    return (_reach(frame), _length(frame), _sample(frame), _loss(frame), _often(frame))


def _steps(frame: Frame) -> Axis:
    first, last = frame.facts.get("watch_range", (0, 100))
    margin = 0.02 * max(last - first, 1)
    whole = tuple(tick for tick in rounded(first, last) if tick[0] == round(tick[0]))
    return Axis("training step", (first - margin, last + margin), whole, share="watch_step")


def _logarithmic(frame: Frame, name: str) -> Axis:
    low, high = frame.facts.get(f"watch_{name}_ends", (-1.0, 1.0))
    margin = 0.04 * (high - low)
    return Axis("", (low - margin, high + margin), logarithmic(low, high))


def _reach(frame: Frame) -> Figure:
    return Figure(
        name="watch_reach",
        title="Reach of every step, r = τ / ρ",
        unit=str(frame.facts.get("watch_title", "")),
        hint="drag the step",
        legend=(
            Key("asked for by the optimiser", "fine", "grey"),
            Key("taken", "line", "blue"),
            Key("cut", "dot", "amber"),
            Key("target", "bound"),
            Key("refused", "fine", "purple"),
        ),
        layers=(
            REFUSED,
            Layer("watch_target", "curve", Style("ink", "bound", size=1.6)),
            Layer("watch_asked", "curve", Style("grey", "fine", size=1.4)),
            Layer("watch_taken", "curve", Style("blue", "exact", size=1.8)),
            Layer("watch_cut", "points", Style("amber", "points", size=5)),
            CURSOR,
        ),
        x=_steps(frame),
        y=_logarithmic(frame, "reach"),
        drag=True,
        tap=True,
        when=WATCH,
        aria="Normalised step against the training step, logarithmic: what the optimiser asked for, what was taken, "
        "the target, and the steps that were cut.",
    )


def _length(frame: Frame) -> Figure:
    return Figure(
        name="watch_length",
        title="Length of the step τ and radius ρ",
        unit=str(frame.facts.get("watch_radius_words", "")),
        legend=(
            Key("τ asked for", "fine", "grey"),
            Key("τ taken", "line", "blue"),
            Key("radius ρ along the step", "bound"),
        ),
        layers=(
            REFUSED,
            Layer("watch_length_asked", "curve", Style("grey", "fine", size=1.4)),
            Layer("watch_radius", "curve", Style("ink", "bound", size=1.6)),
            Layer("watch_length_taken", "curve", Style("blue", "exact", size=1.8)),
            CURSOR,
        ),
        x=_steps(frame),
        y=_logarithmic(frame, "length"),
        drag=True,
        tap=True,
        when=WATCH,
        aria="Length of the step asked for and taken, and the radius along it, against the training step.",
    )


def _sample(frame: Frame) -> Figure:
    top = float(frame.facts.get("watch_last_sample", 1))
    return Figure(
        name="watch_sample",
        title="Which sample holds the step back",
        unit=str(frame.facts.get("watch_sample_words", "")),
        legend=(
            Key("tightest sample", "dot", "grey"),
            Key("where the step was cut", "dot", "amber"),
        ),
        layers=(
            Layer("watch_samples", "points", Style("grey", "points", size=5)),
            Layer("watch_samples_cut", "points", Style("amber", "points", size=5)),
            CURSOR,
        ),
        x=_steps(frame),
        y=Axis(
            "", (-0.05 * max(top, 1), 1.05 * max(top, 1)), plain(sorted({0.0, float(round(top / 2)), top}))
        ),
        drag=True,
        tap=True,
        when=WATCH,
        aria="Index of the sample of the smallest radius against the training step.",
    )


def _loss(frame: Frame) -> Figure:
    known = len(frame.tables["watch_loss"]["x"]) > 0
    return Figure(
        name="watch_loss",
        title="Loss",
        unit="nats, before the step" if known else "not recorded: recorder.loss(loss) adds it",
        legend=(Key("as the training gave it", "line"),),
        layers=(REFUSED, Layer("watch_loss", "curve", Style("ink", "exact", size=1.6)), CURSOR),
        x=_steps(frame),
        y=_logarithmic(frame, "loss"),
        size="pair",
        drag=True,
        tap=True,
        when=WATCH,
        aria="Loss of the training against its step, logarithmic.",
    )


def _often(frame: Frame) -> Figure:
    bars = frame.tables["watch_often"]
    names = frame.facts.get("watch_often_names", [])
    middles = (np.asarray(bars["left"]) + np.asarray(bars["right"])) / 2
    tallest = float(np.max(bars["top"], initial=1.0))
    return Figure(
        name="watch_often",
        title="Tightest most often",
        unit="steps, of those shown above",
        layers=(Layer("watch_often", "bars", Style("grey", "band", alpha=0.45)),),
        x=Axis(
            str(frame.facts.get("watch_sample_axis", "sample")),
            (-0.6, max(len(middles), 1) - 0.4),
            tuple((float(x), str(name)) for x, name in zip(middles, names, strict=False)),
        ),
        y=Axis("", (0, 1.15 * tallest), plain((0.0, tallest))),
        size="pair",
        when=WATCH,
        aria="Bars of how many steps each of the most frequent samples had the smallest radius.",
    )
