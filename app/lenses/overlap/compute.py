"""Frames of the lens: sky, pairs and curves under the hand; then errors, recovery and what is slow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from torch import Tensor

from anisoscope.engine.overlap import (
    angular_power,
    evaluate,
    pixel_directions,
)

from ...frame import Columns, Frame
from ...numbers import shown as shown_number
from ...request import Request
from . import curves, pairs, rest, sky_tables
from .array_state import PEER_NSIDE, ArrayState, array_state, pixel_patterns, self_overlap
from .arrays import notes_of
from .real_data import points
from .skies import Sky, sky_of

COARSE, FINE = 240, 480
"""Columns of the sky while the hand moves, and at rest."""

KERNEL = 180
"""Columns of the two maps of a pair."""


NEGATIVE = -1e-9
"""Power below which a sky is no sky."""


def frames(request: Request) -> Iterator[Frame | None]:
    """First what follows the hand, then everything that takes longer."""
    array, sky = array_state(request), sky_of(request)
    shown = sky.coefficients[: (request["l_max"] + 1) ** 2]
    gamma = array.gamma[:, : len(shown)] @ shown
    pair = array.pair(request["pulsar_a"], request["pulsar_b"])
    power, at_pulsars = sky_tables.power(array, sky, COARSE)
    tables = {
        **sky_tables.sky(power, COARSE),
        **sky_tables.marks(request, array, sky),
        **sky_tables.kernels(array, request["pulsar_a"], request["pulsar_b"], request["l_max"], KERNEL),
        **pairs.scatter(request, array, at_pulsars, gamma, pair),
        **curves.overlap_curves(request, array, pair),
        **curves.power_bars(shown),
        "pair_values": {"gamma_lm": array.gamma[pair].cpu().numpy()},
    }
    facts = _facts(request, array, sky, shown, gamma, pair) | points(request["data"])[1]
    notes = notes_of(array.pulsars)
    yield Frame({**tables, **rest.empty()}, facts, (1, 4), notes)
    yield None
    finer = sky_tables.sky(sky_tables.power(array, sky, FINE)[0], FINE)
    facts = {**facts, **_errors(array, sky, shown, gamma)}
    if facts["sky_minimum"] < NEGATIVE:
        notes = (
            *notes,
            f"the power falls to {shown_number(facts['sky_minimum'])}: no real sky does, and no data come from it",
        )
    yield Frame(finer, facts, (2, 4), notes)
    recovered: dict[str, Columns] = {}
    for step in rest.frames(request, array, sky, facts["sky_minimum"] >= NEGATIVE):
        if step is None:
            yield None
            continue
        recovered, facts = recovered | step[0], facts | step[1]
        yield Frame(recovered, facts, (3, 4), notes)
    yield Frame(recovered, facts, (4, 4), notes)


def _facts(
    request: Request, array: ArrayState, sky: Sky, shown: Tensor, gamma: Tensor, pair: int
) -> dict[str, Any]:
    names = array.pulsars.names
    power = angular_power(shown)
    itself = self_overlap(array, request["pulsar_term"])
    auto = shown[: len(itself)] @ itself[: len(shown)]
    return {
        "pulsars": len(names),
        "last_pulsar": len(names) - 1,
        "pairs": len(gamma),
        "degree": request["degree"],
        "order": min(request["order"], request["degree"]),
        "pair_names": (names[request["pulsar_a"]], names[request["pulsar_b"]]),
        "separation_degrees": float(array.zeta[pair].rad2deg()),
        "pair_gamma": float(gamma[pair]),
        "pair_hd": float(array.isotropic[pair]),
        "rms_deviation": float((gamma - array.isotropic).square().mean().sqrt()),
        "largest_deviation": float((gamma - array.isotropic).abs().max()),
        "dipole_ratio": float(power[1] / power[0]) if len(power) > 1 else 0.0,
        "half_power_degrees": float(np.degrees(sky.half_power)),
        "auto_min": float(auto.min()),
        "auto_max": float(auto.max()),
        "device": str(array.directions.device),
        "dtype": "float64",
    }


def _errors(array: ArrayState, sky: Sky, shown: Tensor, gamma: Tensor) -> dict[str, Any]:
    """What the shown series leaves out, what a sum over pixels would miss, and where the sky is negative."""
    whole = array.gamma @ sky.coefficients if sky.exact is None else sky.exact(array)
    pixels = pixel_directions(PEER_NSIDE).to(array.directions.device)
    power, patterns = evaluate(shown, pixels), pixel_patterns(array)
    matrix = ((patterns * power) @ patterns.mT).sum(0) * (1.5 / len(pixels))
    return {
        "truncation_error": float((whole - gamma).abs().max()),
        "pixel_error": float((matrix[array.first, array.second] - gamma).abs().max()),
        "sky_minimum": float(sky.power(pixels).min()) if sky.floor is None else sky.floor,
        "shown_minimum": float(power.min()),
    }
