"""The edge of stability: PolarGrad on the small regression at the chosen step size, others and gradient descent."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np

from anisoscope.engine.problems import MatrixRegression, edge_of_stability

from ...frame import Columns, Frame
from ...request import Request
from . import nothing
from .edge_words import BESIDE, DROP, EDGE, EVERY, HIGH, LOW, OVERFLOW

COARSE = 200


def frames(request: Request) -> Iterator[Frame | None]:
    """The chosen run as it grows; the faint ones, cached, as soon as they are there."""
    c, decay, steps = float(request["c"]), float(request["c_decay"]), request["c_steps"]
    if steps > COARSE:
        yield _frame(request, run(c, decay, COARSE), {}, (1, 3))
        yield None
    gap, descent = run(c, decay, steps)
    if not _has_faint(decay, steps):
        yield _frame(request, (gap, descent), {}, (2, 3))
        yield None
    yield _frame(request, (gap, descent), faint(decay, steps), (1, 1))


@lru_cache(maxsize=1)
def problem() -> MatrixRegression:
    """100 × 20 unknowns."""
    return MatrixRegression("small")


@lru_cache(maxsize=64)
def run(c: float, decay: float, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """(steps + 1,) gaps of PolarGrad with the exact factor, and of gradient descent."""
    found = edge_of_stability(c, decay, steps, problem(), every=EVERY)
    return found.gap[:, 0].numpy(), found.gradient_descent.numpy()


_KNOWN: dict[tuple[float, int], dict[float, np.ndarray]] = {}


def _has_faint(decay: float, steps: int) -> bool:
    return (decay, steps) in _KNOWN


def faint(decay: float, steps: int) -> dict[float, np.ndarray]:
    """The runs that are drawn faintly."""
    if (decay, steps) not in _KNOWN:
        gap = edge_of_stability(list(BESIDE), decay, steps, problem(), every=EVERY).gap
        _KNOWN[decay, steps] = {c: gap[:, k].numpy() for k, c in enumerate(BESIDE)}
    return _KNOWN[decay, steps]


def _frame(
    request: Request,
    found: tuple[np.ndarray, np.ndarray],
    others: dict[float, np.ndarray],
    stage: tuple[int, int],
) -> Frame:
    c, decay, steps = float(request["c"]), float(request["c_decay"]), request["c_steps"]
    gap, descent = found
    facts = summary(c, decay, steps, gap, descent)
    tables = {
        **nothing.tables(),
        **_gap_tables(gap, descent, others, steps),
        **_step_tables(c, decay, steps, facts["edge_stable_step"]),
    }
    facts |= {"device": "cpu", "dtype": "float64", "doing": "Runs, step"}
    return Frame(tables, facts, stage)


def _gap_tables(
    gap: np.ndarray, descent: np.ndarray, others: dict[float, np.ndarray], steps: int
) -> dict[str, Columns]:
    pieces = {c: within(values) for c, values in others.items()}
    flat = [piece for found in pieces.values() for piece in found]
    return {
        "edge_gap": path(within(gap)),
        "edge_gradient_descent": path(within(descent)),
        "edge_faint": path(flat),
        "edge_faint_names": _names(pieces, steps),
    }


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


def _names(pieces: dict[float, list[tuple[np.ndarray, np.ndarray]]], steps: int) -> Columns:
    """One label where lines end; those that end together share one."""
    ends = [(float(found[0][0][-1]), float(found[0][1][-1]), c) for c, found in pieces.items() if found]
    groups: list[list[tuple[float, float, float]]] = []
    for end in ends:
        near = [g for g in groups if abs(g[-1][0] - end[0]) < 0.08 * steps and abs(g[-1][1] - end[1]) < 1.6]
        if near:
            near[0].append(end)
        else:
            groups.append([end])
    return {
        "x": np.array([max(x for x, _, _ in g) for g in groups]),
        "y": np.array([sum(y for _, y, _ in g) / len(g) for g in groups]),
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
