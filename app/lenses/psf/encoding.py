"""The encoding that the parameters describe, as the engine takes it."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from functools import lru_cache

import torch
from torch import Tensor

from anisoscope.engine.hashgrid import Levels, cycle_set, level_table, rotation_set
from anisoscope.engine.hashgrid.geometry import CellGeometry, cell_geometry
from anisoscope.engine.hashgrid.levels import Convention
from anisoscope.engine.hashgrid.rotations import RotationSet

from ...errors import RequestError
from ...request import Request

ANCHOR = (0.37, 0.61, 0.53)
"""Middle of the picture: no node of any level, and none of its cells' middles."""


@dataclass(frozen=True)
class Encoding:
    """Levels that are switched on, their rotation, and where the lit point is.

    levels: as `level_table`, (L',) of them. rotation: None, (L',) radians or (L', 3, 3). geometry: their cell
    coordinates; unturned: the same where no level is turned. average: N_avg, the geometric mean of their resolutions.
    """

    levels: Levels
    rotation: Tensor | None
    dim: int
    x0: Tensor
    geometry: CellGeometry
    unturned: CellGeometry
    average: float

    @property
    def resolutions(self) -> Tensor:
        """(L',) of the levels switched on."""
        return self.levels.resolutions


def encoding_of(request: Request) -> Encoding:
    """The encoding that is asked for.

    Raises:
        RequestError: the finest resolution is beyond what a grid can have.
    """
    finest = request["base"] * request["growth"] ** (request["levels"] - 1)
    if finest > 1e8:
        most = (1e8 / request["base"]) ** (1 / max(1, request["levels"] - 1))
        raise RequestError(
            "growth",
            request["growth"],
            f"makes a finest grid of {finest:.1e} cells, at most 10⁸",
            math.floor(100 * most) / 100,
        )
    unlit = _unlit(*(request[name] for name in SHAPED_BY))
    x0 = unlit.x0.clone()
    x0[:2] += torch.tensor([request["dx"], request["dy"]], dtype=torch.float64) / unlit.average
    return replace(unlit, x0=x0)


SHAPED_BY = (
    "dimension", "levels", "active", "log2_table", "base", "growth", "convention", "turn", "rotation_set"
)  # fmt: skip
"""Parameters of the encoding itself: the lit point moves without them."""


@lru_cache(maxsize=8)
def _unlit(
    dim: int,
    levels: int,
    active: int,
    log2_table: int,
    base: int,
    growth: float,
    convention: Convention,
    turn: float,
    turning: RotationSet,
) -> Encoding:
    """The encoding, lit in the middle of the picture."""
    count = min(active, levels)
    rotation = _rotation(dim, turn, turning, count)
    on = _switched_on(level_table(dim, levels, log2_table, base, growth, convention), count)
    geometry, unturned = cell_geometry(on, dim, rotation), cell_geometry(on, dim)
    x0 = torch.tensor(ANCHOR[:dim], dtype=torch.float64)
    return Encoding(on, rotation, dim, x0, geometry, unturned, on.average_resolution)


def _switched_on(levels: Levels, count: int) -> Levels:
    """The first so many levels."""
    per_level = {f.name: getattr(levels, f.name) for f in fields(levels) if f.name != "offset"}
    return replace(levels, **{name: part[:count] for name, part in per_level.items()})


def _rotation(dim: int, turn: float, name: RotationSet, count: int) -> Tensor | None:
    """Angles l θ in the plane, or the chosen set in space, for so many levels; None where nothing turns."""
    if dim == 2:
        return None if turn in (0.0, 90.0) else torch.arange(count, dtype=torch.float64) * math.radians(turn)
    return None if name == "none" else cycle_set(rotation_set(name), count)
