"""The optical transfer function: the kernel's Fourier transform, level by level a product of sinc powers."""

from typing import Any

import torch
from torch import Tensor

from .errors import InvalidGrid
from .geometry import CellGeometry, cell_geometry, checked_vectors
from .kernels import profile


def optical_transfer_function(
    grid_or_levels: Any,
    frequencies: Tensor,
    kernel: str = "averaged",
    rotation: Tensor | None = None,
    normalised: bool = True,
) -> Tensor:
    """K̂(k) = Σ_l N_l⁻ᴰ Π_d B̂((R_l k)_d/N_l), in the plane and in space; unlimited tables.

    B̂ is sinc² ("node"), sinc⁴ ("averaged"), sinc(t) sinc(2t) ("mid_cell") or sinc²(t) sinc(2t) ("adam"), with
    sinc(t) = sin(πt)/(πt). Only the first two are nowhere negative.

    Args:
        grid_or_levels: HashGrid, level table, or (L,) resolutions.
        frequencies: (n, D) in cycles per unit length, D of 1, 2 or 3.
        kernel: "node", "mid_cell", "averaged" or "adam".
        rotation: as for `point_spread_function`.
        normalised: 1 at k = 0; else the transform of the unnormalised point-spread function.

    Returns:
        float64 (n,).

    Raises:
        InvalidGrid: on shapes or values that do not fit, or a kernel that depends on the place of x0.

    >>> round(optical_transfer_function([10.0], [[3.0, 0.0]]).item(), 10)  # sinc(0.3)⁴
    0.5429327867
    """
    shape = profile(kernel)
    given = torch.as_tensor(frequencies, dtype=torch.float64)
    if given.ndim != 2 or not 1 <= given.shape[1] <= 3:
        raise InvalidGrid(
            f"frequencies have the shape {tuple(given.shape)}: (n, D), D of 1, 2 or 3 is needed"
        )
    waves = checked_vectors(given, "frequencies", given.shape[1])
    dim = waves.shape[1]
    geometry = cell_geometry(grid_or_levels, dim, rotation)
    inverse, areas = _inverse_scales(geometry, kernel, dim)
    # a wave turns as the displacement does; 1/N takes the place of N
    per_cell = CellGeometry(inverse, 0.0, geometry.rotations).displacements(waves)
    total = torch.einsum("l,ln->n", areas, shape.transform(per_cell).prod(-1))
    return total / areas.sum() if normalised else total * shape.integral**dim


def optical_transfer_grid(
    grid_or_levels: Any,
    size: int,
    dim: int = 2,
    kernel: str = "averaged",
    rotation: Tensor | None = None,
) -> Tensor:
    """The normalised function at the whole frequencies of a unit torus of `size` points an axis.

    Ordered as the real Fourier transform has them: 0, 1, … and then … -2, -1 on all axes but the last, which has
    0 … size/2.
    Without rotation every level is an outer product, and the sum over levels one matrix product.

    Args:
        grid_or_levels: HashGrid, level table, or (L,) resolutions.
        size: points along each axis, 2 or more.
        dim: 1, 2 or 3.
        kernel: as for `optical_transfer_function`.
        rotation: as for `point_spread_function`.

    Returns:
        float64 (size, …, size // 2 + 1).

    Raises:
        InvalidGrid: on shapes or values that do not fit.
    """
    if size < 2 or not 1 <= dim <= 3:
        raise InvalidGrid(f"size, dim are {size}, {dim}: 2 or more, and 1 to 3, are needed")
    shape = profile(kernel)
    geometry = cell_geometry(grid_or_levels, dim, rotation)
    full = torch.fft.fftfreq(size, 1 / size, dtype=torch.float64)
    axes = [full] * (dim - 1) + [torch.fft.rfftfreq(size, 1 / size, dtype=torch.float64)]
    if geometry.rotations is not None:
        waves = torch.cartesian_prod(*axes).reshape(-1, dim)
        parts = [optical_transfer_function(geometry, part, kernel) for part in waves.split(1 << 16)]
        return torch.cat(parts).reshape([len(axis) for axis in axes])
    inverse, areas = _inverse_scales(geometry, kernel, dim)
    factors = [shape.transform(inverse[:, None] * axis) for axis in axes]
    outer = factors[0] * areas[:, None]
    for factor in factors[1:-1]:
        outer = (outer[:, :, None] * factor[:, None]).flatten(1)
    total = outer.mT @ factors[-1] if dim > 1 else outer.sum(0)
    return (total / areas.sum()).reshape([len(axis) for axis in axes])


def _inverse_scales(geometry: CellGeometry, kernel: str, dim: int) -> tuple[Tensor, Tensor]:
    """1/N_l, and each level's part of the transform at k = 0, N_l⁻ᴰ, both (L,)."""
    geometry.checked_scales()
    # a masked level has no part; what its scale is does not matter
    inverse = 1 / geometry.scales.clamp_min(1e-300)
    shares = geometry.shares(kernel == "adam")
    return inverse, inverse**dim if shares is None else torch.where(shares > 0, shares * inverse**dim, 0.0)
