"""A map of turned levels, which are no outer products: each is evaluated at the pixels it reaches, in float32.

Plain torch goes over tiles small enough for a core's cache, by operations that write in place; it is the reference
and the CUDA path. Where numba is installed, `compiled_map` does the same row by row, without what lies in a tile but
out of a level's reach.
"""

import math
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from .geometry import CellGeometry
from .kernels import SIGN_DESCENT
from .tiles import FORMS, SHAPES, Shape

# Below torch's own threshold for threads, and with its two buffers well inside a core's cache
TILE = 1 << 15


class TurnedLevels(NamedTuple):
    """Levels as a map needs them: u + shift = first of the row + second of the column.

    first: (L, D, n) float32, what the rows give along each dimension; second: (L, D, m), monotonic, the columns;
    shapes: D of each level; weights: L factors of the products of profiles.
    """

    first: Tensor
    second: Tensor
    shapes: list[list[Shape]]
    weights: list[float]


def turned_levels(
    geometry: CellGeometry,
    source: Tensor,
    offsets: tuple[Tensor, Tensor],
    kernel: str,
    plane: tuple[int, int],
    peak: float,
) -> TurnedLevels:
    """Linear maps from pixels to cells, profiles, and weights over the peak.

    Args:
        geometry: with rotations.
        source: (D,), the point that is fitted.
        offsets: (n,) and (m,) from the source, ascending, along the two axes of the plane.
        kernel: of `KERNELS`.
        plane: which coordinates the offsets run along.
        peak: by which all is divided.
    """
    assert geometry.rotations is not None
    slopes = geometry.scales[:, None, None] * geometry.rotations[:, :, list(plane)]
    place = geometry.coordinates(source[None])[:, 0]
    shapes = [[SHAPES[kernel](part) for part in level] for level in (place - place.floor()).tolist()]
    shift = slopes.new_tensor([[shape.shift for shape in level] for level in shapes])
    shares = geometry.shares(kernel in SIGN_DESCENT)
    factors = [1.0] * len(shapes) if shares is None else shares.tolist()
    return TurnedLevels(
        (slopes[:, :, :1] * offsets[0] + shift[:, :, None]).float(),
        (slopes[:, :, 1:] * offsets[1]).float(),
        shapes,
        [
            math.prod(shape.weight for shape in level) * factor / peak
            for level, factor in zip(shapes, factors, strict=True)
        ],
    )


def summed_compiled(levels: TurnedLevels, threads: int) -> Tensor:
    """The image (n, m) by numba, threads taking rows in turn; the same on any number of threads."""
    from .compiled_map import FORMS as NUMBERED
    from .compiled_map import add_rows

    image = torch.zeros(levels.first.shape[2], levels.second.shape[2], dtype=torch.float32)
    arrays: tuple[Any, ...] = (
        *(part.numpy() for part in (image, levels.first, levels.second)),
        np.array([[NUMBERED.index(shape.form) for shape in level] for level in levels.shapes]),
        np.array([[shape.number for shape in level] for level in levels.shapes], dtype=np.float32),
        np.array([[shape.reach for shape in level] for level in levels.shapes], dtype=np.float32),
        np.array(levels.weights, dtype=np.float32),
    )
    threads = min(threads, len(image))

    def work(start: int) -> None:
        add_rows(*arrays, start, threads)  # pyright: ignore[reportCallIssue]

    if threads <= 1:
        work(0)
    else:
        list(_pool(threads).map(work, range(threads)))
    return image


def summed(levels: TurnedLevels) -> Tensor:
    """The image (n, m) by torch. A second thread would wait for the first one's interpreter, not for its sums."""
    size = levels.first.shape[2], levels.second.shape[2]
    image = levels.first.new_zeros(size)
    band = max(1, TILE // size[1]) if image.device.type == "cpu" else size[0]
    for number, reached in enumerate(_columns(levels, band)):
        rows = slice(number * band, min((number + 1) * band, size[0]))
        for l, (left, right) in enumerate(reached):
            if left < right and levels.weights[l] != 0:
                _add_tile(image, levels, l, rows, slice(left, right))
    return image


def _columns(levels: TurnedLevels, band: int) -> list[list[list[int]]]:
    """By band of so many rows and by level, the columns from … up to … that the level reaches in any of the rows."""
    reach = levels.first.new_tensor([[shape.reach for shape in level] for level in levels.shapes])
    # one way to search for all: what is said of u with a descending second holds of -u
    sign = torch.where(levels.second[..., -1:] < levels.second[..., :1], -1.0, 1.0)
    steps = (levels.second * sign).contiguous()
    low, high = (reach * sign).sort(-1).values.split(1, -1)
    rows = torch.arange(0, levels.first.shape[2], band)
    last = (rows + band).clamp_max(levels.first.shape[2]) - 1
    # monotonic, so the first and the last row of a band are its extremes
    ends = levels.first[..., torch.stack([rows, last])] * sign[..., None]
    begin = torch.searchsorted(steps, (low - ends.amax(2)).contiguous(), right=True).amax(1)
    end = torch.searchsorted(steps, (high - ends.amin(2)).contiguous()).amin(1)
    return torch.stack([begin, end], -1).transpose(0, 1).tolist()


def _add_tile(image: Tensor, levels: TurnedLevels, level: int, rows: slice, columns: slice) -> None:
    """Adds one level to the pixels of the rows and columns."""
    factors = (
        FORMS[shape.form](first[rows, None] + second[columns], shape.number)
        for first, second, shape in zip(
            levels.first[level], levels.second[level], levels.shapes[level], strict=True
        )
    )
    product = next(factors)
    for factor in factors:
        product.mul_(factor)
    image[rows, columns].add_(product, alpha=levels.weights[level])


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="point-spread")
