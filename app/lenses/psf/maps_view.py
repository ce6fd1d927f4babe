"""Over all places of the lit point: widths; and what does not depend on it: transfer, gradient flow, two points."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from anisoscope.engine.hashgrid import (
    fwhm,
    optical_transfer_function,
    optical_transfer_grid,
    point_spread_function,
    two_point_dip,
    two_point_distance,
)
from anisoscope.engine.hashgrid.geometry import CellGeometry
from anisoscope.engine.hashgrid.kernels import adam_cell_factor, cell_factor

from ...frame import Columns
from ...request import Request
from .encoding import ANCHOR, Encoding, encoding_of

COARSE, FINE = 6, 32
"""Places of the lit point along each axis of a mean cell, under the hand and at rest."""

DIRECTIONS = 16
RADII = 40
NEAREST, FARTHEST = 0.03, 12.0
"""Distances in mean cells between which half widths are looked for."""

ENCODING = (
    "levels", "growth", "base", "active", "log2_table", "convention", "dimension", "turn", "rotation_set",
)  # fmt: skip
FREQUENCIES = (-1.5, 1.5)
FAINTEST = 1e-7
TIMES = (-3.0, 3.0)
SIDE, COVERED = 1024, 4.0
"""Pixels of the side of the image that gradient flow sees, and the coarsest cells along it: fine ones need pixels."""

INVARIANT = {"cell": "averaged", "adam_cell": "adam"}


def invariant(kernel: str) -> str:
    """The kernel that has no place: an exact one's mean over all places."""
    return INVARIANT.get(kernel, kernel)


def exact(kernel: str) -> str:
    """The exact kernel under the same optimiser, whose width changes with the place."""
    return "adam_cell" if kernel in ("adam", "adam_cell") else "cell"


def asked(request: Request, *more: str) -> Request:
    """What the encoding depends on and `more`, the lit point in the middle: a key for what is kept."""
    pairs = tuple((name, request[name]) for name in (*ENCODING, *more))
    return Request(request.lens, (*pairs, ("dx", 0.0), ("dy", 0.0)))


def places(request: Request, count: int) -> Iterator[dict[str, Columns] | None]:
    """Row by row None, then the pictures of β and of largest over smallest width, and the columns of their means."""
    key = asked(request, "kernel")
    rows = []
    for row in range(count):
        rows.append(_row(key, count, row))
        yield None
    widths = np.stack(rows)
    beta, ratio = widths.mean(-1), widths.max(-1) / widths.min(-1)
    yield {"beta_map": _image(beta), "ratio_map": _image(ratio), "place_widths": _means(widths)}


def map_facts(tables: dict[str, Columns]) -> dict[str, Any]:
    """Means and standard deviations over the places, and the ends of the colours."""
    facts: dict[str, Any] = {}
    for name in ("beta", "ratio", "axis_diagonal"):
        values = np.asarray(tables["place_widths"][name])
        facts[f"{name}_mean"], facts[f"{name}_spread"] = float(values.mean()), float(values.std())
        facts[f"{name}_least"], facts[f"{name}_most"] = float(values.min()), float(values.max())
    return facts


@lru_cache(maxsize=512)
def _row(key: Request, count: int, row: int) -> np.ndarray:
    """Full widths in mean cells, (count, DIRECTIONS / 2), of lit points along one row of the mean cell."""
    encoding = encoding_of(key)
    steps = (torch.arange(count, dtype=torch.float64) + 0.5) / count / encoding.average
    sources = torch.tensor(ANCHOR[: encoding.dim], dtype=torch.float64).repeat(count, 1)
    sources[:, 0] += steps
    sources[:, 1] += steps[row]
    return widths_at(encoding, sources, exact(key["kernel"])).numpy()


def widths_at(encoding: Encoding, sources: Tensor, kernel: str) -> Tensor:
    """Full widths at half maximum, times N_avg, of many lit points at once, (n, DIRECTIONS / 2).

    From the kernel at `RADII` distances, nearly straight in their logarithm: within 1 % of `fwhm`, a hundred times
    as fast.

    Args:
        sources: (n, D). kernel: "cell" or "adam_cell".
    """
    geometry = encoding.geometry
    phi = torch.arange(DIRECTIONS, dtype=torch.float64) * (2 * math.pi / DIRECTIONS)
    units = torch.zeros(DIRECTIONS, encoding.dim, dtype=torch.float64)
    units[:, 0], units[:, 1] = phi.cos(), phi.sin()
    radii = torch.logspace(math.log10(NEAREST), math.log10(FARTHEST), RADII, dtype=torch.float64)
    steps = (radii[:, None, None] * units).reshape(-1, encoding.dim) / encoding.average
    shape = (len(sources), RADII, DIRECTIONS)
    values = _values(geometry, sources, steps, kernel).reshape(shape)
    half = _first_crossing(values, radii.log())
    return half[:, : DIRECTIONS // 2] + half[:, DIRECTIONS // 2 :]


def _values(geometry: CellGeometry, sources: Tensor, steps: Tensor, kernel: str) -> Tensor:
    """The point-spread function of every source at every step from it, (n, steps)."""
    factor = cell_factor if kernel == "cell" else adam_cell_factor
    places = geometry.coordinates(sources)
    moves = geometry.displacements(steps)
    total = torch.zeros(len(sources), len(steps), dtype=torch.float64)
    peak = torch.zeros(len(sources), 1, dtype=torch.float64)
    for place, move in zip(places, moves, strict=True):
        total += factor(place[:, None] + move, place[:, None]).prod(-1)
        peak += factor(place, place).prod(-1)[:, None]
    return total / peak


def _first_crossing(values: Tensor, logs: Tensor) -> Tensor:
    """Radius at which values (n, radii, directions) first fall below 1/2, (n, directions)."""
    below = values < 0.5
    below[:, -1] = True
    after = below.to(torch.int8).argmax(1).clamp_min(1)
    near, far = (values.gather(1, (after - k)[:, None])[:, 0] for k in (1, 0))
    share = ((near - 0.5) / (near - far).clamp_min(1e-12)).clamp(0, 1)
    return (logs[after - 1] + share * (logs[after] - logs[after - 1])).exp()


def _image(values: np.ndarray) -> Columns:
    low, high = float(values.min()), float(values.max())
    shares = (values - low) / (high - low) if high > low else np.zeros_like(values)
    edges = {"x0": 0.0, "x1": 1.0, "y0": 0.0, "y1": 1.0}
    image = np.rint(255 * shares).astype(np.uint8)
    return {**{name: np.array([value]) for name, value in edges.items()}, "image": image}


def _means(widths: np.ndarray) -> Columns:
    quarter = DIRECTIONS // 8
    along = (widths[..., 0] + widths[..., 2 * quarter]) / 2
    across = (widths[..., quarter] + widths[..., 3 * quarter]) / 2
    return {
        "beta": widths.mean(-1).ravel(),
        "ratio": (widths.max(-1) / widths.min(-1)).ravel(),
        "axis_diagonal": (along / across).ravel(),
    }


def lit_place(request: Request) -> dict[str, Columns]:
    """The lit point in the maps, moved into the mean cell that they show."""
    return {"map_point": {"x": np.array([request["dx"] % 1.0]), "y": np.array([request["dy"] % 1.0])}}


def transfer(request: Request, encoding: Encoding) -> tuple[dict[str, Columns], dict[str, Any]]:
    """The optical transfer function along an axis and the diagonal, cycles per mean cell; its modulus where negative."""
    kernel = invariant(request["kernel"])
    waves = torch.logspace(*FREQUENCIES, 240, dtype=torch.float64)
    tables: dict[str, Columns] = {}
    facts: dict[str, Any] = {}
    for name, unit in _directions(encoding.dim).items():
        given = torch.cat([waves, torch.ones(1, dtype=torch.float64)])
        values = optical_transfer_function(
            encoding.levels, given[:, None] * unit * encoding.average, kernel, encoding.rotation
        )
        drawn = values[:-1].abs().clamp_min(FAINTEST).log10()
        tables[f"otf_{name}"] = {"x": waves.log10().numpy(), "y": drawn.numpy()}
        facts[f"otf_{name}"] = float(values[-1])
    return tables, facts


def two_points(request: Request, encoding: Encoding) -> tuple[dict[str, Columns], dict[str, Any]]:
    """The dip between two points against their distance, and where it reaches the criterion."""
    kernel = invariant(request["kernel"])
    distances = torch.logspace(-1.5, 1.5, 200, dtype=torch.float64)
    tables: dict[str, Columns] = {"dip_level": {"y": np.array([request["dip"]])}}
    facts: dict[str, Any] = {}
    for name, unit in _directions(encoding.dim).items():
        dips = two_point_dip(encoding.levels, distances / encoding.average, unit, kernel, encoding.rotation)
        tables[f"dip_{name}"] = {"x": distances.log10().numpy(), "y": dips.clamp_min(-0.2).numpy()}
        least = two_point_distance(encoding.levels, unit, request["dip"], kernel, encoding.rotation)
        facts["two_point" if name == "axis" else "two_point_diagonal"] = least * encoding.average
    facts["two_point_finest"] = facts["two_point"] / encoding.average * float(encoding.levels.scales[-1])
    tables["dip_found"] = {
        "x": np.log10([facts["two_point"], facts["two_point_diagonal"]]),
        "y": np.full(2, request["dip"]),
    }
    return tables, facts


def _directions(dim: int) -> dict[str, Tensor]:
    axis = torch.eye(dim, dtype=torch.float64)[0]
    return {"axis": axis, "diagonal": torch.ones(dim, dtype=torch.float64) / math.sqrt(dim)}


def flow_is_quick(encoding: Encoding) -> bool:
    """Whether gradient flow can follow the hand: a turned transfer is summed wave by wave."""
    return encoding.dim == 3 or encoding.rotation is None


def flow(request: Request, encoding: Encoding) -> tuple[dict[str, Columns], dict[str, Any]]:
    """Profile of one bright pixel after gradient flow of duration τ beside the kernel; widths against τ."""
    key, kernel = asked(request), _flow_kernel(request)
    reach, radii = 3.0, torch.linspace(0, 3.0, 121, dtype=torch.float64)
    distances, values = _flow_profile(key, kernel, request["tau"])
    distances = distances * encoding.average
    inside = distances <= reach
    axis = torch.tensor([1.0, 0.0], dtype=torch.float64)
    turned = encoding.rotation if encoding.dim == 2 else None
    own = point_spread_function(
        encoding.levels, torch.zeros(2, dtype=torch.float64), radii[:, None] * axis / encoding.average, kernel, turned
    )  # fmt: skip
    single = fwhm(encoding.levels, axis, kernel, turned).item() * encoding.average
    found = {
        "flow_profile": {"x": distances[inside], "y": values[inside]},
        "flow_kernel": {"x": radii.numpy(), "y": own.numpy()},
        "flow_now": {"x": np.array([math.log10(request["tau"])]), "y": np.array([_width(distances, values)])},
        "flow_single": {"y": np.array([single])},
        "flow_pixel": {"y": np.array([encoding.average * _span(encoding) / SIDE])},
    }
    return found, {"flow_beta": _width(distances, values), "flow_single": single}


def flow_widths(request: Request, encoding: Encoding) -> Iterator[dict[str, Columns] | None]:
    """Time after time None, then the curve of widths against time."""
    key, kernel = asked(request), _flow_kernel(request)
    logs, widths = np.linspace(*TIMES, 25), []
    for log in logs:
        distances, values = _flow_profile(key, kernel, 10**log)
        widths.append(_width(distances * encoding.average, values))
        yield None
    yield {"flow_widths": {"x": logs, "y": np.array(widths)}}


def _flow_kernel(request: Request) -> str:
    """Gradient flow is least squares; of its kernels two have a transform that is nowhere negative."""
    return "node" if request["kernel"] == "node" else "averaged"


@lru_cache(maxsize=64)
def _flow_profile(key: Request, kernel: str, time: float) -> tuple[np.ndarray, np.ndarray]:
    """`gradient_flow_psf` along axis 0 through its peak, from the peak on: distances in units of length, values."""
    learnt = -torch.expm1(-time * _transfer(key, kernel))
    # through the peak the second axis' inverse transform is a plain sum of its waves
    twice = torch.full((learnt.shape[1],), 2.0, dtype=torch.float64)
    twice[[0, -1]] = 1.0
    line = torch.fft.ifft(learnt @ twice).real
    return np.arange(SIDE // 2) * _span(encoding_of(key)) / SIDE, (line[: SIDE // 2] / line[0]).numpy()


@lru_cache(maxsize=4)
def _transfer(key: Request, kernel: str) -> Tensor:
    """In the plane, also for an encoding of space."""
    encoding = encoding_of(key)
    turned = encoding.rotation if encoding.dim == 2 else None
    return optical_transfer_grid(encoding.levels.scales * _span(encoding), SIDE, 2, kernel, turned)


def _span(encoding: Encoding) -> float:
    """Side of the image, in units of length."""
    return min(1.0, COVERED / float(encoding.levels.scales[0]))


def _width(distances: np.ndarray, values: np.ndarray) -> float:
    """Full width at half maximum of a profile from its peak on, straight between samples."""
    below = values < 0.5
    if not below.any():
        return 2 * float(distances[-1])
    after = int(below.argmax())
    near, far = values[after - 1], values[after]
    step = distances[after] - distances[after - 1]
    return 2 * float(distances[after - 1] + step * (near - 0.5) / (near - far))
