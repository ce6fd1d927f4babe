"""The point-spread function as an image, at the pace of a dragged point.

Without rotation every level is an outer product, and the image one matrix product of rank L. Turned levels have no
such form and are evaluated pixel by pixel, see `turned_map`.
"""

from typing import Any

import torch
from torch import Tensor

from . import accelerate
from .closed_form import checked_peak, raw_levels
from .errors import InvalidGrid
from .geometry import CellGeometry, cell_geometry, checked_vector, checked_vectors
from .grid import Backend, HashGrid, checked_backend
from .kernels import EXACT, KERNELS, PROFILES, SIGN_DESCENT, adam_cell_factor, cell_factor
from .levels import checked_count
from .point_spread import point_spread_function
from .turned_map import summed, summed_compiled, turned_levels

THREADS_MAX = 256


def point_spread_map(
    grid_or_levels: Any,
    x0: Tensor,
    axes: tuple[Tensor, Tensor],
    kernel: str = "cell",
    rotation: Tensor | None = None,
    normalised: bool = True,
    plane: tuple[int, int] = (0, 1),
    threads: int | None = None,
    backend: Backend = "auto",
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
        threads: of the compiled kernel, 1 to 256; None: torch's number. The image is the same on any number.
        backend: for turned levels; auto takes the compiled kernel on the CPU where numba is installed, compiled
            refuses to do without. Both give the same within 1e-6 of the peak.

    Returns:
        float32 (n, m), the first axis along rows.

    Raises:
        InvalidGrid: as there, and on axes, a plane or a number of threads that do not fit.
    """
    source = checked_vector(x0, "x0")
    first, second = (
        _checked_axis(axis, name) for axis, name in zip(axes, ("axes[0]", "axes[1]"), strict=True)
    )
    if kernel not in KERNELS:
        raise InvalidGrid(f"kernel is {kernel!r}: one of {', '.join(KERNELS)} is needed")
    if len(source) < 2 or len(set(plane)) != 2 or not all(0 <= axis < len(source) for axis in plane):
        raise InvalidGrid(f"plane is {plane!r}: two of the axes 0 to {len(source) - 1} are needed")
    shared_by = (
        torch.get_num_threads() if threads is None else checked_count("threads", threads, 1, THREADS_MAX)
    )
    compiled = checked_backend(backend) != "torch" and source.device.type == "cpu" and accelerate.available()
    if backend == "compiled" and not compiled:
        raise InvalidGrid(f"backend is 'compiled': x0 on the CPU is needed, not on {source.device}")
    if isinstance(grid_or_levels, HashGrid) and kernel in EXACT and rotation is None:
        points = source.repeat(len(first) * len(second), 1)
        points[:, list(plane)] = torch.cartesian_prod(first, second)
        values = point_spread_function(grid_or_levels, source, points, kernel, None, normalised)
        return values.reshape(len(first), len(second)).float()
    geometry = cell_geometry(grid_or_levels, len(source), rotation)
    peak = (
        checked_peak(raw_levels(geometry, source, source[None], kernel).sum().item()) if normalised else 1.0
    )
    if geometry.rotations is None or 0 in (len(first), len(second)):
        return _outer_products(geometry, source, (first, second), kernel, plane, peak)
    offsets = first - source[plane[0]], second - source[plane[1]]
    levels = turned_levels(geometry, source, offsets, kernel, plane, peak)
    return summed_compiled(levels, shared_by) if compiled else summed(levels)


def _outer_products(
    geometry: CellGeometry,
    source: Tensor,
    axes: tuple[Tensor, Tensor],
    kernel: str,
    plane: tuple[int, int],
    peak: float,
) -> Tensor:
    """Σ_l share_l F_l(first) ⊗ F_l(second), times what the third coordinate gives at x0, over the peak."""
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
    weights = 1 / peak if shares is None else shares[:, None] / peak
    return ((weights * left).mT @ right).float()


def _checked_axis(axis: Tensor, name: str) -> Tensor:
    given = torch.as_tensor(axis, dtype=torch.float64)
    values = checked_vectors(given[:, None] if given.ndim == 1 else given, name, 1)[:, 0]
    if not bool((values.diff() >= 0).all()):
        raise InvalidGrid(f"{name} goes down: ascending coordinates are needed")
    return values
