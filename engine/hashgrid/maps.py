"""The point-spread function as an image, at the pace of a dragged point.

Without rotation every level is an outer product, and the image one matrix product of rank L. A turned level has no
such form: it is evaluated pixel by pixel within the box of its support, on tiles small enough for a core's cache,
by operations that write in place.
"""

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, NamedTuple

import torch
from torch import Tensor

from .closed_form import raw_levels
from .errors import InvalidGrid
from .geometry import CellGeometry, cell_geometry, checked_vector, checked_vectors
from .grid import HashGrid
from .kernels import EXACT, KERNELS, PROFILES, SIGN_DESCENT, adam_cell_factor, cell_factor
from .point_spread import point_spread_function
from .tiles import SHAPES

# Below torch's own threshold for threads, and with its two buffers well inside a core's cache
TILE = 1 << 15


class Turned(NamedTuple):
    """One level as the tiles need it: u = first[d] i-th + second[d] j-th + shift[d] along each dimension d."""

    first: Tensor
    second: Tensor
    shape: tuple[Callable[..., Tensor], ...]
    weight: float
    rows: tuple[int, int]
    columns: tuple[int, int]


def point_spread_map(
    grid_or_levels: Any,
    x0: Tensor,
    axes: tuple[Tensor, Tensor],
    kernel: str = "cell",
    rotation: Tensor | None = None,
    normalised: bool = True,
    plane: tuple[int, int] = (0, 1),
    threads: int | None = None,
) -> Tensor:
    """The point-spread function over a plane through x0; as `point_spread_function`, to 1e-6 of the peak.

    Args:
        grid_or_levels: as there; a HashGrid's collisions take the way of its encoding, which is slower.
        x0: (D,), D of 2 or 3.
        axes: (n,) and (m,) coordinates, ascending, along the two axes of the plane.
        kernel: as there.
        rotation: as there.
        normalised: as there.
        plane: which coordinates the axes run along; the third stays that of x0.
        threads: for turned levels; None: torch's number.

    Returns:
        float32 (n, m), the first axis along rows.

    Raises:
        InvalidGrid: as there, and on axes or a plane that do not fit.
    """
    source = checked_vector(x0, "x0")
    first, second = (
        _checked_axis(axis, name) for axis, name in zip(axes, ("axes[0]", "axes[1]"), strict=True)
    )
    if kernel not in KERNELS:
        raise InvalidGrid(f"kernel is {kernel!r}: one of {', '.join(KERNELS)} is needed")
    if len(source) < 2 or len(set(plane)) != 2 or not all(0 <= axis < len(source) for axis in plane):
        raise InvalidGrid(f"plane is {plane!r}: two of the axes 0 to {len(source) - 1} are needed")
    if isinstance(grid_or_levels, HashGrid) and kernel in EXACT and rotation is None:
        points = source.repeat(len(first) * len(second), 1)
        points[:, list(plane)] = torch.cartesian_prod(first, second)
        values = point_spread_function(grid_or_levels, source, points, kernel, None, normalised)
        return values.reshape(len(first), len(second)).float()
    geometry = cell_geometry(grid_or_levels, len(source), rotation)
    peak = raw_levels(geometry, source, source[None], kernel).sum().item() if normalised else 1.0
    if geometry.rotations is None:
        return (_outer_products(geometry, source, (first, second), kernel, plane) / peak).float()
    offsets = first - source[plane[0]], second - source[plane[1]]
    levels = _turned(geometry, source, offsets, kernel, plane, peak)
    return _summed(levels, (len(first), len(second)), threads or torch.get_num_threads(), source.device)


def _outer_products(
    geometry: CellGeometry, source: Tensor, axes: tuple[Tensor, Tensor], kernel: str, plane: tuple[int, int]
) -> Tensor:
    """Σ_l share_l F_l(first) ⊗ F_l(second), times what the third coordinate gives at x0."""
    scales = geometry.scales[:, None]

    def factor(points: Tensor, axis: int) -> Tensor:
        if kernel in PROFILES:
            return PROFILES[kernel].peak * PROFILES[kernel].value(scales * (points - source[axis]))
        exact = cell_factor if kernel == "cell" else adam_cell_factor
        return exact(scales * points + geometry.offset, scales * source[axis] + geometry.offset)

    left, right = factor(axes[0], plane[0]), factor(axes[1], plane[1])
    for axis in set(range(len(source))) - set(plane):
        left = left * factor(source[axis, None], axis)
    shares = geometry.shares(kernel in SIGN_DESCENT)
    return (left if shares is None else shares[:, None] * left).mT @ right


def _turned(
    geometry: CellGeometry,
    source: Tensor,
    offsets: tuple[Tensor, Tensor],
    kernel: str,
    plane: tuple[int, int],
    peak: float,
) -> list[Turned]:
    """Every level's linear maps to cells, its profile along each dimension, and the box it fills."""
    assert geometry.rotations is not None
    slopes = geometry.scales[:, None, None] * geometry.rotations[:, :, list(plane)]
    place = geometry.coordinates(source[None])[:, 0]
    shapes = [[SHAPES[kernel](part) for part in level] for level in (place - place.floor()).tolist()]
    shift = torch.tensor([[shape.shift for shape in level] for level in shapes], dtype=torch.float64)
    first = (slopes[:, :, :1] * offsets[0] + shift.to(slopes.device)[:, :, None]).float()
    second = (slopes[:, :, 1:] * offsets[1]).float()
    support = torch.tensor([max(shape.support for shape in level) for level in shapes], dtype=torch.float64)
    rows, columns = _boxes(slopes, support.to(slopes.device), offsets)
    shares = geometry.shares(kernel in SIGN_DESCENT)
    factors = [1.0] * len(shapes) if shares is None else shares.tolist()
    return [
        Turned(
            first[l],
            second[l],
            tuple(shape.value for shape in level),
            math.prod(shape.weight for shape in level) * factors[l] / peak,
            rows[l],
            columns[l],
        )
        for l, level in enumerate(shapes)
    ]


def _boxes(
    slopes: Tensor, support: Tensor, offsets: tuple[Tensor, Tensor]
) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Rows and columns from … up to … in which a level can be within its support, for all levels (L, D, 2)."""
    # offset = pinv(slopes) u wherever u comes from the plane: |offset_k| <= support Σ_d |pinv_kd|
    reach = support[:, None] * torch.linalg.pinv(slopes).abs().sum(2)
    found = []
    for axis, half in zip(offsets, reach.mT.contiguous(), strict=True):
        begin = torch.searchsorted(axis, -half).tolist()
        end = torch.searchsorted(axis, half, right=True).tolist()
        found.append(list(zip(begin, end, strict=True)))
    return found[0], found[1]


def _summed(levels: list[Turned], size: tuple[int, int], threads: int, device: torch.device) -> Tensor:
    """The image, bands of rows shared out over threads."""
    image = torch.zeros(size, dtype=torch.float32, device=device)
    band = max(1, TILE // max(1, size[1])) if device.type == "cpu" else size[0]
    starts = range(0, size[0], band)

    def work(start: int) -> None:
        for level in levels:
            if level.weight != 0:
                _add_tile(image, level, start, min(start + band, size[0]))

    if threads <= 1 or len(starts) <= 1:
        for start in starts:
            work(start)
    else:
        list(_pool(threads).map(work, starts))
    return image


def _add_tile(image: Tensor, level: Turned, begin: int, end: int) -> None:
    """Adds one level to a band of rows, within its box."""
    begin, end = max(begin, level.rows[0]), min(end, level.rows[1])
    left, right = level.columns
    if begin >= end or left >= right:
        return
    product = None
    for first, second, value in zip(level.first, level.second, level.shape, strict=True):
        u = first[begin:end, None] + second[left:right]
        factor = value(u)
        product = factor if product is None else product.mul_(factor)
    assert product is not None
    image[begin:end, left:right].add_(product, alpha=level.weight)


def _checked_axis(axis: Tensor, name: str) -> Tensor:
    given = torch.as_tensor(axis, dtype=torch.float64)
    values = checked_vectors(given[:, None] if given.ndim == 1 else given, name, 1)[:, 0]
    if not bool((values.diff() >= 0).all()):
        raise InvalidGrid(f"{name} goes down: ascending coordinates are needed")
    return values


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="point-spread")
