"""Figures of one image fitted four ways."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...figure import Axis, Figure, Key, Layer, Role, Style, when
from ...frame import Frame
from ...ticks import rounded
from .scales import DECADES, PITCH, TILE, WAYS

FIT = when("view", "fit")
ROLES: dict[str, Role] = {"plain": "blue", "cycle": "green", "split": "purple", "hash_only": "amber"}


def figures(frame: Frame) -> tuple[Figure, ...]:
    """In reading order."""
    return (_pictures(), _curves(frame.facts), _radial(frame.facts))


def _pictures() -> Figure:
    pictures = ("fit_original", *(f"fit_{way}" for way in WAYS))
    spectra = ("fit_own_spectrum", *(f"fit_spectrum_{way}" for way in WAYS))
    return Figure(
        name="fits",
        title="One image, four encodings",
        unit=f"below: power of what is left, yellow to dark {DECADES:g} decades; of the image itself on the left",
        layers=(
            *(Layer(table, "image", palette="grey") for table in pictures),
            *(Layer(table, "image", palette="psf") for table in spectra),
            Layer("fit_names", "labels", Style("ink2"), align="center"),
        ),
        x=Axis("", (-0.06, 4 * PITCH + TILE + 0.06), visible=False),
        y=Axis("", (-1.04, 1.04), visible=False),
        size="hero",
        equal_aspect=True,
        when=FIT,
        aria="The image and four fits of it side by side; under each fit the power spectrum of its residual, frequency "
        "zero in the middle, under the image its own spectrum.",
    )


def _curves(facts: Mapping[str, Any]) -> Figure:
    low, high, steps = facts.get("fit_low", 5), facts.get("fit_high", 35), facts.get("fit_steps", 120)
    return Figure(
        name="fit_psnr",
        title="PSNR",
        unit="dB; thin: of held-out pixels",
        legend=tuple(Key(name, "line", ROLES[way]) for way, name in WAYS.items()),
        layers=(
            *(Layer(f"fit_held_{way}", "curve", Style(ROLES[way], "fine")) for way in WAYS),
            *(Layer(f"fit_psnr_{way}", "curve", Style(ROLES[way], "current")) for way in WAYS),
        ),
        x=Axis("step", (0, steps), rounded(0, steps)),
        y=Axis("", (low, high), rounded(low, high)),
        size="pair",
        when=FIT,
        aria="Peak signal to noise of each of the four fits against the steps.",
    )


def _radial(facts: Mapping[str, Any]) -> Figure:
    low, high = facts.get("fit_least", -60), facts.get("fit_most", 0)
    return Figure(
        name="fit_radial",
        title="What is left, by frequency",
        unit="power in dB, mean over angles; a white residual is flat at −PSNR",
        layers=tuple(Layer(f"fit_radial_{way}", "curve", Style(ROLES[way], "current")) for way in WAYS),
        x=Axis(
            "cycles per pixel", (0, 0.5), ((0.0, "0"), (0.125, "⅛"), (0.25, "¼"), (0.375, "⅜"), (0.5, "½"))
        ),
        y=Axis("", (low, high), rounded(low, high)),
        size="pair",
        when=FIT,
        aria="Residual power of each fit against the spatial frequency, mean over all angles.",
    )
