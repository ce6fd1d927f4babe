"""One image fitted four ways before the reader's eyes: pictures, residual spectra, and curves over the steps."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from anisoscope.engine.hashgrid import power_spectrum

from ...frame import Columns, Frame, Idle
from ...request import Request
from . import nothing
from .encoding import Encoding
from .fits import Fits, Turn, fits_of
from .images import luminance
from .scales import DECADES, GAP, PITCH, TILE, WAYS

FRAME_SECONDS = 0.1
SLICE_SECONDS = 0.03
"""Fitting between two looks at whether something else was asked."""

PAGE_SECONDS = 0.02
"""Left to the page after each frame, which paints on the same processors."""

BINS = 32
NEAR_AXIS = math.tan(math.radians(10))


def frames(request: Request, encoding: Encoding, facts: dict[str, Any]) -> Iterator[Frame | Idle | None]:
    """The fits as they go, ten times a second; where they are paused or were made before, as they are.

    Raises:
        RequestError: as `fits_of`.
    """
    del encoding
    fits = fits_of(request)
    facts = facts | {
        "dtype": "float32",
        "fit_title": request["picture"],
        "fit_turned_by": request["fit_turn"],
    }
    shown = -math.inf
    while request["fit_running"] and not fits.done:
        if time.perf_counter() - shown > FRAME_SECONDS:
            shown = time.perf_counter()
            turn = fits.turn
            now = {"doing": "Fitting, step", "head": max(0, turn.head), "ended": False}
            yield Frame(
                tables(fits, turn, spectra := residual_spectra(fits, turn)),
                {**facts, **numbers(fits, turn, spectra), **now},
                (max(0, turn.head), fits.steps),
                notes(fits, turn, rate=True),
            )
            yield Idle(PAGE_SECONDS)
        fits.advance(SLICE_SECONDS)
        yield None
    turn = fits.turn
    spectra = residual_spectra(fits, turn)
    facts |= numbers(fits, turn, spectra) | {"head": max(0, turn.head), "ended": turn.head == fits.steps}
    yield Frame(tables(fits, turn, spectra), facts, (1, 1), notes(fits, turn))


def residual_spectra(fits: Fits, turn: Turn) -> list[Tensor]:
    """(H, W) power of what each way leaves, frequency zero in the middle."""
    return [power_spectrum(picture - fits.target.values) for picture in turn.pictures]


def tables(fits: Fits, turn: Turn, spectra: list[Tensor]) -> dict[str, Columns]:
    """Everything that is drawn, and the empty tables of other views."""
    values, last = fits.target.values, max(0, turn.head)
    own = power_spectrum(values - values.mean((0, 1)))
    most = max(float(spectrum.max()) for spectrum in spectra) or 1.0
    found: dict[str, Columns] = {
        "fit_original": _tile(values, luminance(values), 0, GAP),
        "fit_own_spectrum": _tile(values, _shares(own, most), 0, -GAP - TILE),
    }
    x = np.arange(last + 1, dtype=float)
    for k, way in enumerate(WAYS):
        found[f"fit_{way}"] = _tile(values, luminance(turn.pictures[k]), k + 1, GAP)
        found[f"fit_spectrum_{way}"] = _tile(values, _shares(spectra[k], most), k + 1, -GAP - TILE)
        for name, rows in (("psnr", fits.psnr), ("held", fits.held_out)):
            y = rows[k, : last + 1]
            there = np.isfinite(y)
            found[f"fit_{name}_{way}"] = {"x": x[there], "y": y[there]}
        found[f"fit_radial_{way}"] = _radial(spectra[k])
    return {**nothing.tables(), **found, "fit_names": _names()}


def numbers(fits: Fits, turn: Turn, spectra: list[Tensor]) -> dict[str, Any]:
    """The state of each way: decibels, size, work, and how much of its residual lies near the axes."""
    last = turn.head
    psnr = fits.psnr[:, : last + 1]
    facts: dict[str, Any] = {
        "fit_steps": fits.steps,
        "fit_pixels": tuple(fits.target.values.shape),
        "fit_low": 5 * math.floor(float(psnr.min()) / 5) if psnr.size else 5,
        "fit_high": 5 * math.ceil(float(psnr.max()) / 5 + 0.2) if psnr.size else 35,
    }
    power = np.concatenate([_radial(spectrum)["y"] for spectrum in spectra])
    facts["fit_least"] = 10 * math.floor(float(power.min()) / 10) if power.size else -60
    facts["fit_most"] = 10 * math.ceil(float(power.max()) / 10) if power.size else 0
    for k, way in enumerate(WAYS):
        facts |= {f"parameters_{way}": fits.parameters[k], f"gathers_{way}": fits.gathers[k]}
        if last >= 0:
            facts |= {f"psnr_{way}": float(fits.psnr[k, last]), f"cross_{way}": axis_excess(spectra[k])}
            if np.isfinite(fits.held_out[k, last]):
                facts[f"held_{way}"] = float(fits.held_out[k, last])
    if last >= 0:
        for way in list(WAYS)[1:]:
            facts[f"gain_{way}"] = facts[f"psnr_{way}"] - facts["psnr_plain"]
    return facts


def notes(fits: Fits, turn: Turn, rate: bool = False) -> tuple[str, ...]:
    """What a reader must know of the pictures, and while they are made how long a step takes."""
    words = [fits.target.note] if fits.target.note else []
    if fits.target.values.shape[2] == 3:
        words.append("fitted in colour, shown by luminance")
    if not rate and turn.head < fits.steps:
        words.append(f"paused at step {max(0, turn.head)} of {fits.steps}")
    if rate and turn.head > 0:
        words.append(f"{fits.milliseconds:.0f} ms a step of one way")
    return tuple(words)


def axis_excess(power: Tensor) -> float:
    """Mean power within 10° of the frequency axes over the mean over all angles; 1 for a round spectrum.

    Every radius counts by its own mean, so that a spectrum which falls with the radius does not tilt it.
    """
    vertical, horizontal, radius = _frequencies(power)
    near = torch.minimum(vertical.abs(), horizontal.abs()) <= NEAR_AXIS * torch.maximum(
        vertical.abs(), horizontal.abs()
    )
    ring = (radius * 2 * BINS).long()
    inside = (ring > 0) & (ring < BINS)
    every, close = (_by_ring(power, ring, inside & where) for where in (near | ~near, near))
    both = (every > 0) & ~torch.isnan(close)
    return float((close[both] / every[both]).mean()) if bool(both.any()) else 1.0


def _by_ring(power: Tensor, ring: Tensor, where: Tensor) -> Tensor:
    """(BINS,) mean power of each ring, NaN where it has no frequency."""
    index = ring[where]
    total = torch.zeros(BINS, dtype=torch.float64).index_add_(0, index, power[where])
    return total / torch.bincount(index, minlength=BINS)


def _radial(power: Tensor) -> Columns:
    """Power of the residual by spatial frequency in decibels: flat at −PSNR where it is white."""
    radius = _frequencies(power)[2]
    ring = (radius * 2 * BINS).long()
    mean = _by_ring(power, ring, (ring < BINS) & (radius > 0)) * power.numel()
    x, there = (torch.arange(BINS) + 0.5) / (2 * BINS), mean > 1e-16
    return {"x": x[there].numpy(), "y": (10 * mean[there].log10()).numpy()}


def _frequencies(power: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(H, W) cycles a pixel along both axes and their length, zero in the middle as `power_spectrum` has it."""
    sides = (torch.fft.fftshift(torch.fft.fftfreq(n, dtype=torch.float64)) for n in power.shape)
    vertical, horizontal = torch.meshgrid(*sides, indexing="ij")
    return vertical, horizontal, torch.hypot(vertical, horizontal)


def _shares(power: Tensor, most: float) -> np.ndarray:
    """Power on a logarithmic scale of `DECADES` decades below the most."""
    decades = (power / most).clamp(min=10**-DECADES).log10() / DECADES + 1
    return decades.clamp(0, 1).numpy()


def _tile(values: Tensor, shares: np.ndarray, column: int, bottom: float) -> Columns:
    """One picture of the array, upright, its longer side `TILE`."""
    height, width = values.shape[:2]
    wide, high = TILE * width / max(height, width), TILE * height / max(height, width)
    left, low = column * PITCH + (TILE - wide) / 2, bottom + (TILE - high) / 2
    edges = {"x0": left, "x1": left + wide, "y0": low, "y1": low + high}
    image = np.rint(255 * shares[::-1]).astype(np.uint8)
    return {**{name: np.array([value]) for name, value in edges.items()}, "image": image}


def _names() -> Columns:
    middles = np.arange(len(WAYS) + 1) * PITCH + TILE / 2
    return {
        "x": middles,
        "y": np.full(len(middles), GAP + TILE + 0.065),
        "text": ["image", *WAYS.values()],
    }
