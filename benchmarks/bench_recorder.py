"""The spectra recorder: what it costs a training, what it leaves on the disk, how fast that is read.

Trainings with and without it take turns in blocks, so that the machine's moods meet all of them; a recorder's block
lasts until its last record is written. Goals: recorded trainings at most 1.05 times the bare one; 10 000 steps of
eight 128² matrices at every=10 in at most 20 MB; a step's spectra well within the 16 ms of a display; twelve 128²
spectra in at most 10 ms.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from anisoscope.engine.records import Entry, RecordWriter, read_record
from anisoscope.engine.spectra import RunFollower, SpectraRecorder, SpectraRun, spectra_run, spectrum

from .timing import least_seconds, torch_threads

WIDTHS, DEPTH, BATCH = (64, 128, 256), 3, 128
# blocks that are not counted: a recorder first earns what its first record cost
BLOCK_SECONDS, ROUNDS, WARMING = 0.3, 12, 2
MATRICES, SIZE, RECORDS = 8, 128, 1000


def rows() -> Iterator[dict[str, Any]]:
    """All rows, on one thread, whatever the process had before."""
    with torch_threads(1), tempfile.TemporaryDirectory() as folder:
        for width in WIDTHS:
            yield from _training(width, Path(folder))
        yield from _spectra()
        yield from _record(Path(folder))


def _training(width: int, folder: Path) -> Iterator[dict[str, Any]]:
    """Time of a step, bare and recorded at 5 % budget: by the clock, and of all processors together."""
    bare = f"training step, {DEPTH + 2} matrices, width {width}"
    # one model for all: where its memory lies makes differences of this size
    train, model, optimizer = _steps(width)
    recorders: dict[str, SpectraRecorder | None] = {bare: None}
    for every in (1, 10):
        recorders[f"the same recorded, every={every}, width {width}"] = SpectraRecorder(
            folder / f"{width}-{every}.spec", model, optimizer, every=every
        )
    count = max(10, int(BLOCK_SECONDS / least_seconds(lambda: train(1))))
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in recorders}
    for block in range(-WARMING, ROUNDS):
        for name, recorder in recorders.items():
            with recorder or nullcontext():
                cost = _cost(train, count, recorder)
            if block >= 0:
                spent[name].append(cost)
    for which, what in enumerate(("", ", processors")):
        for name in recorders:
            # the quarters at both ends are the neighbours' doing
            usual = sorted(cost[which] for cost in spent[name])[ROUNDS // 4 : -ROUNDS // 4]
            row = {"name": name + what, "value": 1e3 * statistics.mean(usual) / count, "unit": "ms"}
            yield row if name == bare else {**row, "ratio_to": bare + what}
    for name, recorder in recorders.items():
        if recorder is None:
            continue
        share = len(spectra_run(recorder.path).steps) / recorder.step
        yield {
            "name": name.replace("the same recorded", "records in 1000 steps"),
            "value": 1e3 * share,
            "unit": "",
        }


def _cost(train: Callable[[int], None], count: int, recorder: SpectraRecorder | None) -> tuple[float, float]:
    """Seconds of some steps by the clock and of all threads, the last record written."""
    clock, processors = time.perf_counter(), time.process_time()
    train(count)
    while recorder is not None and not recorder.idle:
        time.sleep(2e-4)
    return time.perf_counter() - clock, time.process_time() - processors


def _steps(width: int) -> tuple[Callable[[int], None], nn.Module, torch.optim.Optimizer]:
    """A multilayer perceptron with AdamW, and a function that trains it for some steps."""
    torch.manual_seed(width)
    sizes = [64, *[width] * (DEPTH + 1), 10]
    layers = [m for a, b in pairwise(sizes) for m in (nn.Linear(a, b), nn.ReLU())]
    model = nn.Sequential(*layers[:-1])
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    x, labels = torch.randn(BATCH, 64), torch.randint(0, 10, (BATCH,))

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
