"""All columns of a frame in one message.

Bokeh sends every array of a patch as two websocket messages of its own; a frame of this app has some sixty.
Here they lie end to end in one buffer with a list of what lies where, and a callback in the browser puts them
into their sources. The server's copies of the sources keep the opening frame: nothing reads them afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import bokeh.core.properties as bp
import numpy as np
from bokeh.model import DataModel
from bokeh.models import ColumnDataSource, CustomJS

from . import painting

ALIGNMENT = 8

UNPACK_JS = """
    const {ndarray} = Bokeh.require("core/util/ndarray")
    const kinds = {f4: Float32Array, f8: Float64Array, u1: Uint8Array, i4: Int32Array}
    const names = {f4: "float32", f8: "float64", u1: "uint8", i4: "int32"}
    let bytes = packet.payload
    if (bytes.byteOffset % 8) bytes = bytes.slice()
    const column = (spec) => {
        if (spec.list) return spec.list.map(column)
        if (spec.plain) return spec.plain
        const [kind, offset, shape] = spec.array
        const length = shape.reduce((a, b) => a * b, 1)
        const values = new kinds[kind](bytes.buffer, bytes.byteOffset + offset, length)
        return shape.length == 1 ? values : ndarray(values, {dtype: names[kind], shape})
    }
    for (const [index, columns] of packet.layout) {
        const data = {}
        for (const [name, spec] of Object.entries(columns)) data[name] = column(spec)
        sources[index].setv({data}, {sync: false})
    }
"""

RECEIPT_JS = """
    const serial = packet.serial
    requestAnimationFrame(() => setTimeout(() => { packet.echo = serial }, 0))
"""


class Packet(DataModel):
    """A frame on its way: `serial` is set last, and `echo` comes back once the browser has drawn it."""

    # Bokeh looks for a bundle beside the top package of every other module; ours is a namespace without a file.
    __view_module__ = "bokeh.model"

    layout = bp.Any(default=[])
    payload = bp.Any(default=None)
    serial = bp.Int(default=0)
    echo = bp.Int(default=0)


def attach(packet: Packet, sources: Sequence[ColumnDataSource], redraw: CustomJS) -> CustomJS:
    """Make the browser unpack, redraw what follows the hand, and acknowledge; in this order."""
    unpack = CustomJS(args={"packet": packet, "sources": list(sources)}, code=UNPACK_JS)
    receipt = CustomJS(args={"packet": packet}, code=RECEIPT_JS)
    packet.js_on_change("serial", painting.prepare(), unpack, redraw, receipt)
    return receipt


def pack(changes: Sequence[tuple[int, dict[str, Any]]]) -> tuple[list[Any], np.ndarray]:
    """What lies where, and the buffer, for (index of a source, its new columns).

    >>> layout, payload = pack([(3, {"x": np.array([1.0, 2.0]), "text": ["a"]})])
    >>> layout
    [[3, {'x': {'array': ['f8', 0, [2]]}, 'text': {'plain': ['a']}}]]
    >>> payload.nbytes
    16
    """
    pieces: list[np.ndarray] = []
    layout = [[index, {name: _spec(v, pieces) for name, v in data.items()}] for index, data in changes]
    if not pieces:
        return layout, np.zeros(0, dtype=np.uint8)
    return layout, np.concatenate(pieces)


def _spec(values: Any, pieces: list[np.ndarray]) -> dict[str, Any]:
    if isinstance(values, list):
        if any(isinstance(v, (list, np.ndarray)) for v in values):
            return {"list": [_spec(v, pieces) for v in values]}
        return {"plain": values}
    array = _sendable(values)
    offset = sum(piece.nbytes for piece in pieces)
    raw = np.frombuffer(array.tobytes(), dtype=np.uint8)
    padding = -raw.nbytes % ALIGNMENT
    pieces.append(np.concatenate([raw, np.zeros(padding, dtype=np.uint8)]) if padding else raw)
    return {"array": [array.dtype.str[1:], offset, list(array.shape)]}


def _sendable(values: np.ndarray) -> np.ndarray:
    """One of the four kinds the browser unpacks."""
    if values.dtype == bool:
        return values.astype(np.uint8)
    if values.dtype.kind in "iu" and values.dtype != np.uint8:
        return values.astype(np.int32)
    return values if values.dtype in (np.float32, np.uint8) else values.astype(np.float64)
