"""Encoding of random points, L16 F2 T2^19 in three dimensions, beside the way nerfstudio's torch path takes.

Rows of one kind are measured in turns, call by call, so that other work on the machine meets all of them; the least
time of the clock counts. The compiled kernels run where numba is installed. The floor is the bytes of the features
(forward) or of features and table (backward) over the rate of a copy here. Memory is the most that was resident
during a call over what was before it, with the bytes of the features as its floor.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from anisoscope.engine.hashgrid import HashGrid, ImageFit, accelerate, growth_between, siemens_star

from .resident import most_resident

LEVELS, FEATURES, LOG2_ROWS = 16, 2, 19
COMPARED, MANY = 1 << 17, 1_000_000
Call = Callable[[], object]


def rows() -> Iterator[dict[str, Any]]:
    """Forward and backward at 2¹⁷ points against the peer's way, then ours alone at a million; a step of a fit."""
    growth = growth_between(16, 2048, LEVELS)
    points, many = (torch.rand(n, 3, generator=torch.Generator().manual_seed(0)) for n in (COMPARED, MANY))
    backends = ["torch", "compiled"] if accelerate.available() else ["torch"]
    grids = {
        name: HashGrid(3, LEVELS, FEATURES, LOG2_ROWS, 16, growth, "nerfstudio", backend=name)  # pyright: ignore[reportArgumentType]
        for name in backends
    }
    peer = _PeersWay(growth)
    for grid in grids.values():
        grid.load_table(peer.table)
        assert torch.allclose(grid(points[:1000]), peer(points[:1000]), atol=1e-7)
    # first, for what the others free may stay with the process and would be taken again unseen
    more = most_resident(lambda: grids[backends[-1]](many))
    yield {
        "name": f"ours, {backends[-1]}, memory forward, 10^6",
        "value": more,
        "unit": "MB",
        "floor": MANY * LEVELS * FEATURES * 4 / 1e6,
    }
    yield from _compared(points, grids, peer)
    bandwidth = _copied()
    yield from _alone(backends[-1], grids[backends[-1]], many, bandwidth)
    fit = ImageFit(siemens_star(128).expand(-1, -1, 3))
    fit.step()
    yield {"name": "step of a fit, 128×128×3, L10 F4 T2^9", "value": _least(fit.step, 30), "unit": "ms"}


def _compared(points: Tensor, grids: dict[str, HashGrid], peer: nn.Module) -> Iterator[dict[str, Any]]:
    models: dict[str, nn.Module] = {
        "nerfstudio's formulas": peer,
        **{f"ours, {k}": v for k, v in grids.items()},
    }
    gradient = torch.randn(len(points), LEVELS * FEATURES)
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in models}
    for _, (name, model) in itertools.product(range(3), models.items()):
        times[name].append(_both(model, points, gradient))
    for index, direction in enumerate(("forward", "backward")):
        for name, model in models.items():
            row: dict[str, Any] = {
                "name": f"{name}, {direction}, 2^17",
                "value": min(t[index] for t in times[name]),
                "unit": "ms",
            }
            if model is not peer:
                row["ratio_to"] = f"nerfstudio's formulas, {direction}, 2^17"
            yield row


def _alone(name: str, grid: HashGrid, points: Tensor, bandwidth: float) -> Iterator[dict[str, Any]]:
    gradient = torch.randn(len(points), LEVELS * FEATURES)
    times = [_both(grid, points, gradient) for _ in range(3)]
    size = gradient.numel() * 4
    table = grid.table.numel() * 4
    for index, (direction, least) in enumerate((("forward", size), ("backward", size + table))):
        yield {
            "name": f"ours, {name}, {direction}, 10^6",
            "value": min(t[index] for t in times),
            "unit": "ms",
            "floor": 1000 * least / bandwidth,
        }


def _both(model: nn.Module, points: Tensor, gradient: Tensor) -> tuple[float, float]:
    """Milliseconds forward and backward."""
    started = time.perf_counter()
    out = model(points)
    between = time.perf_counter()
    torch.autograd.grad(out, list(model.parameters()), gradient)
    return 1000 * (between - started), 1000 * (time.perf_counter() - between)


class _PeersWay(nn.Module):
    """What the documentation of nerfstudio's HashEncoding (Apache-2.0) describes, written by us from its formulas.

    All levels and points at once, 64-bit products for the hash, eight gathers kept for the gradient.
    """

    def __init__(self, growth: float) -> None:
        super().__init__()
        resolutions = [math.floor(16 * growth**l + 1e-9) for l in range(LEVELS)]
        self.resolutions = torch.tensor(resolutions, dtype=torch.float32)
        self.first = torch.arange(LEVELS) * 2**LOG2_ROWS
        self.table = nn.Parameter(torch.rand(LEVELS * 2**LOG2_ROWS, FEATURES) * 2e-3 - 1e-3)

    def forward(self, points: Tensor) -> Tensor:
        scaled = points[:, None] * self.resolutions[:, None]
        bounds = torch.floor(scaled).int(), torch.ceil(scaled).int()
        fraction = scaled - bounds[0]
        total: Tensor | float = 0.0
        for corner in itertools.product((0, 1), repeat=3):
            vertex = torch.stack([bounds[up][..., axis] for axis, up in enumerate(corner)], -1)
            products = vertex * torch.tensor([1, 2654435761, 805459861])
            row = (products[..., 0] ^ products[..., 1] ^ products[..., 2]) % 2**LOG2_ROWS + self.first
            weight = torch.ones_like(fraction[..., 0])
            for axis, up in enumerate(corner):
                weight = weight * (fraction[..., axis] if up else 1 - fraction[..., axis])
            total = total + weight[..., None] * self.table[row]
        assert isinstance(total, Tensor)
        return total.flatten(-2)


def _least(call: Call, count: int) -> float:
    times = []
    for _ in range(count):
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return 1000 * min(times)


def _copied() -> float:
    """Bytes a second written by a copy."""
    source = torch.rand(1 << 25)
    target = torch.empty_like(source)
    return source.numel() * 4 / (_least(lambda: target.copy_(source), 5) / 1000)
