"""Messages of the websocket: the same as Bokeh's own, by one write."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from importlib import import_module
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from bokeh.core.serialization import Serializer, UnknownReferenceError
from bokeh.document import Document
from bokeh.document.events import ModelChangedEvent
from bokeh.io import doc as bokeh_documents
from bokeh.models import ColumnDataSource, Range1d
from bokeh.plotting import figure
from bokeh.protocol import Protocol
from bokeh.server.protocol_handler import ProtocolHandler
from bokeh.server.session import ServerSession
from bokeh.server.views.ws import WSHandler
from tornado.websocket import WebSocketHandler

from anisoscope.app import websocket
from anisoscope.app.websocket import BINARY, TEXT, LazySerializer, frame


@pytest.fixture(autouse=True)
def _no_document_is_left_current() -> Iterator[None]:
    """A change that fails leaves its document as Bokeh's current one, for all that comes after."""
    before = list(bokeh_documents._PATCHED_CURDOCS)
    yield
    bokeh_documents._PATCHED_CURDOCS[:] = before


def some_document() -> tuple[Document, Any]:
    document, plot = Document(), figure()
    plot.line(x=[1.0, 2.0], y=[3.0, 4.0])
    document.add_root(plot)
    document.models.flush_synced()
    return document, plot


def test_a_patch_names_what_the_browser_has_and_brings_what_it_has_not() -> None:
    document, plot = some_document()
    plot.x_range = fresh = Range1d(start=2, end=5)
    known, new = ModelChangedEvent(document, plot, "y_range", plot.y_range), (plot, "x_range", fresh)
    events = [known, ModelChangedEvent(document, *new)]
    written = [
        kind(references=document.models.synced_references).encode(events)
        for kind in (Serializer, LazySerializer)
    ]
    assert written[0] == written[1]
    assert "attributes" in written[1][1]["new"] and set(written[1][0]["new"]) == {"id"}
    serializer = LazySerializer(references=document.models.synced_references)
    assert serializer.has_ref(plot) and not serializer.has_ref(fresh)


def test_a_message_finds_the_models_it_names_and_brings_new_ones() -> None:
    websocket.release_brakes()
    document, plot = some_document()
    fresh = {"type": "object", "name": "Range1d", "id": "new", "attributes": {"start": 2.0, "end": 5.0}}
    events = [
        {"kind": "ModelChanged", "model": {"id": plot.id}, "attr": "x_range", "new": fresh},
        {"kind": "ModelChanged", "model": {"id": plot.id}, "attr": "y_range", "new": {"id": "new"}},
    ]
    session, patch = ServerSession("1", document), cast(Any, {"events": events})
    session._pending_writes = []
    document.apply_json_patch(patch, setter=session)
    assert plot.x_range is plot.y_range and plot.y_range.end == 5.0
    lost: Any = {"events": [{**events[1], "new": {"id": "never seen"}}]}
    with pytest.raises(UnknownReferenceError):
        document.apply_json_patch(lost, setter=session)


@pytest.mark.parametrize(
    ("size", "head"), [(0, "8200"), (125, "827d"), (126, "827e007e"), (65_535, "827effff")]
)
def test_short_frames_say_their_length_as_the_standard_wants(size: int, head: str) -> None:
    assert frame(BINARY, bytes(size)) == bytes.fromhex(head) + bytes(size)


def test_long_frames_say_their_length_in_eight_bytes() -> None:
    assert frame(TEXT, bytes(65_536))[:10].hex() == "817f0000000000010000"


class Written:
    """What stands for a handler, its protocol and its stream: keeps what is written."""

    def __init__(self) -> None:
        self.ws_connection = self.stream = self
        self.writes: list[bytes] = []

    def is_closing(self) -> bool:
        return False

    def write(self, data: bytes) -> Future[None]:
        self.writes.append(data)
        done: Future[None] = Future()
        done.set_result(None)
        return done


class Handler(Written, WebSocketHandler):
    """The same, of the kind that Panel looks for, with a lock that nobody holds."""

    def __init__(self) -> None:
        Written.__init__(self)
        self.write_lock = self

    async def acquire(self) -> Any:
        return nullcontext()


def test_a_message_with_its_buffers_is_one_write() -> None:
    document, plot = some_document()
    source = plot.select_one(ColumnDataSource)
    event = ModelChangedEvent(document, source, "data", {"x": np.arange(100.0)})
    message = Protocol().create("PATCH-DOC", [event])
    handler: Any = Written()

    websocket._write_whole(handler, message)
    parts = [message.header_json, message.metadata_json, message.content_json]
    expected = b"".join(frame(TEXT, part.encode()) for part in parts)
    assert len(message._buffers) == 1 and len(handler.writes) == 1
    assert handler.writes[0].startswith(expected) and handler.writes[0].endswith(np.arange(100.0).tobytes())


def test_bokeh_and_panel_send_through_what_was_released() -> None:
    websocket.release_brakes()
    assert vars(import_module("bokeh.protocol.messages.patch_doc"))["Serializer"] is LazySerializer
    document, plot = some_document()
    handler: Any = Handler()
    connection: Any = SimpleNamespace(_socket=handler, protocol=Protocol())
    events = [ModelChangedEvent(document, plot, "width", 300)]
    assert websocket.panel_document.dispatch_tornado(connection, events) == []
    asked = Protocol().create("OK", "1")
    step = WSHandler.send_message(handler, asked)
    with pytest.raises(StopIteration):
        step.send(None)
    assert len(handler.writes) == 2 and asked.header_json.encode() in handler.writes[1]


def test_a_change_from_the_browser_is_carried_out_unanswered_and_a_bad_one_is_told() -> None:
    websocket.release_brakes()
    document, plot = some_document()
    session = ServerSession("1", document)
    connection: Any = SimpleNamespace(session=session, ok=str, error=lambda _message, words: words)

    def handled(width: Any) -> Any:
        message = Protocol().create("PATCH-DOC", [ModelChangedEvent(document, plot, "width", 200)])
        message.content["events"][0]["new"] = width
        # Not on this thread, where Playwright's loop runs.
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(asyncio.run, ProtocolHandler().handle(message, connection)).result()

    assert handled(300) is None and plot.width == 300
    assert "width" in handled("wide") and plot.width == 300


def test_releasing_twice_wraps_once() -> None:
    released = lambda: (  # noqa: E731
        WSHandler.open, WSHandler.send_message, websocket.panel_document.dispatch_tornado, ServerSession.patch
    )  # fmt: skip
    websocket.release_brakes()
    once = released()
    websocket.release_brakes()
    assert once == released()
