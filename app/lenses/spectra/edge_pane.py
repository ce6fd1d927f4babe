"""The edge of stability: PolarGrad on the small regression at the chosen step size, others and gradient descent."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from threading import Lock
from typing import Any

import numpy as np

from anisoscope.engine.problems import EdgeOfStability, MatrixRegression, edge_of_stability_in_parts

from ...frame import Columns, Frame
from ...request import Request
from . import nothing
from .edge_words import BESIDE, DROP, EDGE, EVERY, HIGH, LOW, OVERFLOW, notes

PART = 200
"""Steps between two looks at whether something else was asked: some 35 ms of one run."""

KEPT = 64
Beside = tuple[dict[float, np.ndarray], np.ndarray]
"""What does not change while c is dragged: the gaps of the faint runs by their c, and of gradient descent."""

_runs: dict[tuple[float, float, int], np.ndarray] = {}
_beside: dict[tuple[float, int], Beside] = {}
_keeping = Lock()
"""Pages and exports compute on threads of their own."""


def frames(request: Request) -> Iterator[Frame | None]:
    """The chosen run as it grows; the faint ones once they are known."""
    c, decay, steps = float(request["c"]), float(request["c_decay"]), request["c_steps"]
    gap, beside = _runs.get((c, decay, steps)), _beside.get((decay, steps))
    if gap is None:
        for part in _parts((c,), decay, steps):
            gap, done = part.gap[:, 0].numpy(), len(part.sharpness)
            if done < steps or beside is None:
                shown = beside or ({}, part.gradient_descent.numpy())
                yield _frame(request, gap, shown, (done, steps + 1))
                yield None
        assert gap is not None
        _keep(_runs, (c, decay, steps), gap)
    if beside is None:
        for part in _parts(BESIDE, decay, steps):
            yield None
            runs = {value: part.gap[:, k].numpy() for k, value in enumerate(BESIDE)}
            beside = runs, part.gradient_descent.numpy()
        assert beside is not None
        _keep(_beside, (decay, steps), beside)
    yield _frame(request, gap, beside, (1, 1))


@lru_cache(maxsize=1)
def problem() -> MatrixRegression:
    """100 × 20 unknowns."""
    return MatrixRegression("small")


def _parts(c: tuple[float, ...], decay: float, steps: int) -> Iterator[EdgeOfStability]:
    return edge_of_stability_in_parts(c, decay, steps, problem(), every=EVERY, part=PART)


def _keep(kept: dict[Any, Any], key: Any, value: Any) -> None:
    """The newest stay."""
    with _keeping:
        kept[key] = value
        if len(kept) > KEPT:
            del kept[next(iter(kept))]


def _frame(request: Request, gap: np.ndarray, beside: Beside, stage: tuple[int, int]) -> Frame:
    c, decay, steps = float(request["c"]), float(request["c_decay"]), request["c_steps"]
    others, descent = beside
    facts = summary(c, decay, steps, gap, descent)
    tables = {
        **nothing.tables(),
        **_gap_tables(gap, descent, others, steps),
        **_step_tables(c, decay, steps, facts["edge_stable_step"]),
    }
    facts |= {"device": "cpu", "dtype": "float64", "doing": "Runs, step"}
    return Frame(tables, facts, stage, notes(facts))


def _gap_tables(
    gap: np.ndarray, descent: np.ndarray, others: dict[float, np.ndarray], steps: int
) -> dict[str, Columns]:
    pieces = {c: within(values) for c, values in others.items()}
    grey = within(descent)
    place = _clear_place(gap, descent)
    named = slice(place, place + 1)
    return {
        "edge_gap": path(within(gap)),
        "edge_gradient_descent": path(grey),
        "edge_faint": path([piece for found in pieces.values() for piece in found]),
        **_names(pieces, steps),
        "edge_descent_name": {"x": grey[0][0][named], "y": grey[0][1][named], "text": ["GD"]},
    }


def _clear_place(gap: np.ndarray, descent: np.ndarray) -> int:
    """Where the chosen run is farthest from the name above the line of gradient descent."""
    last = len(descent) - 1
    places = [round(share * last) for share in (0.25, 0.4, 0.55, 0.7)]
    run = [float(gap[min(place, len(gap) - 1)]) for place in places]
    far = [abs(np.log10(max(y, 1e-300)) - np.log10(descent[p]) - 1) for y, p in zip(run, places, strict=True)]
    return places[int(np.argmax(np.minimum(far, 4.0)))]


def within(values: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """The pieces of a series against its index whose log₁₀ lies between LOW and HIGH, cut where it crosses them."""
    with np.errstate(divide="ignore"):
        y = np.log10(values)
    y = np.clip(np.nan_to_num(y, nan=1e3, posinf=1e3, neginf=-1e3), -1e3, 1e3)
    x = np.arange(len(y), dtype=float)
    pieces: list[tuple[list[float], list[float]]] = []
    inside = False
    for k in range(len(y)):
        now = LOW <= y[k] <= HIGH
        if now and not inside:
            pieces.append(([], []))
        if k and now != inside:
            # the crossing, on the line between the two
            limit = HIGH if max(y[k], y[k - 1]) > HIGH else LOW
            share = (limit - y[k - 1]) / (y[k] - y[k - 1])
            pieces[-1][0].append(x[k - 1] + share)
            pieces[-1][1].append(limit)
        if now:
            pieces[-1][0].append(x[k])
            pieces[-1][1].append(y[k])
        inside = now
    return [(np.array(xs), np.array(ys)) for xs, ys in pieces]


def path(pieces: list[tuple[np.ndarray, np.ndarray]]) -> Columns:
    return {"xs": [x for x, _ in pieces], "ys": [y for _, y in pieces]}


def _names(pieces: dict[float, list[tuple[np.ndarray, np.ndarray]]], steps: int) -> dict[str, Columns]:
    """Labels where lines end: left of the right border, or right of where they leave the frame."""
    inner: list[tuple[float, float, float]] = []
    leaving: list[tuple[float, float, float]] = []
    for c, found in pieces.items():
        x, y = (float(side[-1]) for side in found[-1])
        (inner if x > 0.9 * steps else leaving).append((x, min(max(y, LOW + 1.0), HIGH - 1.0), c))
    return {"edge_inner_names": _labels(inner, steps), "edge_leaving_names": _labels(leaving, steps)}


def _labels(ends: list[tuple[float, float, float]], steps: int) -> Columns:
    """One label for each group of lines that end together, at the lower right of it."""
    groups: list[list[tuple[float, float, float]]] = []
    for end in sorted(ends, key=lambda end: end[2]):
        near = [g for g in groups if abs(g[-1][0] - end[0]) < 0.1 * steps and abs(g[-1][1] - end[1]) < 1.8]
        if near:
            near[0].append(end)
        else:
            groups.append([end])
    return {
        "x": np.array([max(x for x, _, _ in g) for g in groups]),
        "y": np.array([min(y for _, y, _ in g) for g in groups]),
        "text": ["c = " + ", ".join(f"{c:g}" for _, _, c in g) for g in groups],
    }


def _step_tables(c: float, decay: float, steps: int, stable: int) -> dict[str, Columns]:
    edges = np.append(np.arange(0, steps, EVERY), steps).astype(float)
    heights = c * decay ** np.arange(len(edges) - 1)
    return {
        "edge_sizes": {"x": edges, "y": heights},
        "edge_stable": {"x": np.array([0.0, steps]), "y": np.zeros(2), "y2": np.full(2, EDGE)},
        "edge_now": {"x": np.zeros(1), "y": np.array([c])},
        "edge_now_line": {"y": np.array([c])},
        "edge_entered": {"x": np.array([float(stable)] if 0 < stable <= steps else [])},
    }


def summary(c: float, decay: float, steps: int, gap: np.ndarray, descent: np.ndarray) -> dict[str, Any]:
    """The numbers of one run."""
    beyond = np.flatnonzero(~(gap < OVERFLOW))
    finite = gap[np.isfinite(gap)]
    sizes = c * decay ** (np.arange(steps) // EVERY)
    stable = np.flatnonzero(sizes <= EDGE)
    return {
        "edge_c": c,
        "edge_c_end": float(sizes[-1]),
        "edge_steps": steps,
        "edge_steps_done": len(gap) - 1,
        "edge_gap_start": float(gap[0]),
        "edge_gap_end": float(finite[-1]),
        "edge_gap_highest": float(finite.max()),
        "edge_drop_step": _stays_below(gap, DROP * float(gap[0])),
        "edge_diverged_step": int(beyond[0]) if len(beyond) else -1,
        "edge_stable_step": int(stable[0]) if len(stable) else -1,
        "gd_gap_end": float(descent[-1]),
        "gd_drop_step": _stays_below(descent, DROP * float(descent[0])),
    }


def _stays_below(gap: np.ndarray, level: float) -> int:
    """First step from which the gap is below a level to the end; −1 where there is none."""
    above = np.flatnonzero(~(gap < level))
    first = int(above[-1]) + 1 if len(above) else 0
    return first if first < len(gap) else -1
