"""A document written before the browser asks for it: what is sent is true, whatever has happened since."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest
from bokeh.document import Document
from bokeh.models import Div
from bokeh.plotting import figure
from bokeh.protocol import Protocol

from anisoscope.app import ahead


@pytest.fixture
def document(monkeypatch: pytest.MonkeyPatch) -> Document:
    reply: Any = import_module("bokeh.protocol.messages.pull_doc_reply").pull_doc_reply
    monkeypatch.setattr(reply, "create", reply.create)
    ahead.install()
    document = Document()
    plot = figure(name="plot", width=300)
    plot.line(x=[1.0, 2.0], y=[3.0, 4.0])
    document.add_root(plot)
    return document


def asked(document: Document, request: str = "7") -> Any:
    return Protocol().create("PULL-DOC-REPLY", request, document)


def width(message: Any) -> int:
    return message.content["doc"]["roots"][0]["attributes"]["width"]


def test_what_was_written_ahead_is_sent_once_as_the_answer(document: Document) -> None:
    plain = asked(document, "6")
    ahead.write(document)
    written = ahead._written[document]
    first, second = asked(document), asked(document)
    assert first is written and second is not written
    assert (first.header["reqid"], first.header["msgtype"]) == ("7", "PULL-DOC-REPLY")
    assert first.header.get("num_buffers") == plain.header.get("num_buffers")
    assert first.content["doc"]["title"] == plain.content["doc"]["title"]
    assert "trigger_on_change" not in vars(document.callbacks)


@pytest.mark.parametrize("held", [False, True])
def test_a_change_since_then_is_sent(document: Document, held: bool) -> None:
    seen: list[Any] = []
    document.on_change(seen.append)
    ahead.write(document)
    if held:
        document.hold()
    document.get_model_by_name("plot").update(width=500)  # type: ignore[union-attr]
    assert width(asked(document)) == 500
    document.unhold()
    assert [event.attr for event in seen] == ["width"]


def test_a_new_root_since_then_is_sent(document: Document) -> None:
    ahead.write(document)
    document.add_root(Div(text="later"))
    assert len(asked(document).content["doc"]["roots"]) == 2


def test_a_timer_changes_nothing_that_was_written(document: Document) -> None:
    seen: list[Any] = []
    document.on_change(seen.append)
    ahead.write(document)
    written = ahead._written[document]
    document.add_timeout_callback(lambda: None, 1000)
    assert len(seen) == 1 and asked(document) is written


def test_an_empty_document_is_left_alone() -> None:
    empty = Document()
    ahead.write(empty)
    assert empty not in ahead._written


def test_installing_twice_wraps_once(document: Document) -> None:
    reply: Any = import_module("bokeh.protocol.messages.pull_doc_reply").pull_doc_reply
    once = reply.create.__func__
    ahead.install()
    assert reply.create.__func__ is once and once.looks_ahead
