"""What the theory does not say, with live numbers; and the card of the chosen sample."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ...control import Card, Claim
from ...frame import Frame
from ...numbers import shown
from ...request import Request
from .sweep_shipped import KEPT

PAPER = "Sao 2026"


def card(request: Request, frame: Frame) -> Card | None:
    """The sample under study; nothing in the sandbox or before the first computed frame."""
    facts = frame.facts
    if request["source"] == "sandbox" or facts.get("sample", -1) < 0:
        return None
    index, known = int(facts["sample"]), request["source"] == "network"
    pixels = frame.tables["digit"]["pixels"].reshape(-1, 8).tolist()
    words = f"p = {facts['probability']:.3f} before the step"
    if facts["prediction"] != facts["label"]:
        words += f", read as {facts['prediction']}"
    return Card("", f"Sample {index}, {'a' if known else 'class'} {facts['label']}", words, pixels)


def claims(request: Request, frame: Frame) -> tuple[Claim, ...]:
    """Statements for the present network, direction and sample; in the sandbox only those of one sample."""
    facts = frame.facts
    rows = [_printed_sign(facts), _top_two(facts), _poles()]
    if _measured(facts):
        rows = [*_batch(facts), rows[0], _top_two_share(facts), rows[2]]
    return tuple(rows)


def _measured(facts: Mapping[str, Any]) -> bool:
    """The network was moved, and no ratio of what it then does to its start is not a number."""
    ratios = [value for name, value in facts.items() if name.startswith(("loss_ratio_", "accuracy_kept_"))]
    return bool(ratios) and not any(math.isnan(ratio) for ratio in ratios)


def _batch(facts: Mapping[str, Any]) -> list[Claim]:
    inside = max(facts["loss_ratio_0.3"], facts["loss_ratio_0.99"])
    kept = [facts[f"accuracy_kept_{r:g}"] for r in (0.3, 0.99, 1.0)]
    beyond = facts["accuracy_kept_3.2"]
    return [
        Claim(
            "A radius is not a descent guarantee: inside r < 1 the series converges, and the loss may still "
            "rise. Training loss at r = 0.3 and 0.99 over its start "
            "(T = 1; r here and below in units of the training set’s bound).",
            "ours; ℓ is convex along the step, §3",
            "no statement",
            f"× {shown(facts['loss_ratio_0.3'])} and × {shown(facts['loss_ratio_0.99'])}"
            + (", it rises" if inside > 1 else ", it falls"),
        ),
        Claim(
            "No architecture fails for r < 1: smallest share of the accuracy kept at r = 0.3, 0.99 and 1.",
            f"{PAPER}, Figs. 1 and 7",
            "no failure",
            f"{100 * min(kept):.1f} % kept",
            "agrees" if min(kept) >= KEPT else "disagrees",
        ),
        Claim(
            "r = 1 is no cliff: share of the accuracy kept at r = 3.2 and 10.",
            f"{PAPER}, Fig. 1",
            "collapse once r crosses 1",
            f"{100 * beyond:.0f} % and {100 * facts['accuracy_kept_10']:.0f} % kept",
            "disagrees" if beyond >= KEPT else "agrees",
        ),
    ]


def _printed_sign(facts: Mapping[str, Any]) -> Claim:
    real, imaginary = facts["top_two_re"], facts["top_two_im"]
    return Claim(
        "Eq. 13 prints the real part of a two-class ghost with the wrong sign; its modulus is right. "
        "The flip lies at −δ/s (Theorem 4.3). For this sample’s two likeliest classes:",
        f"{PAPER}, eq. 13",
        f"(δ + iπ)/(a_y − a_c) = {_complex(-real, imaginary)}",
        _complex(real, imaginary),
        "disagrees" if real and math.isfinite(real) else "ours",
    )


def _top_two(facts: Mapping[str, Any]) -> Claim:
    ratio = facts["top_two_over_exact"]
    # Equal slopes have no ghost, and the ratio of two infinite radii is not a number.
    said = "no ghost" if math.isnan(ratio) else f"× {shown(ratio)}"
    return _no_bound("their radius over the exact one.", said, ratio > 1.0 + 1e-9)


def _top_two_share(facts: Mapping[str, Any]) -> Claim:
    share = facts["top_two_share"]
    said = f"{100 * share:.0f} % of samples, up to × {shown(facts['top_two_worst'])}"
    return _no_bound(
        "share of the samples where their radius is too large, and the worst case.", said, share > 0
    )


def _no_bound(measured: str, said: str, too_large: bool) -> Claim:
    return Claim(
        f"The two most probable classes alone give no bound: {measured}",
        f"{PAPER}, eqs. 13 and 38",
        "√(δ² + π²)/|a_y − a_c|",
        said,
        "disagrees" if too_large else "ours",
    )


def _poles() -> Claim:
    """About the paper alone: no number of the present picture stands in it."""
    return Claim(
        "The nearest poles of tanh-GELU, in its own argument and not in that of the tanh inside it. No network "
        "here uses it: theirs is the exact GELU, which has no poles.",
        f"{PAPER}, App. 2",
        "π/2",
        "±0.634 ± 2.755i",
        "disagrees",
    )


def _complex(real: float, imaginary: float) -> str:
    if not (math.isfinite(real) and math.isfinite(imaginary)):
        return "none"
    return f"{shown(real)} ± {shown(imaginary)}i"
