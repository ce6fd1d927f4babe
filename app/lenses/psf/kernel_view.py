"""The kernel: picture, width by direction, profiles on a logarithmic radius, and what each level adds."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from anisoscope.engine.hashgrid import (
    all_directions,
    asymptotic_beta,
    fwhm,
    half_width,
    logarithmic_profile,
    point_spread_function,
    point_spread_map,
)
from anisoscope.engine.hashgrid.geometry import CellGeometry

from ...frame import Columns
from ...request import Request
from .choices import EXACT
from .encoding import ANCHOR, Encoding
from .scales import FAINTEST

COARSE, FINE = 256, 512
"""Pixels of the picture's side under the hand, and at rest."""

DIRECTIONS = 184
"""Angles all round; divisible by eight, so that axes and diagonals are among them."""

EXACT_EVERY, QUICK_EVERY = 2, 4
QUICK_RADII, CLOSER = 24, 10
RADII = 160
RINGS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0)


def picture(request: Request, encoding: Encoding, pixels: int) -> dict[str, Columns]:
    """The point-spread function around the middle of the picture, in mean cells."""
    half = request["field_of_view"]
    shares = values(request, encoding, pixels)[1].clamp(0, 1).numpy()
    if request["logarithmic"]:
        shares = np.log(np.maximum(shares, FAINTEST) / FAINTEST) / -math.log(FAINTEST)
    edges = {"x0": -half, "x1": half, "y0": -half, "y1": half}
    image = np.rint(255 * shares).astype(np.uint8)
    return {"psf": {**{name: np.array([value]) for name, value in edges.items()}, "image": image}}


def values(request: Request, encoding: Encoding, pixels: int) -> tuple[Tensor, Tensor]:
    """Places (pixels,) along both axes from the middle, in mean cells, and the function there, (y, x)."""
    half = request["field_of_view"]
    steps = (torch.arange(pixels, dtype=torch.float64) + 0.5) / pixels * 2 * half - half
    axes = (ANCHOR[0] + steps / encoding.average, ANCHOR[1] + steps / encoding.average)
    found = point_spread_map(encoding.geometry, encoding.x0, axes, request["kernel"], threads=1)
    return steps, found.mT


def half_widths(request: Request, encoding: Encoding, geometry: CellGeometry, quick: bool) -> Tensor:
    """Distance to the half maximum for `DIRECTIONS` angles all round, (n,), in units of length.

    An exact kernel has no closed profile, and its width is looked for along each ray; under the hand on a coarse grid
    of distances.
    """
    units = _padded(_circle(DIRECTIONS + 1)[:-1], encoding.dim)
    if request["kernel"] not in EXACT:
        return half_width(geometry, units, request["kernel"], x0=encoding.x0)
    few = units[:: QUICK_EVERY if quick else EXACT_EVERY]
    found = (
        _quick_half_width(request, encoding, few, geometry)
        if quick
        else half_width(geometry, few, request["kernel"], x0=encoding.x0)
    )
    around = np.append(found.numpy(), found[0].item())
    at = np.arange(DIRECTIONS) * len(few) / DIRECTIONS
    return torch.from_numpy(np.interp(at, np.arange(len(around)), around))


def _quick_half_width(request: Request, encoding: Encoding, units: Tensor, geometry: CellGeometry) -> Tensor:
    """First crossing of one half on `QUICK_RADII` distances, looked at again on `CLOSER` between two; linear in between."""

    def values(radii: Tensor) -> Tensor:
        points = (encoding.x0 + radii[..., None] * units).flatten(0, 1)
        found = point_spread_function(geometry, encoding.x0, points, request["kernel"], normalised=False)
        return found.reshape(-1, len(units))

    def crossing(radii: Tensor, heights: Tensor) -> tuple[Tensor, Tensor]:
        """The two distances (2, n) of each direction around its crossing of `half`, and the heights there."""
        below = heights < half
        first = torch.where(below.any(0), below.int().argmax(0), len(heights) - 1).clamp(min=1)
        around = torch.stack([first - 1, first])
        return radii.expand_as(heights).gather(0, around), heights.gather(0, around)

    distances = torch.logspace(-1.2, 0.9, QUICK_RADII, dtype=torch.float64)[:, None] / encoding.average
    outward = values(torch.cat([torch.zeros_like(distances[:1]), distances]))
    half = outward[0] / 2
    (low, high), _ = crossing(distances, outward[1:])
    closer = torch.lerp(low, high, torch.linspace(0, 1, CLOSER, dtype=torch.float64)[:, None])
    (low, high), (before, here) = crossing(closer, values(closer))
    share = ((before - half) / (before - here).clamp(min=1e-12)).clamp(0, 1)
    return torch.lerp(low, high, share)


def marks(request: Request, encoding: Encoding, radii: Tensor) -> dict[str, Columns]:
    """The lit point, the half maximum, the mean cell, and the lattice of the level nearest to it."""
    place = np.array([request["dx"], request["dy"]])
    units = _circle(DIRECTIONS + 1)
    radii = torch.cat([radii, radii[:1]])
    contour = place[:, None] + (radii[:, None] * units).numpy().T * encoding.average
    ring = place[:, None] + 0.5 * units.numpy().T
    return {
        "lit_point": {"x": place[:1], "y": place[1:]},
        "half_maximum": {"x": contour[0], "y": contour[1]},
        "mean_cell": {"x": ring[0], "y": ring[1]},
        "lattice": _lattice(request, encoding),
    }


def _lattice(request: Request, encoding: Encoding) -> Columns:
    """Lines of the level whose resolution is nearest to the mean, across the picture."""
    level = int((encoding.resolutions.log() - math.log(encoding.average)).abs().argmin())
    scale, half = float(encoding.levels.scales[level]), request["field_of_view"]
    cell = encoding.average / scale
    if half / cell > 12 or encoding.dim == 3:
        return {"xs": [], "ys": []}
    angle = 0.0 if encoding.rotation is None else float(encoding.rotation[level])
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    # the anchor in cells of this level, seen in its own axes; the lattice turns about the middle of the square
    middle = np.full(2, 0.5) if angle else np.zeros(2)
    anchor = scale * (turn.T @ (np.array(ANCHOR[:2]) - middle) + middle) + encoding.levels.offset
    reach = 1.5 * half / cell
    xs, ys = [], []
    for axis in (0, 1):
        for line in range(math.ceil(anchor[axis] - reach), math.floor(anchor[axis] + reach) + 1):
            ends = np.empty((2, 2))
            ends[axis], ends[1 - axis] = line - anchor[axis], (-reach, reach)
            x, y = turn @ ends * cell
            xs.append(x)
            ys.append(y)
    return {"xs": xs, "ys": ys}


def polar(encoding: Encoding, radii: dict[str, Tensor]) -> tuple[dict[str, Columns], dict[str, Any]]:
    """Full width at half maximum by direction in mean cells, from the half widths all round of the plain encoding and,
    where it turns, of the turned one."""
    units = _circle(DIRECTIONS + 1).numpy()
    widths = {name: _full(one).numpy() * encoding.average for name, one in radii.items()}
    tables: dict[str, Columns] = {"polar_turned": {"x": np.zeros(0), "y": np.zeros(0)}}
    for name, width in widths.items():
        around = np.append(width, width[0])
        tables[f"polar_{name}"] = {"x": around * units[:, 0], "y": around * units[:, 1]}
    reach = 1.15 * max(float(width.max()) for width in widths.values())
    facts: dict[str, Any] = {"polar_reach": reach}
    for name in ("plain", "turned"):
        width = widths.get(name, widths["plain"])
        facts |= {
            f"{name}_axis": float(width[0]),
            f"{name}_diagonal": float(width[DIRECTIONS // 8]),
            f"{name}_ratio": float(width.max() / width.min()),
        }
    return {**tables, **_rings(reach)}, facts


def _full(radii: Tensor) -> Tensor:
    """Both sides of the lit point together."""
    return radii + radii.roll(len(radii) // 2)


def _rings(reach: float) -> dict[str, Columns]:
    circle = _circle(97).numpy()
    inside = [radius for radius in RINGS if radius < reach]
    step = 2 if len(inside) > 4 else 1
    inside = inside[step - 1 :: step]
    return {
        "polar_rings": {"xs": [r * circle[:, 0] for r in inside], "ys": [r * circle[:, 1] for r in inside]},
        "polar_ring_names": {
            "x": math.sqrt(0.5) * np.array(inside),
            "y": math.sqrt(0.5) * np.array(inside),
            "text": [f"{r:g}" for r in inside],
        },
    }


def profiles(request: Request, encoding: Encoding) -> dict[str, Columns]:
    """The kernel along an axis and along the diagonal against ln r, and the straight line of many levels."""
    radii = torch.logspace(-2, 1.3, RADII, dtype=torch.float64)
    axis = torch.zeros(encoding.dim, dtype=torch.float64)
    axis[0] = 1.0
    diagonal = torch.ones(encoding.dim, dtype=torch.float64) / math.sqrt(encoding.dim)
    units = torch.stack([axis, diagonal])
    points = (encoding.x0 + (radii / encoding.average)[:, None] * units[:, None]).flatten(0, 1)
    values = point_spread_function(encoding.geometry, encoding.x0, points, request["kernel"])
    x, along = radii.log10().numpy(), values.reshape(2, -1).numpy()
    found: dict[str, Columns] = {
        f"profile_{name}": {"x": x, "y": y} for name, y in zip(("axis", "diagonal"), along, strict=True)
    }
    return {**found, "asymptote": _asymptote(request, encoding, radii, axis)}


def _asymptote(request: Request, encoding: Encoding, radii: Tensor, axis: Tensor) -> Columns:
    """The law of many levels, where there is one: not for an exact kernel, whose profile has no closed limit."""
    growth = request["growth"]
    if request["kernel"] in EXACT or len(encoding.resolutions) < 2:
        return {"x": np.zeros(0), "y": np.zeros(0)}
    coarsest = encoding.average / growth ** ((len(encoding.resolutions) - 1) / 2)
    y = logarithmic_profile(
        radii / encoding.average, axis, len(encoding.resolutions), coarsest, growth, request["kernel"]
    ).numpy()
    inside = (y > -0.02) & (y < 1.05)
    return {"x": radii.log10().numpy()[inside], "y": y[inside]}


def tents(encoding: Encoding) -> dict[str, Columns]:
    """One tent for each level, as wide as two of its cells, coarse on top."""
    xs, ys = [], []
    for row, resolution in enumerate(encoding.resolutions.tolist()):
        half = encoding.average / resolution
        xs.append(np.array([-half, 0.0, half]))
        ys.append(-row - 1 + np.array([0.0, 0.85, 0.0]))
    return {"tents": {"xs": xs, "ys": ys}}


def limits(request: Request, encoding: Encoding) -> dict[str, Any]:
    """β of infinitely many levels, for the kernels that have one."""
    if request["kernel"] in EXACT:
        return dict.fromkeys(("limit_axis", "limit_diagonal", "limit_ratio"))
    diagonal = [1.0, 1.0] if encoding.dim == 2 else [1.0, 1.0, 1.0]
    axis = [1.0, *([0.0] * (encoding.dim - 1))]
    along, across = asymptotic_beta(
        torch.tensor([axis, diagonal], dtype=torch.float64), request["kernel"]
    ).tolist()
    return {
        "limit_axis": along,
        "limit_diagonal": across,
        "limit_ratio": max(along, across) / min(along, across),
    }


def sphere(request: Request, encoding: Encoding) -> dict[str, Any]:
    """Largest over smallest width over all directions of space."""
    if encoding.dim == 2:
        return dict.fromkeys(("plain_ratio_3d", "turned_ratio_3d"))
    found: dict[str, Any] = {}
    for name, rotation in (("plain", None), ("turned", encoding.rotation)):
        widths = fwhm(encoding.levels, all_directions(3), request["kernel"], rotation, encoding.x0)
        found[f"{name}_ratio_3d"] = float(widths.max() / widths.min())
    return found


def _circle(count: int) -> Tensor:
    phi = torch.linspace(0, 2 * math.pi, count, dtype=torch.float64)
    return torch.stack([phi.cos(), phi.sin()], 1)


def _padded(units: Tensor, dim: int) -> Tensor:
    return units if dim == 2 else torch.cat([units, torch.zeros(len(units), 1, dtype=torch.float64)], 1)
