"""Marks and numbers that follow the hand: the Python twin of assets/ghosts/hand.js, tested equal.

Moving the step r or the order n asks the engine for nothing: the coefficients, the slopes and the tabled true
loss are already in the browser.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from ...control import Readout
from ...frame import Columns, Frame
from ...numbers import shown, subscript
from ...request import Request
from . import beyond_hand, compare_hand, spike_hand, sweep_hand, watch_hand

CIRCLE = np.linspace(0.0, 2 * np.pi, 129)
SPAN = np.cos(np.linspace(np.pi, 0.0, 65))
FLOOR = 1e-18
SMALLEST = 1e-300
"""Below float64's rounding: an error that is drawn there lies under the frame's lower edge."""
BOTTOM_SHARE = 0.08


def hand_tables(request: Request, frame: Frame) -> dict[str, Columns]:
    """Everything that moves with r or n."""
    at = _Place(request, frame.tables)
    others: dict[str, Columns] = {}
    for view in (beyond_hand, compare_hand, spike_hand, sweep_hand, watch_hand):
        others |= view.hand_tables(request, frame)
    return {**_plane(at), **_loss(at), **_cursors(at), **others}


def readouts(request: Request, frame: Frame) -> tuple[Readout, ...]:
    """The numbers under the controls: as steps, and beside them in units of the bound."""
    at = _Place(request, frame.tables)
    rows = []
    for name, radius in (("bound ρₐ", at.bound), ("margin ρₘ", at.margin), ("exact ρ*", at.exact)):
        infinite = radius < 0
        value, beside = (math.inf, math.inf) if infinite else (radius * at.unit, radius / at.temperature)
        rows.append(Readout(name, shown(value), shown(beside)))
    rows.append(Readout("step τ", shown(at.tau * at.unit), shown(at.r), "hand"))
    rows.append(Readout("true loss at τ", shown(at.true), "nats"))
    rows.append(Readout(f"|T{subscript(at.order)} − linearised|", shown(at.error), "nats"))
    return tuple(rows)


def hand_facts(request: Request, frame: Frame) -> dict[str, float]:
    """The numbers of the readouts, for presets and exports."""
    at = _Place(request, frame.tables)
    return {
        "step": at.tau * at.unit,
        "true_loss": at.true,
        "linearised_loss": at.linear,
        "taylor_error": at.error,
    }


class _Place:
    """Where the hand is, and what is true there."""

    def __init__(self, request: Request, tables: Mapping[str, Columns]) -> None:
        numbers = {name: float(value[0]) for name, value in tables["numbers"].items()}
        self.r, self.order = float(request["r"]), int(request["order"])
        self.unit, self.temperature = numbers["unit"], numbers["temperature"]
        self.bound, self.margin, self.exact = numbers["bound"], numbers["margin"], numbers["exact"]
        self.window, self.top, self.label = numbers["window"], numbers["top"], int(numbers["label"])
        self.tau = self.r * self.temperature
        self.x, self.line = tables["line"]["x"], tables["line"]["linear"]
        self.coefficients = tables["series"]["c"][: self.order + 1]
        wide = tables["wide"]
        self.true = _interpolated(math.log(self.r), np.log(wide["r"]), wide["true"])
        self.linear = _linearised(tables["logits"]["z"], tables["logits"]["a"], self.label, self.tau)
        self.error = abs(float(_horner(self.coefficients, np.array(self.r))) - self.linear)


def _interpolated(x: float, xs: np.ndarray, ys: np.ndarray) -> float:
    """Cubic through four neighbours of an even grid, in the logarithm of the values."""
    at = (x - xs[0]) / (xs[1] - xs[0])
    i = min(len(xs) - 3, max(1, math.floor(at)))
    t = at - i
    weights = np.array(
        [
            -t * (t - 1) * (t - 2) / 6,
            (t + 1) * (t - 1) * (t - 2) / 2,
            -(t + 1) * t * (t - 2) / 2,
            (t + 1) * t * (t - 1) / 6,
        ]
    )
    return float(np.exp(weights @ np.log(np.maximum(ys[i - 1 : i + 3], SMALLEST))))


def _horner(coefficients: np.ndarray, x: np.ndarray) -> np.ndarray:
    value = np.zeros_like(x)
    for c in coefficients[::-1]:
        value = value * x + c
    return value


def _linearised(z: np.ndarray, a: np.ndarray, label: int, tau: float) -> float:
    logits = z + a * tau
    top = float(logits.max())
    return top + math.log(float(np.exp(logits - top).sum())) - float(logits[label])


def _plane(at: _Place) -> dict[str, Columns]:
    inside = at.tau <= 0.72 * at.window
    text = f"τ = {shown(at.r)} ρₐ" if at.tau <= at.window else f"τ = {shown(at.r)} ρₐ →"
    return {
        "step_fill": {
            "x": at.tau * SPAN,
            "y": at.tau * np.sqrt(np.maximum(0.0, 1 - SPAN**2)),
            "y2": -at.tau * np.sqrt(np.maximum(0.0, 1 - SPAN**2)),
        },
        "step_disc": {"x": at.tau * np.cos(CIRCLE), "y": at.tau * np.sin(CIRCLE)},
        "step_radius": {
            "x0": np.array([0.0]),
            "y0": np.array([0.0]),
            "x1": np.array([at.tau]),
            "y1": np.array([0.0]),
        },
        "step_handle": {"x": np.array([at.tau]), "y": np.array([0.0])},
        "step_label": {
            "x": np.array([at.tau if inside else 0.72 * at.window]),
            "y": np.array([0.0]),
            "text": [text],
        },
    }


def _loss(at: _Place) -> dict[str, Columns]:
    values = _horner(at.coefficients, at.x / at.temperature)
    keep = _kept(values, -BOTTOM_SHARE * at.top, at.top)
    x, y = _cut(at.x, values, keep, -BOTTOM_SHARE * at.top, at.top)
    shown_dot = at.tau <= at.window and at.true <= at.top
    error = np.log10(np.clip(np.abs(values - at.line), FLOOR, 1e300))
    named = y[-1] > 0.5 * at.top
    return {
        "taylor": {"x": x, "y": y},
        "taylor_name": {
            "x": np.array([x[-1] - 0.02 * at.window]),
            "y": np.array([0.9 * at.top if named else max(y[-1], 0.0) + 0.08 * at.top]),
            "text": [f"Taylor T{subscript(at.order)}"],
        },
        "loss_dot": {
            "x": np.array([at.tau] if shown_dot else []),
            "y": np.array([at.true] if shown_dot else []),
        },
        "error": {"x": at.x, "y": error},
        "error_dot": {
            "x": np.array([at.tau] if at.tau <= at.window else []),
            "y": np.array([math.log10(max(at.error, FLOOR))] if at.tau <= at.window else []),
        },
    }


def _cursors(at: _Place) -> dict[str, Columns]:
    cursor = np.array([at.tau] if at.tau <= at.window else [])
    return {
        "loss_cursor": {"x": cursor},
        "error_cursor": {"x": cursor},
        "order_cursor": {"x": np.array([float(at.order)])},
        "histogram_cursor": {"x": np.array([math.log10(at.tau * at.unit)])},
    }


def _kept(values: np.ndarray, low: float, high: float) -> tuple[int, int]:
    """First and last index of the stretch around the middle that stays in the frame."""
    middle = len(values) // 2
    outside = ~((values >= low) & (values <= high))
    left = np.flatnonzero(outside[:middle])
    right = np.flatnonzero(outside[middle:])
    first = int(left[-1]) + 1 if len(left) else 0
    last = middle + int(right[0]) - 1 if len(right) else len(values) - 1
    return first, max(last, first)


def _cut(
    x: np.ndarray, y: np.ndarray, keep: tuple[int, int], low: float, high: float
) -> tuple[np.ndarray, np.ndarray]:
    """The kept stretch, ending exactly on the frame: a clipped divergence would draw a false vertical line."""
    first, last = keep
    xs, ys = [x[first : last + 1]], [y[first : last + 1]]
    if first > 0:
        edge = _crossing(x[first], y[first], x[first - 1], y[first - 1], low, high)
        xs, ys = [edge[:1], *xs], [edge[1:], *ys]
    if last < len(x) - 1:
        edge = _crossing(x[last], y[last], x[last + 1], y[last + 1], low, high)
        xs, ys = [*xs, edge[:1]], [*ys, edge[1:]]
    return np.concatenate(xs), np.concatenate(ys)


def _crossing(x0: float, y0: float, x1: float, y1: float, low: float, high: float) -> np.ndarray:
    target = high if y1 > y0 else low
    share = (target - y0) / (y1 - y0) if math.isfinite(y1) and y1 != y0 else 0.0
    share = min(1.0, max(0.0, share))
    return np.array([x0 + share * (x1 - x0), y0 + share * (y1 - y0) if share else y0])
