"""Undo and redo: what counts as one state, and what does not count at all."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from callers import Caller
from small_lens import Training

from anisoscope.app import uploads
from anisoscope.app.history import MOST_STATES, History
from anisoscope.app.lens import Lens
from anisoscope.app.request import Request
from anisoscope.app.scheduler import SynchronousScheduler
from anisoscope.app.view import LensView


def state(number: float) -> Request:
    return Request.of("training", {"rate": number, "step": 0})


@pytest.fixture
def lens() -> Training:
    return Training()


def shown(lens: Lens) -> LensView:
    view = LensView(lens, Caller(), SynchronousScheduler())
    view._delivery.resume()
    return view


@pytest.fixture
def view(lens: Training) -> Iterator[LensView]:
    made = shown(lens)
    yield made
    made.close()


def states(lens: Lens) -> int:
    return len(lens.history._states)


def drag(view: LensView, name: str, *values: float) -> None:
    """What the browser sends while a hand moves a dial, and when it lets go."""
    dial = view.parts.bindings[name].component
    for value in values:
        dial.value = value
    dial.release = {"value": values[-1], "serial": dial.release.get("serial", 0) + 1}


def test_fifty_states_are_kept_and_the_oldest_go() -> None:
    history = History(state(0))
    for number in range(1, 81):
        history.enter(state(number))
    back = 0
    while (earlier := history.neighbour(-1)) is not None:
        history.travel(-1, earlier)
        back += 1
    assert back + 1 == MOST_STATES == 50
    assert history.present == state(80 - 49) and not history.can_undo and history.can_redo


def test_a_new_state_ends_what_could_be_redone_and_the_same_state_does_not() -> None:
    history = History(state(0))
    history.enter(state(1))
    history.travel(-1, state(0))
    history.enter(state(0))
    assert history.can_redo
    history.enter(state(2))
    assert not history.can_redo and history.neighbour(-1) == state(0)


def test_what_moves_by_itself_amends_only_itself() -> None:
    history = History(state(0))
    history.enter(state(1))
    history.amend({"step": 7})
    assert history.present == state(1).replace(step=7)
    assert history.neighbour(-1) == state(0) and not history.can_redo


def test_forgotten_states_are_passed_on_both_sides() -> None:
    history = History(state(0))
    for number in (1, 2, 3):
        history.enter(state(number))
    history.forget(-1)
    assert history.present == state(3) and history.neighbour(-1) == state(1)
    history.travel(-1, state(1))
    history.forget(1)
    assert history.present == state(1) and not history.can_redo


def test_a_drag_is_one_state_and_goes_back_whole(view: LensView, lens: Training) -> None:
    drag(view, "rate", 1.5, 2.0, 2.5, 4.0)
    assert states(lens) == 2
    view.undo()
    assert lens.rate == 1.0 == view.parts.bindings["rate"].component.value
    assert view.complete.final and not lens.history.can_undo
    view.redo()
    assert lens.rate == 4.0 and states(lens) == 2


def test_choices_buttons_presets_and_reset_are_one_state_each(view: LensView, lens: Training) -> None:
    view.parts.bindings["method"].component.value = "b"
    view.act("faster")
    view.set({"rate": 5.0, "method": "a", "steps": 3}, reset=True)
    view.set({}, reset=True)
    assert states(lens) == 5
    for _ in range(3):
        view.undo()
    assert (lens.method, lens.rate) == ("b", 1.0)


def test_a_dropped_file_is_one_state_and_one_that_is_gone_is_refused_and_passed(
    view: LensView, lens: Training, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "_shelf", uploads._Shelf())
    view.open_file("mine.npz", b"weights")
    view.set({"weights": "", "rate": 2.0})
    assert states(lens) == 3
    monkeypatch.setattr(uploads, "_shelf", uploads._Shelf())
    view.undo()
    assert (lens.rate, lens.weights) == (2.0, ""), "the reader stays where he is"
    assert "drop mine.npz" in view.parts.status.component.message
    view.undo()
    assert lens.rate == 1.0 and not lens.history.can_undo


def test_a_training_that_goes_on_is_the_state_it_was_started_in(view: LensView, lens: Training) -> None:
    view.set({"steps": 40})
    assert lens.step == 40 and view.parts.bindings["step"].component.value == 40
    assert states(lens) == 2 and lens.history.present == lens.request()
    view.undo()
    assert (lens.steps, lens.step) == (1, 1) and states(lens) == 2
    view.redo()
    assert (lens.steps, lens.step) == (40, 40) and states(lens) == 2


def test_a_training_under_a_moving_hand_leaves_the_state_before_it(view: LensView, lens: Training) -> None:
    view.set({"rate": 2.0})
    view.parts.bindings["rate"].component.value = 3.0
    view.set_along({"step": 1, "parity": 1})
    assert lens.history.present["rate"] == 2.0
    view.undo()
    assert lens.rate == 2.0, "what the hand held was a state of its own by then"


def test_undo_right_after_a_key_takes_back_that_key_alone(view: LensView, lens: Training) -> None:
    """The release of a key comes a quarter of a second after it."""
    view.set({"rate": 2.0})
    view.parts.bindings["rate"].component.value = 2.5
    view.undo()
    assert lens.rate == 2.0
    view.redo()
    assert lens.rate == 2.5


def test_a_gesture_without_a_dial_is_one_state(view: LensView, lens: Training) -> None:
    for serial, rate in enumerate((1.5, 2.0, 2.5)):
        view._hand.changes = {"serial": serial, "values": {"rate": rate}, "ended": False}
    assert states(lens) == 1
    view._hand.changes = {"serial": 9, "values": {}, "ended": True}
    assert states(lens) == 2 and lens.rate == 2.5


def test_views_of_one_lens_share_what_can_be_undone(view: LensView, lens: Training) -> None:
    other = shown(lens)
    seen: list[Request] = []
    other.on_settled.append(seen.append)
    drag(view, "rate", 2.0, 3.0)
    assert states(lens) == 2 and other.parts.undo.can_undo and seen[-1]["rate"] == 3.0
    other.undo()
    assert lens.rate == 1.0 == view.parts.bindings["rate"].component.value
    assert (view.parts.undo.can_undo, view.parts.undo.can_redo) == (False, True)
    other.close()


def test_the_buttons_and_keys_undo_and_redo(view: LensView, lens: Training) -> None:
    buttons = view.parts.undo
    assert (buttons.can_undo, buttons.can_redo) == (False, False)
    view.set({"rate": 2.0})
    assert (buttons.can_undo, buttons.can_redo) == (True, False)
    buttons._handle_msg("undo")
    assert lens.rate == 1.0 and (buttons.can_undo, buttons.can_redo) == (False, True)
    view.parts.keyboard._handle_msg("redo")
    assert lens.rate == 2.0
    buttons._handle_msg({"anything": "else"})
    assert lens.rate == 2.0


def test_a_link_is_the_opening_state() -> None:
    lens = Training()
    lens.restore({"rate": 7.0})
    opened = shown(lens)
    assert not opened.parts.undo.can_undo
    opened.set({"rate": 8.0})
    opened.undo()
    assert lens.rate == 7.0 and not lens.history.can_undo
    opened.close()
