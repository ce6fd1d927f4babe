"""When two points that were fitted together are seen as two."""

import math
from typing import Any

import torch
from torch import Tensor

from .closed_form import raw_levels
from .errors import InvalidGrid
from .geometry import CellGeometry, cell_geometry
from .kernels import profile
from .log_profile import unit_vectors
from .roots import falling_root

SAMPLES = 2048


def two_point_dip(
    grid_or_levels: Any,
    distances: Tensor | float,
    direction: Tensor,
    kernel: str = "averaged",
    rotation: Tensor | None = None,
) -> Tensor:
    """1 - value midway / value at either point, for the least-norm fit of two points of value 1.

    Both have the same coefficient, so the value midway over the value at a point is 2 P(d/2)/(1 + P(d)). Near 0
    the dip is negative: a smooth kernel bulges between close points.

    Args:
        grid_or_levels: HashGrid, level table, or (L,) resolutions.
        distances: (n,) between the points, or one, finite and at least 0, in units of length.
        direction: (D,) of any length but 0.
        kernel: "node", "mid_cell", "averaged" or "adam".
        rotation: as for `point_spread_function`.

    Returns:
        float64 (n,), or () of one distance.

    Raises:
        InvalidGrid: on shapes or values that do not fit.
    """
    profile(kernel)
    unit = unit_vectors(torch.as_tensor(direction, dtype=torch.float64)[None])[0]
    geometry = cell_geometry(grid_or_levels, len(unit), rotation)
    apart = torch.as_tensor(distances, dtype=torch.float64)
    if apart.ndim > 1:
        raise InvalidGrid(f"distances has shape {tuple(apart.shape)}: (n,) or one number is needed")
    bad = ~((apart >= 0) & apart.isfinite())
    if bool(bad.any()):
        raise InvalidGrid(f"distances holds {apart[bad][0].item()}: finite numbers of at least 0 are needed")
    return _dip(geometry, apart.reshape(-1), unit, kernel).reshape(apart.shape)


def two_point_distance(
    grid_or_levels: Any,
    direction: Tensor,
    dip: float = 0.265,
    kernel: str = "averaged",
    rotation: Tensor | None = None,
) -> float:
    """The least distance at which the dip between two points reaches a threshold.

    Which resolution governs it depends on the threshold: any dip at all needs about 2/N_max, 26.5 % (Rayleigh's)
    about 1.3/N_avg, half several times that; the factors move with L, N_min and b. The first crossing is looked
    for at 2048 distances, 1 % apart.

    Args:
        grid_or_levels: HashGrid, level table, or (L,) resolutions.
        direction: (D,) of any length but 0.
        dip: threshold, above 0 and below 1.
        kernel: as for `two_point_dip`.
        rotation: as for `point_spread_function`.

    Returns:
        Distance in units of length.

    Raises:
        InvalidGrid: on a dip outside its range, and on shapes or values that do not fit.
    """
    if not 0 < dip < 1:
        raise InvalidGrid(f"dip is {dip!r}: a number above 0 and below 1 is needed")
    profile(kernel)
    unit = unit_vectors(torch.as_tensor(direction, dtype=torch.float64)[None])[0]
    geometry = cell_geometry(grid_or_levels, len(unit), rotation)
    scales = geometry.checked_scales()
    # midway all levels vanish at the far end, so that the dip is 1 there
    low, high = math.log(1e-3 / scales.max().item()), math.log(4.02 * math.sqrt(len(unit)) / scales.min())
    samples = torch.linspace(low, high, SAMPLES, dtype=torch.float64)
    first = int((_dip(geometry, samples.exp(), unit, kernel) >= dip).to(torch.int8).argmax())
    near, far = samples[max(first - 1, 0)][None], samples[first][None]
    root = falling_root(lambda t: dip - _dip(geometry, t.exp(), unit, kernel), near, far)
    return root.exp().item()


def _dip(geometry: CellGeometry, distances: Tensor, unit: Tensor, kernel: str) -> Tensor:
    at = torch.cat([distances / 2, distances])[:, None] * unit
    values = raw_levels(geometry, torch.zeros_like(unit), at, kernel).sum(0)
    midway, apart = values.chunk(2)
    peak = raw_levels(geometry, torch.zeros_like(unit), torch.zeros_like(unit)[None], kernel).sum()
    return 1 - 2 * midway / (peak + apart)
