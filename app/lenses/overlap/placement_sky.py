"""Where one more pulsar would tell most about the uneven sky, as a picture with the ways uphill."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from anisoscope.engine.overlap.healpix import nearest_pixel, pixel_directions
from anisoscope.engine.overlap.placement import PlacementMap, placement_map
from anisoscope.engine.overlap.pulsars import uniform
from anisoscope.engine.overlap.simulate import sigma_for_snr

from ...frame import Columns
from . import mollweide
from .content import content, pair_separations, vectors
from .recovery import Setup
from .sky_pictures import Scale, enlarged, picture

NSIDE = 8
ARROWS = 24
LONGEST = math.radians(16)
"""Length on the sky of the arrow at the steepest of the places."""


def placement(setup: Setup, columns: int = 240) -> tuple[dict[str, Columns], dict[str, Any]]:
    """The gain in nats of one pulsar of median noise at each of 768 places; nothing of the sky enters but A² = 1.

    Args:
        setup: array, SNR and fit_l_max, the degrees the gain is counted over.
        columns: of the picture.

    Returns:
        tables placement_map, placement_best (x, y), placement_gradient (x0, y0, x1, y1: from the place
        towards larger gain); and facts.
    """
    found = _placement(setup.key, content(setup.weights), float(setup.snr), setup.fit_l_max)
    best = int(found.gain.argmax())
    place = pixel_directions(NSIDE)[best]
    x, y = mollweide.project(place[None])
    scale = Scale(float(found.gain.min()), float(found.gain.max()))
    tables: dict[str, Columns] = {
        "placement_map": picture(enlarged(found.gain, columns), scale, columns),
        "placement_best": {"x": x, "y": y},
        "placement_gradient": _arrows(found.gradient),
    }
    facts = {
        "placement_ra": math.degrees(math.atan2(float(place[1]), float(place[0]))) % 360,
        "placement_dec": math.degrees(math.asin(float(place[2]))),
        "placement_gain": float(found.gain[best]),
        "placement_lowest": scale.low,
        "placement_mean": float(found.gain.mean()),
        "placement_base": found.base,
        "placement_nside": NSIDE,
    }
    return tables, facts


@lru_cache(maxsize=8)
def _placement(key: bytes, weights: bytes, snr: float, l_max: int) -> PlacementMap:
    """σ_ab = noise_a noise_b, of which the pair of the first two pulsars sets the size."""
    weight = torch.from_numpy(np.frombuffer(weights, dtype=np.float64).copy())
    sigma = sigma_for_snr(pair_separations(key).hellings_downs, snr, weight)
    noise = (sigma[0] * (weight[0] * weight[1]).sqrt() / weight).sqrt()
    return placement_map(vectors(key), pixel_directions(NSIDE), noise, l_max, "anisotropy")


def _arrows(gradient: Tensor) -> dict[str, np.ndarray]:
    """At places spread evenly, each as long as the gain is steep; those across the picture's edge are left out."""
    pixels = nearest_pixel(uniform(ARROWS).directions, NSIDE)
    start, slope = pixel_directions(NSIDE)[pixels], gradient[pixels]
    steepness = torch.linalg.vector_norm(slope, dim=-1, keepdim=True)
    steepest = steepness.max().clamp(min=torch.finfo(torch.float64).tiny)
    end = torch.nn.functional.normalize(start + math.tan(LONGEST) * slope / steepest, dim=-1)
    (x0, y0), (x1, y1) = mollweide.project(start), mollweide.project(end)
    kept = np.abs(x1 - x0) < 1.0
    return {"x0": x0[kept], "y0": y0[kept], "x1": x1[kept], "y1": y1[kept]}
