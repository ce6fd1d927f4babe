"""What `RadiusClip` adds to a training step, beside the same step without it, on one thread."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from anisoscope.engine.digits import build
from anisoscope.engine.ghosts import RadiusClip, RadiusRecorder
from anisoscope.engine.optimizers import foreach

# The ways of stepping a network take turns, so that other work disturbs all alike; seconds of a turn, at least: what
# one way leaves in the caches is no matter then for the next, and what a measurement costs the steps after it counts.
TURN_SECONDS, TURNS = 0.05, 30
RECORDING_SECONDS = 1.5
EVERY = 10
# Long enough to hold a write, which comes every 0.05 s.
RECORDED_STEPS = 20_000
WAYS: dict[str, dict[str, Any]] = {
    "cap": {},
    "cap, two passes of its own": {"reuse": False},
    "cap, jvp": {"backend": "jvp"},
    "monitor, every 10": {"mode": "monitor", "every": EVERY},
}
PLAIN, BY_HAND, HANDED = "plain step", "cap by hand, nothing guarded", "cap, logits handed in"
PASS, TENTH = "plain step, then one pass forward", "plain step, then one pass forward every 10"
# The least that each can take. A pass that follows a step finds the caches taken: it is slower than one of many in a
# row, and slower still where the steps before it made none.
FLOORS = {"cap": PASS, HANDED: PASS, "monitor, every 10": TENTH}


class Decoder(nn.Module):
    """A causal transformer on bytes with fused attention; every token's prediction is a sample."""

    def __init__(self, width: int = 128, layers: int = 4, heads: int = 4, length: int = 64):
        super().__init__()
        self.embed, self.position = nn.Embedding(256, width), nn.Parameter(0.02 * torch.randn(length, width))
        self.blocks = nn.ModuleList(_Block(width, heads) for _ in range(layers))
        self.norm, self.readout = nn.LayerNorm(width), nn.Linear(width, 256)

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens (batch, length) to logits (batch · length, 256)."""
        x = self.embed(tokens) + self.position
        for block in self.blocks:
            x = block(x)
        return self.readout(self.norm(x)).flatten(0, 1)


class _Block(nn.Module):
    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.norm, self.mix, self.out = (
            nn.LayerNorm(width),
            nn.Linear(width, 3 * width),
            nn.Linear(width, width),
        )
        self.forward_part = nn.Sequential(
            *(nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        )

    def forward(self, x: Tensor) -> Tensor:
        """Tokens (batch, length, width) to the same shape."""
        q, k, v = self.mix(self.norm(x)).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        mixed = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(mixed.transpose(1, 2).flatten(2))
        return x + self.forward_part(x)


def rows() -> Iterator[dict[str, Any]]:
    """All rows, on one thread, whatever the process had before."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng():
            for title, make, batch in _networks():
                yield from _network(title, make, batch)
            yield _recording()
    finally:
        torch.set_num_threads(threads)


def _recording() -> dict[str, Any]:
    """What a recorder adds to one measured step, writing included: best turn of steps without their training."""
    model, inputs = nn.Linear(4, 3), torch.rand(5, 4)
    clip, loss = RadiusClip(model, torch.optim.SGD(model.parameters(), lr=1e-3)), torch.tensor(1.0)
    nn.functional.cross_entropy(model(inputs), torch.arange(5) % 3).backward()
    last = clip.step(inputs)
    best, end = math.inf, time.perf_counter() + RECORDING_SECONDS
    with (
        tempfile.TemporaryDirectory() as folder,
        RadiusRecorder(Path(folder) / "run.radius", clip) as recorder,
    ):
        while time.perf_counter() < end:
            start = time.perf_counter()
            for _ in range(RECORDED_STEPS):
                recorder.loss(loss)
                recorder.measured(last)
            best = min(best, (time.perf_counter() - start) / RECORDED_STEPS)
    return {
        "name": "RadiusRecorder: a measured step",
        "value": 1e3 * best,
        "unit": "ms",
        "ratio_to": "MLP 64-128-10, batch 64: plain step",
    }


def _networks() -> Iterator[tuple[str, Callable[[], nn.Module], Tensor]]:
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(1438, 64, generator=generator)
    yield "MLP 64-128-10, batch 64", lambda: build("mlp", generator), images[:64]
    yield "MLP 64-128-10, batch 1438", lambda: build("mlp", generator), images
    yield "MLP 3×256 + LayerNorm, batch 256", _wide, images[:256]
    yield "tiny transformer, batch 256", lambda: build("transformer", generator), images[:256]
    yield "decoder 4×128, 8×64 tokens", Decoder, torch.randint(256, (8, 64), generator=generator)


def _wide() -> nn.Module:
    layers: list[nn.Module] = []
    for width in (64, 256, 256):
        layers += [nn.Linear(width, 256), nn.LayerNorm(256), nn.GELU()]
    return nn.Sequential(*layers, nn.Linear(256, 10))


def _network(title: str, make: Callable[[], nn.Module], inputs: Tensor) -> Iterator[dict[str, Any]]:
    """The plain step, then each way beside it; the floor is the plain step and the passes there must be."""
    ways = {
        PLAIN: _stepper(make(), inputs, None),
        PASS: _stepper(make(), inputs, None, pass_every=1),
        TENTH: _stepper(make(), inputs, None, pass_every=EVERY),
        BY_HAND: _by_hand(make(), inputs),
        HANDED: _stepper(make(), inputs, {}, hand_in=True),
    }
    ways |= {
        name: _stepper(make(), inputs, settings) for name, settings in WAYS.items() if _possible(title, name)
    }
    found = _in_turn(ways)
    for name, seconds in found.items():
        row = {"name": f"{title}: {name}", "value": 1e3 * seconds, "unit": "ms"}
        if name in FLOORS:
            row["floor"] = 1e3 * found[FLOORS[name]]
        yield row if name == PLAIN else {**row, "ratio_to": f"{title}: {PLAIN}"}


def _possible(title: str, name: str) -> bool:
    """Fused attention has no forward mode."""
    return not (title.startswith("decoder") and name.endswith("jvp"))


def _by_hand(model: nn.Module, inputs: Tensor) -> Callable[[], object]:
    """The shortest program that caps a step: what is left of the cost where nothing is checked, kept or told."""
    optimizer, weights = torch.optim.Adam(model.parameters(), lr=1e-4), list(model.parameters())
    with torch.no_grad():
        targets = model(inputs).argmax(-1).flip(0)
    start, reach = [weight.detach().clone() for weight in weights], 1e-2

    def step() -> None:
        optimizer.zero_grad()
        logits = model(inputs)
        nn.functional.cross_entropy(logits, targets).backward()
        with torch.no_grad():
            foreach.copy_(start, weights)
            optimizer.step()
            taken = foreach.add(weights, start, alpha=-1)
            norm = float(torch.linalg.vector_norm(torch.stack(foreach.norm(taken))))
            foreach.copy_(weights, foreach.add(start, taken, alpha=reach / norm))
            least, most = (model(inputs) - logits).aminmax(dim=-1)
            r = norm * float((most - least).max()) / (math.pi * reach)
            foreach.copy_(weights, foreach.add(start, taken, alpha=min(1.0, 1 / r)))

    return step


def _stepper(
    model: nn.Module,
    inputs: Tensor,
    settings: dict[str, Any] | None,
    pass_every: int = 0,
    hand_in: bool = False,
) -> Callable[[], object]:
    """One whole training step: gradients, and the optimizer's step as asked for; a pass forward after each so many."""
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
    with torch.no_grad():
        targets = model(inputs).argmax(-1).flip(0)
    clip = None if settings is None else RadiusClip(model, optimizer, **settings)
    count = 0

    def step() -> object:
        nonlocal count
        count += 1
        optimizer.zero_grad()
        logits = model(inputs)
        nn.functional.cross_entropy(logits, targets).backward()
        found = optimizer.step() if clip is None else clip.step(inputs, logits=logits if hand_in else None)
        if pass_every and count % pass_every == 0:
            with torch.no_grad():
                model(inputs)
        return found

    return step


def _in_turn(ways: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Seconds a step: best turn, which holds as many measurements of a monitor as any other."""
    for step in ways.values():
        step()
    once = _seconds(ways[PLAIN], EVERY)
    steps = EVERY * math.ceil(TURN_SECONDS / (EVERY * once))
    best = dict.fromkeys(ways, math.inf)
    for _ in range(TURNS):
        for name, step in ways.items():
            best[name] = min(best[name], _seconds(step, steps))
    return best


def _seconds(step: Callable[[], object], steps: int) -> float:
    start = time.perf_counter()
    for _ in range(steps):
        step()
    return (time.perf_counter() - start) / steps
