"""The encoding that the parameters describe, as the engine takes it."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

from anisoscope.engine.hashgrid import Levels, cycle_set, level_table, rotation_set

from ...errors import RequestError
from ...request import Request

ANCHOR = (0.37, 0.61, 0.53)
"""Middle of the picture: no node of any level, and none of its cells' middles."""


@dataclass(frozen=True)
class Encoding:
    """Levels that are switched on, their rotation, and where the lit point is.

    levels: as `level_table`, (L',) of them. rotation: None, (L',) radians or (L', 3, 3).
    """

    levels: Levels
    rotation: Tensor | None
    dim: int
    x0: Tensor

    @property
    def resolutions(self) -> Tensor:
        """(L',) of the levels switched on."""
        return self.levels.resolutions

    @property
    def average(self) -> float:
        """N_avg, the geometric mean of the resolutions switched on."""
        return self.levels.average_resolution


def encoding_of(request: Request) -> Encoding:
    """The encoding that is asked for.

    Raises:
        RequestError: the finest resolution is beyond what a grid can have.
    """
    dim, count = request["dimension"], min(request["active"], request["levels"])
    finest = request["base"] * request["growth"] ** (request["levels"] - 1)
    if finest > 1e8:
        most = (1e8 / request["base"]) ** (1 / max(1, request["levels"] - 1))
        raise RequestError(
            "growth",
            request["growth"],
            f"makes a finest grid of {finest:.1e} cells, at most 10⁸",
            math.floor(100 * most) / 100,
        )
    turned = rotation_of(request, count)
    levels = level_table(
        dim,
        request["levels"],
        request["log2_table"],
        request["base"],
        request["growth"],
        request["convention"],
    )
    levels = _switched_on(levels, count)
    x0 = torch.tensor(ANCHOR[:dim], dtype=torch.float64)
    x0[:2] += torch.tensor([request["dx"], request["dy"]], dtype=torch.float64) / levels.average_resolution
    return Encoding(levels, turned, dim, x0)


def _switched_on(levels: Levels, count: int) -> Levels:
    """The first so many levels."""
    per_level = {f.name: getattr(levels, f.name) for f in fields(levels) if f.name != "offset"}
    return replace(levels, **{name: part[:count] for name, part in per_level.items()})


def rotation_of(request: Request, count: int) -> Tensor | None:
    """Angles l θ in the plane, or the chosen set in space, for so many levels; None where nothing turns."""
    if request["dimension"] == 2:
        if request["turn"] in (0.0, 90.0):
            return None
        return torch.arange(count, dtype=torch.float64) * math.radians(request["turn"])
    if request["rotation_set"] == "none":
        return None
    return cycle_set(rotation_set(request["rotation_set"]), count)
