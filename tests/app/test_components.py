"""The page's components as Python sees them: parameters, messages and what is refused."""

from __future__ import annotations

import base64
from types import SimpleNamespace
from typing import Any, cast

import pytest
from bokeh.document import Document
from panel.io.state import state
from panel.models.esm import DataEvent

from anisoscope.app.control import Readout
from anisoscope.app.figure import Axis, Figure, Key
from anisoscope.app.shell.button import Button
from anisoscope.app.shell.choice import Choice, Switch
from anisoscope.app.shell.component import Component
from anisoscope.app.shell.dial import Dial
from anisoscope.app.shell.drop import DropZone
from anisoscope.app.shell.head import MARKS, head_html
from anisoscope.app.shell.keyboard import Keyboard, standard_bindings
from anisoscope.app.shell.notice import Notice
from anisoscope.app.shell.readouts import Readouts
from anisoscope.app.shell.status import StatusLine
from anisoscope.app.shell.transport import Transport

COMPONENTS = [Button, Choice, Dial, DropZone, Keyboard, Notice, Readouts, StatusLine, Switch, Transport]


@pytest.mark.parametrize("component", COMPONENTS)
def test_no_debounce_no_import_from_elsewhere(component: type[Component]) -> None:
    assert component._debounce == 0
    assert "import " not in str(component._esm)
    assert "http" not in str(component._esm)
    assert component().get_root() is not None


def test_a_release_is_heard_with_the_value_settled_even_where_it_is_the_old_one() -> None:
    dial, heard = Dial(value=2.0, start=1, end=10), []
    dial.param.watch(lambda _event: heard.append(dial.value), "release")
    dial.release = {"value": 2.0, "serial": 1}
    dial.release = {"value": 3.0, "serial": 2}
    assert heard == [2.0, 3.0]


def test_integer_dial_gives_integers() -> None:
    dial = Dial(value=3, start=1, end=48, format="integer")
    dial.release = {"value": 4.0, "serial": 1}
    assert type(dial.value) is int


@pytest.mark.parametrize(("bad", "named"), [({"start": 0.0, "log": True}, "start"), ({"end": -1.0}, "end")])
def test_impossible_dial_is_refused_by_name(bad: dict, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        Dial(**bad)


def test_readouts_take_rows_of_a_lens() -> None:
    readouts = Readouts()
    readouts.write([Readout("step τ", "0.6661", "2.45", "hand")])
    assert readouts.rows == [{"label": "step τ", "value": "0.6661", "beside": "2.45", "role": "hand"}]


def test_status_line_buttons() -> None:
    status, heard = StatusLine(), []
    status.on_cancel(lambda: heard.append("cancel"))
    status.on_repair(lambda: heard.append("repair"))
    for message in ("cancel", "repair", "nonsense"):
        status._handle_msg(message)
    assert heard == ["cancel", "repair"]


def test_what_comes_while_changes_wait_is_heard_under_the_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Panel would call without the document's lock, and the first thing that is written would fail."""
    heard: list[str] = []
    button, document, session = Button(label="Branch"), Document(), SimpleNamespace()
    button.on_press(lambda: heard.append("press"))
    document._session_context = lambda: session  # type: ignore[assignment]
    monkeypatch.setitem(state._change_callbacks, document, {})
    button._server_event(document, DataEvent(None, data="press"))
    assert not heard
    (waiting,) = document.session_callbacks
    assert not getattr(waiting.callback, "nolock", False)
    # No loop of its own: Playwright's may be running in this thread.
    with pytest.raises(StopIteration):
        waiting.callback().send(None)
    assert heard == ["press"]


def test_button_and_transport_hear_their_own_words_alone() -> None:
    heard: list[str] = []
    button, transport = Button(label="Branch"), Transport(dial="dial-step")
    button.on_press(lambda: heard.append("press"))
    transport.on_play(lambda: heard.append("play"))
    transport.on_pause(lambda: heard.append("pause"))
    for message in ("press", "play", "pause", "nonsense", {"play": 1}, None):
        button._handle_msg(message)
        transport._handle_msg(message)
    assert heard == ["press", "play", "pause"]


def test_keyboard_passes_on_only_what_is_bound() -> None:
    keyboard, heard = Keyboard(), []
    keyboard.bind(standard_bindings("dial-r", "dial-n"))
    keyboard.on_key(heard.append)
    for event in ("reset", "format_disk"):
        keyboard._handle_msg(event)
    assert heard == ["reset"]


def piece(content: bytes, **changes: object) -> dict:
    whole = {"name": "request.json", "index": 0, "pieces": 1, "piece": base64.b64encode(content).decode()}
    return {**whole, **changes}


def test_file_in_pieces() -> None:
    zone, heard = DropZone(), []
    zone.on_file(lambda name, content: heard.append((name, content)))
    zone._handle_msg(piece(b"ab", pieces=2))
    zone._handle_msg(piece(b"cd", pieces=2, index=1))
    assert heard == [("request.json", b"abcd")]


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (piece(b"x", name="evil.pkl"), "must end in"),
        (piece(b"x" * 30), "at most"),
        (piece(b"x", index=1, pieces=2), "out of order"),
        (piece(b"", piece="!!"), "damaged"),
    ],
)
def test_refused_file_names_itself(message: dict, words: str) -> None:
    zone, heard = DropZone(max_bytes=10), []
    zone.on_file(lambda *file: heard.append(file))
    zone._handle_msg(message)
    assert not heard
    assert message["name"] in zone.message
    assert words in zone.message


def test_figure_head_draws_every_mark_and_escapes() -> None:
    keys = [Key("a < b", cast(Any, mark)) for mark in MARKS]
    html = head_html(
        Figure("plane", "Ghosts & co", (), Axis(), Axis(), unit="<b>", legend=keys, aria="A < B")
    )
    assert html.count("<svg") == len(MARKS)
    assert "Ghosts &amp; co" in html
    assert "&lt;b&gt;" in html
    assert '<p class="spoken">A &lt; B</p>' in html, "a canvas has no words of its own"
