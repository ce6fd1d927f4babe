"""What follows the hand beside the true network: the Python twin of its part of assets/ghosts/hand.js."""

from __future__ import annotations

import numpy as np

from ...control import Readout
from ...frame import Columns, Frame
from ...numbers import shown
from ...request import Request

CIRCLE = np.linspace(0.0, 2 * np.pi, 129)


def hand_tables(request: Request, frame: Frame) -> dict[str, Columns]:
    """The disc of the step: r is in units of the sample's bound, as the plane is."""
    none = {"x": np.zeros(0), "y": np.zeros(0)}
    if not len(frame.tables["beyond_unit"]["bound"]):
        return {"beyond_step_disc": none, "beyond_step_handle": none}
    r = float(request["r"])
    return {
        "beyond_step_disc": {"x": r * np.cos(CIRCLE), "y": r * np.sin(CIRCLE)},
        "beyond_step_handle": {"x": np.array([r]), "y": np.zeros(1)},
    }


def readouts(request: Request, frame: Frame) -> tuple[Readout, ...]:
    """The step; below, what does not move with it."""
    captions, unit = frame.tables["beyond_captions"], frame.tables["beyond_unit"]["bound"]
    rows = []
    if len(unit):
        r = float(request["r"])
        rows.append(Readout("step τ", shown(r * float(unit[0])), shown(r), "hand"))
    columns = (captions[name] for name in ("label", "value", "beside", "role"))
    return (*rows, *(Readout(*row) for row in zip(*columns, strict=True)))
