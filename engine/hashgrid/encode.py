"""Interpolation of a table at points, and its two derivatives, in plain torch: the reference and the CUDA path.

Sums over the points that share a row run in a fixed order on every device and for every number of threads, so a
gradient is the same bit for bit each time; the atomic additions of the peers give no such promise.
"""

from typing import Any

import torch
from torch import Tensor

from .lattice import Lattice

# Points taken at a time: intermediate results stay in a core's cache, and memory near that of the output
_FORWARD_POINTS = 1 << 14
_BACKWARD_POINTS = 1 << 17


def encode(points: Tensor, table: Tensor, lattice: Lattice, mask: tuple[float, ...]) -> Tensor:
    """Features (n, L·F), level-major, differentiable in the table alone.

    Nothing but points and table is kept for the gradient: rows and weights are found again.
    """
    return _Encode.apply(points.detach(), table, lattice, mask)


def encode_differentiable(points: Tensor, table: Tensor, lattice: Lattice, mask: tuple[float, ...]) -> Tensor:
    """The same, differentiable in points and table, any number of times (for gradients of a field's gradient)."""
    starts = lattice.levels.offsets.tolist()
    features = []
    for level, weight_of_level in enumerate(mask):
        rows, weights = lattice.corners(points, level)
        values = _Gather.apply(table, rows.reshape(-1) + starts[level])
        values = values.reshape(*rows.shape, table.shape[1])
        features.append(weight_of_level * (weights.to(table.dtype)[..., None] * values).sum(1))
    return torch.cat(features, -1)


def sum_by_row(values: Tensor, rows: Tensor, count: int) -> Tensor:
    """Sums of the values (m, F) that share a row, (count, F), in the order of m whatever the device."""
    if values.is_cuda:
        # sorted by row, not atomic: torch documents index_put_ with accumulate as deterministic on CUDA
        return values.new_zeros(count, values.shape[1]).index_put_((rows,), values, accumulate=True)
    columns = [torch.bincount(rows, column, minlength=count) for column in values.unbind(-1)]
    return torch.stack(columns, -1).to(values.dtype)


class _Encode(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, points: Tensor, table: Tensor, lattice: Lattice, mask: tuple[float, ...]) -> Tensor:
        ctx.save_for_backward(points)
        ctx.lattice, ctx.mask, ctx.shape = lattice, mask, table.shape
        features = table.shape[1]
        starts = lattice.levels.offsets.tolist()
        out = table.new_zeros(len(points), len(mask) * features)
        for begin in range(0, len(points), _FORWARD_POINTS):
            part = points[begin : begin + _FORWARD_POINTS]
            for level, weight_of_level in enumerate(mask):
                if weight_of_level == 0:
                    continue
                rows, weights = lattice.corners(part, level)
                values = table.index_select(0, rows.reshape(-1) + starts[level]).reshape(
                    *rows.shape, features
                )
                weights = weights.to(table.dtype) * weight_of_level
                out[begin : begin + len(part), level * features : (level + 1) * features] = (
                    weights[:, None] @ values
                )[:, 0]
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, Tensor, None, None]:
        (points,) = ctx.saved_tensors
        return None, _Transpose.apply(points, gradients[0], ctx.lattice, ctx.mask, ctx.shape), None, None


class _Transpose(torch.autograd.Function):
    """`table_gradient`, linear as the encoding is, whose derivative is the encoding."""

    @staticmethod
    def forward(
        ctx: Any,
        points: Tensor,
        gradient: Tensor,
        lattice: Lattice,
        mask: tuple[float, ...],
        shape: torch.Size,
    ) -> Tensor:
        ctx.save_for_backward(points)
        ctx.lattice, ctx.mask = lattice, mask
        return table_gradient(points, gradient, lattice, mask, shape)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, Tensor, None, None, None]:
        (points,) = ctx.saved_tensors
        return None, _Encode.apply(points, gradients[0], ctx.lattice, ctx.mask), None, None, None


def table_gradient(
    points: Tensor, gradient: Tensor, lattice: Lattice, mask: tuple[float, ...], shape: torch.Size
) -> Tensor:
    """Sᵀ g: the gradient (rows, F) of the table for a gradient (n, L·F) of the features."""
    features = shape[1]
    starts = lattice.levels.offsets.tolist()
    out = gradient.new_zeros(shape)
    for level, weight_of_level in enumerate(mask):
        if weight_of_level == 0:
            continue
        size = starts[level + 1] - starts[level]
        for begin in range(0, len(points), _BACKWARD_POINTS):
            rows, weights = lattice.corners(points[begin : begin + _BACKWARD_POINTS], level)
            part = gradient[begin : begin + _BACKWARD_POINTS, level * features : (level + 1) * features]
            values = weights.to(gradient.dtype)[..., None] * (weight_of_level * part)[:, None]
            out[starts[level] : starts[level + 1]] += sum_by_row(
                values.reshape(-1, features), rows.reshape(-1), size
            )
    return out


class _Gather(torch.autograd.Function):
    """table[rows], with a deterministic derivative that has derivatives itself."""

    @staticmethod
    def forward(ctx: Any, table: Tensor, rows: Tensor) -> Tensor:
        ctx.save_for_backward(rows)
        ctx.count = len(table)
        return table.index_select(0, rows)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (rows,) = ctx.saved_tensors
        return _Scatter.apply(gradients[0], rows, ctx.count), None


class _Scatter(torch.autograd.Function):
    """`sum_by_row`, whose derivative is `_Gather`."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, rows: Tensor, count: int) -> Tensor:
        ctx.save_for_backward(rows)
        return sum_by_row(values, rows, count)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (rows,) = ctx.saved_tensors
        return _Gather.apply(gradients[0], rows), None, None
