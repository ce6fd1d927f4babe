"""All columns of a frame in one message.

Bokeh sends every array of a patch as two websocket messages of its own; a frame of this app has some sixty.
Here they lie end to end in one buffer with a list of what lies where, and a callback in the browser puts them
into their sources. The server's copies of the sources keep the opening frame: nothing reads them afterwards.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import bokeh.core.properties as bp
import numpy as np
from bokeh.model import DataModel
from bokeh.models import ColumnDataSource, CustomJS

from . import painting

ALIGNMENT = 8
LARGE = 64
"""Values of an array from which on it is worth looking for the part that changed."""

UNPACK_JS = """
    const {ndarray} = Bokeh.require("core/util/ndarray")
    const kinds = {f4: Float32Array, f8: Float64Array, u1: Uint8Array, u2: Uint16Array, i4: Int32Array}
    const names = {f4: "float32", f8: "float64", u1: "uint8", u2: "uint16", i4: "int32"}
    let bytes = packet.payload
    if (bytes.byteOffset % 8) bytes = bytes.slice()
    const shaped = (values, kind, shape) => shape.length == 1 ? values : ndarray(values, {dtype: names[kind], shape})
    const read = (kind, offset, length) => new kinds[kind](bytes.buffer, bytes.byteOffset + offset, length)
    const column = (spec, old) => {
        if (spec.list) return spec.list.map((part, i) => column(part, old?.[i]))
        if (spec.plain) return spec.plain
        const [kind, offset, shape] = spec.array
        if (!spec.block) return shaped(read(kind, offset, shape.reduce((a, b) => a * b, 1)), kind, shape)
        const [row, at, rows, count] = spec.block, across = shape.at(-1)
        const values = new kinds[kind](old), fresh = read(kind, offset, rows * count)
        for (let r = 0; r < rows; r++) values.set(fresh.subarray(r * count, (r + 1) * count), (row + r) * across + at)
        return shaped(values, kind, shape)
    }
    for (const [index, columns] of JSON.parse(packet.layout)) {
        const data = {}
        for (const [name, spec] of Object.entries(columns)) data[name] = column(spec, sources[index].data[name])
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

    layout = bp.String(default="[]")
    payload = bp.Any(default=None)
    serial = bp.Int(default=0)
    echo = bp.Int(default=0)


def attach(packet: Packet, sources: Sequence[ColumnDataSource], redraw: CustomJS) -> CustomJS:
    """Make the browser unpack, redraw what follows the hand, and acknowledge; in this order."""
    unpack = CustomJS(args={"packet": packet, "sources": list(sources)}, code=UNPACK_JS)
    receipt = CustomJS(args={"packet": packet}, code=RECEIPT_JS)
    packet.js_on_change("serial", painting.prepare(), unpack, redraw, receipt)
    return receipt


Change = tuple[int, Mapping[str, Any], Mapping[str, Any]]
"""Index of a source, its new columns, and those that the browser has."""


def pack(changes: Sequence[Change]) -> tuple[str, np.ndarray]:
    """What lies where, as JSON, which Bokeh does not walk through, and the buffer.

    Of a large array that changed in one place only that place is sent.

    >>> layout, payload = pack([(3, {"x": np.array([1.0, 2.0]), "text": ["a"]}, {})])
    >>> layout
    '[[3, {"x": {"array": ["f8", 0, [2]]}, "text": {"plain": ["a"]}}]]'
    >>> payload.nbytes
    16
    """
    buffer = bytearray()
    layout = [
        [index, {name: _spec(values, old.get(name), buffer) for name, values in data.items()}]
        for index, data, old in changes
    ]
    return json.dumps(layout, allow_nan=False), np.frombuffer(buffer, dtype=np.uint8)


def same(old: Any, new: Any) -> bool:
    """Whether two columns hold the same, NaN equal to NaN."""
    if old is new:
        return True
    if isinstance(old, np.ndarray) and isinstance(new, np.ndarray):
        alike = old.shape == new.shape and old.dtype == new.dtype
        # Bytes are compared faster than numbers, and NaN equals NaN.
        return alike and (np.array_equal(old, new) if old.dtype.hasobject else old.tobytes() == new.tobytes())
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(same(a, b) for a, b in zip(old, new, strict=True))
    return type(old) is type(new) and bool(old == new)


def _spec(values: Any, old: Any, buffer: bytearray) -> dict[str, Any]:
    if isinstance(values, list):
        if any(isinstance(v, (list, np.ndarray)) for v in values):
            olds = old if isinstance(old, list) and len(old) == len(values) else [None] * len(values)
            return {"list": [_spec(v, o, buffer) for v, o in zip(values, olds, strict=True)]}
        if not any(isinstance(v, float) and not math.isfinite(v) for v in values):
            return {"plain": values}
        # JSON knows no NaN.
        values = np.asarray(values, dtype=np.float64)
    array = _sendable(values)
    spec: dict[str, Any] = {"array": [array.dtype.str[1:], len(buffer), list(array.shape)]}
    block = _changed_block(old, values)
    if block is not None:
        row, column, rows, columns = spec["block"] = block
        array = np.atleast_2d(array)[row : row + rows, column : column + columns]
    buffer += array.tobytes()
    buffer += bytes(-len(buffer) % ALIGNMENT)
    return spec


def _changed_block(old: Any, new: np.ndarray) -> list[int] | None:
    """First row, first column, rows and columns of the smallest block that holds every change; None where
    the whole array should be sent."""
    if new.size < LARGE or new.ndim not in (1, 2):
        return None
    if not (isinstance(old, np.ndarray) and old.shape == new.shape and old.dtype == new.dtype):
        return None
    changed = np.atleast_2d(_bits(old) != _bits(new))
    rows, columns = np.flatnonzero(changed.any(1)), np.flatnonzero(changed.any(0))
    if not len(rows):
        return [0, 0, 0, 0]
    block = [int(rows[0]), int(columns[0]), int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1]
    return block if 2 * block[2] * block[3] < new.size else None


def _bits(array: np.ndarray) -> np.ndarray:
    """The same memory as whole numbers, so that NaN equals NaN; what has no such view as it is."""
    if array.dtype.kind not in "fiu" or array.dtype.itemsize not in (1, 2, 4, 8):
        return array
    return np.ascontiguousarray(array).view(f"u{array.dtype.itemsize}")


def _sendable(values: np.ndarray) -> np.ndarray:
    """One of the five kinds the browser unpacks."""
    if values.dtype == bool:
        return values.astype(np.uint8)
    if values.dtype.kind in "iu" and values.dtype not in (np.uint8, np.uint16):
        return values.astype(np.int32)
    return values if values.dtype in (np.float32, np.uint8, np.uint16) else values.astype(np.float64)
