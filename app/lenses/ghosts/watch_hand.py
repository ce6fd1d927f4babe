"""What follows the step that is looked at: the Python twin of the watched training's part of assets/ghosts/hand.js."""

from __future__ import annotations

import math

import numpy as np

from ...control import Readout
from ...frame import Columns, Frame
from ...numbers import shown
from ...request import Request

STATES = ("as asked", "cut", "lengthened", "left out", "refused")
"""What became of a step; `left out` by a gradient scaler."""


def hand_tables(request: Request, frame: Frame) -> dict[str, Columns]:
    """The cursor, at the last step drawn that is not behind the one asked for."""
    row = _row(request, frame)
    steps = np.asarray(frame.tables["watch_rows"]["step"], dtype=float)
    return {"watch_cursor": {"x": steps[row : row + 1] if row >= 0 else np.zeros(0)}}


def readouts(request: Request, frame: Frame) -> tuple[Readout, ...]:
    """Numbers of that step: what the optimiser asked for, and beside it what was taken."""
    row, rows = _row(request, frame), frame.tables["watch_rows"]
    if row < 0:
        return ()
    at = {name: float(column[row]) for name, column in rows.items()}
    return (
        Readout(f"at step {int(at['step'])}", "asked for", "taken", "hand"),
        Readout("r = τ / ρ", _text(at["asked"]), _text(at["taken"]), "blue"),
        Readout("step τ", _text(at["norm"]), _text(at["scale"] * at["norm"]), "ink"),
        Readout("radius ρ", _text(at["radius"]), "", "ink"),
        Readout("tightest sample", str(int(at["sample"])) if at["sample"] >= 0 else "–", "", "ink"),
        Readout("the step", STATES[int(at["state"])], "", "amber" if at["state"] else "ink"),
        Readout("loss", _text(at["loss"]), "", "ink"),
    )


def _row(request: Request, frame: Frame) -> int:
    """Place of the row of the step; the first where the step lies before all, -1 where there are none."""
    steps = np.asarray(frame.tables["watch_rows"]["step"], dtype=float)
    if not len(steps):
        return -1
    return max(0, int(np.searchsorted(steps, request["watch_step"], side="right")) - 1)


def _text(value: float) -> str:
    return "–" if math.isnan(value) else shown(value)
