"""The views beside that of one step: each a module with frames, figures and words of its own."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from types import ModuleType

import numpy as np

from ...control import Claim, Readout, Table
from ...figure import Figure
from ...frame import Frame, Idle
from ...request import Request
from . import beyond_view, compare_view, nothing, spike_view, sweep_view, temperature_view, watch_view

VIEWS: dict[str, ModuleType] = {
    "sweep": sweep_view,
    "spike": spike_view,
    "temperature": temperature_view,
    "compare": compare_view,
    "watch": watch_view,
    "beyond": beyond_view,
}


def frames(request: Request) -> Iterator[Frame | Idle | None]:
    """What the chosen view computes; its frames hold only its own tables and facts."""
    return VIEWS[request["view"]].frames(request)


def figures(frame: Frame) -> tuple[Figure, ...]:
    """The figures of all views, whether shown or not; those of which the frame says nothing are made once."""
    told = {name.partition("_")[0] for name in frame.facts if "_" in name}
    window, samples = float(frame.tables["numbers"]["window"][0]), frame.facts.get("samples")
    return tuple(
        figure
        for name, view in VIEWS.items()
        for figure in (view.figures(frame) if name in told else _untold(name, window, samples))
    )


@lru_cache(maxsize=32)
def _untold(view: str, window: float, samples: int | None) -> tuple[Figure, ...]:
    tables = {**nothing.tables(), "numbers": {"window": np.array([window])}}
    return tuple(VIEWS[view].figures(Frame(tables, {} if samples is None else {"samples": samples})))


def readouts(request: Request, frame: Frame) -> tuple[Readout, ...]:
    return VIEWS[request["view"]].readouts(request, frame)


def claims(request: Request, frame: Frame) -> tuple[Claim, ...]:
    return VIEWS[request["view"]].claims(request, frame)


def table(request: Request, frame: Frame) -> Table | None:
    return VIEWS[request["view"]].table(request, frame)
