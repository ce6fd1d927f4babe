"""Trainings that several threads of one process look at."""

from __future__ import annotations

import threading
from typing import Any

from anisoscope.app.frame import Frame
from anisoscope.app.lenses.spectra import SpectraLens
from anisoscope.app.lenses.spectra.trained import training_of

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


def test_equal_requests_are_one_training() -> None:
    lens = SpectraLens()
    first, second = (training_of(lens.validated({**ASKED, "layer": layer})) for layer in (1, 2))
    assert first is second
    assert training_of(lens.validated({**ASKED, "take": 2})) is not first
