"""A reader's own training: the steps of a record of radii, live while it is written."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from ...frame import Columns, Frame, Idle
from ...request import Request
from .spike_figures import decades_around
from .watch_figures import figures
from .watch_hand import STATES, readouts
from .watch_words import NONE_YET, claims, notes, table

if TYPE_CHECKING:
    from anisoscope.engine.ghosts import RadiusRun

    from .watched import Watched

__all__ = ["claims", "figures", "frames", "readouts", "table"]

MOST_ROWS = 1000
"""Steps that are drawn at most."""

OFTEN = 8
"""Samples whose share is drawn."""


def frames(request: Request) -> Iterator[Frame | Idle | None]:
    """The record as it is, and a new picture whenever it has grown."""
    from ...following import PAUSE
    from .watched import followed, watched

    found, file = watched(request), followed(request)
    yield _frame(request, found)
    while file is not None:
        yield Idle(PAUSE, outside=True)
        if file.look() is not found.look:
            found = watched(request)
            yield _frame(request, found)


def _frame(request: Request, found: Watched) -> Frame:
    facts: dict[str, Any] = {
        "watch_title": f"{found.title}, {found.status}",
        "watch_status": found.status,
        "watch_head": 0,
        "watch_last_step": 1,
    }
    if found.run is None or not len(found.run.steps):
        words = found.status if found.run is None else NONE_YET
        return Frame(no_tables(), {**facts, "watch_steps": 0}, (1, 1), (words,))
    run = found.run
    rows = _rows(run)
    last = int(rows[-1, STEP])
    if request["watch_last"]:
        rows = rows[rows[:, STEP] > last - request["watch_last"]]
    drawn = rows[_kept(rows[:, ASKED])]
    often = _often(rows)
    facts |= _facts(run, rows, drawn, often, last)
    return Frame(tables(drawn, often), facts, (1, 1), notes(request, found, len(rows), len(drawn)))


COLUMNS = ("step", "asked", "taken", "norm", "scale", "radius", "sample", "target", "state", "loss")
STEP, ASKED, TAKEN, NORM, SCALE, RADIUS, SAMPLE, TARGET, STATE, LOSS = range(len(COLUMNS))


def _rows(run: RadiusRun) -> np.ndarray:
    """One row a step, in the order of `COLUMNS`; a step that was taken up again counts as it was last."""
    from ...following import standing

    state = np.full(len(run.steps), STATES.index("as asked"))
    scale = run.scale.numpy()
    state[scale < 1] = STATES.index("cut")
    state[scale > 1] = STATES.index("lengthened")
    state[run.skipped.numpy()] = STATES.index("left out")
    state[run.refused.numpy()] = STATES.index("refused")
    columns = (
        run.steps, run.normalized_step, run.normalized_step_taken, run.step_norm, run.scale, run.radius,
        run.bottleneck, run.target, state, run.loss,
    )  # fmt: skip
    rows = np.column_stack([np.asarray(column, dtype=float) for column in columns])
    kept = standing(rows[:, STEP])
    return rows if kept is None else rows[kept]


def _kept(asked: np.ndarray) -> np.ndarray:
    """Rows that are drawn: of each stretch of 2ᵏ the one that asks for most, and the last."""
    length = 1
    while len(asked) / length > MOST_ROWS:
        length *= 2
    starts = range(0, len(asked), length)
    places = [
        start + int(np.nan_to_num(asked[start : start + length], nan=np.inf).argmax()) for start in starts
    ]
    return np.unique([*places, len(asked) - 1])


def _often(rows: np.ndarray) -> tuple[tuple[int, int, float, int], ...]:
    """Sample, how many steps it held back, its smallest radius, the last step it did; most frequent first."""
    samples = rows[rows[:, SAMPLE] >= 0]
    found, counts = np.unique(samples[:, SAMPLE], return_counts=True)
    order = np.lexsort((found, -counts))[:OFTEN]
    result = []
    for place in order:
        own = samples[samples[:, SAMPLE] == found[place]]
        smallest, last = float(own[:, RADIUS].min()), int(own[-1, STEP])
        result.append((int(found[place]), int(counts[place]), smallest, last))
    return tuple(result)


def tables(rows: np.ndarray, often: tuple[tuple[int, int, float, int], ...]) -> dict[str, Columns]:
    """Everything that is drawn of these rows."""
    cut, refused = (rows[:, STATE] == STATES.index(word) for word in ("cut", "refused"))
    held = rows[:, SAMPLE] >= 0
    places = np.arange(len(often), dtype=float)
    return {
        "watch_rows": {name: rows[:, place] for place, name in enumerate(COLUMNS)},
        "watch_asked": _curve(rows[:, STEP], rows[:, ASKED]),
        "watch_taken": _curve(rows[:, STEP], rows[:, TAKEN]),
        "watch_target": _curve(rows[:, STEP], rows[:, TARGET]),
        "watch_cut": _curve(rows[cut, STEP], rows[cut, ASKED]),
        "watch_refused": {"x": rows[refused, STEP]},
        "watch_length_asked": _curve(rows[:, STEP], rows[:, NORM]),
        "watch_length_taken": _curve(rows[:, STEP], rows[:, SCALE] * rows[:, NORM]),
        "watch_radius": _curve(rows[:, STEP], rows[:, RADIUS]),
        "watch_samples": {"x": rows[held & ~cut, STEP], "y": rows[held & ~cut, SAMPLE]},
        "watch_samples_cut": {"x": rows[held & cut, STEP], "y": rows[held & cut, SAMPLE]},
        "watch_loss": _curve(rows[:, STEP], rows[:, LOSS]),
        "watch_often": {
            "left": places - 0.36,
            "right": places + 0.36,
            "top": np.array([count for _, count, _, _ in often], dtype=float),
        },
    }


def no_tables() -> dict[str, Columns]:
    """The same tables with nothing in them."""
    return tables(np.zeros((0, len(COLUMNS))), ())


def _curve(steps: np.ndarray, values: np.ndarray) -> Columns:
    """Logarithms where there are any: not of zero, infinite or unknown numbers."""
    there = np.isfinite(values) & (values > 0)
    return {"x": steps[there], "y": np.log10(values[there])}


def _facts(
    run: RadiusRun,
    rows: np.ndarray,
    drawn: np.ndarray,
    often: tuple[tuple[int, int, float, int], ...],
    last: int,
) -> dict[str, Any]:
    curves = tables(drawn, ())
    ends = {
        "reach": ("watch_asked", "watch_taken", "watch_target"),
        "length": ("watch_length_asked", "watch_length_taken", "watch_radius"),
        "loss": ("watch_loss",),
    }
    named = bool(run.named.any()) or run.record.header.get("samples") == "given"
    finite = rows[np.isfinite(rows[:, ASKED])]
    return {
        **{
            f"watch_{name}_ends": decades_around(np.concatenate([curves[table]["y"] for table in parts]))
            for name, parts in ends.items()
        },
        "watch_range": (int(drawn[0, STEP]), int(drawn[-1, STEP])),
        "watch_head": last,
        "watch_last_step": max(last, 1),
        "watch_steps": len(rows),
        "watch_cut_steps": int((rows[:, STATE] == STATES.index("cut")).sum()),
        "watch_refused_steps": int((rows[:, STATE] == STATES.index("refused")).sum()),
        "watch_most_asked": float(finite[:, ASKED].max(initial=0.0)) if len(finite) else math.nan,
        "watch_most_taken": float(rows[:, TAKEN].max()),
        "watch_mode": run.modes()[-1],
        "watch_kind": run.kind,
        "watch_radius_words": "bound ρₐ" if run.kind == "bound" else "margin bound ρₘ (ours)",
        "watch_sample_axis": "sample" if named else "place in its batch",
        "watch_sample_words": "index of the sample"
        if named
        else "place in its batch: recorder.batch(indices) names it",
        "watch_last_sample": float(rows[:, SAMPLE].max(initial=0.0)),
        "watch_often_names": [str(sample) for sample, _, _, _ in often],
        "watch_often": [list(row) for row in often],
    }
