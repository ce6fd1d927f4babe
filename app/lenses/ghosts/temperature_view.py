"""The temperature: ghosts slide and pinch the real line, radii follow, and what becomes of curves divided by a radius."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from ...frame import Columns, Frame, Idle
from ...request import Request
from .extents import COLDEST, HOTTEST
from .sweep_shipped import RATIOS, TEMPERATURES, shipped, spread_in_decades
from .temperature_figures import UNITS, figures
from .temperature_shipped import trained, trained_spread
from .temperature_words import captions, claims, readouts, table

if TYPE_CHECKING:
    from .state import Subject
    from .sweep_live import Sweep
    from .temperature_follow import Followed

__all__ = ["claims", "figures", "frames", "readouts", "table"]

FINE = 512
"""Columns of the plane at rest."""

KINDS = ("bound", "margin", "exact")


def frames(request: Request) -> Iterator[Frame | Idle | None]:
    """What is known of the sample at once, its radii and the ways of its ghosts, then the reader's network."""
    from .plane import field
    from .state import subject
    from .sweep_live import COARSE, find_radii, find_rows, sweep_of
    from .temperature_follow import followed

    one = subject(request)
    sample = followed(one, request)
    # The direction is that of T = 1, and predictions do not depend on T: one sweep serves every temperature.
    sweep = sweep_of(request.replace(temperature=1.0))
    yield _frame(request, one, sample, sweep, (1, 4))
    if sample.paths is None and not sample.flat:
        yield from sample.find()
        yield _frame(request, one, sample, sweep, (2, 4))
    finer = {"field": field(one, float(request["window"]), FINE)}
    if sweep is None:
        yield _frame(request, one, sample, sweep, (4, 4), finer)
        return
    yield from find_radii(sweep)
    if not sweep.flat:
        yield from find_rows(sweep, COARSE)
        yield _frame(request, one, sample, sweep, (3, 4))
        yield from find_rows(sweep, 1)
    yield _frame(request, one, sample, sweep, (4, 4), finer)


def _frame(
    request: Request,
    one: Subject,
    sample: Followed,
    sweep: Sweep | None,
    stage: tuple[int, int],
    finer: dict[str, Columns] | None = None,
) -> Frame:
    facts = _facts(one, sample, sweep)
    found: dict[str, Columns] = {
        **_plane(sample, one),
        **_radii(sample, one, facts),
        **_trained(),
        **_yours(sweep, request["temperature"]),
        "temperature_captions": captions(facts),
        **(finer or {}),
    }
    return Frame(found, facts, stage)


def _plane(sample: Followed, one: Subject) -> dict[str, Columns]:
    """Ways of the ghosts above and below the real axis, and where each of them is."""
    from .temperature_follow import TEMPERATURES as GRID

    zeros = np.zeros((0, len(GRID)), complex) if sample.paths is None else sample.paths.zeros.numpy()
    lines = [line[~np.isnan(line)] for line in zeros]
    both = [half for line in lines if len(line) > 1 for half in (line, line.conj())]
    here = sample.ghosts_at(one.temperature)
    here = np.concatenate([here, here.conj()])
    return {
        "temperature_paths": {"xs": [np.real(line) for line in both], "ys": [np.imag(line) for line in both]},
        "temperature_ghosts": {"x": np.real(here), "y": np.imag(here)},
        "temperature_flips": {"x": sample.flips, "y": np.zeros(len(sample.flips))},
        "temperature_tracks": {
            "x": np.real(zeros).ravel(),
            "y": np.imag(zeros).ravel(),
            "t": np.tile(GRID.log10().numpy(), len(zeros)),
        },
    }


def _radii(sample: Followed, one: Subject, facts: dict[str, Any]) -> dict[str, Columns]:
    """log₁₀ of the radii as steps against log₁₀ T."""
    from .temperature_follow import TEMPERATURES as GRID

    x, scale = GRID.log10().numpy(), math.log10(one.unit)
    curves: dict[str, Columns] = {
        f"temperature_{kind}": {"x": x, "y": np.log10(sample.radii[kind]) + scale}
        if sample.radii is not None
        else {"x": np.zeros(0), "y": np.zeros(0)}
        for kind in KINDS
    }
    at = math.log10(one.temperature)
    heights = [] if one.flat else [math.log10(one.radius(kind) * one.unit) for kind in ("bound", "exact")]
    known = math.isfinite(sample.flip) and sample.flip > 0
    return {
        **curves,
        "temperature_flip_line": {"y": np.log10([sample.flip * one.unit]) if known else np.zeros(0)},
        "temperature_cursor": {"x": np.array([at])},
        "temperature_dots": {"x": np.full(len(heights), at), "y": np.array(heights)},
        "temperature_names": _names(curves, facts["temperature_ends"]),
    }


def _names(curves: dict[str, Columns], ends: tuple[float, float]) -> Columns:
    """The exact radius named above its curve and the bound below, where both have parted."""
    room = ends[1] - ends[0]
    x, y, text = [], [], []
    for kind, place, shift, name in (
        ("exact", 4, 0.09, "exact ρ*"),
        ("bound", 12, -0.05, "bound ρₐ = πT/Δₐ"),
    ):
        curve = curves[f"temperature_{kind}"]
        if len(curve["x"]):
            x.append(float(curve["x"][place]))
            y.append(float(curve["y"][place]) + shift * room)
            text.append(name)
    return {"x": np.array(x), "y": np.array(y), "text": text}


@cache
def _trained() -> dict[str, Columns]:
    """Shipped curves of the networks trained at each T; the same objects each time."""
    curves, onsets = trained(), shipped().trained_onset
    found: dict[str, Columns] = {"temperature_level": {"y": np.array([0.9])}}
    for unit in UNITS:
        places = curves.places(unit)
        for k in range(len(TEMPERATURES)):
            found[f"temperature_trained_{unit}_{k}"] = {
                "xs": list(places[:, k]),
                "ys": list(curves.kept[:, k]),
            }
        at = np.log10(onsets / curves.unit(unit)).ravel()
        found[f"temperature_trained_{unit}_onsets"] = {"x": at, "y": np.full(len(at), 0.9)}
    return found


def _yours(sweep: Sweep | None, temperature: float) -> dict[str, Columns]:
    """The reader's network: its one curve in τ, and in r as many as there are temperatures."""
    steps, kept = (np.zeros(0), np.zeros(0)) if sweep is None else sweep.curve("kept")
    bound = 1.0 if sweep is None else sweep.radii.get("bound", 1.0)
    x = np.log10(steps / bound)
    broken = [] if sweep is None or not math.isfinite(sweep.onset) else [math.log10(sweep.onset / bound)]
    scale = math.log10(bound) if len(x) else 0.0
    found: dict[str, Columns] = {
        "temperature_yours_tau": {"x": x + scale, "y": kept},
        "temperature_yours_tau_onsets": {"x": np.array(broken) + scale, "y": np.full(len(broken), 0.9)},
        "temperature_yours_here": {"x": x - math.log10(temperature), "y": kept},
        "temperature_now": {"x": np.array([scale + math.log10(temperature)] if len(x) else [])},
        "temperature_one": {"x": np.zeros(1 if len(x) else 0)},
    }
    shifts = np.log10(TEMPERATURES)
    for k, shift in enumerate(shifts):
        found[f"temperature_yours_bound_{k}"] = {"x": x - shift, "y": kept}
    at = (np.array(broken)[:, None] - shifts).ravel()
    found["temperature_yours_bound_onsets"] = {"x": at, "y": np.full(len(at), 0.9)}
    return found


def _facts(one: Subject, sample: Followed, sweep: Sweep | None) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "temperature_flip": sample.flip * one.unit,
        "temperature_over_flip": one.exact / sample.flip if sample.flip > 0 and not one.flat else math.nan,
        "temperature_unit": one.unit,
        "temperature_ends": _ends(one, sample),
        "temperature_trained_tau": trained_spread("tau"),
        "temperature_trained_bound": trained_spread("bound"),
        "temperature_trained_exact": trained_spread("exact"),
    }
    if sweep is not None and sweep.radii and not sweep.flat:
        low = math.log10(sweep.radii["bound"] * RATIOS[0])
        facts["temperature_steps"] = (low, low + math.log10(RATIOS[-1] / RATIOS[0]))
        if math.isfinite(sweep.onset):
            facts["temperature_onset"] = sweep.onset
            facts["temperature_own"] = spread_in_decades(
                sweep.onset / (sweep.radii["bound"] * np.array(TEMPERATURES))
            )
    return facts


def _ends(one: Subject, sample: Followed) -> tuple[float, float]:
    """Of the axis of radii: from the bound of the coldest to the exact radius of the hottest, whatever T is now."""
    reach = math.hypot(sample.flip, HOTTEST) if math.isfinite(sample.flip) else HOTTEST
    return math.log10(COLDEST * one.unit) - 0.1, math.log10(2 * reach * one.unit)
