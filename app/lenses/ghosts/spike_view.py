"""The spike lab: one training four times through a spike of the learning rate, before the reader's eyes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from ...frame import Columns, Frame, Idle
from ...request import Request
from .spike_figures import QUANTITIES, decades_around, figures, spread
from .spike_hand import readouts
from .spike_words import LANES, TITLES, claims, table

if TYPE_CHECKING:
    from anisoscope.engine.digits.spike import SpikeLab
    from anisoscope.engine.digits.spike_lane import SpikeLane

__all__ = ["claims", "figures", "frames", "readouts", "table"]

SLICE_SECONDS = 0.015
"""Training between two looks at whether something else was asked."""

SLICES = 3
"""Between two frames, and frames between two of all figures: a page paints five figures in twice the time of two."""

PAGE_SECONDS = 0.01
"""Left to the page after each frame, which paints on the same processors."""

AFTER = 10
"""Steps after the first spiked one in which the smallest accuracy is looked for."""

FLOOR = 1e-12


def frames(request: Request) -> Iterator[Frame | Idle | None]:
    """The lanes as they go, some ten frames a second; where they are paused or were computed before, at once."""
    from .spike_labs import advance, lab_of, until_of

    lab, until, shown = lab_of(request), until_of(request), 0
    while not lab.done(until):
        found, facts = _seen(lab, request, until, every=shown % SLICES == 0)
        doing = {"doing": "Training, step", "head": facts["spike_head"], "ended": False}
        yield Frame(found, facts | doing, (facts["spike_head"], until), _notes(facts, request))
        yield Idle(PAGE_SECONDS)
        for _ in range(SLICES):
            advance(lab, until, SLICE_SECONDS)
            yield None
        shown += 1
    found, facts = _seen(lab, request, until)
    yield Frame(found, facts | {"ended": True}, (1, 1), _notes(facts, request))


def _seen(
    lab: SpikeLab, request: Request, until: int, every: bool = True
) -> tuple[dict[str, Columns], dict[str, Any]]:
    """Tables and facts of what has been computed up to this step; of `every` figure, or of the first two."""
    # first: where another thread trains on meanwhile, the rows come at least as far
    head = min(lab.head, until)
    rows = [_rows(lane, until) for lane in lab.lanes]
    stopped = [_stopped(lane, until) for lane in lab.lanes]
    facts = _facts(lab, rows, stopped, request) | {"spike_head": head}
    found: dict[str, Columns] = {
        "spike_shade": _shade(lab, request["spike_steps"]),
        "spike_target": {"y": np.array([math.log10(request["spike_target"])])},
    }
    for quantity in QUANTITIES if every else QUANTITIES[:2]:
        curves = [_curve(columns[quantity]) for columns in rows]
        low, high = _ends(quantity, curves, request["spike_target"])
        facts[f"spike_{quantity}_ends"] = (low, high)
        for lane, curve in zip(LANES, curves, strict=True):
            found[f"spike_{quantity}_{lane}"] = curve
        found |= _names(quantity, curves, low, high)
    found["spike_captions"] = {
        "stopped": stopped,
        "asked": np.array([facts.get(f"spike_asked_{name}", math.nan) for name in LANES]),
        "head": np.full(len(LANES), float(head)),
    }
    return found, facts


def _rows(lane: SpikeLane, until: int) -> dict[str, np.ndarray]:
    """Columns of a lane, one row a step from 0; logarithms but for the accuracy, NaN where there is nothing."""
    records = lane.records.cut(min(until, lane.step) + 1)
    norm, radius = np.array(records.norm), np.array(records.radius)
    loss, proposed = np.array(records.loss), np.array(records.proposed)
    return {
        "loss": _log(loss),
        "accuracy": np.array(records.accuracy),
        "reach": _log(norm / radius),
        "norm": _log(norm),
        "radius": _log(radius),
        "asked": proposed / radius,
    }


def _log(values: np.ndarray) -> np.ndarray:
    there = np.isfinite(values) & (values > 0)
    return np.log10(np.maximum(values, FLOOR), out=np.full(len(values), np.nan), where=there)


def _curve(values: np.ndarray) -> Columns:
    there = np.isfinite(values)
    return {"x": np.flatnonzero(there).astype(float), "y": values[there]}


def _ends(quantity: str, curves: list[Columns], target: float) -> tuple[float, float]:
    if quantity == "accuracy":
        return 0.0, 1.0
    values = np.concatenate([curve["y"] for curve in curves])
    if quantity == "reach":
        values = np.append(values, math.log10(target))
    return decades_around(values)


def _names(quantity: str, curves: list[Columns], low: float, high: float) -> dict[str, Columns]:
    """The lanes' names at the ends of their curves, moved apart where they would overlap."""
    ends = [float(curve["y"][-1]) if len(curve["y"]) else math.nan for curve in curves]
    places = spread(ends, low, high)
    return {
        f"spike_{quantity}_name_{lane}": {
            "x": curve["x"][-1:],
            "y": np.array([place] if len(curve["x"]) else []),
            "text": [TITLES[lane]][: len(curve["x"])],
        }
        for lane, curve, place in zip(LANES, curves, places, strict=True)
    }


def _shade(lab: SpikeLab, steps: int) -> Columns:
    """Where the learning rate is multiplied; one step is as wide as a step."""
    inside = [(s.at - 0.5, min(s.at + s.held - 0.5, steps)) for s in lab.spec.spikes if s.at <= steps]
    return {"x0": np.array([a for a, _ in inside]), "x1": np.array([b for _, b in inside])}


def _stopped(lane: SpikeLane, until: int) -> str:
    """Why a lane goes no further, where it ended before it should; else nothing."""
    return lane.status if not lane.running and lane.step < until else ""


def _facts(
    lab: SpikeLab, rows: list[dict[str, np.ndarray]], stopped: list[str], request: Request
) -> dict[str, Any]:
    """Numbers of each lane at the newest step, at the first spike and after it."""
    at = int(request["spike_at"])
    facts: dict[str, Any] = {
        "spike_last": int(request["spike_steps"]),
        "spike_places": [spike.at for spike in lab.spec.spikes],
        "spike_status": stopped,
        "device": "cpu",
        "dtype": "float32",
    }
    for name, why, columns in zip(LANES, stopped, rows, strict=True):
        # what a stopped lane last was says nothing of where it went
        facts[f"spike_accuracy_{name}"] = math.nan if why else float(columns["accuracy"][-1])
        facts[f"spike_loss_{name}"] = math.nan if why else float(10 ** columns["loss"][-1])
        asked = columns["asked"][1:]
        if len(asked) and np.isfinite(asked).any():
            facts[f"spike_most_{name}"] = float(asked[np.isfinite(asked)].max())
        if len(columns["asked"]) > at:
            facts[f"spike_asked_{name}"] = float(columns["asked"][at])
            facts[f"spike_taken_{name}"] = float(10 ** columns["reach"][at])
            facts[f"spike_norm_{name}"] = float(10 ** columns["norm"][at])
            facts[f"spike_lowest_{name}"] = float(columns["accuracy"][at : at + AFTER + 1].min())
    return facts


def _notes(facts: dict[str, Any], request: Request) -> tuple[str, ...]:
    """Lanes that have stopped, and where the training is paused."""
    words = [
        f"{TITLES[lane]} {status}"
        for lane, status in zip(LANES, facts["spike_status"], strict=True)
        if status
    ]
    if request["spike_until"] <= facts["spike_head"] < request["spike_steps"]:
        words.append(f"paused at step {facts['spike_head']} of {request['spike_steps']}")
    return tuple(words)
