"""A page's document written for the browser while that still loads its scripts.

Bokeh writes it when the browser asks, and both wait. Here it is written as soon as the page is answered, or with a page
that was made before (`spare`), and sent unless something in the document has changed since.
Bokeh's reply is touched here and nowhere else; `constraints.txt` pins the version.
"""

from __future__ import annotations

import functools
import weakref
from importlib import import_module
from typing import Any

from bokeh.document import Document
from bokeh.document.events import DocumentPatchedEvent
from bokeh.protocol.message import Message
from tornado.ioloop import IOLoop

PAUSE = 0.05
"""Seconds after a page is made: it is sent first."""

_written: weakref.WeakKeyDictionary[Document, Message[Any]] = weakref.WeakKeyDictionary()

# By its full name: the package holds a class of the same name as the module.
_Reply: Any = import_module("bokeh.protocol.messages.pull_doc_reply").pull_doc_reply


def install() -> None:
    """Have documents that were written ahead sent. Safe to call twice."""
    asked = _Reply.create.__func__
    if getattr(asked, "looks_ahead", False):
        return

    @functools.wraps(asked)
    def create(cls: Any, request_id: Any, document: Document, **metadata: Any) -> Message[Any]:
        ready = _taken(document)
        if ready is None:
            return asked(cls, request_id, document, **metadata)
        header: Any = {**ready.header, **cls.create_header(request_id=request_id)}
        ready.header, ready.metadata = header, metadata
        return ready

    create.looks_ahead = True  # type: ignore[attr-defined]
    _Reply.create = classmethod(create)


def write_soon(document: Document) -> None:
    """Write a document when the loop of its server is free; to be called on that loop's thread."""
    reference = weakref.ref(document)

    def still_there() -> None:
        document = reference()
        if document is not None and document.session_context is not None:
            write(document)

    IOLoop.current().call_later(PAUSE, still_there)


def write(document: Document) -> None:
    """Write a document now and keep it until it is sent or something changes; nothing where it holds nothing."""
    if not document.roots:
        return
    message = _Reply.create("", document)
    # Worked out when it is first asked for, and kept by the message.
    _ = message.content_json
    _written[document] = message
    # Not `on_change`: changes that are held back, or that Panel sends by itself, do not come through there.
    callbacks: Any = document.callbacks
    callbacks.trigger_on_change = functools.partial(_changed, weakref.ref(document))


def _changed(reference: weakref.ref[Document], event: Any) -> None:
    document = reference()
    if document is None:
        return
    # Timers come and go too; only a patch is something that the browser would have to be told.
    if isinstance(event, DocumentPatchedEvent):
        _taken(document)
    type(document.callbacks).trigger_on_change(document.callbacks, event)


def _taken(document: Document) -> Message[Any] | None:
    """What was written of a document and is true still; from now on it is not kept."""
    message = _written.pop(document, None)
    if message is not None:
        del document.callbacks.trigger_on_change
    return message
