"""What the lanes are asked to do, read from the parameters, and how buttons and choices change it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ...errors import RequestError
from .choices import LANES, RATES

if TYPE_CHECKING:
    from anisoscope.engine.training import TrainingSpec

    from ...lens import Lens

NO_BRANCH = (-1.0, -1.0)
RECORDS = tuple(f"record_{k}" for k in range(1, LANES + 1))
TRAINED = (
    "problem",
    "steps",
    "seed",
    "take",
    *(f"{n}_{k}" for n in ("optimizer", "rate") for k in range(1, LANES + 1)),
)
"""Parameters that ask for a training: setting one lets go of recordings."""


def lanes_in_use(values: Mapping[str, Any]) -> list[int]:
    """Numbers, from 1, of the lanes that have an optimiser."""
    return [k for k in range(1, LANES + 1) if values[f"optimizer_{k}"] != "none"]


def training_spec(values: Mapping[str, Any]) -> TrainingSpec:
    """The training that is asked for.

    Raises:
        RequestError: a branch leaves no lane that there is, or leaves it where it has not come to.
    """
    from anisoscope.engine.training import LaneSpec, TrainingSpec

    used = lanes_in_use(values)
    lanes = []
    for place, k in enumerate(used):
        branch = _branch(values, k, used, place)
        lanes.append(
            LaneSpec(values[f"optimizer_{k}"], values[f"rate_{k}"], values[f"schedule_{k}"], branch=branch)
        )
    return TrainingSpec(tuple(lanes), values["steps"], values["seed"], every=1)


def _branch(values: Mapping[str, Any], k: int, used: list[int], place: int) -> tuple[int, int] | None:
    if k == 1 or tuple(values[f"branch_{k}"]) == NO_BRANCH:
        return None
    parent, step = (int(v) if float(v).is_integer() else v for v in values[f"branch_{k}"])
    if parent not in used[:place]:
        raise RequestError(
            f"branch_{k}", (parent, step), "must name an earlier lane that has an optimiser", NO_BRANCH
        )
    if not (isinstance(step, int) and 0 <= step < values["steps"]):
        allowed = f"must leave it at a step from 0 to {values['steps'] - 1}"
        raise RequestError(f"branch_{k}", (parent, step), allowed, NO_BRANCH)
    return used.index(int(parent)), step


def retrained(values: Mapping[str, Any]) -> dict[str, Any]:
    """The same training once more, to be watched from the first step on."""
    return {"take": (values["take"] + 1) % 10_000, "step": values["steps"]}


def branched(values: Mapping[str, Any]) -> dict[str, Any]:
    """One more lane that leaves the chosen one at the step that is looked at, to be changed by the reader.

    Raises:
        RequestError: all lanes are taken, or the chosen one is empty.
    """
    parent, used = values["branch_lane"], lanes_in_use(values)
    if parent not in used:
        raise RequestError(
            "branch_lane", parent, f"must be a lane that trains: {', '.join(map(str, used))}", used[0]
        )
    free = [k for k in range(parent + 1, LANES + 1) if k not in used]
    if not free:
        raise RequestError(
            "lanes", len(used), f"there is no free lane behind lane {parent}; set one to “no lane” first"
        )
    k, step = free[0], min(values["step"], values["steps"] - 1)
    return {
        f"optimizer_{k}": values[f"optimizer_{parent}"],
        f"rate_{k}": max(RATES[0], values[f"rate_{parent}"] / 2),
        f"schedule_{k}": values[f"schedule_{parent}"],
        f"branch_{k}": (float(parent), float(step)),
        "step": values["steps"],
    }


def settled(checked: dict[str, Any], lens: Lens) -> dict[str, Any]:
    """Values with what follows from them: a problem brings its lanes, an optimiser its rate, a training no recording."""
    found, current = dict(checked), lens.request()["problem"]
    if found.get("problem", current) != current and not _names_lanes(found):
        found = {**_opening(found["problem"]), **found}
    for k in range(1, LANES + 1):
        name = f"optimizer_{k}"
        if (
            name in checked
            and f"rate_{k}" not in found
            and checked[name] not in ("none", getattr(lens, name))
        ):
            found[f"rate_{k}"] = _rate(found.get("problem", current), checked[name])
            if k > 1:
                found.setdefault(f"branch_{k}", NO_BRANCH)
    if "step" in found and "product_step" not in found and {"product", *TRAINED} & set(found):
        asked = {**lens.request().as_dict(), **found}
        found["product_step"] = found["step"] if asked["product"] and asked["view"] == "layers" else -1
    if set(TRAINED) & set(checked) and not set(RECORDS) & set(checked):
        found |= {name: "" for name in (*RECORDS, "watch") if getattr(lens, name) and name not in checked}
    return found


def _names_lanes(values: Mapping[str, Any]) -> bool:
    return any(f"optimizer_{k}" in values for k in range(1, LANES + 1))


def _opening(problem: str) -> dict[str, Any]:
    from .problems import SETTINGS

    setting = SETTINGS[problem]
    found: dict[str, Any] = {"steps": setting.steps, "step": setting.steps, "layer": setting.layer}
    for k in range(1, LANES + 1):
        lane = setting.lanes[k - 1] if k <= len(setting.lanes) else ("none", 0.02, "constant")
        found |= dict(zip((f"optimizer_{k}", f"rate_{k}", f"schedule_{k}"), lane, strict=True))
        if k > 1:
            found[f"branch_{k}"] = NO_BRANCH
    return found


def _rate(problem: str, optimizer: str) -> float:
    """The rate an optimiser opens with: that of the problem's own lanes where it is among them."""
    from anisoscope.engine.training import OPTIMIZERS

    from .problems import SETTINGS

    known = {name: rate for name, rate, _ in SETTINGS[problem].lanes}
    return known.get(optimizer, OPTIMIZERS[optimizer].learning_rate)
