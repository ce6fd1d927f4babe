"""What is made ahead: while nobody asks for anything, part by part, the first of each kind before the second of any."""

from __future__ import annotations

import itertools
import logging
import threading
from collections.abc import Callable
from types import SimpleNamespace

import pytest
from served import until

from anisoscope.app import supply as module
from anisoscope.app.supply import Supply
from anisoscope.engine.onlookers import looks_on


def test_each_is_taken_once_and_kinds_take_turns() -> None:
    made: list[str] = []

    def make(name: str, _wait: Callable[[], None]) -> str | None:
        made.append(name)
        return None if name == "none" else f"{name} {len(made)}"

    supply = Supply(make, kept=2, pause=3600.0)
    supply.prepare(["a", "none", "b"])
    assert made == ["a", "none", "b", "a", "none", "b"]
    assert [supply.take(name) for name in ("a", "a", "a", "none", "b")] == ["a 4", "a 1", None, None, "b 6"]


@pytest.mark.parametrize("politely", [True, False])
def test_each_part_waits_for_quiet_where_readers_are_there(
    monkeypatch: pytest.MonkeyPatch, politely: bool
) -> None:
    done: list[str] = []
    quiet = itertools.cycle([0.0, 9.9, 10.1])
    monkeypatch.setattr(module, "quiet_for", lambda: next(quiet))
    monkeypatch.setattr(module, "time", SimpleNamespace(sleep=lambda _seconds: done.append("wait")))

    def make(_name: str, wait: Callable[[], None]) -> str:
        for _ in range(3):
            wait()
            done.append("part")
        return "made"

    Supply(make, kept=1, pause=10.0).prepare(["a"], politely=politely)
    assert done == (["wait", "wait", "part"] if politely else ["part"]) * 3


def test_what_cannot_be_made_is_said_once_and_keeps_no_other_back(caplog: pytest.LogCaptureFixture) -> None:
    def make(name: str, _wait: Callable[[], None]) -> str:
        if name == "broken":
            raise ValueError("no such curve")
        return name

    supply = Supply(make, kept=2, pause=3600.0)
    with caplog.at_level(logging.ERROR, "anisoscope"):
        supply.prepare(["broken", "sound"])
    assert [record.getMessage() for record in caplog.records] == ["broken cannot be made ahead"]
    assert "no such curve" in caplog.text
    assert supply.take("broken") is None and supply.take("sound") == "sound"


def test_one_thread_fills_up_what_many_readers_took(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page opened a hundred times in a busy while is made ahead as often as pages are kept, not a hundred times."""
    filled: list[str] = []
    monkeypatch.setattr(Supply, "prepare", lambda _self, names, politely: filled.extend(names))
    supply = Supply(lambda name, _wait: name, pause=0.2)
    others = set(threading.enumerate())
    for _ in range(100):
        supply.refill(["a"])
    supply.refill(["b"])
    assert sum(t.name == "anisoscope-supply" for t in threading.enumerate() if t not in others) == 1
    until(lambda: not supply._refilling)
    assert filled == ["a", "b"]
    supply.refill(["a"], pause=0.0)
    until(lambda: not supply._refilling)
    assert filled == ["a", "b", "a"]


def test_what_is_made_beside_looks_on() -> None:
    """Making a page computes, in the process in which a reader may be training."""
    seen: list[bool] = []
    supply = Supply(lambda name, _wait: seen.append(looks_on()) or name, kept=1, pause=0.0)
    supply.refill(["a"])
    until(lambda: not supply._refilling)
    assert seen == [True] and supply.take("a") == "a" and not looks_on()
