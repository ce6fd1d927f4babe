"""Figures of the true network: its plane, that of its linearised logits, other samples, and the radii of its layers."""

from __future__ import annotations

import math

from ...figure import Axis, Figure, Key, Layer, Role, Style, when
from ...frame import Frame
from ...ticks import Logarithmic, logarithmic, plain, rounded

BEYOND = when("view", "beyond")
PARTS: dict[str, tuple[Role, str]] = {
    "output": ("ink", "zero of F"),
    "norm": ("amber", "variance = 0"),
    "attention": ("purple", "attention sum = 0"),
    "feed": ("green", "pole"),
}
"""Part of the network by its tables: role of its marks, and what ends the series there."""

HIGH = 1.2
LOW = -0.5
"""Ends of both axes of the samples, in decades of ρ_a."""


def figures(frame: Frame) -> tuple[Figure, ...]:
    """In reading order."""
    return (_plane(frame), _linear(frame), _samples(frame), _layers(frame))


def _axes(frame: Frame) -> tuple[Axis, Axis]:
    window = float(frame.facts.get("beyond_window", 3.0))
    ticks = rounded(-window, window, 8)
    imaginary = tuple(
        (v, "0" if v == 0 else f"{text}i") for v, text in rounded(-0.4 * window, 0.4 * window, 4)
    )
    x = Axis("step τ, Re t (units of the sample’s ρₐ)", (-window, window), ticks, share="beyond")
    return x, Axis("", (-window / 2.28, window / 2.28), imaginary)


def _discs() -> tuple[Layer, ...]:
    return (
        Layer("beyond_axis", "hlines", Style("axis", "fine")),
        Layer("beyond_bound_disc", "curve", Style("ink", "bound")),
        Layer("beyond_exact_disc", "curve", Style("ink", "fine")),
    )


def _plane(frame: Frame) -> Figure:
    x, y = _axes(frame)
    return Figure(
        name="beyond_plane",
        title="The true network at complex steps",
        unit="F(t) = Σ exp zₖ(θ + tv), hue = phase",
        hint="drag the step",
        legend=(
            Key("zero, true network", "ring"),
            Key("ghost, linearised", "ring", "grey"),
            Key("Rₜᵣᵤₑ", "line", "blue"),
            Key("ρₐ", "bound"),
            Key("ρ*", "fine"),
            Key("variance = 0", "dot", "amber"),
            Key("kink or pole", "dot", "green"),
        ),
        layers=(
            Layer("beyond_field", "image", palette="phase"),
            *_discs(),
            Layer("beyond_true_disc", "curve", Style("blue", "current")),
            Layer("beyond_feed_points", "points", Style("green", "points", size=7), hover=("distance",)),
            Layer("beyond_norm_points", "points", Style("amber", "points", size=9), hover=("distance",)),
            Layer("beyond_ghosts", "points", Style("grey", "ring", size=12), hover=("distance",)),
            Layer("beyond_zeros", "points", Style("ink", "ring", size=9), hover=("distance",)),
            Layer("beyond_nearest", "points", Style("blue", "ring", size=14), hover=("distance",)),
            Layer("beyond_names", "labels", Style("ink")),
            Layer("beyond_step_disc", "curve", Style("hand", "current"), above=True),
            Layer("beyond_step_handle", "points", Style("hand", "handle"), above=True),
        ),
        x=x,
        y=y,
        size="hero",
        equal_aspect=True,
        drag=True,
        when=BEYOND,
        aria="Complex plane of the step: coloured phase of the true network’s partition function, its zeros, the "
        "ghosts of the linearised logits, singularities of layers, and the circles of three radii.",
    )


def _linear(frame: Frame) -> Figure:
    x, y = _axes(frame)
    return Figure(
        name="beyond_linear",
        title="The linearised logits, same sample",
        unit="F(t) = Σ exp(zₖ + aₖt)",
        legend=(Key("ghost", "ring", "grey"), Key("ρₐ", "bound"), Key("ρ*", "fine")),
        layers=(
            Layer("beyond_linear_field", "image", palette="phase"),
            *_discs(),
            Layer("beyond_ghosts", "points", Style("grey", "ring", size=12), hover=("distance",)),
            Layer("beyond_linear_names", "labels", Style("ink")),
        ),
        x=x,
        y=y,
        size="pair",
        equal_aspect=True,
        when=BEYOND,
        aria="The same plane for logits on straight lines, with its ghosts.",
    )


def _samples(frame: Frame) -> Figure:
    ticks = Logarithmic((math.log10(value), text) for value, text in plain((0.5, 1, 2, 5, 10)))
    known, wanted = frame.facts.get("beyond_known", 0), frame.facts.get("beyond_wanted", 0)
    return Figure(
        name="beyond_samples",
        title="Rₜᵣᵤₑ against ρ*, both over ρₐ",
        unit=f"{known} of {wanted} samples" if wanted else "none: no continuation",
        legend=(
            *(Key(text, "dot", role) for role, text in PARTS.values()),
            Key("this sample", "ring", "blue"),
        ),
        layers=(
            Layer("beyond_samples_bound", "hlines", Style("ink", "bound", size=1.2)),
            Layer("beyond_samples_equal", "curve", Style("ink2", "fine")),
            *(
                Layer(f"beyond_samples_{name}", "points", Style(role, "points", size=7))
                for name, (role, _) in PARTS.items()
            ),
            Layer("beyond_samples_own", "points", Style("blue", "ring", size=12)),
        ),
        x=Axis("ρ* / ρₐ, linearised", (-0.05, HIGH), ticks),
        y=Axis("Rₜᵣᵤₑ / ρₐ", (LOW, 1.1), ticks),
        size="pair",
        when=BEYOND,
        aria="Each sample’s true radius against its linearised one: on the diagonal they agree; below the dashed line the "
        "true radius is smaller than the bound.",
    )


def _layers(frame: Frame) -> Figure:
    names = frame.tables["beyond_layers"]["name"] if "beyond_layers" in frame.tables else []
    count = len(names)
    low, high = frame.facts.get("beyond_layers_low", -2.0), frame.facts.get("beyond_layers_high", 1.0)
    rows = tuple((float(count - 1 - k), name) for k, name in enumerate(names))
    return Figure(
        name="beyond_layers",
        title="How far each layer lets the step go",
        unit="first layer at the top; argument moved along a straight line",
        legend=(
            Key("this sample, smallest", "dot", "blue"),
            Key("training set", "ring", "ink"),
            Key("|h|/|ḣ|, 1 %", "dot", "grey"),
            Key("ρₐ", "bound"),
            Key("ρ*", "fine"),
            Key("Rₜᵣᵤₑ", "line", "blue"),
        ),
        layers=(
            Layer("beyond_layers_bound_line", "vlines", Style("ink", "bound", size=1.2)),
            Layer("beyond_layers_exact_line", "vlines", Style("ink", "fine")),
            Layer("beyond_layers_true_line", "vlines", Style("blue", "exact")),
            Layer("beyond_layers_kinks", "points", Style("grey", "points", size=6)),
            Layer("beyond_layers_all", "points", Style("ink", "ring", size=10)),
            Layer("beyond_layers_own", "points", Style("blue", "points", size=8)),
            Layer("beyond_layers_none", "labels", Style("ink2"), align="right"),
        ),
        x=Axis("step τ", (low, high), logarithmic(low, high)),
        y=Axis("", (-0.6, max(0.6, count - 0.4)), rows),
        when=BEYOND,
        aria="Radii of activations, attention and normalisations, layer by layer, on a logarithmic axis of the step.",
    )
