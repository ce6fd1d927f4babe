"""Tables of everything recorded so far: what the browser needs to move the step without asking."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...frame import Columns
from ...request import Request
from .choices import LANES, METRICS
from .codes import CODES, HIGH, LOW, logarithm
from .lane_record import LaneRecord
from .spectrum_rows import SpectrumRows
from .step_columns import MOST_ROWS, ROOM, columns_of_steps, rows_at_columns

DEEPEST = -16
"""Decades below the largest value at which an axis ends at the latest: float64's rounding."""

SMOOTHED = 9
"""Steps of the running mean of the loss."""


class Timeline:
    """The tables of some lanes for one choice of matrix, kinds and metric; it keeps what it has computed.

    Args:
        lanes: at most four.
        planned: last step that is going to be recorded; None where nobody knows.
    """

    def __init__(self, lanes: Sequence[LaneRecord], request: Request, planned: int | None) -> None:
        self._lanes, self._planned = lanes, planned
        self._rows: list[tuple[SpectrumRows, SpectrumRows]] = []
        self._chosen: list[np.ndarray] = []
        self._room = 1
        self._last, self._exact = int(request["last"]), int(request["exact"])
        self._relative = request["scale"] == "relative"
        self._against, self._metric = request["against"], request["metric"]
        self.matrix = max(0, min(int(request["layer"]), self.matrices) - 1)
        self._kinds = request["matrix"], request["beside"]
        self._spectra: dict[tuple[int, int, str], SpectrumRows] = {}

    @property
    def lanes(self) -> Sequence[LaneRecord]:
        return self._lanes

    def follow(self, lanes: Sequence[LaneRecord]) -> None:
        """Go on with the same lanes, some rows later."""
        self._lanes = lanes

    def spectrum(self, k: int, matrix: int, kind: str) -> SpectrumRows:
        """The rows shown of one lane, matrix and kind."""
        key = (k, matrix, kind)
        if key not in self._spectra:
            self._spectra[key] = SpectrumRows(matrix, kind, self._metric)
        self._spectra[key].take(self._lanes[k], self.shown(k))
        return self._spectra[key]

    @property
    def matrices(self) -> int:
        """Matrices of the lane that has most; the others show their last where they have fewer."""
        return max(len(lane.matrices) for lane in self._lanes)

    @property
    def head(self) -> int:
        """The last step that any lane has recorded: a lane that is behind shows its last row meanwhile."""
        heads = [int(lane.steps[-1]) for lane in self._lanes if len(lane.steps)]
        return max(heads, default=0)

    @property
    def end(self) -> int:
        """Upper end of the axes of steps."""
        return max(1, self.head if self._planned is None else self._planned)

    def tables(self) -> dict[str, Columns]:
        """All tables of the training view; new arrays each time, since a frame is never changed."""
        return {**self.spectra(), **self.history()}

    def spectra(self) -> dict[str, Columns]:
        """The tables behind the lines of the spectra and the readouts: what follows the step."""
        self._chosen = [self.shown(k) for k in range(len(self._lanes))]
        self._rows = [self._pair(k) for k in range(len(self._lanes))]
        self._room = self._capacity(self._chosen)
        found: dict[str, Columns] = {"captions": self._captions()}
        for k in range(len(self._lanes)):
            found |= self._lane(k)
        return found

    def history(self) -> dict[str, Columns]:
        """The tables of the figures over all steps, as far as `spectra` has taken the rows."""
        gaps: Columns = {"y": np.arange(1.0, len(self._lanes))}
        found: dict[str, Columns] = {"heat": self._heat(self._chosen, self._room), "heat_gaps": gaps}
        for k in range(len(self._lanes)):
            lead, steps = self._rows[k][0], self._lanes[k].steps[self._chosen[k]]
            where = self._lanes[k].seconds[self._chosen[k]] if self._against == "seconds" else steps
            smooth = logarithm(self._smooth(k))
            found[f"metric_{k + 1}"] = _curve(steps, lead.number)
            found[f"loss_{k + 1}"] = _curve(where, smooth)
        return found

    def _smooth(self, k: int) -> np.ndarray:
        return running_mean(self._lanes[k].loss, SMOOTHED)[self._chosen[k]]

    def _pair(self, k: int) -> tuple[SpectrumRows, SpectrumRows]:
        matrix = min(self.matrix, len(self._lanes[k].matrices) - 1)
        lead, beside = (self.spectrum(k, matrix, kind) for kind in self._kinds)
        return lead, beside

    def shown(self, k: int) -> np.ndarray:
        """Rows of a lane that are shown: of the last steps asked for, thinned, with the one that is looked at."""
        steps = self._lanes[k].steps
        first = int(np.searchsorted(steps, self.head - self._last)) if self._last else 0
        count = len(steps) - first
        stride = 1 << max(0, math.ceil(math.log2(max(count, 1) / MOST_ROWS)))
        rows = np.arange(-(-first // stride) * stride, len(steps), stride)
        if stride > 1:
            # the last one always, so that who follows a growing record need not ask for it
            exact = int(np.searchsorted(steps, self._exact, side="right")) - 1 if self._exact >= 0 else first
            rows = np.union1d(rows, [max(first, exact), len(steps) - 1])
        return rows

    def _capacity(self, chosen: Sequence[np.ndarray]) -> int:
        """Rows of the tables: those still to come have a place already, so that only they travel later."""
        most = max((len(rows) for rows in chosen), default=0)
        planned = 0
        for lane, rows in zip(self._lanes, chosen, strict=True):
            if self._planned is not None and not self._last and 0 < len(rows) == len(lane.steps):
                every = int(lane.steps[1] - lane.steps[0]) if len(rows) > 1 else 1
                planned = max(planned, self._planned // every + 1)
        if self._planned is None:
            return max(1, -(-most // ROOM)) * ROOM
        return max(1, most, min(planned, MOST_ROWS + 1))

    def _lane(self, k: int) -> dict[str, Columns]:
        lane, (lead, beside), rows = self._lanes[k], self._rows[k], self._chosen[k]
        columns = {
            "step": lane.steps[rows],
            "seconds": lane.seconds[rows],
            "loss": lane.loss[rows],
            "smooth": self._smooth(k),
            "number": lead.number,
            "top_lead": lead.top,
            "top_beside": beside.top,
            "floor_lead": lead.floor,
            "floor_beside": beside.floor,
            "edge_lead": lead.edge,
            "edge_beside": beside.edge,
        }
        return {
            f"lane_{k + 1}": {name: _padded(values, self._room) for name, values in columns.items()},
            f"lead_{k + 1}": {"codes": _filled(lead.codes, self._room)},
            f"beside_{k + 1}": {"codes": _filled(beside.codes, self._room)},
        }

    def _captions(self) -> Columns:
        """Words and numbers that hand.js needs beside the rows."""
        titles = [self._lanes[k].title if k < len(self._lanes) else "" for k in range(LANES)]
        words = next(text for text, name in METRICS.items() if name == self._metric)
        states = [
            self._lanes[k].status.partition(":")[0] if k < len(self._lanes) else "" for k in range(LANES)
        ]
        stopped = [state if " at step " in state else "" for state in states]
        numbers = {"end": float(self.end), "bottom_lead": self._ends(0)[0], "bottom_beside": self._ends(1)[0]}
        columns = {name: np.full(LANES, value, np.float32) for name, value in numbers.items()}
        return {"title": titles, "metric": [words] * LANES, "stopped": stopped, **columns}

    def _heat(self, chosen: Sequence[np.ndarray], capacity: int) -> Columns:
        """One picture of all lanes, the first on top, index downwards; columns are evenly spaced steps."""
        tallest = max(pair[0].colours.shape[1] for pair in self._rows)
        steps = [lane.steps[rows] for lane, rows in zip(self._lanes, chosen, strict=True)]
        first, gap, columns = columns_of_steps(steps, capacity)
        parts = []
        for pair, own in zip(reversed(self._rows), reversed(steps), strict=True):
            colours = rows_at_columns(pair[0].colours, own, first, gap, columns)
            repeated = np.repeat(colours, max(1, tallest // colours.shape[1]), axis=1)
            picture = np.zeros((tallest, columns), np.uint8)
            picture[tallest - repeated.shape[1] :] = repeated.T[::-1]
            parts.append(picture)
        edges = {
            "x0": first - gap / 2,
            "x1": first + gap * (columns - 0.5),
            "y0": 0.0,
            "y1": float(len(parts)),
        }
        return {**{name: np.array([value]) for name, value in edges.items()}, "image": np.concatenate(parts)}

    def facts(self) -> dict[str, Any]:
        """Numbers of the newest row of every lane, and what the axes need."""
        found: dict[str, Any] = {
            "lanes": [lane.title for lane in self._lanes],
            "status": [lane.status for lane in self._lanes],
            "matrix": self._words(),
            "kind_lead": self._kinds[0],
            "kind_beside": self._kinds[1],
            "metric": self._metric,
            "against": self._against,
            "relative": self._relative,
            "axis_from": float(max(0, self.head - self._last)) if self._last else 0.0,
            "values": max(int(lead.codes.shape[1]) for lead, _ in self._rows),
            "last_layer": max(1, self.matrices),
            "last_step": self.end,
            "head": self.head,
            "first_step": min((float(lane.steps[0]) for lane in self._lanes if len(lane.steps)), default=0.0),
        }
        return found | self._reach()

    def _words(self) -> str:
        """The matrix that is looked at, in the first lane that has it."""
        having = [lane.matrices[self.matrix] for lane in self._lanes if self.matrix < len(lane.matrices)]
        return having[0].words if having else ""

    def end_facts(self) -> dict[str, Any]:
        """The chosen metric of each lane: at the last step, and in the middle of the training."""
        found: dict[str, Any] = {}
        for k, (lead, beside) in enumerate(self._rows, start=1):
            for name, rows in (("lead", lead), ("beside", beside)):
                there = rows.number[np.isfinite(rows.number)]
                # None takes the place of a number that a view may hold of an earlier training
                found[f"{name}_end_{k}"] = float(there[-1]) if len(there) else None
                found[f"{name}_median_{k}"] = float(np.median(there)) if len(there) else None
        return found

    def _reach(self) -> dict[str, Any]:
        """Ends of the axes that follow the data."""
        tops = np.concatenate([rows.number for rows, _ in self._rows])
        losses = np.concatenate([logarithm(lane.loss) for lane in self._lanes])
        seconds = [float(lane.seconds[-1]) for lane in self._lanes if len(lane.seconds)]
        return {
            "number_high": _highest(tops),
            "loss_low": _lowest(losses),
            "loss_high": _highest(losses),
            "seconds": max(seconds, default=1.0),
            "ends_lead": self._ends(0),
            "ends_beside": self._ends(1),
        }

    def _ends(self, which: int) -> tuple[float, float]:
        """Lower and upper end of the axis of singular values, in decades."""
        low = max(DEEPEST, min(-1, math.floor(self._low(which))))
        if self._relative:
            return float(low), 0.15
        highest = _highest(np.concatenate([pair[which].top for pair in self._rows]))
        return low + highest, highest + 0.3

    def _low(self, which: int) -> float:
        """Decades below σ₁ that the spectra reach, as far as they are above the noise."""
        depths = []
        for pair in self._rows:
            codes = pair[which].codes
            smallest = np.where(codes == 0, np.iinfo(np.uint16).max, codes).min(
                axis=1, initial=np.iinfo(np.uint16).max
            )
            depth = pair[which].top - ((smallest.astype(np.float64) - 1) / CODES * (HIGH - LOW) + LOW)
            depths.append(depth[np.isfinite(depth)])
        found = np.concatenate(depths)
        return -float(np.quantile(found, 0.9)) if len(found) else -1.0


def running_mean(values: np.ndarray, window: int) -> np.ndarray:
    """Mean of the last `window` values that are there; NaN where there is none."""
    there = np.isfinite(values)
    padded = np.concatenate([np.full(window - 1, np.nan), values])
    # window by window: a difference of running sums loses a loss that has fallen by many decades
    windows = np.stack([padded[place : place + len(values)] for place in range(window)])
    seen = np.isfinite(windows)
    summed, counts = np.where(seen, windows, 0.0).sum(axis=0), seen.sum(axis=0)
    return np.divide(summed, counts, out=np.full(len(values), np.nan), where=there)


def _curve(x: np.ndarray, y: np.ndarray) -> Columns:
    """What there is of a curve."""
    there = np.isfinite(y)
    return {"x": x[there].astype(np.float32), "y": y[there].astype(np.float32)}


def _padded(values: np.ndarray, capacity: int) -> np.ndarray:
    found = np.full(capacity, np.nan, np.float32)
    found[: len(values)] = values[:capacity]
    return found


def _filled(values: np.ndarray, capacity: int) -> np.ndarray:
    found = np.zeros((capacity, values.shape[1]), values.dtype)
    found[: len(values)] = values[:capacity]
    return found


def _highest(values: np.ndarray) -> float:
    values = values[np.isfinite(values)]
    return float(values.max()) if len(values) else 1.0


def _lowest(values: np.ndarray) -> float:
    values = values[np.isfinite(values)]
    return float(values.min()) if len(values) else 0.0
