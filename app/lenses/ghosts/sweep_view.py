"""The sweep of r: what six shipped networks and the reader's own do along a step that grows over four decades."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...frame import Columns, Frame, Idle
from ...request import Request
from .sweep_figures import LOSS, QUANTITIES, STRIP, figures
from .sweep_hand import readouts
from .sweep_shipped import (
    AXES,
    DIRECTIONS,
    INSIDE,
    KEPT,
    NAMES,
    NETWORKS,
    RATIOS,
    Shipped,
    direction_of,
    shipped,
    spread_in_decades,
)
from .sweep_words import captions, claims, collapse, table, unmeasured

if TYPE_CHECKING:
    from .sweep_live import Sweep

__all__ = ["claims", "figures", "frames", "readouts", "table"]

PAGE_SECONDS = 0.01
"""Left to the page after each frame, which paints on the same processors."""

NAMED = (0.86, 0.74, 0.62, 0.5, 0.38, 0.26)
"""Heights at which the curves are named, from the first to break to the last: apart, however close the curves run."""

CROWDED = 1.5
"""Upper end of the axis of what is kept from which on a name is higher than the gap to the next."""

FLOOR = 1e-6


def frames(request: Request) -> Iterator[Frame | Idle | None]:
    """The shipped curves at once, the reader's own coarse, then at every step; nothing is found twice."""
    from .sweep_live import COARSE, find_radii, find_rows, sweep_of

    sweep = sweep_of(request)
    if sweep is None:
        yield _frame(request, None, (1, 1), ("the sandbox has no weights to move: the six networks alone",))
        return
    yield from find_radii(sweep)
    if sweep.flat:
        yield _frame(request, None, (1, 1), ("all slopes agree: no radius, and no sweep in units of one",))
        return
    yield _frame(request, sweep, (1, 3))
    yield Idle(PAGE_SECONDS)
    yield from find_rows(sweep, COARSE)
    yield _frame(request, sweep, (2, 3))
    yield Idle(PAGE_SECONDS)
    yield from find_rows(sweep, 1)
    yield _frame(request, sweep, (3, 3), _notes(sweep, request))


def _notes(sweep: Sweep, request: Request) -> tuple[str, ...]:
    """What the curves cannot show, and which of the shipped ones stand in."""
    notes = []
    if not _is_shipped(request):
        notes.append("the six networks have no such direction: theirs is " + _stand_in(request))
    accuracy, loss, _ = sweep.start or (1.0, 1.0, 0.0)
    return (*notes, *unmeasured(accuracy, loss))


def _is_shipped(request: Request) -> bool:
    kind, seed = DIRECTIONS[direction_of(request["direction"], request["direction_seed"])]
    return kind == request["direction"] and (kind != "random" or seed == request["direction_seed"])


def _stand_in(request: Request) -> str:
    kind, seed = DIRECTIONS[direction_of(request["direction"], request["direction_seed"])]
    return f"random {seed}" if kind == "random" else "−gradient"


def _frame(
    request: Request, sweep: Sweep | None, stage: tuple[int, int], notes: tuple[str, ...] = ()
) -> Frame:
    axis, table_ = request["sweep_axis"], shipped()
    chosen = direction_of(request["direction"], request["direction_seed"])
    curves = {quantity: _live_curve(sweep, quantity, axis) for quantity in QUANTITIES}
    low, high = _ends(table_, chosen, sweep, axis)
    six = _shipped_curves(table_, chosen, axis)
    strip = _strip(table_, chosen, sweep)
    top = max(1.1, 1.05 * float(curves["kept"]["y"].max(initial=0.0)))
    facts = _facts(request, chosen, sweep) | {
        "sweep_axis": axis,
        "sweep_low": low,
        "sweep_high": high,
        "sweep_top": top,
        "sweep_strip_reach": float(strip["sweep_strip_spread"]["x"][0]),
        "sweep_loss_ends": _loss_ends([*six["sweep_loss_six"]["ys"], curves["loss"]["y"]]),
    }
    found: dict[str, Columns] = {
        **six,
        "sweep_kept_names": _curve_names(table_, chosen, axis, room=top < CROWDED),
        **strip,
        **{f"sweep_{quantity}": curve for quantity, curve in curves.items()},
        **_marks(sweep, axis),
        "sweep_unit": _unit_table(sweep, axis, low, high),
        "sweep_captions": captions(facts),
    }
    return Frame(found, facts, stage, notes)


def _unit_table(sweep: Sweep | None, axis: str, low: float, high: float) -> Columns:
    """What the hand needs: log₁₀ of the unit of the axis, the bound of r, and where the axis ends."""
    return {
        "scale": np.array([] if sweep is None else [math.log10(_unit(sweep.radii, axis))]),
        "bound": np.array([] if sweep is None else [sweep.radii["bound"]]),
        "low": np.array([low]),
        "high": np.array([high]),
    }


def _unit(radii: dict[str, float], axis: str) -> float:
    return 1.0 if axis == "tau" else radii[axis]


def _height(quantity: str, values: np.ndarray) -> np.ndarray:
    return np.log10(np.maximum(values, FLOOR)) if quantity == "loss" else values


def _abscissae(table_: Shipped, network: int, chosen: int, axis: str) -> np.ndarray:
    radii: dict[str, float] = dict(zip(AXES, table_.radii[network, chosen].tolist(), strict=True))
    return np.log10(table_.steps(network, chosen) / _unit(radii, axis))


def _shipped_curves(table_: Shipped, chosen: int, axis: str) -> dict[str, Columns]:
    """The six faint curves of each quantity."""
    places = [_abscissae(table_, network, chosen, axis) for network in range(len(NETWORKS))]
    found: dict[str, Columns] = {}
    for quantity in QUANTITIES:
        heights = [_height(quantity, getattr(table_, quantity)[k, chosen]) for k in range(len(NETWORKS))]
        found[f"sweep_{quantity}_six"] = {"xs": places, "ys": heights}
    return found


def _curve_names(table_: Shipped, chosen: int, axis: str, room: bool) -> Columns:
    """Names of the six where each falls through a height of its own; none where they would lie on one another."""
    order = np.argsort(table_.onsets(axis)[:, chosen]).tolist() if room else []
    texts, xs, ys = [], [], []
    for level, k in zip(NAMED, order, strict=False):
        x, y = _through(_abscissae(table_, k, chosen, axis), table_.kept[k, chosen], level)
        texts.append(NAMES[NETWORKS[k]])
        xs.append(x)
        ys.append(y)
    return {"x": np.array(xs), "y": np.array(ys), "text": texts}


def _through(x: np.ndarray, y: np.ndarray, level: float) -> tuple[float, float]:
    """Where a curve first falls through a height; its end where it does not."""
    below = np.flatnonzero(y < level)
    if not len(below) or below[0] == 0:
        return float(x[-1]), float(y[-1])
    i = int(below[0])
    share = (y[i - 1] - level) / (y[i - 1] - y[i])
    return float(x[i - 1] + share * (x[i] - x[i - 1])), level


def _live_curve(sweep: Sweep | None, quantity: str, axis: str) -> Columns:
    """What is known of the reader's curve; where the logits overflow there is no loss to draw."""
    if sweep is None:
        return {"x": np.zeros(0), "y": np.zeros(0)}
    steps, values = sweep.curve(quantity)
    there = np.isfinite(values)
    return {"x": np.log10(steps[there] / _unit(sweep.radii, axis)), "y": _height(quantity, values[there])}


def _marks(sweep: Sweep | None, axis: str) -> dict[str, Columns]:
    """Bound and exact radius of the reader's network on the axis, and where its accuracy breaks."""
    at = {kind: np.zeros(0) for kind in ("bound", "exact", "onset")}
    if sweep is not None:
        unit = _unit(sweep.radii, axis)
        at |= {kind: np.log10([sweep.radii[kind] / unit]) for kind in ("bound", "exact")}
        if math.isfinite(sweep.onset):
            at["onset"] = np.log10([sweep.onset / unit])
    found: dict[str, Columns] = {f"sweep_{kind}_line": {"x": at[kind]} for kind in ("bound", "exact")}
    found["sweep_onset"] = {"x": at["onset"], "y": np.full(len(at["onset"]), KEPT)}
    return {**found, "sweep_level": {"y": np.array([KEPT])}, "sweep_strip_middle": {"x": np.zeros(1)}}


def _strip(table_: Shipped, chosen: int, sweep: Sweep | None) -> dict[str, Columns]:
    """Onsets of the six, and of the reader's network, over their geometric mean, and their spread: a row for each axis."""
    rows: dict[str, tuple[list[float], list[float]]] = {"six": ([], []), "yours": ([], [])}
    spreads = [spread_in_decades(table_.onsets(axis)[:, chosen]) for axis in ("tau", *AXES)]
    for row, axis in enumerate(("tau", *AXES)):
        logs = np.log10(table_.onsets(axis)[:, chosen])
        rows["six"][0].extend((logs - logs.mean()).tolist())
        rows["six"][1].extend([3.0 - row] * len(logs))
        if sweep is not None and math.isfinite(sweep.onset):
            rows["yours"][0].append(math.log10(sweep.onset / _unit(sweep.radii, axis)) - float(logs.mean()))
            rows["yours"][1].append(3.0 - row)
    found: dict[str, Columns] = {
        f"sweep_strip_{name}": {"x": np.array(x), "y": np.array(y)} for name, (x, y) in rows.items()
    }
    farthest = max(abs(x) for column, _ in rows.values() for x in column)
    # The numbers stand at the right end, beside all marks.
    found["sweep_strip_spread"] = {
        "x": np.full(len(spreads), max(STRIP, farthest + 0.3)),
        "y": 3.0 - np.arange(len(spreads)),
        "text": [f"{spread:.2f}" for spread in spreads],
    }
    return found


def _ends(table_: Shipped, chosen: int, sweep: Sweep | None, axis: str) -> tuple[float, float]:
    """The axis holds all curves in units of τ, and else the same decades whatever is chosen."""
    if axis != "tau":
        return -2.45, 2.05
    steps: Sequence[float] = table_.radii[:, chosen, 0].tolist()
    bounds = [*steps, *([] if sweep is None else [sweep.radii["bound"]])]
    return math.log10(min(bounds) * RATIOS[0]) - 0.05, math.log10(max(bounds) * RATIOS[-1]) + 0.05


def _loss_ends(heights: Sequence[np.ndarray]) -> tuple[float, float]:
    """The axis of the loss holds all curves: an untrained network gains a decade on the way, or loses ten."""
    found = np.concatenate(heights)
    return min(LOSS[0], float(found.min()) - 0.1), max(LOSS[1], float(found.max()) + 0.1)


def _facts(request: Request, chosen: int, sweep: Sweep | None) -> dict[str, Any]:
    table_, (kind, seed) = shipped(), DIRECTIONS[chosen]
    trained_tau, trained_r = collapse(table_.trained_onset, table_.trained_bound)
    facts: dict[str, Any] = {
        **{
            f"sweep_spread_{axis}": spread_in_decades(table_.onsets(axis)[:, chosen])
            for axis in ("tau", *AXES)
        },
        "sweep_temperature_spread_tau": trained_tau,
        "sweep_temperature_spread_r": trained_r,
        "sweep_direction": kind,
        "sweep_seed": seed,
        "sweep_temperature": float(request["temperature"]),
        "sweep_has_network": request["source"] in ("network", "own"),
    }
    if sweep is None:
        return facts
    facts |= {f"sweep_{kind}_radius": sweep.radii[kind] for kind in AXES}
    if len(sweep.rows) == len(RATIOS) and not math.isnan(sweep.onset):
        facts["sweep_onset_step"] = sweep.onset
        facts["sweep_onset_r"] = sweep.onset / sweep.radii["bound"]
        facts["sweep_least_kept"] = float(sweep.curve("kept")[1][:INSIDE].min())
        facts["sweep_loss_before_one"] = float(sweep.curve("loss")[1][INSIDE - 1])
        facts["sweep_flipped_before_one"] = float(sweep.curve("flipped")[1][INSIDE - 1])
    return facts
