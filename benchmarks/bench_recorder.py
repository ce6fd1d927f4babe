"""The spectra recorder: what it costs a training, what it leaves on the disk, how fast that is read.

One training goes on in short turns, recorded and not, the order changing from pair to pair; a recorded turn lasts until
its last record is written, so that all it costs falls into it. The excess is that of all recorded steps over all others,
with its standard error, which leaves out each pair in turn. The first turns are not counted: the first record has to be
earned back. Goals: by the clock at most 5 % more on one thread and on two; 10 000 steps of eight 128² matrices at
every=10 in at most 20 MB; a step's spectra well within the 16 ms of a display; twelve 128² spectra in at most 10 ms.
"""

from __future__ import annotations

import math
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from anisoscope.engine.records import Entry, RecordWriter, read_record
from anisoscope.engine.spectra import RunFollower, SpectraRecorder, SpectraRun, spectra_run, spectrum

from .timing import least_seconds, torch_threads

# width, layers and batch of a small model and of a middle one, seconds of a turn, pairs of turns
TRAININGS = ((48, 3, 16, 0.25, 30), (384, 7, 256, 0.8, 12))
WARMING = 3
MATRICES, SIZE, RECORDS = 8, 128, 1000


def rows() -> Iterator[dict[str, Any]]:
    """All rows, on one thread, whatever the process had before."""
    with tempfile.TemporaryDirectory() as folder:
        for threads in (1, 2):
            with torch_threads(threads):
                for training in TRAININGS:
                    yield from _training(threads, *training, Path(folder))
        with torch_threads(1):
            yield from _spectra()
            yield from _record(Path(folder))


class Turn(NamedTuple):
    """Some steps in a row, seconds by the clock and of all processors."""

    steps: int
    clock: float
    processors: float


def _training(
    threads: int, width: int, depth: int, batch: int, seconds: float, pairs: int, folder: Path
) -> Iterator[dict[str, Any]]:
    """Time of a step, and how much more it takes when the training is recorded at a budget of 5 %."""
    train, model, optimizer = _steps(width, depth, batch)
    what = f"{depth + 1} matrices, width {width}, threads: {threads}"
    recorder = SpectraRecorder(folder / f"{width}-{threads}.spec", model, optimizer)
    count = max(5, int(seconds / least_seconds(lambda: train(1))))
    recorded, bare = [], []
    for pair in range(-WARMING, pairs):
        turns = {}
        for on in (True, False) if pair % 2 else (False, True):
            with recorder if on else nullcontext():
                turns[on] = _turn(train, count, recorder)
        if pair >= 0:
            recorded.append(turns[True])
            bare.append(turns[False])
    step = 1e3 * sum(turn.clock for turn in bare) / sum(turn.steps for turn in bare)
    yield {"name": f"training step, {what}", "value": step, "unit": "ms"}
    for measure in ("clock", "processors"):
        excess, error = _excess(recorded, bare, measure)
        yield {"name": f"more when recorded, {measure}, {what}", "value": 100 * excess, "unit": "%"}
        yield {"name": f"  standard error, {measure}, {what}", "value": 100 * error, "unit": "%"}
    share = len(spectra_run(recorder.path).steps) / recorder.step
    yield {"name": f"records in 1000 steps, {what}", "value": 1e3 * share, "unit": ""}


def _turn(train: Callable[[int], None], count: int, recorder: SpectraRecorder) -> Turn:
    """So many steps, and further ones until the last record is written."""
    clock, processors, steps = time.perf_counter(), time.process_time(), count
    train(count)
    while not recorder.idle:
        train(1)
        steps += 1
    return Turn(steps, time.perf_counter() - clock, time.process_time() - processors)


def _excess(recorded: Sequence[Turn], bare: Sequence[Turn], measure: str) -> tuple[float, float]:
    """How much more a recorded step takes, and the jackknife's standard error of that."""

    def ratio(without: int | None) -> float:
        def per_step(turns: Sequence[Turn]) -> float:
            kept = [turn for place, turn in enumerate(turns) if place != without]
            return sum(getattr(turn, measure) for turn in kept) / sum(turn.steps for turn in kept)

        return per_step(recorded) / per_step(bare) - 1

    count = len(bare)
    others = [ratio(place) for place in range(count)]
    return ratio(None), math.sqrt((count - 1) * statistics.pvariance(others))


def _steps(
    width: int, depth: int, batch: int
) -> tuple[Callable[[int], None], nn.Module, torch.optim.Optimizer]:
    """A multilayer perceptron with AdamW, and a function that trains it for some steps."""
    torch.manual_seed(width)
    sizes = [64, *[width] * depth, 10]
    layers = [m for a, b in pairwise(sizes) for m in (nn.Linear(a, b), nn.ReLU())]
    model = nn.Sequential(*layers[:-1])
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    x, labels = torch.randn(batch, 64), torch.randint(0, 10, (batch,))

    def train(count: int) -> None:
        for _ in range(count):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x), labels).backward()
            optimizer.step()

    return train, model, optimizer


def _spectra() -> Iterator[dict[str, Any]]:
    X = torch.randn(12, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    name = f"twelve {SIZE}² spectra (goal 10 ms)"
    yield {"name": name, "value": 1e3 * least_seconds(lambda: spectrum(X, "gram")), "unit": "ms"}
    yield {"name": "the same by svdvals in float32", "value": 1e3 * least_seconds(lambda: torch.linalg.svdvals(X)),
           "unit": "ms", "ratio_to": name}  # fmt: skip


def _record(folder: Path) -> Iterator[dict[str, Any]]:
    """Bytes of a long record of real ones, and the times of reading it."""
    for subspace in (None, 8):
        path = folder / f"long-{subspace}.spec"
        header, entries = _real_records(folder / f"short-{subspace}.spec", subspace)
        with RecordWriter(path, header) as writer:
            for index in range(RECORDS):
                _append(writer, entries[index % len(entries)], 1 + 10 * index)
        name = f"{10 * RECORDS} steps of {MATRICES} matrices {SIZE}², every=10"
        yield {"name": name + (f", subspace={subspace}" if subspace else " (goal 20 MB)"),
               "value": path.stat().st_size / 1e6, "unit": "MB"}  # fmt: skip
    yield {"name": "opening it", "value": 1e3 * least_seconds(lambda: spectra_run(path)), "unit": "ms"}
    run, chosen = spectra_run(path), np.random.default_rng(0)
    yield {"name": "all spectra of a random step (goal ≪ 16 ms)",
           "value": 1e3 * least_seconds(lambda: _frame(run, int(chosen.integers(RECORDS)))), "unit": "ms"}  # fmt: skip
    follower = RunFollower(path)
    follower.poll()
    yield {
        "name": "a look at it when nothing is new",
        "value": 1e3 * least_seconds(follower.poll),
        "unit": "ms",
    }
    with RecordWriter(path, header, mode="a") as writer:
        found = []
        for index in range(50):
            _append(writer, entries[0], 10 * (RECORDS + index))
            start = time.perf_counter()
            follower.poll()
            found.append(time.perf_counter() - start)
    yield {
        "name": "a look at it when one record is new",
        "value": 1e3 * statistics.median(found),
        "unit": "ms",
    }


def _real_records(path: Path, subspace: int | None) -> tuple[dict[str, Any], list[Entry]]:
    """Header and a few records of a training of the matrices."""
    model = nn.Sequential(*(nn.Linear(SIZE, SIZE, bias=False) for _ in range(MATRICES)))
    optimizer = torch.optim.AdamW(model.parameters())
    with SpectraRecorder(
        path, model, optimizer, every=1, budget=None, queue_length=10, subspace=subspace
    ) as recorder:
        for _ in range(10):
            optimizer.zero_grad()
            loss = model(torch.randn(16, SIZE)).square().mean()
            loss.backward()
            recorder.scalar(loss=loss)
            optimizer.step()
    record = read_record(path)
    header = {name: value for name, value in record.header.items() if name != "format"}
    return header, record.of_kind("spectra")


def _append(writer: RecordWriter, entry: Entry, step: int) -> None:
    writer.append("spectra", {**entry.fields, "step": step, "seconds": 0.01 * step}, entry.arrays)


def _frame(run: SpectraRun, at: int) -> list[np.ndarray]:
    """What a display draws of one step."""
    return [run.sigma(layer, kind)[at].numpy() for layer in range(MATRICES) for kind in run.kinds]
