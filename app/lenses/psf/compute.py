"""Frames of the lens: what the chosen view asks for, the coarse picture first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...frame import Columns, Frame, Idle
from ...request import Request
from . import kernel_view, nothing
from .encoding import Encoding, encoding_of


def frames(request: Request) -> Iterator[Frame | Idle | None]:
    """What the chosen view asks for."""
    if request["view"] == "kernel":
        yield from _kernel(request)
        return
    from . import views

    yield from views.frames(request)


def _kernel(request: Request) -> Iterator[Frame | None]:
    """Everything at once with a coarse picture; then the fine one."""
    encoding = encoding_of(request)
    widths, facts = kernel_view.polar(request, encoding)
    tables: dict[str, Columns] = {
        **nothing.tables(),
        **kernel_view.picture(request, encoding, kernel_view.COARSE),
        **kernel_view.marks(request, encoding),
        **widths,
        **kernel_view.profiles(request, encoding),
        **kernel_view.tents(encoding),
    }
    facts = {**shared(request, encoding), **facts, **kernel_view.limits(request, encoding)}
    yield Frame(tables, facts, (1, 2))
    yield None
    finer = kernel_view.picture(request, encoding, kernel_view.FINE)
    yield Frame(finer, {**facts, **kernel_view.sphere(request, encoding)}, (2, 2))


def shared(request: Request, encoding: Encoding) -> dict[str, Any]:
    """Numbers of the encoding that every view quotes."""
    return {
        "device": "cpu",
        "dtype": "float64",
        "average": encoding.average,
        "finest": float(encoding.resolutions[-1]),
        "levels": len(encoding.resolutions),
        "field": request["field_of_view"],
        "turned": encoding.rotation is not None,
    }
