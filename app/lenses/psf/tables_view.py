"""Tables and collisions: speckle about the lit point, its law, loads, partners of the lit point, rows ever read."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from anisoscope.engine.hashgrid import (
    HashGrid,
    InvalidGrid,
    TableTooLarge,
    collision_map,
    collision_partners,
    level_table,
    load_factors,
    measured_speckle,
    pixel_centres,
    point_spread_function,
    rotation_matrices,
    speckle_law,
    table_utilisation,
)

from ...errors import RequestError
from ...frame import Columns
from ...request import Request
from . import nothing
from .encoding import ANCHOR, Encoding, encoding_of
from .imports import trained_grid
from .maps_view import asked, exact

COARSE, FINE = 48, 160
"""Pixels of the speckle's side, under the hand and at rest."""

LARGEST = 96_000_000
"""Bytes of the tables that are built for a request, one float32 a row."""

BITS = range(4, 25)
MEASURED_BITS = (6, 8, 10, 12, 14)
PLACES, POINTS = 6, 4096
HITS_LEAST = 200
"""Collisions that a measurement must meet: with fewer it says nothing of the law."""

SEARCHED = 1 << 24
PARTNERS_DRAWN = 3000
QUICK_VERTICES = 1 << 16
LATTICE_MOST = 512
FAINTEST = 0.05


def grid_of(request: Request) -> HashGrid:
    """The grid with its tables: the trained one where there is one, else built for the request.

    Raises:
        RequestError: the tables would take more than `LARGEST` bytes, or cannot be.
    """
    if request["trained"]:
        return trained_grid(request["trained"], request)
    return _built(asked(request), request["log2_table"])


@lru_cache(maxsize=3)
def _built(key: Request, bits: int) -> HashGrid:
    encoding = encoding_of(key)
    count = len(encoding.resolutions)
    try:
        return HashGrid(
            encoding.dim,
            count,
            1,
            bits,
            key["base"],
            key["growth"],
            key["convention"],
            encoding.rotation,
            max_bytes=LARGEST,
        )
    except TableTooLarge as error:
        raise RequestError("log2_table", bits, str(error), max(4, bits - 2)) from error
    except InvalidGrid as error:
        raise RequestError("levels", key["levels"], str(error)) from error


def speckle(request: Request, grid: HashGrid, encoding: Encoding, pixels: int) -> dict[str, Columns]:
    """The kernel with collisions around the lit point; beside it what they alone add, or the trained features."""
    half = request["field_of_view"]
    points, inside = _square(grid, encoding, half, pixels)
    kernel = exact(request["kernel"])
    values = np.zeros(len(inside))
    inner = points[torch.from_numpy(inside)]
    values[inside] = collision_map(grid, encoding.x0, inner, kernel).numpy()
    seen = values.clip(0, 1)
    found = {"collided": _image(_logarithmic(seen) if request["logarithmic"] else seen, half, pixels)}
    beside = np.zeros(len(inside))
    if request["trained"]:
        beside[inside] = _products(grid, encoding.x0, inner)
        strongest = 1.0
    else:
        # the levels alone: a grid brings its collisions with it
        alone = point_spread_function(grid.levels, encoding.x0, inner, kernel, grid.rotation)
        beside[inside] = values[inside] - alone.numpy()
        strongest = 4 * speckle_law(grid).sigma or 1.0
    shares = (beside / strongest).clip(-1, 1) / 2 + 0.5
    place = np.array([request["dx"]]), np.array([request["dy"]])
    return {
        **found,
        "speckle": _image(shares, half, pixels),
        "table_point": {"x": place[0], "y": place[1]},
    }


def _square(grid: HashGrid, encoding: Encoding, half: float, pixels: int) -> tuple[Tensor, np.ndarray]:
    """Points of the picture, (n, D), and which of them the encoding has vertices for."""
    steps = ((torch.arange(pixels, dtype=torch.float64) + 0.5) / pixels * 2 - 1) * half / encoding.average
    y, x = torch.meshgrid(steps, steps, indexing="ij")
    points = torch.tensor(ANCHOR[: grid.dim], dtype=torch.float64).repeat(pixels * pixels, 1)
    points[:, 0] += x.reshape(-1)
    points[:, 1] += y.reshape(-1)
    return points, ((points >= 0) & (points <= 1)).all(1).numpy()


def _products(grid: HashGrid, x0: Tensor, points: Tensor) -> np.ndarray:
    """⟨e(x), e(x0)⟩/⟨e(x0), e(x0)⟩ of a trained table's features: what a linear decoder on top would carry over."""
    with torch.no_grad():
        own = grid(x0[None].to(grid.table.dtype)).double()[0]
        others = grid(points.to(grid.table.dtype)).double()
    return (others @ own / (own @ own).clamp_min(1e-300)).numpy()


def _logarithmic(shares: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(shares, FAINTEST) / FAINTEST) / -math.log(FAINTEST)


def _image(shares: np.ndarray, half: float, pixels: int) -> Columns:
    edges = {"x0": -half, "x1": half, "y0": -half, "y1": half}
    image = np.rint(255 * shares.reshape(pixels, pixels)).astype(np.uint8)
    return {**{name: np.array([value]) for name, value in edges.items()}, "image": image}


def law(request: Request, grid: HashGrid) -> tuple[dict[str, Columns], dict[str, Any]]:
    """L √(T/L_h) against the size of the table, and V_l/T of every level."""
    found = speckle_law(grid)
    bits, laws = _law_of(asked(request))
    loads = np.log10(load_factors(grid, 1 << grid.log2_table_size))
    at = np.arange(len(loads), dtype=float)
    tables: dict[str, Columns] = {
        "snr_law": {"x": bits, "y": laws},
        "table_bits": {"x": np.array([float(grid.log2_table_size)])},
        "loads": {"left": at - 0.4, "right": at + 0.4, "top": loads},
        "load_one": {"y": np.array([0.0])},
    }
    facts = {
        "snr_formula": found.snr if math.isfinite(found.snr) else None,
        "snr_measured": None,
        "hashed_levels": found.hashed_levels,
        "speckle_bias": found.bias,
        "load_most": float(10 ** loads.max()),
        "rows": int(grid.levels.offsets[-1]),
        "last_level": len(loads) - 1,
        "utilisation": None,
        "partners": None,
    }
    return tables, facts


@lru_cache(maxsize=16)
def _law_of(key: Request) -> tuple[np.ndarray, np.ndarray]:
    """log₂ T and the logarithm of L √(T/L_h), where something collides."""
    encoding = encoding_of(key)
    turned = None
    if encoding.rotation is not None:
        turned = rotation_matrices(encoding.rotation, len(encoding.resolutions), encoding.dim)
    shape = encoding.dim, len(encoding.resolutions)
    found = {}
    for bits in BITS:
        table = level_table(*shape, bits, key["base"], key["growth"], key["convention"], turned)
        found[float(bits)] = speckle_law(table).snr
    finite = {bits: math.log10(snr) for bits, snr in found.items() if math.isfinite(snr)}
    return np.array(list(finite)), np.array(list(finite.values()))


def measured(request: Request, grid: HashGrid) -> Iterator[tuple[dict[str, Columns], dict[str, Any]] | None]:
    """Table after table None, then peak over speckle as measured at this size of the table and at small ones."""
    own = _measured(grid) if request["trained"] else _measured_at(asked(request), request["log2_table"])
    yield None
    found = {float(grid.log2_table_size): own}
    if not request["trained"]:
        for bits in MEASURED_BITS:
            found[float(bits)] = _measured_at(asked(request), bits)
            yield None
    finite = {bits: math.log10(snr) for bits, snr in sorted(found.items()) if math.isfinite(snr)}
    tables: dict[str, Columns] = {
        "snr_measured": {"x": np.array(list(finite)), "y": np.array(list(finite.values()))}
    }
    yield tables, {"snr_measured": own if math.isfinite(own) else None}


@lru_cache(maxsize=64)
def _measured_at(key: Request, bits: int) -> float:
    return _measured(_built(key, bits))


def _measured(grid: HashGrid) -> float:
    drawn = torch.Generator().manual_seed(6)
    sources = torch.rand(PLACES, grid.dim, dtype=torch.float64, generator=drawn)
    points = torch.rand(POINTS, grid.dim, dtype=torch.float64, generator=drawn)
    hits = PLACES * POINTS * int((~grid.levels.dense).sum()) * 4**grid.dim / (1 << grid.log2_table_size)
    if hits < HITS_LEAST:
        return math.inf
    return measured_speckle(grid, sources, points)


def vertices_of(request: Request, grid: HashGrid) -> int:
    """Vertices of the level whose partners are drawn."""
    return math.prod(grid.levels.vertices[_level(request, grid)].tolist())


def _level(request: Request, grid: HashGrid) -> int:
    return min(request["partner_level"], len(grid.levels.scales) - 1)


def partners(
    request: Request, grid: HashGrid, encoding: Encoding
) -> tuple[dict[str, Columns], dict[str, Any]]:
    """Where in the unit square (or cube, seen along z) the rows of the lit point's corners are read.

    Raises:
        RequestError: the level cannot be searched.
    """
    level = _level(request, grid)
    facts: dict[str, Any] = {"partner_level": level, "partners": None, "partners_drawn": 0}
    if vertices_of(request, grid) > SEARCHED:
        return {"partners": nothing.CURVE, "partner_point": nothing.CURVE}, facts
    try:
        found = collision_partners(grid, encoding.x0, level)
    except InvalidGrid as error:
        raise RequestError("partner_level", level, str(error), max(0, level - 1)) from error
    positions = found.positions[:, :2].numpy()
    step = max(1, -(-len(positions) // PARTNERS_DRAWN))
    drawn = positions[::step]
    lit = encoding.x0.numpy()
    tables: dict[str, Columns] = {
        "partners": {"x": drawn[:, 0], "y": drawn[:, 1]},
        "partner_point": {"x": lit[:1], "y": lit[1:2]},
    }
    return tables, facts | {"partners": len(positions), "partners_drawn": len(drawn)}


def utilisation(request: Request, grid: HashGrid) -> tuple[dict[str, Columns], dict[str, Any]]:
    """Share of every level's rows that a lattice of pixels reads; in space the pixels are a cube of as many points.

    Raises:
        RequestError: more than `LATTICE_MOST` pixels.
    """
    pixels = request["pixels"]
    if pixels > LATTICE_MOST:
        raise RequestError("pixels", pixels, f"at most {LATTICE_MOST} are counted here", LATTICE_MOST)
    if request["trained"]:
        touched, rows = _touched(grid, pixels, request["jitter"])
    else:
        touched, rows = _counted(asked(request), request["log2_table"], pixels, request["jitter"])
    shares = touched / rows
    at = np.arange(len(shares), dtype=float)
    tables: dict[str, Columns] = {"used": {"left": at - 0.4, "right": at + 0.4, "top": 100 * shares}}
    return tables, {
        "utilisation": float(touched.sum() / rows.sum()),
        "utilisation_least": float(shares.min()),
        "rows_read": int(touched.sum()),
    }


@lru_cache(maxsize=32)
def _counted(key: Request, bits: int, pixels: int, jitter: bool) -> tuple[np.ndarray, np.ndarray]:
    return _touched(_built(key, bits), pixels, jitter)


def _touched(grid: HashGrid, pixels: int, jitter: bool) -> tuple[np.ndarray, np.ndarray]:
    moved = torch.Generator().manual_seed(0) if jitter else None
    side = pixels if grid.dim == 2 else max(2, round(pixels ** (2 / 3)))
    found = table_utilisation(grid, pixel_centres(*[side] * grid.dim, jitter=moved))
    return found.touched.numpy().astype(float), found.rows.numpy().astype(float)
