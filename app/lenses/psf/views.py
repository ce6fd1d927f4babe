"""Frames of the views beside the kernel: quick parts first, slow ones at rest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...frame import Columns, Frame, Idle
from ...request import Request
from . import adviser_view, fit_view, maps_view, nothing, tables_view
from .encoding import Encoding, encoding_of


def frames(request: Request) -> Iterator[Frame | Idle | None]:
    """What the chosen view asks for."""
    from .compute import shared

    encoding = encoding_of(request)
    facts = shared(request, encoding)
    yield from _VIEWS[request["view"]](request, encoding, facts)


def _maps(request: Request, encoding: Encoding, facts: dict[str, Any]) -> Iterator[Frame | None]:
    tables: dict[str, Columns] = {}
    for found in maps_view.places(request, maps_view.COARSE):
        tables |= found or {}
    facts = facts | maps_view.map_facts(tables)
    for part in (maps_view.transfer, maps_view.two_points):
        more, numbers = part(request, encoding)
        tables, facts = tables | more, facts | numbers
    at_once = maps_view.flow_is_quick(encoding)
    if at_once:
        more, numbers = maps_view.flow(request, encoding)
        tables, facts = tables | more, facts | numbers
    tables |= maps_view.lit_place(request)
    yield Frame(_over_nothing(tables, "flow_"), facts, (1, 3))
    yield None
    tables = {}
    if not at_once:
        tables, numbers = maps_view.flow(request, encoding)
        facts = facts | numbers
        yield None
    for found in maps_view.flow_widths(request, encoding):
        tables |= found or {}
        yield None
    yield Frame(tables, facts, (2, 3))
    tables = {}
    for found in maps_view.places(request, maps_view.FINE):
        tables |= found or {}
        yield None
    yield Frame(tables, facts | maps_view.map_facts(tables), (3, 3))


def _tables(request: Request, encoding: Encoding, facts: dict[str, Any]) -> Iterator[Frame | None]:
    grid = tables_view.grid_of(request)
    tables, numbers = tables_view.law(request, grid)
    facts = facts | numbers | {"trained": bool(request["trained"])}
    tables |= tables_view.speckle(request, grid, encoding, tables_view.COARSE)
    at_once = tables_view.vertices_of(request, grid) <= tables_view.QUICK_VERTICES
    if at_once:
        more, numbers = tables_view.partners(request, grid, encoding)
        tables, facts = tables | more, facts | numbers
    slow = ("used", "snr_measured", *(() if at_once else ("partners",)))
    yield Frame(_over_nothing(tables, *slow), facts, (1, 3))
    yield None
    tables = tables_view.speckle(request, grid, encoding, tables_view.FINE)
    yield None
    if not at_once:
        more, numbers = tables_view.partners(request, grid, encoding)
        tables, facts = tables | more, facts | numbers
        yield None
    more, numbers = tables_view.utilisation(request, grid)
    facts = facts | numbers
    yield Frame(tables | more, facts, (2, 3))
    yield None
    for found in tables_view.measured(request, grid):
        if found is None:
            yield None
        else:
            yield Frame(found[0], facts | found[1], (3, 3))


def _adviser(request: Request, encoding: Encoding, facts: dict[str, Any]) -> Iterator[Frame | None]:
    del encoding
    if not adviser_view.quick(request):
        yield Frame(_over_nothing({}, "advice_"), facts, (1, 2))
        yield None
    found = adviser_view.advice(adviser_view.key_of(request))
    tables, numbers = adviser_view.tables(request, found)
    # with the curves, which the axis has to hold: of a width that is refused nothing is drawn
    yield Frame(_over_nothing(tables), facts | numbers | {"advice_wanted": request["width"]}, (2, 2))


def _over_nothing(tables: dict[str, Columns], *later: str) -> dict[str, Columns]:
    """These tables and the empty ones of other views; what comes `later` stays as it is until then."""
    empty = {name: table for name, table in nothing.tables().items() if not name.startswith(later)}
    return {**empty, **tables}


_VIEWS = {"maps": _maps, "tables": _tables, "adviser": _adviser, "fit": fit_view.frames}
