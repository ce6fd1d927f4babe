"""Figures drawn ahead: while nobody asks for anything, one by one."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import pytest

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
