"""The compiled kernels behind autograd: which calls can take them, and how threads share the work."""

import importlib.util
import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .hashing import hash_multipliers
from .lattice import Lattice

# Fewer points are done before a second thread has started
_WORTH_THREADS = 2048
# Of points whose gradient is written level by level at once
_PART = 1 << 14
_REALS = (torch.float32, torch.float64)


@cache
def available() -> bool:
    """Whether numba is installed; without it the torch path does everything."""
    return importlib.util.find_spec("numba") is not None


def takes(points: Tensor, table: Tensor) -> bool:
    """Whether the compiled kernels can encode these points: on the CPU, in float32 or float64."""
    on_cpu = points.device.type == "cpu" and table.device.type == "cpu"
    return available() and on_cpu and points.dtype in _REALS and table.dtype in _REALS


def encode_compiled(points: Tensor, table: Tensor, lattice: Lattice, mask: tuple[float, ...]) -> Tensor:
    """`encode`, compiled: the same values up to rounding, the same promise of one order of sums."""
    return _Compiled.apply(points.detach().contiguous(), table, lattice, mask)


class _Compiled(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, points: Tensor, table: Tensor, lattice: Lattice, mask: tuple[float, ...]) -> Tensor:
        from .compiled import forward

        ctx.save_for_backward(points)
        ctx.lattice, ctx.mask, ctx.shape = lattice, mask, table.shape
        out = _zeros((len(points), len(mask) * table.shape[1]), table.dtype)
        plan = _plan(lattice, mask, points.dtype, table.dtype)
        arrays = points.numpy(), table.detach().contiguous().numpy(), out.numpy()
        sizes = (0,) * table.shape[1], (0,) * 2**lattice.dim
        _shared(lambda level: forward(*arrays, plan, level, *sizes), _wanted(mask), len(points))
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, Tensor, None, None]:
        (points,) = ctx.saved_tensors
        return (
            None,
            _CompiledTranspose.apply(points, gradients[0], ctx.lattice, ctx.mask, ctx.shape),
            None,
            None,
        )


class _CompiledTranspose(torch.autograd.Function):
    """The table's gradient, linear as the encoding is, whose derivative is the encoding."""

    @staticmethod
    def forward(
        ctx: Any,
        points: Tensor,
        gradient: Tensor,
        lattice: Lattice,
        mask: tuple[float, ...],
        shape: torch.Size,
    ) -> Tensor:
        from .compiled import backward

        ctx.save_for_backward(points)
        ctx.lattice, ctx.mask = lattice, mask
        out = _zeros(shape, gradient.dtype)
        plan = _plan(lattice, mask, points.dtype, gradient.dtype)
        arrays = points.numpy(), _by_level(gradient, len(mask)), out.numpy()
        sizes = (0,) * shape[1], (0,) * 2**lattice.dim
        _shared(lambda level: backward(*arrays, plan, level, *sizes), _wanted(mask), len(points))
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, Tensor, None, None, None]:
        (points,) = ctx.saved_tensors
        return None, _Compiled.apply(points, gradients[0], ctx.lattice, ctx.mask), None, None, None


def _by_level(gradient: Tensor, levels: int) -> np.ndarray:
    """The gradient (n, L·F) as (L, n, F)."""
    from .compiled import by_level

    points = len(gradient)
    given = gradient.detach().contiguous().numpy()
    out = _zeros((levels, points, gradient.shape[1] // levels), gradient.dtype).numpy()
    starts = range(0, points, _PART)
    _shared(lambda start: by_level(given, out, start, min(start + _PART, points)), starts, points)
    return out


def _wanted(mask: tuple[float, ...]) -> list[int]:
    """Levels with a weight, fine ones first: they take longest, and the coarse ones fill the gap at the end."""
    return [level for level, weight in enumerate(mask) if weight != 0][::-1]


def _shared(work: Callable[[int], None], parts: Sequence[int], points: int) -> None:
    """Calls work for every part, a level or some points, on as many threads as torch would use."""
    threads = min(torch.get_num_threads(), len(parts)) if points >= _WORTH_THREADS else 1
    if threads <= 1:
        for part in parts:
            work(part)
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, parts))


def _zeros(shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """Zeros in pages that are not there before a level's thread comes to them, and that numpy asks to be large."""
    return torch.from_numpy(np.zeros(shape, np.float32 if dtype == torch.float32 else np.float64))


def _plan(lattice: Lattice, mask: tuple[float, ...], real: torch.dtype, of_table: torch.dtype) -> Any:
    from .compiled import Plan

    levels, dim, count = lattice.levels, lattice.dim, len(mask)
    rows = np.zeros((count, 9), dtype=np.int64)
    rows[:, 0], rows[:, 1], rows[:, 2] = levels.offsets[:-1], levels.table_sizes, levels.dense
    for level in range(count):
        if rows[level, 2]:
            rows[level, 3 : 3 + dim] = levels.origins[level]
            rows[level, 6 : 6 + dim] = np.cumprod([1, *levels.vertices[level, :-1].tolist()])
        else:
            rows[level, 6 : 6 + dim] = hash_multipliers(dim, lattice.hash_seeds[level])
    reals = torch.zeros(count, 9, dtype=torch.float64)
    reals[:, 0], reals[:, 1], reals[:, 2] = 1, levels.offset, levels.scales
    reals[:, 3::2], reals[:, 4::2] = -math.inf, math.inf
    if lattice.convention == "paper":
        reals[:, 3 : 3 + 2 * dim : 2] = levels.origins.double()
        reals[:, 4 : 4 + 2 * dim : 2] = (levels.origins + levels.vertices - 2).double()
    turns = torch.zeros(count, 3, 3, dtype=torch.float64)
    if lattice.rotation is not None:
        turns[:, :dim, :dim] = lattice.rotation
    options = [
        lattice.rotation is not None,
        lattice.smoothstep,
        lattice.convention == "torch-ngp",
    ]
    return Plan(
        rows,
        _within(reals, real).numpy(),
        turns.to(real).numpy(),
        torch.tensor(mask, dtype=of_table).numpy(),
        np.array(options),
    )


def _within(reals: Tensor, real: torch.dtype) -> Tensor:
    """The reals of a plan in another dtype: no greatest cell behind the last, and no least one before the first."""
    found = reals.to(real)
    low, high = found[:, 3::2], found[:, 4::2]
    found[:, 3::2] = torch.where(low < reals[:, 3::2], low.nextafter(torch.full_like(low, math.inf)), low)
    found[:, 4::2] = torch.where(
        high > reals[:, 4::2], high.nextafter(torch.full_like(high, -math.inf)), high
    )
    return found
