"""The reader's hand in the browser: marks that follow it without asking the server.

`assets/<slug>/hand.js` is one object of pure functions. This module gives it the state and the tables that are
already in the browser, and writes what it returns. `Hand.values` holds the client-side
parameters: the browser owns them while they move, the server writes them only for presets and links.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import bokeh.core.properties as bp
from bokeh.model import DataModel
from bokeh.models import ColumnDataSource, CustomJS

from .drawing.screen import Screen
from .request import Request
from .shell.component import asset
from .sources import lens_assets

EVENTS = {"pan": ("panstart", "pan", "panend"), "tap": ("tap",)}


class Hand(DataModel):
    """What the browser knows of the lens's parameters, and what a gesture asks for."""

    # Bokeh looks for a bundle beside the top package of every other module; ours is a namespace without a file.
    __view_module__ = "bokeh.model"

    owner = bp.String(default="")
    # As JSON: Bokeh looks through every value of a dictionary for models, at each frame.
    upstream = bp.String(default="{}")
    values = bp.Dict(bp.String, bp.Any)
    changes = bp.Dict(bp.String, bp.Any)


def told(request: Request) -> str:
    """A request as `Hand.upstream` holds it."""
    return json.dumps(request.as_dict(), allow_nan=False)


def script(slug: str) -> str:
    """The lens's hand.js, which finds what all have in common as `numbers`; or an object that does nothing."""
    source = lens_assets(slug) / "hand.js"
    if not source.is_file():
        return "({})"
    return f"((numbers) => {source.read_text(encoding='utf-8').strip()})({asset('numbers.js').strip()})"


_PRELUDE = """
    const lens = anisoscope_hand()
    const state = {...JSON.parse(hand.upstream), ...hand.values}
    const tables = {}
    for (const [name, sources] of Object.entries(targets)) tables[name] = sources[0].data
    for (const [name, source] of Object.entries(extra)) tables[name] = source.data
"""

_REDRAW = """
    if (!lens.hand) return
    const drawn = lens.hand(state, tables)
    // To write nothing over nothing would still repaint a figure.
    const nothing = (columns) => Object.values(columns).every((values) => !values.length)
    for (const [name, columns] of Object.entries(drawn.tables))
        for (const source of targets[name] ?? [])
            if (!nothing(columns) || !nothing(source.data)) source.setv({data: columns}, {sync: false})
    const readouts = hand.document?.get_model_by_name(`readouts-${hand.owner}`)
    if (readouts && drawn.readouts) readouts.data.setv({rows: drawn.readouts}, {sync: false})
"""

_GESTURE = """
    if (cb_obj.x == null || cb_obj.y == null) return
    const phase = {panstart: 'start', pan: 'move', panend: 'end', tap: 'end'}[cb_obj.event_name]
    const changes = cb_obj.event_name == 'tap'
        ? lens.tap?.(figure, cb_obj.x, cb_obj.y, state, tables)
        : lens.drag?.(figure, phase, cb_obj.x, cb_obj.y, state, tables)
    const ended = phase == 'end'
    if (!changes && !ended) return
    const others = {}
    for (const [name, value] of Object.entries(changes ?? {})) {
        const dial = hand.document.get_model_by_name(`dial-${name}-${hand.owner}`)
        if (!dial) { others[name] = value; continue }
        dial.data.value = value
        if (ended) dial.data.release = {value, serial: (dial.data.release?.serial ?? 0) + 1}
    }
    const dialled = Object.keys(changes ?? {}).length > Object.keys(others).length
    if (Object.keys(others).length || (ended && !dialled))
        hand.changes = {serial: (hand.changes.serial ?? 0) + 1, values: others, ended}
"""

DIAL_MOVED = "hand.setv({values: {...hand.values, [name]: cb_obj.value}}, {sync: false})"


def attach(
    slug: str, hand: Hand, screens: Sequence[Screen], extra: Mapping[str, ColumnDataSource]
) -> CustomJS:
    """Connect gestures of the figures to hand.js; returns the callback that redraws the hand's marks."""
    targets: dict[str, list[ColumnDataSource]] = {}
    for screen in screens:
        for layer, source in screen.sources:
            if layer.kind != "image":
                targets.setdefault(layer.table, []).append(source)
    args = {"hand": hand, "targets": targets, "extra": dict(extra)}
    # One function per page keeps hand.js parsed once, not once per callback and event.
    library = f"const anisoscope_hand = () => (window.__hand_{slug} ??= {script(slug)})\n"
    redraw = CustomJS(args=args, code=library + _PRELUDE + _REDRAW)
    hand.js_on_change("values", redraw)
    for screen in screens:
        gesture = CustomJS(args={**args, "figure": screen.figure.name}, code=library + _PRELUDE + _GESTURE)
        wanted = ("pan",) * screen.figure.drag + ("tap",) * screen.figure.tap
        for event in (name for kind in wanted for name in EVENTS[kind]):
            screen.on_event(event, gesture)
    return redraw


def on_changes(hand: Hand, apply: Callable[[dict[str, Any], bool], None]) -> None:
    """Call `apply` with the parameter changes of a gesture that has no dial, and whether it has ended."""

    def changed(_name: str, _old: object, new: dict[str, Any]) -> None:
        apply(dict(new.get("values", {})), bool(new.get("ended")))

    hand.on_change("changes", changed)
