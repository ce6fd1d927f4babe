"""What follows the training step: the Python twin of assets/spectra/hand.js, tested equal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...control import Readout
from ...frame import Columns, Frame
from ...numbers import shown
from ...request import Request
from .choices import LANES, ROLES
from .codes import decoded

EARLIER, PARTS = (1, 2, 3), 12
"""Faint lines: so many twelfths of the training before."""

PLACES = (0.62, 0.4, 0.22, 0.8)
"""Where along its line each lane's name stands."""


def hand_tables(request: Request, frame: Frame) -> dict[str, Columns]:
    """Spectra at the step that is looked at, and the step's place on every axis."""
    at = _Place(request, frame.tables)
    cursor = np.array([float(at.step)])
    seconds = [lane["seconds"][row] for lane, row in zip(at.lanes, at.rows, strict=True) if row >= 0][:1]
    return {
        **_spectra("lead", at),
        **_spectra("beside", at),
        "heat_cursor": {"x": cursor},
        "metric_cursor": {"x": cursor},
        "loss_cursor": {"x": np.array(seconds) if request["against"] == "seconds" else cursor},
    }


def readouts(request: Request, frame: Frame) -> tuple[Readout, ...]:
    """The metric and the loss of every lane at the step."""
    if request["view"] not in ("training", "layers"):
        from .pane_readouts import pane_readouts

        return pane_readouts(request, frame)
    at = _Place(request, frame.tables)
    rows = [Readout(f"at step {at.step}", at.metric, "loss", "ink2")]
    for k in at.used:
        if at.stopped[k] and at.step > np.nanmax(at.lanes[k]["step"]):
            rows.append(Readout(at.titles[k], at.stopped[k], "", ROLES[k]))
            continue
        number, loss = at.lanes[k]["number"][at.rows[k]], at.lanes[k]["smooth"][at.rows[k]]
        rows.append(Readout(at.titles[k], _text(number), _text(loss), ROLES[k]))
    return tuple(rows)


def hand_facts(request: Request, frame: Frame) -> dict[str, Any]:
    """The numbers of the readouts, for presets and exports."""
    if request["view"] not in ("training", "layers"):
        return {}
    at = _Place(request, frame.tables)
    facts: dict[str, Any] = {"step": at.step}
    for k in at.used:
        lane, row = at.lanes[k], at.rows[k]
        facts |= {
            f"number_{k + 1}": float(lane["number"][row]),
            f"smooth_loss_{k + 1}": float(lane["smooth"][row]),
        }
    return facts


class _Place:
    """The step that is looked at, and the row of every lane there."""

    def __init__(self, request: Request, tables: Mapping[str, Columns]) -> None:
        self.tables = tables
        self.lanes = [tables[f"lane_{k}"] for k in range(1, LANES + 1)]
        heads = [np.asarray(lane["step"])[np.isfinite(lane["step"])] for lane in self.lanes]
        head = max((int(steps.max()) for steps in heads if len(steps)), default=0)
        self.step = min(int(request["step"]), head)
        self.rows = [row_of(lane["step"], self.step) for lane in self.lanes]
        self.used = [k for k, row in enumerate(self.rows) if row >= 0]
        self.relative = request["scale"] == "relative"
        captions = tables["captions"]
        self.titles, self.metric = captions["title"], captions["metric"][0]
        self.stopped = captions["stopped"]
        self.unit = max(1, int(np.floor(float(captions["end"][0]) / PARTS + 0.5)))


def row_of(steps: np.ndarray, step: float) -> int:
    """The last row at or before a step; the first where there is none; −1 where nothing is recorded."""
    steps = np.asarray(steps)
    if not len(steps) or not np.isfinite(steps[0]):
        return -1
    return max(0, int(np.searchsorted(steps[np.isfinite(steps)], step, side="right")) - 1)


def _spectra(which: str, at: _Place) -> dict[str, Columns]:
    found: dict[str, Columns] = {}
    floors: list[tuple[float, float]] = []
    bottom = float(at.tables["captions"][f"bottom_{which}"][0])
    for k, (lane, row) in enumerate(zip(at.lanes, at.rows, strict=True), start=1):
        codes, top = np.asarray(at.tables[f"{which}_{k}"]["codes"]), lane[f"top_{which}"]
        values = codes.shape[1] if row >= 0 else 0
        x, y = _line(codes, row, top, at.relative)
        found[f"{which}_line_{k}"] = {"x": x, "y": y}
        found[f"{which}_earlier_{k}"] = _earlier(codes, lane, row, top, at)
        shift = float(top[row]) if at.relative and row >= 0 else 0.0
        floor, edge = (
            (float(lane[f"{n}_{which}"][row]) - shift if row >= 0 else np.nan) for n in ("floor", "edge")
        )
        # comparisons with NaN are false: what is not there is not drawn
        floors += [(values, floor)] if floor > bottom else []
        found[f"{which}_edge_{k}"] = _levels([(values, edge)] if edge > bottom else [])
        place = int(PLACES[k - 1] * len(x))
        named = slice(place, place + 1)
        found[f"{which}_name_{k}"] = {
            "x": x[named],
            "y": y[named],
            "text": [at.titles[k - 1]][: len(x[named])],
        }
    found[f"{which}_floor"] = _levels(floors)
    return found


def _line(codes: np.ndarray, row: int, top: np.ndarray, relative: bool) -> tuple[np.ndarray, np.ndarray]:
    if row < 0:
        return np.zeros(0), np.zeros(0)
    there = np.flatnonzero(codes[row])
    return there + 1.0, decoded(codes[row][there]) - (float(top[row]) if relative else 0.0)


def _earlier(codes: np.ndarray, lane: Columns, row: int, top: np.ndarray, at: _Place) -> Columns:
    lines = []
    for back in EARLIER if row >= 0 else ():
        step = float(lane["step"][row]) - back * at.unit
        if step >= lane["step"][0]:
            lines.append(_line(codes, row_of(lane["step"], step), top, at.relative))
    lines = [(x, y) for x, y in lines if len(x)]
    return {"xs": [x for x, _ in lines], "ys": [y for _, y in lines]}


def _levels(levels: list[tuple[float, float]]) -> Columns:
    ends, heights = np.array([end for end, _ in levels]), np.array([y for _, y in levels])
    return {"x0": np.ones(len(levels)), "y0": heights, "x1": ends, "y1": heights}


def _text(value: float) -> str:
    return shown(float(value)) if np.isfinite(value) else "–"
