"""The product of all layers of every lane at one step: replayed where the training has gone on, the latest one kept."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
from torch import Tensor

from anisoscope.engine.alone import alone
from anisoscope.engine.training import LiveTraining, product_spectrum

from ...frame import Columns, Frame
from ...request import Request
from . import nothing
from .codes import logarithm
from .product_words import NEWEST, OFF, WHAT, at_steps, awaited, no_chain
from .trained import lanes_of

NUMBERS = ("product_step", "product_values", "product_low")
"""Facts of it: the step, how many values are drawn, and log10 of the smallest."""


@dataclass(frozen=True)
class Line:
    """Of one lane: the step, and log10 σ/σ₁ as far as it is above the floor of rounding."""

    step: int
    y: np.ndarray


_latest: WeakKeyDictionary[LiveTraining, tuple[Line, ...]] = WeakKeyDictionary()
"""What was shown last of each training: it stays while the hand moves."""


def nothing_of(words: str) -> Frame:
    """No product, and why: the part of a frame that tells of it, as below."""
    return Frame({}, {"product": words, **dict.fromkeys(NUMBERS)})


def newest(training: LiveTraining, request: Request) -> Frame:
    """That of the step the training has come to: of lanes that go on nothing is replayed for it."""
    if why := _why_not(training, request):
        return nothing_of(why)
    with alone():
        lines = tuple(
            _known(training, k, step) or _line(training, k, step, training.weights(k, step))
            for k, step in enumerate(training.steps)
        )
    _latest[training] = lines
    return _shown(training, lines, f", {NEWEST}")


def at_hand(training: LiveTraining, request: Request) -> Iterator[Frame | None]:
    """That of the step `product_step`; where it is not known yet, first the latest one, which names its own step.

    Yields None at each place where a replay can be left.
    """
    if why := _why_not(training, request):
        yield nothing_of(why)
        return
    step = request["product_step"]
    steps = [last if step < 0 else min(step, last) for last in training.steps]
    lines = _latest.get(training, ())
    if [line.step for line in lines] != steps:
        if max(steps) < training.head:
            yield _meanwhile(training, lines, max(steps))
        found: list[Line] = []
        for k, own in enumerate(steps):
            line = _known(training, k, own) or (yield from _replayed(training, k, own))
            found.append(line)
        lines = _latest[training] = tuple(found)
    yield _shown(training, lines, f"; {WHAT}")


def _meanwhile(training: LiveTraining, lines: tuple[Line, ...], step: int) -> Frame:
    """What is shown until a step has been replayed: the compute thread goes on behind it when the hand rests."""
    later = awaited(step)
    part = _shown(training, lines, f"; {later}") if lines else nothing_of(f"σᵢ / σ₁: {later}")
    return Frame(part.tables, {**part.facts, "doing": "Replaying, part"}, (1, 2))


def _why_not(training: LiveTraining, request: Request) -> str:
    if not (request["product"] and request["view"] == "layers"):
        return OFF
    return no_chain(lanes_of(training)[0].matrices)


def _known(training: LiveTraining, k: int, step: int) -> Line | None:
    lines = _latest.get(training, ())
    return lines[k] if lines and lines[k].step == step else None


def _replayed(training: LiveTraining, k: int, step: int) -> Generator[None, None, Line]:
    """A replay can take as long as a hundred steps of training: it is left when something else is asked for."""
    parts, weights = training.replay(k, step), dict[str, Tensor]()
    while True:
        with alone():
            part = next(parts, None)
        if part is None:
            return _line(training, k, step, weights)
        weights = part
        yield None


def _line(training: LiveTraining, k: int, step: int, weights: dict[str, Tensor]) -> Line:
    found = product_spectrum([weights[matrix.name] for matrix in training.timelines[k].layers])
    sigma = found.sigma.numpy()
    seen = sigma > found.floor
    return Line(step, logarithm(sigma / sigma[0])[seen] if seen.any() else nothing.NONE)


def _shown(training: LiveTraining, lines: tuple[Line, ...], more: str) -> Frame:
    tables: dict[str, Columns] = {
        f"product_{k}": {"x": np.arange(1.0, len(line.y) + 1, dtype=np.float32), "y": line.y}
        for k, line in enumerate(lines, start=1)
    }
    steps, titles = [line.step for line in lines], [lane.title for lane in lanes_of(training)]
    drawn = np.concatenate([line.y for line in lines])
    numbers = max(steps), max(len(line.y) for line in lines), float(drawn.min()) if len(drawn) else None
    facts = {"product": at_steps(steps, titles) + more, **dict(zip(NUMBERS, numbers, strict=True))}
    return Frame(tables, facts)
