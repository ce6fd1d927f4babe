"""Recordings for the tests, written without a training: every number in them is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from anisoscope.engine.ghosts.clip_recorder import COLUMNS
from anisoscope.engine.records import RecordWriter

KINDS = ("W", "G", "M", "U")
SHAPES: tuple[tuple[int, int, int], ...] = ((6, 4, 4), (5, 9, 9))
"""Rows, columns and columns looked at, by matrix."""


def header(
    shapes: Sequence[tuple[int, int, int]] = SHAPES, kinds: Sequence[str] = KINDS, subspace: int = 0
) -> dict[str, Any]:
    described = [
        {"name": f"layer{i}.weight", "rows": m, "columns": n, "kept_columns": kept, "values": min(m, kept)}
        for i, (m, n, kept) in enumerate(shapes)
    ]
    fields = {
        "content": "spectra",
        "content_version": 1,
        "created": 0.0,
        "torch": "0",
        "every": 10,
        "budget": None,
    }
    found: dict[str, Any] = {**fields, "kinds": list(kinds), "layers": described}
    return {**found, "subspace": subspace} if subspace else found


def spectra(step: int, given: Mapping[str, Any]) -> np.ndarray:
    """σ of all matrices and kinds of a record: 10 × 0.7^i, growing by a thousandth a step."""
    rows = []
    for described in given["layers"]:
        index = np.arange(described["values"])
        for place, _ in enumerate(given["kinds"]):
            rows.append((1 + step / 1000) * (place + 1) * 10 * 0.7**index)
    return np.concatenate(rows).astype(np.float32)


class Writing:
    """A record that is written step by step."""

    def __init__(self, path: Path, given: Mapping[str, Any] | None = None, mode: str = "w") -> None:
        self.given = dict(given or header())
        self.writer = RecordWriter(path, self.given, mode)

    def step(
        self, step: int, loss: float | None = None, bad: bool = False, notes: Sequence[str] = ()
    ) -> np.ndarray:
        """Append one record; with `bad` the first kind of the first matrix holds NaN."""
        layers, kinds = len(self.given["layers"]), len(self.given["kinds"])
        sigma, status = spectra(step, self.given), np.zeros((layers, kinds), np.uint8)
        floor = np.full((layers, kinds), 1e-5, np.float32)
        if bad:
            sigma[: self.given["layers"][0]["values"]] = np.nan
            status[0, 0], floor[0, 0] = 2, np.nan
        arrays: dict[str, np.ndarray] = {
            "sigma": sigma, "floor": floor, "status": status,
            "alignment": np.zeros((layers, 2), np.float32), "learning_rate": np.ones(layers, np.float32),
        }  # fmt: skip
        if "subspace" in self.given:
            turned = np.empty((layers, kinds, 2), np.float32)
            turned[..., 0], turned[..., 1] = 0.9, 1 / step
            arrays["rotation"] = turned
        fields: dict[str, Any] = {"step": step, "seconds": step / 10, "dropped": 0}
        if notes:
            fields["notes"] = list(notes)
        if loss is not None:
            fields["scalars"], arrays["scalars"] = ["loss"], np.array([loss])
        self.writer.append("spectra", fields, arrays)
        return sigma

    def end(self, step: int, dropped: int = 0) -> None:
        self.writer.append("end", {"step": step, "dropped": dropped, "recorded": 0}, {})
        self.writer.close()


def written(
    path: Path, steps: Sequence[int], given: Mapping[str, Any] | None = None, dropped: int = 0
) -> bytes:
    """The bytes of a whole recording with these steps, whose loss is the inverse of the step."""
    writing = Writing(path, given)
    for step in steps:
        writing.step(step, loss=1 / step)
    writing.end(steps[-1] if steps else 0, dropped)
    return path.read_bytes()


class RadiusWriting:
    """A record of radii that is written step by step, without a training: r = 2 at every third step, 0.5 else."""

    def __init__(self, path: Path, kind: str = "bound", target: float = 1.0) -> None:
        fields = {
            "content": "ghosts",
            "content_version": 1,
            "created": 0.0,
            "torch": "0",
            "columns": list(COLUMNS),
        }
        given = {**fields, "radius_kind": kind, "reduction": "min", "samples": "batch", "every": 1}
        self.target = target
        self.writer = RecordWriter(path, given, "w")

    def steps(self, steps: Sequence[int]) -> None:
        """One record for each of these steps."""
        for step in steps:
            r, radius = (2.0 if step % 3 == 0 else 0.5), 0.1
            scale = min(1.0, self.target / r)
            values = {
                "step": step, "seconds": step / 10, "step_norm": r * radius, "radius": radius, "normalized_step": r,
                "normalized_step_taken": scale * r, "scale": scale, "bottleneck_index": step % 4,
                "named": 1,
                "clipped": scale < 1, "refused": 0, "skipped": 0, "loss": 1 / (1 + step), "target": self.target,
                "mode": 0,
            }  # fmt: skip
            row = np.array([[float(values[name]) for name in COLUMNS]])
            self.writer.append("steps", {"step": step, "seconds": step / 10}, {"rows": row})

    def end(self) -> None:
        self.writer.append("end", {}, {})
        self.writer.close()


def radius_rows(path: Path, steps: Sequence[int], end: bool = True) -> bytes:
    """The bytes of a record of radii with these steps."""
    writing = RadiusWriting(path)
    writing.steps(steps)
    if end:
        writing.end()
    return path.read_bytes()
