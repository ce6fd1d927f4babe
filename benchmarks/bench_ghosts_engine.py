"""The ghosts' numerics on one core, each beside the least arithmetic or traffic it needs.

Floors come from rates measured in the same run: a matrix product's FLOP/s, a copy's bytes/s and,
where elementary functions rule, so many bare exponentials, sines and cosines a second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from anisoscope.engine.ghosts import (
    convergence_radius,
    corridors,
    exact_radius,
    linearised_loss,
    logit_jvp,
    measure_step,
    partition_phase,
    partition_zeros,
    phase_index,
    taylor_coefficients,
)

from .timing import least_seconds, torch_threads

SAMPLES, CLASSES, COLUMNS, HEIGHTS, ORDER = 1438, 10, 256, 128, 48
NEWTON_ROUNDS, STARTS, CIRCLE_POINTS = 8, 4, 25


def rows() -> Iterator[dict[str, Any]]:
    """All rows, on one thread, whatever the process had before."""
    with torch_threads(1):
        rates = _rates()
        yield from _radii(rates)
        yield from _one_sample(rates)
        yield from _network()


def _radii(rates: dict[str, float]) -> Iterator[dict[str, Any]]:
    """Whole data set: 1438 samples of ten classes."""
    z, a = _logits(SAMPLES)
    cells = SAMPLES * CLASSES
    read = 2 * cells * 8 / rates["bytes"]
    yield _row("spread of the slopes alone", lambda: a.amax(-1) - a.amin(-1), floor=read / 2)
    yield _row(
        "radius, bound, 1438×10, input checked",
        lambda: convergence_radius(z, a),
        floor=read,
        ratio_to="spread of the slopes alone",
    )
    yield _row(
        "radius, margin, 1438×10",
        lambda: convergence_radius(z, a, "margin"),
        floor=2 * 6 * cells / rates["exp"],
    )
    evaluations = cells * (NEWTON_ROUNDS * STARTS + CIRCLE_POINTS)
    yield _row(
        "radius, exact and certified, 1438×10", lambda: exact_radius(z, a), floor=evaluations / rates["polar"]
    )
    y = torch.zeros(256, dtype=torch.int64)
    work = 256 * (2 * CLASSES * ORDER + ORDER**2) / rates["flops"]
    yield _row(
        "Taylor coefficients, 256 samples, order 48",
        lambda: taylor_coefficients(z[:256], a[:256], y, ORDER),
        work,
    )
    tau = torch.linspace(-1, 1, 81, dtype=torch.float64)
    losses = 64 * 81 * CLASSES / rates["exp"]
    yield _row(
        "linearised loss, 64 samples × 81 steps", lambda: linearised_loss(z[:64], a[:64], y[:64], tau), losses
    )


def _one_sample(rates: dict[str, float]) -> Iterator[dict[str, Any]]:
    """What is drawn anew when another sample is chosen."""
    z, a = (values[0] for values in _logits(1))
    radius = convergence_radius(z, a, "exact").item()
    reach = 2 * radius
    u = torch.linspace(-reach, reach, COLUMNS, dtype=torch.float64)
    y = torch.linspace(0, reach, HEIGHTS, dtype=torch.float64)
    product = 2 * 2 * COLUMNS * HEIGHTS * CLASSES / rates["flops"]
    yield _row("plane 256×128, float64", lambda: partition_phase(z, a, u, y), product)
    zf, af, uf, yf = z.float(), a.float(), u.float(), y.float()
    yield _row("plane 256×128, float32", lambda: partition_phase(zf, af, uf, yf), product / 2)
    plane = partition_phase(zf, af, uf, yf)
    arctangent = COLUMNS * HEIGHTS / rates["atan2"]
    yield _row("colour index of the plane, float32", lambda: phase_index(plane.real, plane.imag), arctangent)
    yield _row(
        "plane and colour index, float32",
        lambda: phase_index(*partition_phase(zf, af, uf, yf)),
        product / 2 + arctangent,
    )
    cells = (2 * reach / 0.6) * (reach / 0.6) * float(a.amax() - a.amin()) ** 2
    zeros = 2 * 2 * cells * CLASSES / rates["flops"]
    yield _row(
        "all ghosts in the window, counted twice",
        lambda: partition_zeros(z, a, (-reach, reach, 0, reach)),
        zeros,
    )
    bisections = 36 * CLASSES**2 / rates["exp"]
    yield _row("corridors in the window", lambda: corridors(z, a, -reach, reach), bisections)


def _network() -> Iterator[dict[str, Any]]:
    """Slopes of a small network: the floor is its own forward pass."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 128), nn.GELU(), nn.LayerNorm(128), nn.Linear(128, 10))
    x = torch.randn(SAMPLES, 64)
    direction = {name: torch.randn_like(p) for name, p in model.named_parameters()}
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    nn.functional.cross_entropy(model(x), torch.randint(10, (SAMPLES,))).backward()
    with torch.no_grad():
        forward = least_seconds(lambda: model(x))
    name = "forward pass, MLP + LayerNorm, 1438 samples"
    yield {"name": name, "value": 1e3 * forward, "unit": "ms"}
    for backend in ("jvp", "finite_difference"):
        yield _row(f"slopes, {backend}", lambda b=backend: logit_jvp(model, x, direction, b), forward, name)
    yield _row("an optimizer's step, measured", lambda: measure_step(model, optimizer, x), forward, name)


def _row(name: str, call: Callable[[], object], floor: float, ratio_to: str | None = None) -> dict[str, Any]:
    row = {"name": name, "value": 1e3 * least_seconds(call), "unit": "ms", "floor": 1e3 * floor}
    return row if ratio_to is None else {**row, "ratio_to": ratio_to}


def _rates() -> dict[str, float]:
    """What this core does in a second: multiply-adds of float64, bytes copied, elementary functions."""
    square, block = torch.randn(512, 512, dtype=torch.float64), torch.randn(1 << 14, dtype=torch.float64)
    target, single = torch.empty_like(block), torch.randn(1 << 14)
    count = len(block)
    return {
        "flops": 2 * 512**3 / least_seconds(lambda: square @ square),
        "bytes": 2 * 8 * count / least_seconds(lambda: target.copy_(block)),
        "exp": count / least_seconds(lambda: block.exp()),
        "polar": count / least_seconds(lambda: (block.exp(), block.sin(), block.cos())),
        "atan2": count / least_seconds(lambda: torch.atan2(single, single)),
    }


def _logits(samples: int) -> tuple[Tensor, Tensor]:
    """Logits like those of a trained classifier: margins of a few nats."""
    generator = torch.Generator().manual_seed(0)
    z, a = torch.randn(2, samples, CLASSES, generator=generator, dtype=torch.float64)
    return 4 * z, 3 * a
