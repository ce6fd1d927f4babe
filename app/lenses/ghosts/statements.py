"""What the theory does not say, with live numbers; and the card of the chosen sample."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ...control import Card, Claim
from ...frame import Frame
from ...numbers import shown
from ...request import Request

PAPER = "Sao 2026"


def card(request: Request, frame: Frame) -> Card | None:
    """The digit under study; nothing in the sandbox or before the first computed frame."""
    facts = frame.facts
    if request["source"] == "sandbox" or facts.get("sample", -1) < 0:
        return None
    from .checkpoints import digits

    index = int(facts["sample"])
    pixels = digits().train[0][index].reshape(8, 8).tolist()
    words = f"p = {facts['probability']:.3f} before the step"
    if facts["prediction"] != facts["label"]:
        words += f", read as {facts['prediction']}"
    return Card("", f"Sample {index}, a {facts['label']}", words, pixels)


def claims(request: Request, frame: Frame) -> tuple[Claim, ...]:
    """Statements for the present network, direction and sample; in the sandbox only those of one sample."""
    facts = frame.facts
    rows = [_printed_sign(facts), _top_two(facts), _poles()]
    if request["source"] == "network" and "loss_ratio_1" in facts:
        rows = [*_batch(facts), rows[0], _top_two_share(facts), rows[2]]
    return tuple(rows)


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
            "No architecture fails for r < 1: smallest share of the accuracy kept at r ≤ 1.",
            f"{PAPER}, Figs. 1 and 7",
            "no failure",
            f"{100 * min(kept):.1f} % kept",
            "agrees" if min(kept) >= 0.95 else "disagrees",
        ),
        Claim(
            "r = 1 is no cliff: share of the accuracy kept at r = 3.2 and 10.",
            f"{PAPER}, Fig. 1",
            "collapse once r crosses 1",
            f"{100 * beyond:.0f} % and {100 * facts['accuracy_kept_10']:.0f} % kept",
            "disagrees" if beyond >= 0.9 else "agrees",
        ),
    ]


def _printed_sign(facts: Mapping[str, Any]) -> Claim:
    return Claim(
        "Eq. 13 prints the real part of the two-class ghost with the wrong sign; its modulus is right. "
        "The flip lies at −δ/s (Theorem 4.3).",
        f"{PAPER}, eq. 13",
        "(δ + iπ)/(a_y − a_c)",
        f"nearest ghost {_complex(facts['ghost_re'], facts['ghost_im'])}",
        "disagrees",
    )


def _top_two(facts: Mapping[str, Any]) -> Claim:
    ratio = facts["top_two_over_exact"]
    return Claim(
        "The two most probable classes alone give no bound: their radius over the exact one.",
        f"{PAPER}, eqs. 13 and 38",
        "√(δ² + π²)/|a_y − a_c|",
        # Equal slopes have no ghost, and the ratio of two infinite radii is not a number.
        "no ghost" if math.isnan(ratio) else f"× {shown(ratio)}",
        "disagrees" if ratio > 1.0 + 1e-9 else "ours",
    )


def _top_two_share(facts: Mapping[str, Any]) -> Claim:
    return Claim(
        "The two most probable classes alone give no bound: share of the samples where their radius is too "
        "large, and the worst case.",
        f"{PAPER}, eqs. 13 and 38",
        "√(δ² + π²)/|a_y − a_c|",
        f"{100 * facts['top_two_share']:.0f} % of samples, up to × {shown(facts['top_two_worst'])}",
        "disagrees" if facts["top_two_share"] > 0 else "ours",
    )


def _poles() -> Claim:
    return Claim(
        "The nearest poles of tanh-GELU lie in its own argument, not in that of the tanh inside it.",
        f"{PAPER}, App. 2",
        "π/2",
        "±0.634 ± 2.755i",
        "disagrees",
    )


def _complex(real: float, imaginary: float) -> str:
    if not (math.isfinite(real) and math.isfinite(imaginary)):
        return "none"
    return f"{shown(real)} ± {shown(imaginary)}i"
