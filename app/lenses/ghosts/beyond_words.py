"""Words of the true network: numbers of the sample, the table of its layers, and claims with our numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ...control import Claim, Table
from ...frame import Columns, Frame
from ...numbers import shown
from ...request import Request

PAPER = "Sao 2026"
PART = {
    "output": "the output",
    "attention": "attention",
    "feed-forward": "feed-forward",
    "normalisation": "LayerNorm",
}
SINGULARITY = {
    "relu": "kink at 0",
    "tanh": "iπ/2",
    "sigmoid": "iπ",
    "silu": "iπ",
    "gelu": "none, entire",
    "layer_norm": "variance = 0",
    "softmax": "sum of exponentials = 0",
}


def captions(facts: Mapping[str, Any]) -> Columns:
    """Rows of numbers that do not move with the hand."""
    unit = facts["bound_radius"]
    rows: list[tuple[str, str, str, str]] = [("bound ρₐ", shown(unit), "1", "ink")]
    exact, over = facts["exact_radius"], facts["exact_over_bound"]
    rows.append(("exact ρ*", shown(exact), shown(over), "ink"))
    if "beyond_radius" in facts:
        radius, clear = facts["beyond_radius"], facts["beyond_clear"]
        rows.append(("Rₜᵣᵤₑ found", shown(radius), shown(radius / unit), "blue"))
        rows.append(("empty up to", shown(clear), shown(clear / unit), "ink"))
        rows.append(("Rₜᵣᵤₑ / ρ*", shown(facts["beyond_ratio"]), "", "ink"))
    if "beyond_limit" in facts:
        rows.append(("limits sample", PART[facts["beyond_limit"]], "", "ink"))
    if "beyond_limit_all" in facts:
        rows.append(("limits all", PART[facts["beyond_limit_all"]], "", "ink"))
    if facts.get("beyond_known", 0) > 1:
        low, middle, high = (facts[f"beyond_ratio_{name}"] for name in ("low", "median", "high"))
        between = f"{shown(low)}–{shown(high)}"
        rows.append((f"R/ρ*, {facts['beyond_known']} samples", shown(middle), between, "ink"))
    names = ("label", "value", "beside", "role")
    return dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))


def table(request: Request, frame: Frame) -> Table | None:
    """Every layer with its radii, and which of them limits."""
    del request
    layers = frame.tables["beyond_layers"]
    if not len(layers["name"]):
        return None
    names = ("name", "singularity", "own", "own_bound", "all", "kinks", "limits")
    rows = list(zip(*(layers[name] for name in names), strict=True))
    columns = list(zip(*rows, strict=True))[1:]
    return Table(
        "Layers: radius of each, and which limits the step",
        "Radius: distance of the argument h from the nearest singularity of its function over |ḣ|; of a softmax π over "
        "the spread of its rates; of LayerNorm (ours) where its variance vanishes. Inner layers as if their arguments ran "
        "straight. Training set: the smallest, of activations the 1 % quantile. |h|/|ḣ|: what the paper’s controller takes "
        "for activations, whatever the function. Limits: smallest of output, attention and feed-forward.",
        ("layer", "singularity", "ρ, sample", "ρ / ρₐ", "training set", "|h|/|ḣ|, 1 %", "limits"),
        rows,
        ("", *("\n".join(column) for column in columns)),
    )


def claims(request: Request, frame: Frame) -> tuple[Claim, ...]:
    """What the paper says of networks that are not straight, and what is found here."""
    del request
    facts = frame.facts
    found = []
    if "beyond_radius" in facts:
        found.append(_searched(facts))
    if facts.get("beyond_known", 0) > 1:
        found += [_ratio(facts), _below(facts)]
    if "beyond_refusal" in facts:
        found.append(_refused(facts))
    if "beyond_limit_all" in facts:
        found.append(_limits(facts))
    return (*found, _entire(), _transformer(), _normalisation(facts))


def _searched(facts: Mapping[str, Any]) -> Claim:
    return Claim(
        "Searched, not proven: phases of F and of all that the network divides by are followed from point to point around "
        "a circle; on the smaller one none turns. Between points nothing is proven. The linearised ρ* is certified.",
        "ours",
        "no method",
        f"Rₜᵣᵤₑ between {shown(facts['beyond_clear'])} and {shown(facts['beyond_radius'])}, {facts['beyond_said']}",
    )


def _ratio(facts: Mapping[str, Any]) -> Claim:
    low, middle, high = (facts[f"beyond_ratio_{name}"] for name in ("low", "median", "high"))
    return Claim(
        f"Rₜᵣᵤₑ / ρ*: smallest, median, largest of {facts['beyond_known']} samples, evenly spread over the training set.",
        f"{PAPER}, App. 1.1",
        "no number: curvature of the logits moves the zeros",
        f"{shown(low)}, {shown(middle)}, {shown(high)}",
    )


def _below(facts: Mapping[str, Any]) -> Claim:
    below, known = facts["beyond_below"], facts["beyond_known"]
    return Claim(
        "ρₐ bounds the linearised radius. Of the true network it is no bound: samples with Rₜᵣᵤₑ < ρₐ, and the smallest "
        "Rₜᵣᵤₑ / ρₐ.",
        f"{PAPER}, App. 1.1",
        "a first-order proxy for deeper layers",
        f"{below} of {known}, {shown(facts['beyond_over_bound_low'])}",
    )


def _refused(facts: Mapping[str, Any]) -> Claim:
    return Claim(
        "A network with kinks is analytic nowhere near one: its Taylor series ends at the first kink on the real line, and "
        "beyond there is no continuation to draw. Distance to the sample’s nearest kink over ρₐ.",
        f"{PAPER}, App. 1.3",
        "ρₐ is empirical there",
        f"{shown(facts['beyond_kink_over_bound'])} ρₐ, {facts['beyond_refusal']}",
    )


def _limits(facts: Mapping[str, Any]) -> Claim:
    own, proxy = PART[facts["beyond_limit_all"]], PART[facts["beyond_limit_kinks"]]
    return Claim(
        "Which part limits, over the training set: by each function’s own singularities, and by |h|/|ḣ| of activations, as "
        "the paper takes it, which counts a kink even where there is none.",
        f"{PAPER}, Sec. 6.6",
        "min(ρ_out, ρ_attn, ρ_ffn)",
        own if own == proxy else f"{own}; by |h|/|ḣ| {proxy}",
    )


def _entire() -> Claim:
    return Claim(
        "The exact GELU is entire. Its infinite radius does not make large steps safe: off the real line erf(z) grows like "
        "exp(z²).",
        f"{PAPER}, App. 2",
        "radius ∞; kinks at |h|, tanh at iπ/2, sigmoid and SiLU at iπ",
        "the same singularities, tested against closed forms",
        "agrees",
    )


def _transformer() -> Claim:
    return Claim(
        "Their transformer: feed-forward limits early (94 of 100), the output late (97 of 105), attention never; its "
        "activation is the exact GELU, measured by |h|/|ḣ|. Ours at start, middle and end, along −gradient, 1438 samples.",
        f"{PAPER}, Table 2",
        "feed-forward, then output",
        "by |h|/|ḣ| feed-forward always; by own singularities output, output, attention",
        "disagrees",
    )


def _normalisation(facts: Mapping[str, Any]) -> Claim:
    count, known = facts.get("beyond_normalised", 0), facts.get("beyond_known", 0)
    said = f"ends {count} of {known} samples here" if known > 1 else "not yet counted"
    return Claim(
        "1/√variance of LayerNorm has branch points where the variance vanishes, at no real step. The paper names an "
        "analytic normalisation as a remedy; its ρ_net does not count them.",
        f"{PAPER}, App. 2; counted by us",
        "no number",
        said,
    )


def layer_columns(rows: list[tuple[str, ...]]) -> Columns:
    """The table of layers as columns, from rows."""
    names = ("name", "singularity", "own", "own_bound", "all", "kinks", "limits")
    return {name: [row[k] for row in rows] for k, name in enumerate(names)}


def radius_in_words(value: float) -> str:
    return "–" if math.isnan(value) else shown(value)
