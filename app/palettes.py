"""Colour maps, each a list of 256 hexes."""

from __future__ import annotations

import math

import colorcet
import numpy as np

PHASE_HUES = 64
PHASE_LEVELS = 4


def ramp(stops: str) -> list[str]:
    """256 colours through hexes joined by hyphens, interpolated in OKLab so that no step looks larger."""
    anchors = np.array([_to_oklab(stop) for stop in stops.split("-")])
    at = np.linspace(0, len(anchors) - 1, 256)
    channels = [np.interp(at, np.arange(len(anchors)), anchors[:, k]) for k in range(3)]
    return [_from_oklab(*lab) for lab in zip(*channels, strict=True)]


def phase(lightness: tuple[float, float], chroma: float) -> list[str]:
    """Hue is the argument, lightness a step of log2 of the modulus: index = level * PHASE_HUES + hue.

    Hue k stands for the arguments within half a step of 2 pi k / 64, turned by 250 degrees so that the
    positive real axis is blue; no hue here is the orange of the reader's hand at the hand's chroma.
    """
    colours = []
    for light in np.linspace(*lightness, PHASE_LEVELS):
        for hue in range(PHASE_HUES):
            angle = 2 * math.pi * hue / PHASE_HUES + math.radians(250)
            colours.append(_from_oklab(float(light), chroma * math.cos(angle), chroma * math.sin(angle)))
    return colours


def emitting() -> list[str]:
    """Colorcet's CET_CBL2: black through blue and yellow to white, safe for colour-blind readers."""
    return [hex_.upper() for hex_ in colorcet.palette["CET_CBL2"]]


def diverging() -> list[str]:
    """Colorcet's CET_CBD1: blue, white, yellow; centre it on zero."""
    return [hex_.upper() for hex_ in colorcet.palette["CET_CBD1"]]


def _to_oklab(hex_: str) -> tuple[float, float, float]:
    r, g, b = (_to_linear(int(hex_[k : k + 2], 16) / 255) for k in (0, 2, 4))
    # Ottosson (2020), "A perceptual color space for image processing".
    long = math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b)
    medium = math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b)
    short = math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b)
    return (
        0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short,
    )


def _from_oklab(lightness: float, a: float, b: float) -> str:
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    linear = (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )
    return "#" + "".join(f"{round(255 * _from_linear(c)):02X}" for c in linear)


def _to_linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4


def _from_linear(channel: float) -> float:
    channel = min(max(channel, 0.0), 1.0)
    return 12.92 * channel if channel <= 0.0031308 else 1.055 * channel ** (1 / 2.4) - 0.055
