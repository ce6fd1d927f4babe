"""Words of the sweep of r: numbers beside the figures, the table of the six networks, and claims with our numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ...control import Claim, Table
from ...frame import Columns, Frame
from ...numbers import shown
from ...request import Request
from .sweep_shipped import (
    AXES,
    DIRECTIONS,
    INSIDE,
    KEPT,
    NAMES,
    NETWORKS,
    RATIOS,
    TEMPERATURES,
    Shipped,
    direction_of,
    shipped,
    spread_in_decades,
)

PAPER = "Sao 2026"
RANDOM = slice(2, None)
ROWS = (
    "ρₐ",
    "ρₘ/ρₐ",
    "ρ*/ρₐ",
    *(
        f"{what}, {along}"
        for what in ("kept", "loss", "onset")
        for along in ("−gradient", "+gradient", "random")
    ),
)
"""Of the table: what each number of a network is."""

ESTIMATOR = (
    "Onset: the first step at which accuracy falls below 0.9 of its start, interpolated in the logarithm of the step. "
    "Spread: standard deviation of log₁₀ onset."
)


def captions(facts: Mapping[str, Any]) -> Columns:
    """Rows of numbers that do not move with the hand: own onset, those of all curves, and the spread on each axis."""
    table_, chosen = shipped(), direction_of(facts["sweep_direction"], facts["sweep_seed"])
    low, middle, high = np.quantile(table_.onsets("bound"), (0.1, 0.5, 0.9)).tolist()
    rows: list[tuple[str, str, str, str]] = []
    if "sweep_onset_step" in facts:
        step, r = facts["sweep_onset_step"], facts["sweep_onset_r"]
        # Not ∞: a network that holds to the end of the sweep was seen to hold no further.
        value, beside = (shown(step), shown(r)) if math.isfinite(r) else ("none", f"r ≤ {RATIOS[-1]:g}")
        rows.append(("onset τ, and r", value, beside, "blue"))
    elif not facts["sweep_has_network"]:
        rows.append(("yours", "no weights", "", "blue"))
    rows.append(("median onset r", shown(middle), f"of {table_.onset.size}", "ink"))
    rows.append(("10 %, 90 %", shown(low), shown(high), "ink"))
    rows.append(("spread, decades", "of six", f"of {table_.onset.size}", "ink2"))
    for axis, name in (
        ("tau", "in τ"),
        ("bound", "in τ / ρₐ"),
        ("margin", "in τ / ρₘ"),
        ("exact", "in τ / ρ*"),
    ):
        onsets = table_.onsets(axis)
        rows.append(
            (name, f"{spread_in_decades(onsets[:, chosen]):.2f}", f"{spread_in_decades(onsets):.2f}", "ink")
        )
    names = ("label", "value", "beside", "role")
    return dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))


def unmeasured(accuracy: float, loss: float) -> tuple[str, ...]:
    """What there is to say where accuracy or loss at the start is nothing to measure by."""
    notes = []
    if not accuracy:
        notes.append("no prediction is right at τ = 0: there is no accuracy to keep")
    if not loss:
        notes.append("the loss at τ = 0 is below rounding: nothing can be measured by it")
    elif not math.isfinite(loss):
        notes.append("the loss at τ = 0 is not finite: nothing can be measured by it")
    return tuple(notes)


def table(request: Request, frame: Frame) -> Table | None:
    """The six networks along descent, ascent and four random directions; a column each: a narrow page holds six."""
    del request, frame
    table_ = shipped()
    columns = [_column(table_, k) for k in range(len(NETWORKS))]
    return Table(
        "Six converged networks, r = τ/ρₐ over 1438 training samples",
        "Radii along −gradient. Smallest accuracy kept at r ≤ 0.99, loss over its start at r = 0.99, and onset r, along "
        f"−gradient, +gradient and the worst of four random directions. {ESTIMATOR}",
        ("", *(NAMES[network] for network in NETWORKS)),
        list(zip(ROWS, *columns, strict=True)),
        ("", *("\n".join(column) for column in columns)),
    )


def _column(table_: Shipped, k: int) -> tuple[str, ...]:
    bound, margin, exact = table_.radii[k, 0].tolist()
    kept = table_.kept[k, :, :INSIDE].min(1)
    loss, onsets = table_.loss[k, :, INSIDE - 1], table_.onsets("bound")[k]
    return (
        shown(bound),
        f"{margin / bound:.2f}",
        f"{exact / bound:.2f}",
        *(f"{v:.3f}" for v in (kept[0], kept[1], kept[RANDOM].min())),
        *(f"{v:.2f}" for v in (loss[0], loss[1], loss[RANDOM].max())),
        *(f"{v:.2f}" for v in (onsets[0], onsets[1], onsets[RANDOM].min())),
    )


def claims(request: Request, frame: Frame) -> tuple[Claim, ...]:
    """What the paper says of the sweep, and what the shipped curves say."""
    del request
    table_ = shipped()
    found = [
        _no_failure(table_),
        _no_threshold(table_),
        _collapse(table_),
        _units(table_),
        _not_safer(table_),
    ]
    found += [trained_at_each(table_), after_the_fact(table_)]
    if "sweep_least_kept" in frame.facts:
        found.insert(0, _yours(frame.facts))
    return tuple(found)


def _yours(facts: Mapping[str, Any]) -> Claim:
    onset = facts["sweep_onset_r"]
    where = f"onset at r = {shown(onset)}" if math.isfinite(onset) else f"no onset up to r = {RATIOS[-1]:g}"
    return Claim(
        "Your network and direction: smallest accuracy kept at r ≤ 0.99, loss over its start at r = 0.99, and where it "
        "breaks.",
        "ours, computed now",
        "no failure; transition at r ≈ 1",
        f"{100 * facts['sweep_least_kept']:.1f} %, {_risen(facts['sweep_loss_before_one'])}, {where}",
    )


def _risen(ratio: float) -> str:
    return f"× {shown(ratio)}" if math.isfinite(ratio) else "no finite loss ratio"


def _no_failure(table_: Shipped) -> Claim:
    kept = table_.kept[:, :, :INSIDE].min(2)
    network, direction = (int(i) for i in np.unravel_index(int(kept.argmin()), kept.shape))
    return Claim(
        "No architecture fails for r < 1: smallest accuracy kept at r ≤ 0.99, over six networks and six directions.",
        f"{PAPER}, Figs. 1 and 7",
        "no failure",
        f"{100 * kept.min():.1f} % ({NAMES[NETWORKS[network]]}, {_words(direction)})",
        "agrees" if kept.min() >= KEPT else "disagrees",
    )


def _no_threshold(table_: Shipped) -> Claim:
    loss = table_.loss[:, :, INSIDE - 1].max(0)
    return Claim(
        "In loss there is no threshold at r = 1: largest loss over its start at r = 0.99, descent / ascent / random.",
        f"{PAPER}, Fig. 8",
        "flips and loss turn at r ≈ 1",
        f"× {shown(loss[0])} / × {shown(loss[1])} / × {shown(loss[RANDOM].max())}",
        "disagrees" if loss.max() > 1.5 else "agrees",
    )


def _collapse(table_: Shipped) -> Claim:
    onsets = table_.onsets("bound")
    return Claim(
        f"“Collapse once r ≥ 1” is loose: onset r of all {onsets.size} curves, smallest, median, largest. At r = 1 itself "
        f"{int((onsets <= 1).sum()) or 'none'} of them has broken.",
        f"{PAPER}, Fig. 1",
        "collapse once r crosses 1",
        f"{shown(onsets.min())}, {shown(float(np.median(onsets)))}, {shown(onsets.max())}",
        "disagrees" if float(np.median(onsets)) > 2 else "agrees",
    )


def _units(table_: Shipped) -> Claim:
    spreads = [spread_in_decades(table_.onsets(axis)) for axis in ("tau", *AXES)]
    return Claim(
        "Across architectures the onsets do come together in units of a radius; which radius hardly matters. Spread of all "
        f"{table_.onset.size} in τ, τ/ρₐ, τ/ρₘ, τ/ρ*, in decades.",
        f"ours, after {PAPER}, Fig. 1",
        "no number",
        ", ".join(f"{spread:.2f}" for spread in spreads),
    )


def _not_safer(table_: Shipped) -> Claim:
    losses, kept = [], []
    for k in range(len(NETWORKS)):
        for d in range(len(DIRECTIONS)):
            at, steps = math.log(0.99 * table_.radii[k, d, 2]), np.log(table_.steps(k, d))
            losses.append(float(np.interp(at, steps, table_.loss[k, d])))
            kept.append(float(np.interp(at, steps, table_.kept[k, d])))
    inside = table_.loss[:, :, INSIDE - 1]
    return Claim(
        "The exact radius is larger, not safer: loss over its start, worst of 36, at 0.99 ρₐ and at 0.99 ρ*; accuracy kept "
        "at the latter.",
        "ours",
        "no statement",
        f"× {shown(float(inside.max()))}, × {shown(max(losses))}; {100 * min(kept):.1f} %",
    )


def trained_at_each(table_: Shipped) -> Claim:
    tau, r = collapse(table_.trained_onset, table_.trained_bound)
    doubled, doubled_r = collapse(table_.trained_double, table_.trained_bound)
    return Claim(
        f"Over temperatures (T = {_temperatures()}), their recipe: an MLP trained for 120 steps of Adam at each T, three "
        f"seeds. {ESTIMATOR} With the first doubling of the loss as the onset: {doubled:.2f} → {doubled_r:.2f}.",
        f"{PAPER}, Fig. 9; its estimator is defined nowhere",
        "0.992 → 0.164, a factor 6",
        f"{tau:.2f} in τ → {r:.2f} in r, a factor {tau / r:.1f}",
        "agrees" if 5 < tau / r < 7 else "disagrees",
    )


def after_the_fact(table_: Shipped) -> Claim:
    tau, r = collapse(table_.tempered_onset, table_.tempered_bound)
    return Claim(
        "The same temperatures on one trained network, along −gradient of the loss at T: r spreads the onsets. The bound "
        "grows in proportion to T, predictions do not know T. Mean over the six networks.",
        "ours",
        "no statement",
        f"{tau:.2f} in τ → {r:.2f} in r",
    )


def collapse(onsets: np.ndarray, bounds: np.ndarray) -> tuple[float, float]:
    """Spread of each row's onsets over the temperatures in τ and in r, averaged over the rows."""
    rows = [
        (spread_in_decades(onset), spread_in_decades(onset / bound))
        for onset, bound in zip(onsets, bounds, strict=True)
    ]
    tau, r = np.mean(rows, axis=0).tolist()
    return tau, r


def _temperatures() -> str:
    return ", ".join(f"{t:g}" for t in TEMPERATURES)


def _words(direction: int) -> str:
    kind, seed = DIRECTIONS[direction]
    return {"-gradient": "descent", "+gradient": "ascent"}.get(kind, f"random {seed}")
