"""What follows the step that is looked at: the Python twin of the spike lab's part of assets/ghosts/hand.js."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ...control import Readout
from ...frame import Columns, Frame
from ...numbers import shown
from ...request import Request
from .spike_figures import ROLES
from .spike_words import LANES, TITLES


def hand_tables(request: Request, frame: Frame) -> dict[str, Columns]:
    """The cursor, never beyond what has been computed."""
    if not len(frame.tables["spike_captions"]["head"]):
        return {"spike_cursor": {"x": np.zeros(0)}}
    return {"spike_cursor": {"x": np.array([float(_step(request, frame.tables))])}}


def readouts(request: Request, frame: Frame) -> tuple[Readout, ...]:
    """Accuracy and reach of every lane at the cursor, and what its step asked for at the first spike."""
    captions = frame.tables["spike_captions"]
    if not len(captions["head"]):
        return ()
    step = _step(request, frame.tables)
    rows = [Readout(f"at step {step}", "accuracy", "r", "ink2")]
    for k, lane in enumerate(LANES):
        accuracy, reach = (_at(frame.tables[f"spike_{name}_{lane}"], step) for name in ("accuracy", "reach"))
        if np.isnan(accuracy):
            rows.append(Readout(TITLES[lane], captions["stopped"][k] or "–", "", ROLES[lane]))
            continue
        rows.append(Readout(TITLES[lane], f"{100 * accuracy:.1f} %", _text(10**reach), ROLES[lane]))
    asked = captions["asked"]
    rows.append(Readout("r asked at spike", "", _text(asked[0]), "ink2"))
    return tuple(rows)


def _step(request: Request, tables: Mapping[str, Columns]) -> int:
    return min(int(request["spike_step"]), int(tables["spike_captions"]["head"][0]))


def _at(curve: Columns, step: int) -> float:
    place = np.flatnonzero(np.asarray(curve["x"]) == step)
    return float(curve["y"][place[0]]) if len(place) else float("nan")


def _text(value: float) -> str:
    return shown(float(value)) if np.isfinite(value) else "–"
