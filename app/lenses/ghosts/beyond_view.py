"""Beyond the linearised logits: zeros of the true network at complex steps, and what limits the step, layer by layer."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ...frame import Columns, Frame, Idle
from ...request import Request
from .beyond_figures import figures
from .beyond_hand import readouts
from .beyond_words import SINGULARITY, captions, claims, layer_columns, radius_in_words, table

__all__ = ["claims", "figures", "frames", "readouts", "table"]

PAGE_SECONDS = 0.01
"""Left to the page after each frame, which paints on the same processors."""

COARSE, FINE = 64, 192
"""Columns of the true network's plane: four times as many forward passes as pixels of its upper half."""

SANDBOX = "the sandbox’s logits are straight lines: its true zeros are its ghosts, in the view of one step"


def frames(request: Request) -> Iterator[Frame | Idle | None]:
    """The layers at once, a coarse plane, the nearest singularity, a finer plane, then sample after sample."""
    from . import beyond_state
    from .beyond_networks import source_in_parts

    source = yield from source_in_parts(request)
    if source is None:
        yield Frame({}, {}, (1, 1), (SANDBOX,))
        return
    one = beyond_state.beyond(source, request["sample"], float(request["temperature"]))
    if one.flat:
        yield Frame({}, {}, (1, 1), ("all slopes agree: no ghost, and nothing to measure by",))
        return
    yield from beyond_state.find_true(one)
    yield _frame(request, one, (1, 5))
    yield Idle(PAGE_SECONDS)
    if one.refusal is None:
        yield from beyond_state.find_picture(one, COARSE)
        yield _frame(request, one, (2, 5))
        yield Idle(PAGE_SECONDS)
    yield from beyond_state.find_layers(one)
    yield _frame(request, one, (3, 5))
    if one.refusal is None:
        yield from beyond_state.find_picture(one, FINE)
        yield _frame(request, one, (4, 5))
        yield from _samples(request, one)
    yield _frame(request, one, (5, 5))


def _samples(request: Request, one: Any) -> Iterator[Frame | Idle | None]:
    """A frame for each sample that is found."""
    from .beyond_state import find_others

    shown_of = -1
    for known in find_others(one):
        if known != shown_of:
            shown_of = known
            yield _frame(request, one, (4, 5))
            yield Idle(PAGE_SECONDS)
        else:
            yield None


def _frame(request: Request, one: Any, stage: tuple[int, int]) -> Frame:
    from . import beyond_tables

    facts = _facts(request, one)
    low, high = beyond_tables.layer_range(one)
    facts |= {"beyond_window": one.window, "beyond_layers_low": low, "beyond_layers_high": high}
    found: dict[str, Columns] = {
        **beyond_tables.plane_tables(one),
        **beyond_tables.layer_tables(one),
        **beyond_tables.sample_tables(one),
        "beyond_layers": layer_columns(_rows(one, facts)),
        "beyond_unit": {"bound": np.array([one.unit])},
        "beyond_captions": captions(facts),
    }
    return Frame(found, facts, stage, _notes(request, one))


def _facts(request: Request, one: Any) -> dict[str, Any]:
    from anisoscope.engine.ghosts import limiting_part

    probabilities = (one.z - one.z.max()).softmax(0)
    limit = limiting_part(one.layers, share=0.0)
    facts: dict[str, Any] = {
        "sample": one.index,
        "label": int(one.source.labels[one.index]),
        "probability": float(probabilities[int(one.source.labels[one.index])]),
        "prediction": int(probabilities.argmax()),
        "bound_radius": one.unit,
        "exact_radius": one.exact * one.unit,
        "exact_over_bound": one.exact,
        "test_accuracy": one.source.test_accuracy,
        "training_step": one.source.step,
        "beyond_limit": limit.part,
    }
    facts |= {f"beyond_rho_{part}": radius for part, radius in limit.radius.items()}
    if one.true is not None:
        facts |= _true_facts(one)
    if one.refusal is not None:
        kinks = [layer.quantile(0.0) for layer in one.layers if layer.on_line]
        facts["beyond_refusal"] = one.refusal.short
        facts["beyond_kink_over_bound"] = min(kinks, default=math.nan) / one.unit
    if one.all_layers:
        every, proxy = limiting_part(one.all_layers), limiting_part(one.all_layers, kinks=True)
        facts |= {"beyond_limit_all": every.part, "beyond_limit_kinks": proxy.part}
        facts |= {f"beyond_all_{part}": radius for part, radius in every.radius.items()}
        facts["beyond_all_kinks"] = proxy.radius["feed-forward"]
    return {**facts, **_others_facts(one)}


def _true_facts(one: Any) -> dict[str, Any]:
    from .beyond_tables import said_of

    true = one.true
    return {
        "beyond_radius": true.radius,
        "beyond_clear": true.clear,
        "beyond_ratio": true.radius / true.linear_radius,
        "beyond_over_bound": true.radius / true.bound,
        "beyond_re": true.singularity.real,
        "beyond_im": true.singularity.imag,
        "beyond_part": true.part,
        "beyond_said": said_of(true.part, true.module),
        "beyond_moved": abs(true.ghost) / true.linear_radius,
    }


def _others_facts(one: Any) -> dict[str, Any]:
    from .beyond_state import Others, others

    if one.refusal is not None:
        return {}
    wanted = Others.wanted(len(one.source.labels))
    every = others(one.source, one.temperature).found
    known = [every[index] for index in wanted if index in every and math.isfinite(every[index].radius)]
    facts: dict[str, Any] = {"beyond_known": len(known), "beyond_wanted": len(wanted)}
    if len(known) > 1:
        ratios = np.array([found.radius / found.linear_radius for found in known])
        over = np.array([found.radius / found.bound for found in known])
        facts |= {
            "beyond_ratio_low": float(ratios.min()),
            "beyond_ratio_median": float(np.median(ratios)),
            "beyond_ratio_high": float(ratios.max()),
            "beyond_over_bound_low": float(over.min()),
            "beyond_below": int((over < 1).sum()),
            "beyond_normalised": sum(found.part == "normalisation" for found in known),
        }
    return facts


def _rows(one: Any, facts: dict[str, Any]) -> list[tuple[str, ...]]:
    """One row of words for each layer, the first at the top."""
    from .beyond_tables import layer_name, share_of

    rows = []
    for k, layer in enumerate(one.layers):
        own, every, kinks = layer.quantile(0.0), math.nan, math.nan
        if one.all_layers:
            every = one.all_layers[k].quantile(share_of(layer))
            if layer.kink_distance.numel():
                kinks = one.all_layers[k].quantile(0.01, kinks=True)
        limits = [
            name
            for name, part, radius in (
                ("sample", "beyond_limit", own),
                ("training set", "beyond_limit_all", every),
            )
            if layer.part == facts.get(part) and radius == _smallest(facts, part)
        ]
        rows.append(
            (
                layer_name(layer),
                SINGULARITY.get(layer.function, layer.function),
                radius_in_words(own),
                radius_in_words(own / one.unit),
                radius_in_words(every),
                radius_in_words(kinks),
                ", ".join(limits) or "–",
            )
        )
    return rows


def _smallest(facts: dict[str, Any], which: str) -> float:
    """The radius of the limiting part."""
    prefix = "beyond_rho_" if which == "beyond_limit" else "beyond_all_"
    return facts[f"{prefix}{facts[which]}"]


def _notes(request: Request, one: Any) -> tuple[str, ...]:
    notes = []
    if request["beyond_activation"] != "own" and request["weights"]:
        notes.append("another activation is trained anew: the dropped weights are not used")
    if one.refusal is not None:
        notes.append(
            f"{one.refusal.short} has a kink: no continuation to complex steps; choose a smooth activation to see the "
            "same network without it"
        )
    return tuple(notes)
