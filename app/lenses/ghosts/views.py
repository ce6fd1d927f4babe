"""The views beside that of one step: each a module with frames, figures and words of its own."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType

from ...control import Claim, Readout, Table
from ...figure import Figure
from ...frame import Frame, Idle
from ...request import Request
from . import beyond_view, compare_view, spike_view, sweep_view, temperature_view, watch_view

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
    """The figures of all views, whether shown or not."""
    return tuple(figure for view in VIEWS.values() for figure in view.figures(frame))


def readouts(request: Request, frame: Frame) -> tuple[Readout, ...]:
    return VIEWS[request["view"]].readouts(request, frame)


def claims(request: Request, frame: Frame) -> tuple[Claim, ...]:
    return VIEWS[request["view"]].claims(request, frame)


def table(request: Request, frame: Frame) -> Table | None:
    return VIEWS[request["view"]].table(request, frame)
