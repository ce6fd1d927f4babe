"""A whole view without a browser: from a parameter to columns written and words that quote the frame."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from callers import Caller

from anisoscope.app import reporting
from anisoscope.app.errors import RequestError
from anisoscope.app.lenses.ghosts import GhostsLens
from anisoscope.app.scheduler import SynchronousScheduler
from anisoscope.app.view import LensView


@pytest.fixture
def view() -> Iterator[LensView]:
    made = LensView(GhostsLens(), Caller(), SynchronousScheduler())
    made._delivery.resume()
    yield made
    made.close()


def written(view: LensView) -> Callable[[], list[int]]:
    """How many bytes each frame's packet had, from now on."""
    sizes: list[int] = []
    packet: Any = view._packet
    packet.on_change("serial", lambda _attr, _old, _new: sizes.append(len(packet.payload)))
    return lambda: sizes


def test_a_parameter_reaches_the_figures_and_the_words_within_the_call(view: LensView) -> None:
    threads = threading.active_count()
    sizes, tile = written(view), view.parts.heads["thumbnails"]
    before = (view.complete.facts["bound_radius"], view.parts.claims.object, tile.object)
    view.set({"network": "cnn"})
    asked = view.lens.request()
    assert view.complete.facts["bound_radius"] == view.lens.compute(asked).facts["bound_radius"] != before[0]
    assert len(sizes()) >= 2 and min(sizes()) > 0, "a coarse frame and a fine one"
    assert view.parts.claims.object != before[1]
    view.set({"brush": (-2.0, -1.0)})
    inside = int(view.complete.tables["inside"]["count"][0])
    assert 0 < inside < 1438 and f" {inside}<" in tile.object != before[2]
    assert threading.active_count() == threads


def test_every_frame_counts_as_painted_at_once(view: LensView) -> None:
    sizes, before = written(view), view._delivery.overwritten
    for sample in range(5):
        view.set({"sample": sample})
    assert view.frame.facts["sample"] == 4
    assert len(sizes()) == 10, "a coarse frame and a fine one each"
    assert view._delivery.overwritten == before


def test_a_refused_value_is_said_and_leaves_the_picture(view: LensView) -> None:
    sizes, frame = written(view), view.frame
    view.set({"temperature": -1.0})
    assert "temperature" in view.parts.status.component.message
    assert view.frame is frame and sizes() == []


class Later(SynchronousScheduler):
    """Does at once what changes the page, and what comes after a pause when told to."""

    def __init__(self) -> None:
        super().__init__()
        self.paused: list[Callable[[], None]] = []

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        self.paused.append(action)


Waiting = tuple[LensView, Later]


@pytest.fixture
def waiting() -> Iterator[Waiting]:
    """A view that is ready for frames, and what waits for a pause in it."""
    scheduler = Later()
    made = LensView(GhostsLens(), Caller(), scheduler)
    made._delivery.resume()
    yield made, scheduler
    made.close()


def test_the_status_follows_the_picture_with_the_words_and_never_over_an_error(waiting: Waiting) -> None:
    view, scheduler = waiting
    status = view.parts.status.component
    assert status.state == "starting"
    for action in scheduler.paused:
        action()
    assert status.state != "starting" and status.milliseconds > 0
    view.set({"sample": 3})
    view.set({"temperature": -1.0})
    assert status.state == "error"
    _rest(view, scheduler)
    assert status.state == "error" and "temperature" in status.message
    view.set({"sample": 4})
    _rest(view, scheduler)
    assert status.state == "ready" and status.message == "Ready" and status.tag == ""


def test_a_name_that_is_not_known_stays_said_while_its_frames_come(waiting: Waiting) -> None:
    view, scheduler = waiting
    view.set({"sample": 3, "of_later": 1})
    _rest(view, scheduler)
    assert "of_later" in view.parts.status.component.message


def test_a_refusal_goes_when_the_hand_moves_and_stays_when_the_lens_does(waiting: Waiting) -> None:
    view, scheduler = waiting
    _rest(view, scheduler)
    status = view.parts.status.component
    view.set({"temperature": -1.0})
    view.set_along({"r": 0.5})
    assert status.state == "error"
    view.set({"r": 0.6})
    assert (status.state, status.message, status.tag) == ("ready", "Ready", "")


def test_a_refusal_stays_while_a_dial_plays_and_goes_with_what_is_asked_though_nothing_changes(
    waiting: Waiting,
) -> None:
    view, scheduler = waiting
    _rest(view, scheduler)
    status = view.parts.status.component
    view.parts.status.refused(RequestError("file", "x", "no such"))
    with view.lens.history.hand_moving():
        view.set({"r": 0.5}, from_browser=True)
        view.set({"r": 0.6}, from_browser=True)
    assert status.state == "error", "a dial that plays has no hand on it"
    view.settled()
    assert status.state == "ready"
    view.parts.status.refused(RequestError("file", "x", "no such"))
    view.settled()
    assert status.state == "error", "where the hand lets go is where it was said"
    view.set({}, reset=True)
    view.parts.status.refused(RequestError("file", "x", "no such"))
    view.set({}, reset=True)
    assert status.state == "ready"


def test_a_refusal_leaves_what_runs_its_cancel_and_an_end_takes_it() -> None:
    view = LensView(GhostsLens(), Caller(), Later())
    status, mailbox = view.parts.status, view._mailbox
    status.component.cancellable = True
    mailbox.running = view._request
    status.refused(RequestError("file", "x", "no such"))
    assert status.component.cancellable
    mailbox.running = None
    status.refused(RequestError("file", "x", "no such"))
    assert not status.component.cancellable
    view.close()


def test_a_cancelled_computation_takes_the_offer_of_a_repair_along() -> None:
    view = LensView(GhostsLens(), Caller(), Later())
    status = view.parts.status.component
    view.parts.status.refused(RequestError("sample", 9e9, "must be lower", 359))
    assert status.repair
    view.cancel()
    assert (status.state, status.repair) == ("cancelled", "")
    view.close()


def _rest(view: LensView, scheduler: Later) -> None:
    """All that waits for a pause or a receipt comes."""
    for _ in range(4):
        view._delivery.acknowledge(view._delivery.serial)
        due, scheduler.paused = scheduler.paused, []
        for action in due:
            action()


def test_the_rate_of_a_drag_goes_when_the_hand_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(reporting.time, "monotonic", lambda: now[0])
    scheduler = Later()
    view = LensView(GhostsLens(), Caller(), scheduler)
    view._delivery.resume()
    status = view.parts.status.component
    for sample in range(5):
        view.set({"sample": sample})
        view._delivery.acknowledge(view._delivery.serial)
    for action in scheduler.paused[:]:
        action()
    dragged = status.rate
    now[0] += 0.9
    for action in scheduler.paused[:]:
        action()
    assert status.rate == dragged > 2, "a slow hand is a drag too"
    now[0] += 0.2
    for action in scheduler.paused[:]:
        action()
    assert status.rate == 0
    view.close()
