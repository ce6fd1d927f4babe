"""What follows the hand in the sweep of r: the Python twin of its part of assets/ghosts/hand.js."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from ...control import Readout
from ...frame import Columns, Frame
from ...numbers import shown
from ...request import Request


def hand_tables(request: Request, frame: Frame) -> dict[str, Columns]:
    """The cursor: the hand's r is in units of the bound of all training samples, the axis has a unit of its own."""
    unit = frame.tables["sweep_unit"]
    if not len(unit["scale"]):
        return {"sweep_cursor": {"x": np.zeros(0)}}
    place = math.log10(_step(request, frame.tables)) - float(unit["scale"][0])
    inside = float(unit["low"][0]) <= place <= float(unit["high"][0])
    return {"sweep_cursor": {"x": np.array([place] if inside else [])}}


def readouts(request: Request, frame: Frame) -> tuple[Readout, ...]:
    """Where the hand is and what the network keeps there; below, what does not move with it."""
    captions, unit = frame.tables["sweep_captions"], frame.tables["sweep_unit"]
    rows = []
    if len(unit["scale"]):
        step = _step(request, frame.tables)
        rows.append(Readout("step τ, and r", shown(step), shown(float(request["r"])), "hand"))
        at = math.log10(step) - float(unit["scale"][0])
        kept, loss = (along(frame.tables[f"sweep_{name}"], at) for name in ("kept", "loss"))
        rows.append(Readout("accuracy kept", _percent(kept)))
        rows.append(Readout("loss over start", "–" if math.isnan(loss) else f"× {shown(10**loss)}"))
    columns = (captions[name] for name in ("label", "value", "beside", "role"))
    return (*rows, *(Readout(*row) for row in zip(*columns, strict=True)))


def _step(request: Request, tables: Mapping[str, Columns]) -> float:
    return float(request["r"]) * float(tables["sweep_unit"]["bound"][0])


def _percent(share: float) -> str:
    return "–" if math.isnan(share) else f"{100 * share:.1f} %"


def along(curve: Columns, x: float) -> float:
    """On the straight line between two points of a curve; NaN beyond its ends."""
    xs, ys = curve["x"], curve["y"]
    if len(xs) < 2 or not xs[0] <= x <= xs[-1]:
        return math.nan
    i = min(int(np.searchsorted(xs, x, side="right")), len(xs) - 1)
    share = (x - xs[i - 1]) / (xs[i] - xs[i - 1])
    return float(ys[i - 1] + share * (ys[i] - ys[i - 1]))
