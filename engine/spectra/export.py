"""A recorded run as files that everything reads: NPZ for programs, CSV for eyes and spreadsheets."""

import csv
import json
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..records import replacing
from .metrics import (
    condition_over_median,
    effective_rank,
    flatness,
    nuclear_rank,
    participation_ratio,
    stable_rank,
    svd_entropy,
)
from .run import SpectraRun
from .snapshot import Status
from .spectrum import believed

METRICS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "stable_rank": stable_rank,
    "nuclear_rank": nuclear_rank,
    "effective_rank": effective_rank,
    "svd_entropy": svd_entropy,
    "participation_ratio": participation_ratio,
    "flatness": flatness,
    "condition_over_median": condition_over_median,
}
SPECTRA_COLUMNS = ("step", "seconds", "layer", "kind", "index", "sigma", "floor", "below_floor")
METRICS_COLUMNS = ("step", "seconds", "layer", "kind", "name", "value")


def export_npz(run: SpectraRun, path: str | os.PathLike[str]) -> Path:
    """Writes a run as an NPZ file; one that exists is replaced when the new one is whole.

    Arrays: steps, seconds (n,); for every layer and kind sigma/LAYER/KIND (n, r), floor/… (n,), status/… (n,)
    as `Status`, below_floor/… (n, r), true where a value is rounding noise, and rotation/… (n, 2) where
    recorded; alignment/LAYER (n, 2), learning_rate/LAYER (n,); scalar_steps/NAME and scalar_values/NAME;
    notes, JSON of [[step, text], …]; dropped; header, the record's as JSON.

    Returns:
        The path.

    Raises:
        OSError: when it cannot be written.
    """
    arrays: dict[str, Any] = {"steps": run.steps.numpy(), "seconds": run.seconds.numpy()}
    for index, name, place, kind in _matrices(run):
        sigma, floor = run.sigma(index, kind), run.floor[:, index, place]
        found = {"sigma": sigma, "floor": floor, "status": run.status[:, index, place]}
        found["below_floor"] = sigma <= floor[:, None]
        if run.rotation is not None:
            found["rotation"] = run.rotation[:, index, place]
        arrays |= {f"{what}/{name}/{kind}": values.numpy() for what, values in found.items()}
        arrays[f"alignment/{name}"] = run.alignment[:, index].numpy()
        arrays[f"learning_rate/{name}"] = run.learning_rate[:, index].numpy()
    for name, (steps, values) in run.scalars.items():
        arrays |= {f"scalar_steps/{name}": steps.numpy(), f"scalar_values/{name}": values.numpy()}
    arrays["notes"] = np.array(json.dumps(run.notes, ensure_ascii=False))
    arrays["dropped"] = np.array(run.dropped)
    arrays["header"] = np.array(json.dumps(run.record.header, ensure_ascii=False))
    with replacing(Path(path)) as fresh, open(fresh, "wb") as file:
        np.savez_compressed(file, **arrays)
    return Path(path)


def export_csv(run: SpectraRun, path: str | os.PathLike[str]) -> tuple[Path, Path]:
    """Writes a run as two CSV files in long format; files that exist are replaced.

    PATH holds the singular values, `SPECTRA_COLUMNS`: index counts from one; below_floor is 1 where sigma is
    rounding noise, not a value. A matrix that could not be measured has no rows there. PATH with "-metrics"
    before its suffix holds everything that is one number, `METRICS_COLUMNS`: "status" (a number of `Status`)
    for every matrix, the ranks and shapes of `METRICS` from the values that are `believed`, cosine and dual of
    update and gradient, rotations where recorded, learning rates, the scalars of the training. Numbers have
    the digits that bring float32 back.

    Returns:
        Both paths.

    Raises:
        OSError: when they cannot be written.
    """
    path = Path(path)
    metrics = path.with_name(f"{path.stem}-metrics{path.suffix}")
    for target, columns, rows in (
        (path, SPECTRA_COLUMNS, _spectra_rows(run)),
        (metrics, METRICS_COLUMNS, _metrics_rows(run)),
    ):
        with replacing(target) as fresh, open(fresh, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(columns)
            writer.writerows(rows)
    return path, metrics


def _spectra_rows(run: SpectraRun) -> Iterator[tuple[Any, ...]]:
    for index, name, place, kind in _matrices(run):
        sigma, floor = run.sigma(index, kind), run.floor[:, index, place]
        below = (sigma <= floor[:, None]).int()
        measured = run.status[:, index, place] == Status.MEASURED
        for row in measured.nonzero()[:, 0].tolist():
            top = int(run.steps[row]), _digits(run.seconds[row]), name, kind
            edge = _digits(floor[row])
            values = zip(sigma[row].tolist(), below[row].tolist(), strict=True)
            yield from ((*top, i, f"{value:.9g}", edge, low) for i, (value, low) in enumerate(values, 1))


def _metrics_rows(run: SpectraRun) -> Iterator[tuple[Any, ...]]:
    moments = [(int(step), _digits(seconds)) for step, seconds in zip(run.steps, run.seconds, strict=True)]
    for index, name, place, kind in _matrices(run):
        status = run.status[:, index, place]
        yield from _rows(moments, name, kind, "status", status.tolist())
        kept = (status == Status.MEASURED).nonzero()[:, 0]
        sigma, floor = run.sigma(index, kind)[kept], run.floor[kept, index, place]
        for metric, measure in METRICS.items():
            values = measure(believed(sigma, floor, metric)).tolist()
            yield from _rows([moments[row] for row in kept.tolist()], name, kind, metric, values)
        if run.rotation is not None:
            for side, what in enumerate(("rotation_previous", "rotation_first")):
                yield from _rows(moments, name, kind, what, run.rotation[:, index, place, side].tolist())
    for index, layer in enumerate(run.layers):
        for side, what in enumerate(("cosine", "dual")):
            yield from _rows(moments, layer["name"], "", what, run.alignment[:, index, side].tolist())
        yield from _rows(moments, layer["name"], "", "learning_rate", run.learning_rate[:, index].tolist())
    when = dict(moments)
    for name, (steps, values) in run.scalars.items():
        yield from _rows([(int(step), when[int(step)]) for step in steps], "", "", name, values.tolist())


def _rows(
    moments: Iterable[tuple[int, str]], layer: str, kind: str, name: str, values: Iterable[float]
) -> Iterator[tuple[Any, ...]]:
    """One row a moment; what is not there (NaN) has none."""
    for (step, seconds), value in zip(moments, values, strict=True):
        if value == value:
            yield step, seconds, layer, kind, name, f"{value:.9g}"


def _matrices(run: SpectraRun) -> Iterator[tuple[int, str, int, str]]:
    """Index and name of a layer, index and name of a kind, for all of them."""
    for index, layer in enumerate(run.layers):
        for place, kind in enumerate(run.kinds):
            yield index, layer["name"], place, kind


def _digits(value: torch.Tensor) -> str:
    return f"{float(value):.9g}"
