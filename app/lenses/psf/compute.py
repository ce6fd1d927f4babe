"""Frames of the lens: what the chosen view asks for, the coarse picture first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch

from ...frame import Columns, Frame, Idle
from ...request import Request
from . import kernel_view, nothing
from .choices import EXACT
from .encoding import Encoding, encoding_of


def frames(request: Request) -> Iterator[Frame | Idle | None]:
    """What the chosen view asks for."""
    if request["view"] == "kernel":
        steps = _kernel(request)
    else:
        from . import views

        steps = views.frames(request)
    for step in steps:
        if isinstance(step, Frame) and request["foreign"]:
            step = replace(step, notes=(*step.notes, request["foreign"]))
        yield step


def _kernel(request: Request) -> Iterator[Frame | None]:
    """Everything at once with a coarse picture; then the fine one, and the widths of an exact kernel in full."""
    encoding = encoding_of(request)
    first, facts = _under_the_hand(request, encoding)
    yield Frame(first, facts, (1, 2))
    yield None
    finer = kernel_view.picture(request, encoding, kernel_view.FINE)
    if request["kernel"] in EXACT:
        yield None
        tables, more = _widths(request, encoding, quick=False)
        finer, facts = finer | tables, facts | more
    yield Frame(finer, {**facts, **kernel_view.sphere(request, encoding)}, (2, 2))


# Nothing here is differentiated, and autograd's books are a part of what small operations cost.
@torch.inference_mode()
def _under_the_hand(request: Request, encoding: Encoding) -> tuple[dict[str, Columns], dict[str, Any]]:
    """Tables and facts of the coarse frame."""
    tables, facts = _widths(request, encoding, quick=True)
    first: dict[str, Columns] = {
        **nothing.tables(),
        **kernel_view.picture(request, encoding, kernel_view.COARSE),
        **kernel_view.profiles(request, encoding),
        **kernel_view.tents(encoding),
        **tables,
    }
    return first, {**shared(request, encoding), **facts, **kernel_view.limits(request, encoding)}


def _widths(request: Request, encoding: Encoding, quick: bool) -> tuple[dict[str, Columns], dict[str, Any]]:
    radii = {"plain": kernel_view.half_widths(request, encoding, encoding.unturned, quick)}
    if encoding.rotation is not None:
        radii["turned"] = kernel_view.half_widths(request, encoding, encoding.geometry, quick)
    tables, facts = kernel_view.polar(encoding, radii)
    return tables | kernel_view.marks(request, encoding, radii.get("turned", radii["plain"])), facts


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
