"""What dense supervision makes of a single bright pixel while training goes on."""

from typing import Any

import torch
from torch import Tensor

from .errors import InvalidGrid
from .optical_transfer import optical_transfer_grid


def gradient_flow_psf(
    grid_or_levels: Any,
    time: float,
    size: int = 512,
    dim: int = 2,
    kernel: str = "averaged",
    rotation: Tensor | None = None,
) -> Tensor:
    """The image of a point that all pixels supervise, after gradient flow of duration τ.

    Under a shift-invariant kernel every Fourier mode is learnt at its own rate:
    P_τ = F⁻¹[1 - exp(-τ K̂(k)/K̂(0))] on a unit torus of `size` points an axis. Early it is the kernel; late it
    shrinks to one pixel. What fits once and alone (`point_spread_function`) keeps the kernel's width.

    Args:
        grid_or_levels: HashGrid, level table, or (L,) resolutions.
        time: τ > 0, in units of the time constant at k = 0, the fastest mode.
        size: points along each axis; modes beyond size/2 are not seen.
        dim: 1, 2 or 3.
        kernel: "node" or "averaged": only a kernel whose transform is nowhere negative converges.
        rotation: as for `point_spread_function`.

    Returns:
        float64 (size, …), 1 at its peak, which is at index size // 2 of every axis.

    Raises:
        InvalidGrid: on a time that is not positive and finite, and on shapes or values that do not fit.
    """
    if not 0 < time < float("inf"):
        raise InvalidGrid(f"time is {time!r}: a positive and finite number is needed")
    if kernel not in ("node", "averaged"):
        raise InvalidGrid(f"kernel is {kernel!r}: node or averaged is needed")
    transfer = optical_transfer_grid(grid_or_levels, size, dim, kernel, rotation)
    learnt = -torch.expm1(-time * transfer)
    image = torch.fft.irfftn(learnt, s=[size] * dim)
    return torch.fft.fftshift(image / image.flatten()[0])
