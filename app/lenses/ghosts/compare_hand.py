"""What follows the hand in the comparison: the Python twin of its part of assets/ghosts/hand.js."""

from __future__ import annotations

import math

import numpy as np

from ...control import Readout
from ...frame import Columns, Frame
from ...numbers import shown
from ...request import Request
from .sweep_hand import along


def hand_tables(request: Request, frame: Frame) -> dict[str, Columns]:
    """The step as τ among the scales, and as r over the divergence; r is in units of the bound of all samples."""
    bound, r = frame.tables["compare_unit"]["bound"], float(request["r"])
    known = len(bound) > 0
    return {
        "compare_cursor": {"x": np.array([math.log10(r * float(bound[0]))] if known else [])},
        "compare_kl_cursor": {"x": np.array([math.log10(r)] if known else [])},
    }


def readouts(request: Request, frame: Frame) -> tuple[Readout, ...]:
    """What the step does; below, the scales, over the step at which the accuracy breaks."""
    bound, captions, r = (
        frame.tables["compare_unit"]["bound"],
        frame.tables["compare_captions"],
        float(request["r"]),
    )
    rows: list[Readout] = []
    if len(bound):
        step = r * float(bound[0])
        loss = along(frame.tables["compare_loss"], math.log10(step))
        moved = along(frame.tables["compare_kl"], math.log10(r))
        rows.append(Readout("step τ, and r", shown(step), shown(r), "hand"))
        rows.append(Readout("loss over start", _text(loss)))
        rows.append(Readout("KL, and its bound", _text(moved), shown((math.pi * r) ** 2 / 8)))
    columns = (captions[name] for name in ("label", "value", "beside", "role"))
    return (*rows, *(Readout(*row) for row in zip(*columns, strict=True)))


def _text(logarithm: float) -> str:
    return "–" if math.isnan(logarithm) else shown(10**logarithm)
