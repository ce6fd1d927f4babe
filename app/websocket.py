"""Releases the brakes of the websocket: Nagle's algorithm, a system call for each fragment, a walk through all models
for every message of either side, an answer to every move of the hand that no browser waits for.

Private attributes of Bokeh, Panel and Tornado's stream are touched here and nowhere else for this; `constraints.txt`
pins the versions and tests measure the socket.
"""

from __future__ import annotations

import functools
import json
import socket
import struct
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any

import panel.io.document as panel_document
from bokeh.core.serialization import Deserializer, Ref, Serializer
from bokeh.core.types import ID
from bokeh.document import Document
from bokeh.model import Model
from bokeh.protocol.message import Message
from bokeh.server.connection import ServerConnection
from bokeh.server.session import ServerSession
from bokeh.server.views.ws import WSHandler
from tornado.iostream import StreamClosedError
from tornado.websocket import WebSocketHandler

from .shell.serving import DOCUMENT_SIZE

TEXT, BINARY = 0x1, 0x2
FINAL = 0x80


def release_brakes() -> None:
    """Make every websocket opened from now on send small messages whole and at once. Safe to call twice."""
    if getattr(WSHandler.open, "sends_at_once", False):
        return
    WSHandler.open = _at_once(WSHandler.open)  # type: ignore[method-assign]
    WSHandler.send_message = _whole(WSHandler.send_message)  # type: ignore[method-assign]
    ServerSession.patch = staticmethod(_unanswered(ServerSession.patch))  # type: ignore[method-assign]
    panel_document.dispatch_tornado = _whole_patches(panel_document.dispatch_tornado)
    # By its full name: the package holds a class of the same name as the module.
    patches: Any = import_module("bokeh.protocol.messages.patch_doc")
    patches.Serializer = LazySerializer
    documents: Any = import_module("bokeh.document.document")
    documents.Deserializer = LazyDeserializer


def nodelay(handler: WSHandler) -> bool:
    """Whether a websocket's socket has TCP_NODELAY set."""
    stream = handler.ws_connection.stream if handler.ws_connection else None  # type: ignore[union-attr]
    if stream is None or stream.socket is None:
        return False
    return bool(stream.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))


class LazySerializer(Serializer):
    """Names the models it meets; Bokeh names all of a document, a thousand here, for every message."""

    def __init__(self, *, references: set[Model] | None = None, **options: Any) -> None:
        super().__init__(**options)
        self._known = references or set()

    def get_ref(self, obj: Any) -> Ref | None:
        """The reference of a model that the browser has."""
        ref = super().get_ref(obj)
        return obj.ref if ref is None and isinstance(obj, Model) and obj in self._known else ref

    def has_ref(self, obj: Any) -> bool:
        """Whether the browser has a model, or will have it by this message."""
        return self.get_ref(obj) is not None


class LazyDeserializer(Deserializer):
    """Looks up the models that a message names; Bokeh makes a dictionary of all of a document for every message."""

    def __init__(self, references: Sequence[Model] | None = None, *, setter: Any = None) -> None:
        document = getattr(setter, "document", None)
        super().__init__(references if document is None else None, setter=setter)
        if document is not None:
            self._references = _Known(document)


class _Known(dict[ID, Model]):
    """The models of a document by name, and what a message adds to them."""

    def __init__(self, document: Document) -> None:
        super().__init__()
        self._document = document

    def get(self, name: ID, default: Any = None) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        brought = super().get(name)
        found = self._document.models.get_by_id(name) if brought is None else brought
        return default if found is None else found

    def __contains__(self, name: object) -> bool:
        return self.get(name) is not None  # pyright: ignore[reportArgumentType]


def frame(opcode: int, data: bytes) -> bytes:
    """A frame of RFC 6455, section 5.2, final and unmasked, as a server sends it.

    >>> frame(TEXT, b"Hello").hex(" ")  # section 5.7
    '81 05 48 65 6c 6c 6f'
    """
    size = len(data)
    if size < 126:
        return struct.pack("BB", FINAL | opcode, size) + data
    if size < 1 << 16:
        return struct.pack("!BBH", FINAL | opcode, 126, size) + data
    return struct.pack("!BBQ", FINAL | opcode, 127, size) + data


def _at_once(opened: Any) -> Any:
    """Bokeh leaves Nagle's algorithm on: a stall of about 40 ms at every answer."""

    @functools.wraps(opened)
    def open_without_delay(self: WSHandler) -> object:
        self.set_nodelay(True)
        return opened(self)

    open_without_delay.sends_at_once = True  # type: ignore[attr-defined]
    return open_without_delay


def _unanswered(patched: Any) -> Any:
    """Changes from the browser are carried out without Bokeh's OK, which would take the interpreter from the worker in
    the middle of a frame. Where they fail, the browser is told as before."""

    @functools.wraps(patched)
    async def patch(message: Message[Any], connection: ServerConnection) -> None:
        await patched(message, connection)

    return patch


def _whole(sent: Any) -> Any:
    """What Bokeh itself sends, mostly answers of three fragments."""

    @functools.wraps(sent)
    async def send_message(self: WSHandler, message: Message[Any]) -> None:
        if not _is_small(message):
            await sent(self, message)
            return
        with await self.write_lock.acquire():
            _write_whole(self, message)

    return send_message


def _whole_patches(dispatched: Any) -> Any:
    """What Panel sends: changes of the document."""

    @functools.wraps(dispatched)
    def dispatch(
        connection: ServerConnection, events: Any = None, msg: Message[Any] | None = None
    ) -> Sequence[Any]:
        socket_of: Any = connection._socket
        if msg is None and events:
            msg = connection.protocol.create("PATCH-DOC", events)
        if msg is None or not isinstance(socket_of, WebSocketHandler) or not _is_small(msg):
            return dispatched(connection, None, msg)
        _write_whole(socket_of, msg)
        return []

    return dispatch


def _is_small(message: Message[Any]) -> bool:
    # A document is compressed on its way.
    return len(message.content_json) < DOCUMENT_SIZE


def _write_whole(handler: WebSocketHandler, message: Message[Any]) -> None:
    """All fragments of a message by one system call; nothing where the browser has gone."""
    protocol: Any = handler.ws_connection
    if protocol is None or protocol.is_closing():
        return
    try:
        written = protocol.stream.write(b"".join(_frames(message)))
    except StreamClosedError:
        return
    # A browser that goes meanwhile is told by `on_close`, as for all who write.
    written.add_done_callback(lambda future: future.exception())


def _frames(message: Message[Any]) -> Iterator[bytes]:
    for text in (message.header_json, message.metadata_json, message.content_json):
        yield frame(TEXT, text.encode())
    for buffer in message._buffers:
        yield frame(TEXT, json.dumps(buffer.ref).encode())
        yield frame(BINARY, buffer.to_bytes())
