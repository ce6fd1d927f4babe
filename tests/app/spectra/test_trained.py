"""Trainings that several threads of one process look at."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

from anisoscope.app.frame import Frame
from anisoscope.app.lenses.spectra import SpectraLens
from anisoscope.app.lenses.spectra.timeline import Timeline
from anisoscope.app.lenses.spectra.trained import advance, training_of

ASKED = {"steps": 40, "step": 40, "seed": 7}


def test_an_export_while_the_page_trains_shares_the_training() -> None:
    """A page's thread and another one advance the same lanes in turn, and both come to what one alone comes to."""
    lens, found = SpectraLens(), dict[str, Any]()
    page = lens.frames(lens.validated(ASKED))
    begun = next(page)

    def export() -> None:
        try:
            found["export"] = lens.compute(ASKED)
        except Exception as error:
            found["export"] = error

    thread = threading.Thread(target=export)
    thread.start()
    frames = [begun, *page]
    thread.join(60)
    shown = [frame for frame in frames if isinstance(frame, Frame)][-1]
    assert not isinstance(found["export"], Exception), found["export"]
    alone = lens.compute({**ASKED, "take": 1})
    for frame in (shown, found["export"]):
        assert frame.facts["status"] == ["done", "done"]
        for name in ("Muon_loss", "AdamW_loss", "Muon_median", "AdamW_median"):
            assert frame.facts[name] == alone.facts[name]


@pytest.mark.parametrize(("view", "take"), [("training", 3), ("layers", 4)])
def test_a_frame_is_of_one_moment(monkeypatch: pytest.MonkeyPatch, view: str, take: int) -> None:
    """Whenever a page looks which rows there are, another thread makes one more step of the same training."""
    lens, shown = SpectraLens(), Timeline.shown
    asked = lens.validated({**ASKED, "steps": 90, "step": 90, "take": take, "view": view})
    training = training_of(asked)

    def overtaken(self: Timeline, k: int) -> np.ndarray:
        advance(training, 0.0)
        return shown(self, k)

    monkeypatch.setattr(Timeline, "shown", overtaken)
    frames = [frame for frame in lens.frames(asked) if isinstance(frame, Frame)]
    assert len(frames) > 2 and not frames[0].facts["ended"]
    for frame in frames:
        steps = [frame.tables[f"lane_{k}"]["step"] for k in (1, 2)]
        heads = [int(np.nanmax(found)) for found in steps]
        assert frame.facts["head"] == max(heads) and abs(heads[0] - heads[1]) <= 1
    # drawn to its end, although the last step was made while a frame was
    assert [len(frames[-1].tables[f"metric_{k}"]["x"]) for k in (1, 2)] == [90, 90]
    assert frames[-1].facts["status"] == ["done", "done"]


def test_equal_requests_are_one_training() -> None:
    lens = SpectraLens()
    first, second = (training_of(lens.validated({**ASKED, "layer": layer})) for layer in (1, 2))
    assert first is second
    assert training_of(lens.validated({**ASKED, "take": 2})) is not first
