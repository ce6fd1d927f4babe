"""Steps of Muon and Sven on one core, beside their peers and beside the least arithmetic they need.

Rows of one group are measured in turns of ten calls, so that other work on the machine meets all of them and each finds
its own caches, as in a training. Sven with model= is to be three times as fast as Jacobian plus SVD. On float32 it has
been 3.4 times jacrev and 3.6 times vmap of grad (float64: 5.1 and 4.5), but 2.9 to 3.2 times in turns of one call, where
caches are cold; half of its 0.54 ms is the model's own forward and backward pass, a fifth of it the GELUs, which torch
gives to oneDNN on float32; a tenth the eigenvalues in float64, which accuracy needs.
The floor is the FLOPs of five Newton–Schulz steps, 5(4a²b + 2a³) a matrix, over the best rate of a matrix product of
bfloat16 or float32, whichever is faster here. pytorch_optimizer's Muon runs where it is installed: `pip install
pytorch_optimizer --no-deps`.
"""

from __future__ import annotations

import importlib
import importlib.util
import math
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, jacrev, vmap

from anisoscope.engine.optimizers import Muon, Sven
from anisoscope.engine.polar import polar, polar_error

from .timing import torch_threads

SHAPES = ((6, 64, 64), (6, 128, 128), (6, 256, 256), (4, 128, 512))
BUDGET_SECONDS = 1.0
CALLS_IN_A_TURN = 10
Call = Callable[[], object]


def rows() -> Iterator[dict[str, Any]]:
    """All rows, on one thread, whatever the process had before."""
    with torch_threads(1):
        flops = max(_flops(dtype) for dtype in (torch.bfloat16, torch.float32))
        for shape in SHAPES:
            yield from _muon(flops, *shape)
        for dtype in (torch.float32, torch.float64):
            yield from _sven(dtype)
        yield from _polar_pane()


def _muon(flops: float, count: int, rows: int, columns: int) -> Iterator[dict[str, Any]]:
    a, b = min(rows, columns), max(rows, columns)
    floor = 5 * count * (4 * a * a * b + 2 * a**3) / flops
    title = f"{count}×{rows}×{columns}"

    def parameters() -> list[nn.Parameter]:
        return _parameters(count, rows, columns)

    calls: dict[str, Call] = {
        f"Muon bfloat16, {title}": Muon(parameters(), lr=0.02, dtype=torch.bfloat16).step,
        f"Muon float32, {title}": Muon(parameters(), lr=0.02).step,
    }
    if hasattr(torch.optim, "Muon"):
        calls[f"torch.optim.Muon, {title}"] = torch.optim.Muon(parameters(), lr=0.02, weight_decay=0).step
    calls[f"KellerJordan's formulas, {title}"] = _keller_jordan(parameters())
    if importlib.util.find_spec("pytorch_optimizer") is not None:
        peer = importlib.import_module("pytorch_optimizer")
        group = {"params": parameters(), "use_muon": True}
        calls[f"pytorch_optimizer Muon, {title}"] = peer.Muon([group], lr=0.02, foreach=True).step
    yield from _rows(calls, floor)


def _keller_jordan(parameters: list[nn.Parameter], lr: float = 0.02, beta: float = 0.95) -> Call:
    """One matrix at a time, as KellerJordan/Muon (MIT licence) writes it; its update of p.grad in place included."""
    buffers = [torch.zeros_like(p) for p in parameters]

    @torch.no_grad()
    def step() -> None:
        for p, buffer in zip(parameters, buffers, strict=True):
            assert p.grad is not None
            buffer.lerp_(p.grad, 1 - beta)
            X = p.grad.lerp_(buffer, beta).bfloat16()
            X = X.mT if p.shape[0] > p.shape[1] else X
            X = X / (X.norm() + 1e-7)
            for _ in range(5):
                A = X @ X.mT
                X = 3.4445 * X + (-4.7750 * A + 2.0315 * A @ A) @ X
            X = X.mT if p.shape[0] > p.shape[1] else X
            p.add_(X, alpha=-lr * max(1, p.shape[0] / p.shape[1]) ** 0.5)

    return step


def _sven(dtype: torch.dtype) -> Iterator[dict[str, Any]]:
    """The small regression of Sven's paper: 1-16-16-16-1, batch 32, the Jacobian as the authors take it."""
    generator = torch.Generator().manual_seed(0)
    x = 2 * torch.rand(32, 1, generator=generator).to(dtype) - 1
    y = torch.exp(-10 * x**2) * torch.sin(2 * x)
    name = str(dtype).removeprefix("torch.")
    layered, any_model, plain = (_network(dtype) for _ in range(3))
    first = Sven(layered.parameters(), lr=1e-9, model=layered)
    second = Sven(any_model.parameters(), lr=1e-9)
    calls: dict[str, Call] = {
        f"Sven with model=, {name}": lambda: first.step(lambda: (layered(x) - y).square()[:, 0]),
        f"Sven without model, {name}": lambda: second.step(lambda: (any_model(x) - y).square()[:, 0]),
        f"Jacobian (jacrev) and SVD, {name}": lambda: _jacobian_step(plain, x, y, by_row=False),
        f"Jacobian (vmap of grad) and SVD, {name}": lambda: _jacobian_step(plain, x, y, by_row=True),
    }
    yield from _rows(calls)


def _jacobian_step(model: nn.Module, x: Tensor, y: Tensor, by_row: bool) -> None:
    parameters = dict(model.named_parameters())
    frozen = {name: p.detach() for name, p in parameters.items()}

    def losses(p: dict[str, Tensor]) -> Tensor:
        return (functional_call(model, p, (x,)) - y).square()[:, 0]

    def loss(p: dict[str, Tensor], a: Tensor, b: Tensor) -> Tensor:
        return (functional_call(model, p, (a[None],)) - b).square()[0, 0]

    blocks = vmap(grad(loss), (None, 0, 0))(frozen, x, y) if by_row else jacrev(losses)(frozen)
    J, residuals = torch.cat([blocks[name].flatten(1) for name in parameters], 1), losses(frozen)
    U, S, Vh = torch.linalg.svd(J, full_matrices=False)
    kept = int((1e-3 * S[0] < S).sum())
    step = Vh[:kept].mT @ ((U[:, :kept].mT @ residuals) / S[:kept])
    with torch.no_grad():
        for p, part in zip(
            parameters.values(), step.split([p.numel() for p in parameters.values()]), strict=True
        ):
            p.sub_(part.view_as(p), alpha=1e-9)


def _polar_pane() -> Iterator[dict[str, Any]]:
    """What a slider of the polar pane asks for: all methods, all step counts up to eight."""
    G = torch.randn(128, 128, generator=torch.Generator().manual_seed(0))

    def pane(dtype: torch.dtype) -> None:
        exact = polar(G.double())
        polar_error(G, "svd", dtype=dtype, exact=exact)
        for method in ("qdwh", "polar_express", "newton_schulz"):
            polar_error(G, method, range(9), dtype, exact=exact)

    yield from _rows(
        {f"polar errors, 4 methods, {d}": lambda d=d: pane(d) for d in (torch.float32, torch.float64)}
    )


def _network(dtype: torch.dtype) -> nn.Sequential:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        widths = ((1, 16), (16, 16), (16, 16), (16, 1))
        layers = [layer for pair in widths for layer in (nn.Linear(*pair), nn.GELU())]
        return nn.Sequential(*layers[:-1]).to(dtype)


def _parameters(count: int, rows: int, columns: int) -> list[nn.Parameter]:
    generator = torch.Generator().manual_seed(0)
    parameters = [nn.Parameter(torch.randn(rows, columns, generator=generator)) for _ in range(count)]
    for p in parameters:
        p.grad = torch.randn(rows, columns, generator=generator)
    return parameters


def _rows(calls: Mapping[str, Call], floor: float | None = None) -> Iterator[dict[str, Any]]:
    """The least time of each call with its ratio to the first, and the median for who wants to see the noise."""
    first = next(iter(calls))
    for name, seconds in _in_turns(calls).items():
        row: dict[str, Any] = {"name": name, "value": 1e3 * min(seconds), "unit": "ms"}
        if floor is not None:
            row["floor"] = 1e3 * floor
        if name != first:
            row["ratio_to"] = first
        yield row
        yield {"name": f"  median of {name}", "value": 1e3 * statistics.median(seconds), "unit": "ms"}


def _in_turns(calls: Mapping[str, Call]) -> dict[str, list[float]]:
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()
    end = time.perf_counter() + BUDGET_SECONDS * len(calls)
    while time.perf_counter() < end:
        for name, call in calls.items():
            for _ in range(CALLS_IN_A_TURN):
                start = time.perf_counter()
                call()
                seconds[name].append(time.perf_counter() - start)
    return seconds


def _flops(dtype: torch.dtype) -> float:
    """The best rate of a product over a few sizes."""
    best = 0.0
    for size in (256, 512, 1024):
        square, least = torch.randn(size, size).to(dtype), math.inf
        for _ in range(12):
            start = time.perf_counter()
            torch.mm(square, square)
            least = min(least, time.perf_counter() - start)
        best = max(best, 2 * size**3 / least)
    return best
