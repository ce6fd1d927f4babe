"""What is computed once the hand has rested: the recovered sky, and the one slow figure that was asked for."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from ...frame import Columns
from ...request import Request
from . import mollweide
from .array_state import ArrayState
from .detection_curve import detection
from .placement_sky import placement
from .posterior_bars import posterior
from .recovery import Setup, recover
from .skies import Sky

COLUMNS = 240
NOTHING = np.array([])

Step = tuple[dict[str, Columns], dict[str, Any]]


@lru_cache(maxsize=1)
def empty() -> dict[str, Columns]:
    """The tables before anything was recovered: even maps, no bars, no curves."""
    directions, _ = mollweide.raster(COLUMNS)
    even = mollweide.image(torch.zeros(len(directions)), 0.0, 1.0, COLUMNS)
    grey = mollweide.image(torch.zeros(len(directions)), -1.0, 1.0, COLUMNS)
    bars: Columns = {"left": NOTHING, "right": NOTHING, "top": NOTHING}
    points: Columns = {"x": NOTHING, "y": NOTHING}
    segments = {"x0": NOTHING, "y0": NOTHING, "x1": NOTHING, "y1": NOTHING}
    tables: dict[str, Columns] = {
        "injected_map": even,
        "recovered_map": even,
        "residual_map": grey,
        "injected_bars": bars,
        "recovered_bars": bars,
        "detection": points,
        "detection_band": {**points, "y2": NOTHING},
        "detection_now": points,
        "posterior_linear": {**points, **segments},
        "posterior_root": {**points, **segments},
        "placement_map": even,
        "placement_gradient": segments,
        "placement_best": points,
    }
    return tables


def frames(request: Request, array: ArrayState, sky: Sky, physical: bool) -> Iterator[Step | None]:
    """Tables and facts as they come; None where a newer request may take over. Data come from a physical sky only."""
    if not physical:
        yield empty(), {"simulated": False}
        return
    # Many small steps, which the processor does best wherever the pairs are drawn from.
    setup = Setup(
        directions=array.directions.cpu(),
        weights=array.pulsars.weights,
        gamma=array.gamma.cpu(),
        injected=sky.coefficients[: (request["l_max"] + 1) ** 2].cpu(),
        snr=request["snr"],
        noise_seed=request["noise_seed"],
        fit_l_max=request["fit_l_max"],
        method=request["method"],
        ridge=request["ridge"],
    )
    tables, facts = recover(setup, COLUMNS)
    yield tables, {**facts, "simulated": True}
    yield None
    if request["more"] == "placement":
        yield placement(setup)
    elif request["more"] != "none":
        yield from {"detection": detection, "posterior": posterior}[request["more"]](setup)
