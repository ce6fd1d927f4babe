"""The point-spread function of a hash encoding: maps, polar plots and what surrounds them, L16 N_min16 b1.38.

Floors: an upright image cannot be quicker than a matrix product of its rank; a turned one not than its operations,
counted over the pixels that its levels reach, at the rate of a matrix product here, nor than writing it once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch

from anisoscope.engine.hashgrid.accelerate import available
from anisoscope.engine.hashgrid.gradient_flow import gradient_flow_psf
from anisoscope.engine.hashgrid.grid import Backend, HashGrid
from anisoscope.engine.hashgrid.maps import point_spread_map
from anisoscope.engine.hashgrid.optical_transfer import optical_transfer_grid
from anisoscope.engine.hashgrid.point_spread import point_spread_function, point_spread_levels
from anisoscope.engine.hashgrid.rotations import golden_angles
from anisoscope.engine.hashgrid.widths import half_width

from .timing import least_seconds, torch_threads

LEVELS, SIZE, DIRECTIONS = 16, 512, 72
THREADS = 2
X0 = (0.37, 0.61)

# For a pixel that a level reaches, in two dimensions: place, profile, product of the two, weight, sum. An absolute
# value or a comparison is one; pixels times these are some 60 million for ±2/N_avg.
OPERATIONS = {"cell": 25, "averaged": 27, "node": 11, "adam": 23}


def rows() -> Iterator[dict[str, Any]]:
    """All rows, on two threads, whatever the process had before."""
    with torch_threads(THREADS):
        yield from _maps()
        yield from _curves()


def _maps() -> Iterator[dict[str, Any]]:
    """A window of ± 2/N_avg, where half of the levels cover all pixels, and the whole cube."""
    resolutions, turn = _resolutions(), golden_angles(LEVELS)
    x0 = torch.tensor(X0, dtype=torch.float64)
    average = resolutions.log().mean().exp().item()
    factor = torch.rand(LEVELS, SIZE, dtype=torch.float64)
    floor = _milliseconds(lambda: factor.mT @ factor)
    naive_points = torch.cartesian_prod(*_axes(x0, 2 / average))
    yield {
        "name": "naive map 512, turned",
        "value": _milliseconds(
            lambda: point_spread_function(resolutions, x0, naive_points, "averaged", turn)
        ),
        "unit": "ms",
    }
    rate, written = _operations_in_a_millisecond(), _milliseconds(torch.empty(SIZE, SIZE).zero_)
    backends: tuple[Backend, ...] = ("auto", "torch") if available() else ("auto",)
    for window, half in (("±2/N_avg", 2 / average), ("±1/2", 0.5)):
        axes = _axes(x0, half)
        for kernel, operations in OPERATIONS.items():
            upright = _milliseconds(lambda: point_spread_map(resolutions, x0, axes, kernel))  # noqa: B023
            yield {"name": f"map 512 {kernel} {window}", "value": upright, "unit": "ms", "floor": floor}
            least = max(operations * _pixels_reached(axes, kernel) / rate, written)
            for backend in backends:
                call = partial(point_spread_map, resolutions, x0, axes, kernel, turn, backend=backend)
                yield {
                    "name": f"map 512 {kernel} {window}, turned" + (", by torch" * (backend == "torch")),
                    "value": _milliseconds(call),
                    "unit": "ms",
                    "floor": least,
                    "ratio_to": "naive map 512, turned",
                }


def _operations_in_a_millisecond() -> float:
    """Of a matrix product in float32, where an addition is one and a multiplication another."""
    square = torch.rand(1024, 1024)
    return 2 * 1024**3 / _milliseconds(lambda: square @ square)


def _pixels_reached(axes: tuple[torch.Tensor, torch.Tensor], kernel: str) -> int:
    """How many there are, over all turned levels."""
    x0, pixels = axes[0].new_tensor(X0), torch.cartesian_prod(*axes)
    parts = point_spread_levels(_resolutions(), x0, pixels, kernel, golden_angles(LEVELS))
    return int((parts > 0).sum())


def _curves() -> Iterator[dict[str, Any]]:
    resolutions, turn = _resolutions(), golden_angles(LEVELS)
    phi = torch.arange(DIRECTIONS, dtype=torch.float64) * (2 * math.pi / DIRECTIONS)
    units = torch.stack([phi.cos(), phi.sin()], 1)
    for kernel in ("node", "averaged", "adam"):
        yield {
            "name": f"polar plot 72 {kernel}, turned",
            "value": _milliseconds(lambda: half_width(resolutions, units, kernel, turn)),  # noqa: B023
            "unit": "ms",
        }
    for size in (256, 512):
        image = torch.ones(size, size, dtype=torch.float64)
        yield {
            "name": f"gradient flow {size}",
            "value": _milliseconds(lambda: gradient_flow_psf(resolutions, 10.0, len(image))),  # noqa: B023
            "unit": "ms",
            "floor": _milliseconds(lambda: torch.fft.irfftn(torch.fft.rfftn(image))),  # noqa: B023
        }
    yield {
        "name": "optical transfer 512",
        "value": _milliseconds(lambda: optical_transfer_grid(resolutions, SIZE)),
        "unit": "ms",
    }
    grid = HashGrid(2, LEVELS, 1, 14, 16, 1.38)
    axes = torch.linspace(0, 1, 256).double(), torch.linspace(0, 1, 256).double()
    yield {
        "name": "map 256 with collisions, T 2^14",
        "value": _milliseconds(lambda: point_spread_map(grid, torch.tensor(X0), axes)),
        "unit": "ms",
    }


def _resolutions() -> torch.Tensor:
    return (16 * 1.38 ** torch.arange(LEVELS, dtype=torch.float64)).floor()


def _axes(centre: torch.Tensor, half: float) -> tuple[torch.Tensor, torch.Tensor]:
    line = torch.linspace(-half, half, SIZE, dtype=torch.float64)
    return centre[0] + line, centre[1] + line


def _milliseconds(call: Callable[[], object]) -> float:
    return 1e3 * least_seconds(call)
