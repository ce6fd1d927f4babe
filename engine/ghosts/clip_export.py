"""A recorded run of radii as files that everything reads: NPZ for programs, CSV for eyes and spreadsheets."""

import csv
import json
import os
from pathlib import Path

import numpy as np
from torch import Tensor

from ..records import replacing
from .clip_run import RadiusRun

RADIUS_COLUMNS = (
    "steps", "seconds", "step_norm", "radius", "normalized_step", "normalized_step_taken", "scale",
    "bottleneck", "named", "clipped", "refused", "skipped", "loss", "target",
)  # fmt: skip


def export_radius_npz(run: RadiusRun, path: str | os.PathLike[str]) -> Path:
    """Writes a run as an NPZ file; one that exists is replaced when the new one is whole.

    Arrays: `RADIUS_COLUMNS`, (n,) each as in `RadiusRun`; mode, (n,) words; notes, JSON of [[step, text], …];
    header, the record's as JSON.

    Raises:
        OSError: when it cannot be written.
    """
    arrays = {name: getattr(run, name).numpy() for name in RADIUS_COLUMNS}
    arrays["mode"] = np.array(run.modes(), dtype=np.str_)
    arrays["notes"] = np.array(json.dumps(run.notes, ensure_ascii=False))
    arrays["header"] = np.array(json.dumps(run.record.header, ensure_ascii=False))
    with replacing(Path(path)) as fresh, open(fresh, "wb") as file:
        np.savez_compressed(file, **arrays)
    return Path(path)


def export_radius_csv(run: RadiusRun, path: str | os.PathLike[str]) -> Path:
    """Writes a run as a CSV file, `RADIUS_COLUMNS` and the mode, one line a measured step.

    Radii and r may be "inf"; a loss that is not known is empty. Flags are 0 or 1. Numbers have the digits that
    bring float64 back.

    Raises:
        OSError: when it cannot be written.
    """
    columns = [_words(getattr(run, name)) for name in RADIUS_COLUMNS]
    with replacing(Path(path)) as fresh, open(fresh, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow((*RADIUS_COLUMNS, "mode"))
        writer.writerows(zip(*columns, run.modes(), strict=True))
    return Path(path)


def _words(column: Tensor) -> list[str]:
    if column.is_floating_point():
        return ["" if value != value else repr(value) for value in column.tolist()]
    return [str(int(value)) for value in column.tolist()]
