"""Figures drawn ahead: while nobody asks for anything, one by one."""

from __future__ import annotations

import itertools
import threading
from types import SimpleNamespace

import pytest
from served import until

from anisoscope.app.drawing import supply as module
from anisoscope.app.drawing.screen import Screen
from anisoscope.app.drawing.supply import Supply
from anisoscope.app.registry import lens_class


@pytest.mark.parametrize("politely", [True, False])
def test_each_figure_waits_for_quiet_where_readers_are_there(
    monkeypatch: pytest.MonkeyPatch, politely: bool
) -> None:
    done: list[str] = []
    quiet = itertools.cycle([0.0, 9.9, 10.1])
    monkeypatch.setattr(module, "quiet_for", lambda: next(quiet))
    monkeypatch.setattr(module, "time", SimpleNamespace(sleep=lambda _seconds: done.append("wait")))
    monkeypatch.setattr(Screen, "draw", lambda _self, _frame: done.append("draw"))
    kind = lens_class("psf")
    supply = Supply(kept=1, pause=10.0)
    supply.prepare([kind], politely=politely)
    shown = done.count("draw")
    assert shown > 1
    assert done == (["wait", "wait", "draw"] if politely else ["draw"]) * shown
    monkeypatch.setattr(Supply, "refill", lambda _self, _lenses: None)
    assert supply.take(kind()) and supply.take(kind()) is None


def test_one_thread_fills_up_what_many_readers_took(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page opened a hundred times in a busy while is drawn ahead as often as sets are kept, not a hundred times."""
    filled: list[type] = []
    monkeypatch.setattr(Supply, "prepare", lambda _self, lenses, politely: filled.extend(lenses))
    supply, kinds = Supply(pause=0.2), [lens_class("psf"), lens_class("ghosts")]
    others = set(threading.enumerate())
    for _ in range(100):
        supply.refill(kinds[:1])
    supply.refill(kinds[1:])
    assert sum(t.name == "anisoscope-supply" for t in threading.enumerate() if t not in others) == 1
    until(lambda: not supply._refilling)
    assert filled == kinds
    supply.refill(kinds[:1])
    until(lambda: not supply._refilling)
    assert filled == [*kinds, kinds[0]]
