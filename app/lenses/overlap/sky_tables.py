"""Tables of the sky figures: power, pulsars, the hot spot, the selected pair and its kernel."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from anisoscope.engine.overlap import pair_response, real_harmonics

from ...frame import Columns
from ...request import Request
from . import mollweide
from .array_state import ArrayState
from .skies import Sky

HOURS = (20, 16, 12, 8, 4)
SURROUND_X, SURROUND_Y = 3.2, 1.3


def power(array: ArrayState, shown: Sky, columns: int) -> tuple[Tensor, Tensor]:
    """The power at the picture's pixels inside the ellipse, and at the pulsars; both on the processor."""
    places = _places(array, columns)
    values = shown.power(places).cpu()
    inside = len(places) - len(array.directions)
    return values[:inside], values[inside:]


@lru_cache(maxsize=4)
def _places(array: ArrayState, columns: int) -> Tensor:
    directions, _ = mollweide.raster(columns)
    return torch.cat([directions.to(array.directions.device), array.directions])


def sky(power: Tensor, columns: int) -> dict[str, Columns]:
    """The power as an image from 0 to its own maximum; below 0 it has the colour of 0."""
    return {"sky": mollweide.image(power, 0.0, max(float(power.max()), 1e-12), columns)}


@lru_cache(maxsize=1)
def frame_tables() -> dict[str, Columns]:
    """What every map has around it: the outside of the ellipse, its edge, meridians and parallels, hours."""
    turn = np.linspace(0, 2 * np.pi, 181)
    edge = np.column_stack([2 * np.cos(turn), np.sin(turn)])
    lines_x, lines_y = [], []
    for hour in range(2, 24, 2):
        x, y = mollweide.project(
            torch.stack([mollweide.direction(15 * hour, d) for d in np.linspace(-90, 90, 61)])
        )
        lines_x.append(x)
        lines_y.append(y)
    for declination in (-60, -30, 0, 30, 60):
        ends = [mollweide.direction(a, declination) for a in np.linspace(0.001, 359.999, 91)]
        pieces = mollweide.curve(torch.stack(ends))
        lines_x += pieces[0]
        lines_y += pieces[1]
    hours_x, hours_y = mollweide.project(torch.stack([mollweide.direction(15 * h, -1.0) for h in HOURS]))
    box = np.array(
        [
            [-SURROUND_X, -SURROUND_Y],
            [SURROUND_X, -SURROUND_Y],
            [SURROUND_X, SURROUND_Y],
            [-SURROUND_X, SURROUND_Y],
        ]
    )
    return {
        "surround": {"xs": [box[:, 0]], "ys": [box[:, 1]], "holes": [[edge[:0:-1]]]},
        "edge": {"x": edge[:, 0], "y": edge[:, 1]},
        "graticule": {"xs": lines_x, "ys": lines_y},
        "hours": {"x": hours_x, "y": hours_y, "text": [f"{h} h" for h in HOURS]},
    }


def marks(request: Request, array: ArrayState, shown: Sky) -> dict[str, Columns]:
    """Pulsars by weight, the hot spot's ring and handle, the selected pair and the arc between its pulsars."""
    pair = _pair_marks(array, request["pulsar_a"], request["pulsar_b"])
    return {**frame_tables(), **_pulsar_marks(array), **pair, **_spot(shown)}


@lru_cache(maxsize=4)
def _pulsar_marks(array: ArrayState) -> dict[str, Columns]:
    x, y = mollweide.project(array.directions.cpu())
    names = np.array(array.pulsars.names)
    weight = array.pulsars.weights.cpu().numpy()
    heavy = weight > 1.0001 * np.median(weight)
    return {
        "pulsars": {"x": x, "y": y, "name": list(names)},
        "heavy": {"x": x[heavy], "y": y[heavy], "name": list(names[heavy])},
    }


@lru_cache(maxsize=8)
def _pair_marks(array: ArrayState, a: int, b: int) -> dict[str, Columns]:
    places = array.directions[[a, b]].cpu()
    x, y = mollweide.project(places)
    arc_x, arc_y = mollweide.curve(mollweide.arc(places[0], places[1]))
    names = [array.pulsars.names[a], array.pulsars.names[b]]
    return {
        "arc": {"xs": arc_x, "ys": arc_y},
        "selected": {"x": x, "y": y},
        "selected_names": {"x": x, "y": y, "text": names},
    }


def _spot(shown: Sky) -> dict[str, Columns]:
    nothing = np.array([])
    if shown.centre is None:
        return {
            "spot": {"x": nothing, "y": nothing},
            "spot_ring": {"xs": [], "ys": []},
            "spot_name": {"x": nothing, "y": nothing, "text": []},
        }
    centre = shown.centre.cpu()
    x, y = (np.atleast_1d(part) for part in mollweide.project(centre))
    ring: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    if shown.half_power:
        ring = mollweide.curve(mollweide.circle(centre, shown.half_power))
    return {
        "spot": {"x": x, "y": y},
        "spot_ring": {"xs": ring[0], "ys": ring[1]},
        "spot_name": {"x": x, "y": y, "text": ["hot spot" if shown.half_power else "drag"]},
    }


@lru_cache(maxsize=8)
def kernels(array: ArrayState, a: int, b: int, l_max: int, columns: int) -> dict[str, Columns]:
    """What the selected pair feels: (3/2) ΣF_aF_b over the sky, exact and summed to the shown degree.

    A mean of the kernel times the power over the sky is the pair's Γ, so both are drawn on one scale.
    """
    directions, _ = mollweide.raster(columns)
    first, second = array.directions[a], array.directions[b]
    exact = 1.5 * pair_response(first, second, directions.to(array.directions.device)).cpu()
    gamma = array.gamma[array.pair(a, b), : (l_max + 1) ** 2].cpu()
    partial = 4 * torch.pi * (_harmonics(columns, l_max) @ gamma)
    high = float(exact.abs().max())
    return {
        "kernel": mollweide.image(exact, -high, high, columns),
        "partial_kernel": mollweide.image(partial, -high, high, columns),
    }


@lru_cache(maxsize=12)
def _harmonics(columns: int, l_max: int) -> Tensor:
    directions, _ = mollweide.raster(columns)
    return real_harmonics(directions, l_max)
