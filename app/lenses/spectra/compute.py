"""Frames of the lens: trainings as they are made, recordings as they grow, and two panes that compute at once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from anisoscope.engine.training import LiveTraining

from ...frame import Columns, Frame, Idle
from ...request import Request
from . import layers, nothing, product
from .problems import problem_of
from .timeline import Timeline
from .trained import advance, lanes_of, training_of

FRAME_SECONDS = 1 / 30
TRAINING_SECONDS = 0.012
"""Training between two frames: the rest of the time belongs to the page, which paints on the same processors."""

HISTORY_SECONDS = 0.1
SLICE_SECONDS = 0.01
"""Training between two looks at whether something else was asked, while nothing is drawn."""


def frames(request: Request) -> Iterator[Frame | Idle | None]:
    """What the chosen view asks for."""
    if request["view"] == "polar":
        from .polar_pane import frames as polar_frames

        yield from polar_frames(request)
    elif request["view"] == "edge":
        from .edge_pane import frames as edge_frames

        yield from edge_frames(request)
    elif request["watch"] or any(request[f"record_{k}"] for k in range(1, 5)):
        from .recordings import frames as recorded_frames

        yield from recorded_frames(request)
    else:
        yield from _trained(request)


def _trained(request: Request) -> Iterator[Frame | Idle | None]:
    """A training frame by frame; one that was made before, or the one the page opens with, in one frame at its end."""
    training = training_of(request)
    watched = not training.done and not _opening(request)
    while not training.done and not watched:
        advance(training, SLICE_SECONDS)
        yield None
    timeline = Timeline(lanes_of(training), request, training.spec.steps)
    if watched:
        yield from _live(request, training, timeline)
        timeline.follow(lanes_of(training))
    (tables, facts), notes = _final(request, training, timeline), _notes(training)
    for part in product.at_hand(training, request):
        yield part and Frame({**tables, **part.tables}, {**facts, **part.facts}, part.stage, notes)


def _live(request: Request, training: LiveTraining, timeline: Timeline) -> Iterator[Frame | Idle]:
    """Spectra with every frame; the figures over all steps, which take longest to paint, ten times a second."""
    began, first, shown, facts = time.perf_counter(), training.head, 0.0, {}
    while not training.done:
        timeline.follow(lanes_of(training))
        tables, now = timeline.spectra(), time.perf_counter()
        if now - shown > HISTORY_SECONDS:
            tables = {**(tables if facts else {**nothing.tables(), **tables}), **timeline.history()}
            facts, shown = {**timeline.facts(), **_shared(training, request), "doing": "Training, step"}, now
            part = product.newest(training, request)
            tables |= {**layers.traces(timeline, request), **part.tables}
            if request["view"] == "layers":
                # taken with every step anyway; in the other views the curves would travel unseen
                tables |= layers.rotation(timeline, request)
            facts |= part.facts
        rate = (training.head - first) / (now - began) if now - began > 0.3 else 0.0
        facts = {**facts, "head": timeline.head, "ended": False}
        stage = (max(2, training.head), training.spec.steps)
        yield Frame(tables, facts, stage, _notes(training, rate))
        advance(training, TRAINING_SECONDS)
        left = FRAME_SECONDS - (time.perf_counter() - now)
        if left > 0:
            yield Idle(left)


def _opening(request: Request) -> bool:
    """Whether this is the training whose stored picture the page opens with: it is made behind that picture."""
    from .lens import SpectraLens

    stored, names = SpectraLens().request(), ("problem", "steps", "seed", "take")
    lanes = (f"{name}_{k}" for k in range(1, 5) for name in ("optimizer", "rate", "schedule"))
    return all(request[name] == stored[name] for name in (*names, *lanes))


def _final(
    request: Request, training: LiveTraining, timeline: Timeline
) -> tuple[dict[str, Columns], dict[str, Any]]:
    """Everything of a training that has come to its end, but the product of its layers."""
    tables = {**nothing.tables(), **timeline.tables(), **layers.traces(timeline, request)}
    tables |= layers.rotation(timeline, request)
    facts = {**timeline.facts(), **_shared(training, request), **timeline.end_facts()}
    for k, (rows, status) in enumerate(zip(training.timelines, training.status, strict=True)):
        if status != "done":
            facts[f"stopped_step_{k + 1}"] = training.steps[k] + 1
        for name, values in rows.reports.items():
            there = values[values == values]
            if len(there):
                facts[f"{name}_{k + 1}"] = float(there[-1])
    return tables, {**facts, **_by_name(facts, timeline)}


NAMED = {"lead_median": "median", "lead_end": "last", "stopped_step": "stopped_at_step"}
"""Facts of a lane, and their names beside the lane's; those not here keep their own."""


def _by_name(facts: dict[str, Any], timeline: Timeline) -> dict[str, Any]:
    """The numbers of each lane once more under the lane's name, as presets quote them."""
    found: dict[str, Any] = {}
    for k, lane in enumerate(timeline.lanes, start=1):
        for name in (*NAMED, "loss", "accuracy", "gap", "validation", "unobserved"):
            if facts.get(f"{name}_{k}") is not None:
                title = lane.title.replace(",", "").replace(" ", "_")
                found[f"{title}_{NAMED.get(name, name)}"] = facts[f"{name}_{k}"]
    return found


def _shared(training: LiveTraining, request: Request) -> dict[str, Any]:
    reports = sorted({name for rows in training.timelines for name in rows.reports})
    return {
        "reports": reports,
        "ended": True,
        "device": "cpu",
        "dtype": "float32, spectra float64",
        "problem_title": problem_of(request["problem"]).title,
    }


def _notes(training: LiveTraining, rate: float = 0.0) -> tuple[str, ...]:
    words = [f"{rate:.0f} steps a second"] if rate else []
    titles = [lane.title for lane in lanes_of(training)]
    words += [
        f"{title} {status}"
        for title, status in zip(titles, training.status, strict=True)
        if "at step" in status
    ]
    return tuple(words)
