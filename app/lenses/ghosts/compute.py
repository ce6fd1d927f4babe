"""Frames of the lens: a coarse one under the hand, then the exact radii of all samples and a finer plane."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from anisoscope.engine.ghosts import exact_radius

from ...frame import Columns, Frame, Idle
from ...request import Request
from ...uploads import name_of
from . import line, nothing, views
from .plane import field, plane_tables
from .probe import LADDER, Probe, bound_of_all, exact_in_parts, ladder, radii
from .samples import brush_table, digit_table, empty_sample_tables, histogram_tables, thumbnail_tables
from .sandbox import bar_tables
from .state import Subject, subject
from .sweep_words import unmeasured
from .table_files import Table

MOVE_WEIGHTS = ("sweep", "compare", "beyond")
NO_WEIGHTS = "your file holds logits and slopes; this view moves weights, which need a network"

COARSE, FINE = 256, 512
"""Columns of the plane while the hand moves, and at rest."""


def frames(request: Request) -> Iterator[Frame | Idle | None]:
    """What the chosen view asks for; every view keeps the marks and numbers of the step at hand."""
    if request["view"] == "step":
        yield from _step(request)
        return
    if request["source"] == "table" and request["view"] in MOVE_WEIGHTS:
        step = next(_step(request))
        assert step is not None
        yield Frame(step.tables, step.facts, (1, 1), (NO_WEIGHTS,))
        return
    step = next(_step(request))
    assert step is not None
    for found in views.frames(request):
        if isinstance(found, Frame):
            tables, facts = {**step.tables, **found.tables}, {**step.facts, **found.facts}
            yield Frame(tables, facts, found.stage, found.notes)
        else:
            yield found


def _step(request: Request) -> Iterator[Frame | None]:
    """Two frames: this sample at once, all samples when the hand has rested."""
    one = subject(request)
    window = float(request["window"])
    tables, facts = _under_the_hand(request, one, window)
    yield Frame(tables, facts, (1, 2), _notes(request, one))
    yield None
    finer: dict[str, Columns] = {
        "field": field(one, window, FINE),
        **line.line_tables(one, request["kind"], window, line.FINE),
    }
    if one.source is not None:
        yield from exact_in_parts(one.source, request["temperature"])
        finer |= _samples(request, one, _bound(request, one), rest=True)
        yield None
        facts = {**facts, **_facts_of_all(one.source, request["temperature"])}
    facts = {**facts, "float32_difference": _float32_difference(one)}
    yield Frame(finer, facts, (2, 2), _notes(request, one) + _unmeasured(one.source))


# Nothing here is differentiated, and autograd's books are a part of what small operations cost.
@torch.inference_mode()
def _under_the_hand(
    request: Request, one: Subject, window: float
) -> tuple[dict[str, Columns], dict[str, Any]]:
    """Tables and facts of the coarse frame."""
    bound = _bound(request, one)
    tables = {
        **nothing.tables(),
        **plane_tables(one, request["kind"], window, COARSE),
        **line.line_tables(one, request["kind"], window, line.COARSE),
        **bar_tables(request),
        "brush": brush_table(request["brush"]),
        "digit": digit_table(one),
        **_samples(request, one, bound, rest=False),
    }
    return tables, _facts(one, bound)


def _bound(request: Request, one: Subject) -> Tensor | None:
    """(samples,) bounds of all samples; None in the sandbox, where there is one alone."""
    return None if one.source is None else bound_of_all(one.source, request["temperature"])


def _samples(request: Request, one: Subject, bound: Tensor | None, rest: bool) -> dict[str, Columns]:
    if one.source is None or bound is None:
        return empty_sample_tables()
    known = radii(one.source, request["temperature"]) if rest else None
    thumbnails = thumbnail_tables(one.source, bound, request["brush"], one)
    return {**histogram_tables(bound, known, one.unit), **thumbnails}


def _facts(one: Subject, bound: Tensor | None) -> dict[str, Any]:
    """Numbers of this sample, as steps along the unit direction."""
    scale = one.unit
    facts: dict[str, Any] = {
        "bound_radius": math.inf if one.flat else one.temperature * scale,
        "margin_radius": one.margin * scale,
        "exact_radius": one.exact * scale,
        "exact_over_bound": one.exact / one.temperature,
        "margin_over_bound": one.margin / one.temperature,
        "exact_certified": one.certified,
        "ghost_re": one.ghost.real * scale,
        "ghost_im": abs(one.ghost.imag) * scale,
        "top_two_radius": one.top_two * scale,
        "top_two_re": one.top_two_ghost.real * scale,
        "top_two_im": one.top_two_ghost.imag * scale,
        "top_two_over_exact": one.top_two / one.exact if not one.flat else math.nan,
        "sample": one.index,
        "label": one.label,
        "probability": float(one.probabilities[one.label]),
        "prediction": int(one.probabilities.argmax()),
        "device": str(one.z.device),
        "dtype": str(one.z.dtype).removeprefix("torch."),
    }
    if bound is not None:
        facts |= {
            "batch_bound": float(bound.min()),
            "samples": len(bound),
            "last_sample": len(bound) - 1,
        }
    if isinstance(one.source, Probe):
        facts["backend"] = one.source.backend
        if not math.isnan(one.source.test_accuracy):
            facts |= {"test_accuracy": one.source.test_accuracy, "training_step": one.source.step}
    return facts


def _facts_of_all(source: Probe | Table, temperature: float) -> dict[str, Any]:
    all_radii = radii(source, temperature)
    finite = torch.isfinite(all_radii.exact)
    facts: dict[str, Any] = {
        "batch_margin": float(all_radii.margin.min()),
        "batch_exact": float(all_radii.exact.min()),
        "certified_share": float(all_radii.certified.double().mean()),
        "top_two_share": _share(all_radii.top_two[finite] > all_radii.exact[finite] * (1 + 1e-9)),
        "top_two_worst": float((all_radii.top_two[finite] / all_radii.exact[finite]).max())
        if finite.any()
        else 1.0,
    }
    if not isinstance(source, Probe):
        return facts
    return {**facts, **_facts_along(source)}


def _facts_along(source: Probe) -> dict[str, Any]:
    """Loss and accuracy along the step over their start; no ratio where one of them is not a number."""
    steps = ladder(source)
    if steps is None:
        return {}
    facts: dict[str, Any] = {"start_accuracy": steps.start_accuracy}
    if any(math.isnan(ratio) for ratio in (*steps.loss_ratio, *steps.accuracy_kept)):
        return facts
    for r, loss, kept in zip(LADDER, steps.loss_ratio, steps.accuracy_kept, strict=True):
        facts[f"loss_ratio_{r:g}"] = loss
        facts[f"accuracy_kept_{r:g}"] = kept
    return facts


def _unmeasured(source: Probe | Table | None) -> tuple[str, ...]:
    steps = ladder(source) if isinstance(source, Probe) else None
    return () if steps is None else unmeasured(steps.start_accuracy, steps.start_loss)


def _share(mask: Tensor) -> float:
    return float(mask.double().mean()) if mask.numel() else 0.0


def _float32_difference(one: Subject) -> float:
    """How far the exact radius of this sample moves when it is computed in float32, relative."""
    if one.flat:
        return 0.0
    single = exact_radius(one.z.float()[None], one.a.float()[None]).radius.item()
    return float(np.abs(single / one.exact - 1))


def _notes(request: Request, one: Subject) -> tuple[str, ...]:
    notes = []
    if one.flat:
        notes.append("all slopes agree: no ghost, every radius is infinite")
    elif not one.certified:
        notes.append("the exact radius could not be certified: the margin bound is shown in its place")
    if request["source"] == "network":
        untrained = request["stage"] == "start" or request["weights"]
        if request["weights"]:
            notes.append(f"weights of {name_of(request['weights'])}; choosing a stage lets go of them")
        if untrained and request["direction"] == "momentum":
            notes.append("before the first step the momentum is the gradient")
    if isinstance(one.source, Table):
        notes.append(
            f"{len(one.source.z)} samples of {one.source.title}; the logits are taken as straight lines"
        )
        if not one.source.labelled:
            notes.append("no labels: the likeliest class stands for the true one")
    if request["source"] == "own" and one.source is not None:
        notes.append(f"your network, {len(one.source.z)} samples, in evaluation mode")
    return tuple(notes)
