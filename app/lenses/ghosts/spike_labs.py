"""Labs of this process: trainings through a spike, kept while they may be looked at again; and what the buttons ask."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from functools import cache
from typing import Any

from anisoscope.engine.alone import alone
from anisoscope.engine.digits.spike import SpikeLab
from anisoscope.engine.digits.spike_lane import SpikeData
from anisoscope.engine.digits.spike_spec import LaneSpec, Spike

from ...errors import RequestError
from ...request import Request
from .checkpoints import digits
from .choices import LONGEST
from .spike_words import AGAIN

KEPT = 8
"""Labs that a process keeps, those not looked at the longest go first; some 10 MB each."""


@cache
def data() -> SpikeData:
    """The shipped digits: 1438 to train on, 359 held back."""
    return SpikeData(*digits().train, *digits().test)


def lane_spec(values: Mapping[str, Any] | Request) -> LaneSpec:
    """What the four lanes have in common, as the parameters ask.

    Raises:
        RequestError: a further spike at no step.
    """
    factor, held = values["spike_factor"], values["spike_held"]
    again = values["spike_again"]
    if not all(at == 0 or (1 <= at <= LONGEST and float(at).is_integer()) for at in again):
        allowed = f"must be whole steps from 1 to {LONGEST}, or 0 for none"
        raise RequestError("spike_again", tuple(again), allowed, (0.0,) * AGAIN)
    places = [values["spike_at"], *(int(at) for at in again if at)]
    return LaneSpec(
        values["spike_optimizer"],
        values["spike_rate"],
        values["spike_batch"],
        values["spike_seed"],
        tuple(Spike(factor, at, held) for at in places),
    )


def lab_of(values: Mapping[str, Any] | Request) -> SpikeLab:
    """The lab that is asked for, as far as it has come; what others have already computed is taken over."""
    key = (lane_spec(values), values["spike_target"])
    with alone():
        if key not in _kept:
            _kept[key] = SpikeLab(data(), *key, reuse=list(reversed(_kept.values())))
            while len(_kept) > KEPT:
                _kept.popitem(last=False)
        _kept.move_to_end(key)
        return _kept[key]


def until_of(values: Mapping[str, Any] | Request) -> int:
    """The step the lanes are to come to: the last, or where they are paused."""
    return min(values["spike_steps"], values["spike_until"])


def advance(lab: SpikeLab, until: int, seconds: float) -> None:
    """`SpikeLab.advance`, alone."""
    with alone():
        lab.advance(until, seconds)


def acted(name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters that a button sets: a spike where the training stands, pause or go on, one step more."""
    lab, until = lab_of(values), until_of(values)
    head = min(lab.head, until)
    if name == "spike":
        return _spiked(values, min(head, values["spike_step"]) + 1)
    if name == "spike_pause":
        return {"spike_until": LONGEST if values["spike_until"] < LONGEST or lab.done(until) else head}
    return {"spike_until": min(values["spike_steps"], head + 1), "spike_step": LONGEST}


def _spiked(values: Mapping[str, Any], at: int) -> dict[str, Any]:
    """One more spike at this step; those at and behind it are taken back, and the training goes on from there.

    Raises:
        RequestError: the training has come to the longest there is.
    """
    if at > LONGEST:
        raise RequestError("spike_at", at, f"the training ends at step {LONGEST}: rewind first", LONGEST)
    earlier = [int(place) for place in (values["spike_at"], *values["spike_again"]) if 0 < place < at]
    first, *more = [*earlier, at]
    more = more[-AGAIN:]
    found: dict[str, Any] = {
        "spike_at": first,
        "spike_again": tuple(float(place) for place in (*more, *(0,) * (AGAIN - len(more)))),
        "spike_until": LONGEST,
        "spike_step": LONGEST,
    }
    if at > values["spike_steps"] - 20:
        found["spike_steps"] = min(LONGEST, at + 100)
    return found


_kept: OrderedDict[tuple[LaneSpec, float], SpikeLab] = OrderedDict()
