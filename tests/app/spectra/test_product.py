"""The product of the layers: of the step that is looked at, named with it, and free while it is off."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from callers import Caller, Counting
from recorded import written as recording

from anisoscope.app.frame import Frame
from anisoscope.app.lenses.spectra import SpectraLens
from anisoscope.app.lenses.spectra.lanes import training_spec
from anisoscope.app.lenses.spectra.problems import problem_of
from anisoscope.app.lenses.spectra.product_words import OFF, RECORDED
from anisoscope.app.request import Request
from anisoscope.app.scheduler import SynchronousScheduler
from anisoscope.app.view import LensView
from anisoscope.engine.alone import alone
from anisoscope.engine.training import LiveTraining
from anisoscope.engine.training.track import Track

ON: dict[str, Any] = {"view": "layers", "product": True, "steps": 40}
DIVERGING = {
    "problem": "regression",
    "optimizer_1": "muon",
    "rate_1": 0.1,
    "optimizer_2": "sgd",
    "rate_2": 1e3,
    "layer": 1,
}


@pytest.fixture
def view() -> Iterator[LensView]:
    made = LensView(SpectraLens(), Caller(), SynchronousScheduler())
    made._delivery.resume()
    yield made
    made.close()


@pytest.fixture
def replays(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Every step that is replayed from now on, by whichever lane."""
    found: list[int] = []
    replaying = Track._replaying

    def counted(self: Track, step: int) -> Any:
        for lane in replaying(self, step):
            found.append(lane.step)
            yield lane

    monkeypatch.setattr(Track, "_replaying", counted)
    return found


def asked(**values: Any) -> Request:
    return SpectraLens().validated({**ON, **values})


def anew(request: Request, lane: int, step: int) -> np.ndarray:
    """σ/σ₁ of the product of all layers of a training made for this alone and stopped at the step, in float64."""
    training = LiveTraining(problem_of(request["problem"]), training_spec(request.as_dict()))
    with alone():
        while training.head < step:
            training.advance()
    weights = training.weights(lane, step)
    matrices = [weights[layer.name].double() for layer in training.timelines[lane].layers]
    product = matrices[0]
    for matrix in matrices[1:]:
        product = matrix @ product
    sigma = torch.linalg.svdvals(product).numpy()
    return sigma / sigma[0]


def lines(frame: Frame) -> list[np.ndarray]:
    tables = (frame.tables[f"product_{k}"] for k in (1, 2))
    return [10 ** np.asarray(table["y"], float) for table in tables]


@pytest.mark.parametrize("step", [0, 17, 26, 40])
def test_it_is_that_of_the_weights_of_the_step(step: int) -> None:
    request = asked(step=step, seed=3)
    frame = SpectraLens().compute(request)
    assert frame.facts["product_step"] == step and f"at step {step};" in frame.facts["product"]
    for lane, sigma in enumerate(lines(frame)):
        wanted = anew(request, lane, step)
        assert len(sigma) == len(wanted) == 10 == frame.facts["product_values"]
        np.testing.assert_allclose(sigma, wanted, rtol=1e-6)
    figure = next(f for f in SpectraLens().figures(frame) if f.name == "product")
    assert figure.unit == frame.facts["product"] and figure.y.range is not None
    assert figure.y.range[0] <= np.log10(min(map(np.min, lines(frame)))) < figure.y.range[0] + 1


def test_the_hand_brings_it_along_when_it_rests(view: LensView, replays: list[int]) -> None:
    view.set({**ON, "take": 201, "step": 40}, reset=True)
    assert view.complete.facts["product_step"] == 40
    drawn = written(view)
    view.set({"step": 17}, from_browser=True)
    assert [frame.stage for frame in drawn] == [(1, 2), (1, 1)]
    first, last = drawn
    assert first.facts["product"].endswith("at step 40; step 17 follows when you stop")
    assert first.facts["product_step"] == 40 and last.facts["product_step"] == 17
    assert not all(np.array_equal(a, b) for a, b in zip(lines(first), lines(last), strict=True))
    assert replays == 2 * list(range(18)), "each lane from its checkpoint"
    np.testing.assert_allclose(lines(last)[1], anew(view.lens.request(), 1, 17), rtol=1e-6)
    count = len(replays)
    view.set({"layer": 1})
    assert len(drawn) == 3 and len(replays) == count, "another matrix leaves it as it is"
    view.set({"step": 40}, from_browser=True)
    assert len(drawn) == 4 and len(replays) == count, "at the end the weights are there"


def test_a_hand_that_moves_on_asks_for_no_replay(replays: list[int]) -> None:
    worker = Counting()
    view = LensView(SpectraLens(), worker, SynchronousScheduler())
    view._delivery.resume()
    view.set({**ON, "take": 202, "step": 40}, reset=True)
    worker.go(view._mailbox, 10_000)
    assert view.frame.final and view.complete.facts["product_step"] == 40
    before = len(replays)
    for step in (30, 20, 10):
        view.set({"step": step}, from_browser=True)
        worker.go(view._mailbox, 1)
        assert view.complete.facts["product_step"] == 40 and len(replays) == before
    view.pause()
    worker.go(view._mailbox, 100)
    assert view.complete.facts["product_step"] == 10, "a player that has stopped rests, too"
    assert replays[before:] == 2 * list(range(11))
    view.close()


def test_switched_off_or_not_shown_it_costs_nothing(view: LensView, replays: list[int]) -> None:
    view.set({**ON, "take": 203, "product": False}, reset=True)
    drawn = written(view)
    for values in ({"product": False}, {"product": True, "view": "training"}):
        view.set(values)
        drawn.clear()
        for step in (0, 7, 39):
            view.set({"step": step}, from_browser=True)
        assert drawn == [] and view.lens.request()["product_step"] == -1
    assert view.complete.facts["product"] == OFF and view.complete.facts["product_step"] is None
    assert replays == []


def test_switching_it_on_and_off_draws_and_takes_away(view: LensView) -> None:
    view.set({**ON, "take": 204, "product": False, "step": 9}, reset=True)
    view.set({"product": True}, from_browser=True)
    assert view.complete.facts["product_step"] == 9 and all(map(len, lines(view.complete)))
    view.set({"product": False}, from_browser=True)
    assert not any(map(len, lines(view.complete))) and view.complete.facts["product"] == OFF


def test_while_a_training_grows_it_is_that_of_its_newest_step(replays: list[int]) -> None:
    request, found = asked(take=205, step=40), dict[int, list[np.ndarray]]()
    frames = [frame for frame in SpectraLens().frames(request) if isinstance(frame, Frame)]
    for frame in frames:
        if not frame.facts["ended"] and "product_1" in frame.tables:
            assert frame.facts["product_step"] <= frame.facts["head"]
            assert f"at step {frame.facts['product_step']}, the newest" in frame.facts["product"]
            found[frame.facts["product_step"]] = lines(frame)
    assert len(found) > 1 and replays == [] and all(f.final or not f.facts["ended"] for f in frames)
    for step in (min(found), max(found)):
        for lane in (0, 1):
            np.testing.assert_allclose(found[step][lane], anew(request, lane, step), rtol=1e-6)
    assert frames[-1].facts["product_step"] == 40


def test_a_step_gone_to_while_a_training_stands_waits_and_moves_nothing() -> None:
    """Of a paused training, too: to look back at it must not make it go on."""
    worker = Counting()
    view = LensView(SpectraLens(), worker, SynchronousScheduler())
    view._delivery.resume()
    view.set({**ON, "steps": 100, "take": 206, "step": 100}, reset=True)
    while view.frame.final or view.frame.facts["head"] < 10:
        worker.go(view._mailbox, 1)
    view.pause()
    worker.go(view._mailbox, 5)
    head = view.complete.facts["head"]
    view.set({"step": 4}, from_browser=True)
    assert view._mailbox.pending is None and view.complete.facts["product_step"] <= head
    view.resume()
    worker.go(view._mailbox, 2_000)
    assert view.frame.final and view.complete.facts["product_step"] == 4
    assert view.lens.history.present["product_step"] == view.lens.request()["product_step"] == 4
    view.close()


def test_a_lane_that_has_stopped_keeps_its_last_step_and_says_so() -> None:
    request = asked(**DIVERGING, step=40)
    frame = SpectraLens().compute(request)
    last = int(frame.facts["stopped_step_2"]) - 1
    assert 0 < last < 40
    assert frame.facts["product"].startswith(f"σᵢ / σ₁ at step 40, SGD at its last, {last};")
    for lane, step in ((0, 40), (1, last)):
        np.testing.assert_allclose(lines(frame)[lane], anew(request, lane, step), rtol=1e-6)


def test_layers_that_are_no_chain_say_so_and_are_not_replayed(replays: list[int]) -> None:
    request = asked(problem="completion_live", optimizer_1="gd", optimizer_2="none", steps=20, step=7)
    frame = SpectraLens().compute(request)
    sizes = [(m.rows, m.columns) for m in problem_layers(request)]
    assert any(after[1] != before[0] for before, after in pairwise(sizes))
    assert frame.facts["product"].startswith("no product: the layers are no chain, ")
    assert f"takes {sizes[1][1]} inputs" in frame.facts["product"] and replays == []


def problem_layers(request: Request) -> Any:
    return LiveTraining(problem_of(request["problem"]), training_spec(request.as_dict())).timelines[0].layers


def test_a_recording_says_that_it_has_none(tmp_path: Any) -> None:
    lens = SpectraLens(view="layers", product=True)
    lens.restore({**lens.open_file("mine.spec", recording(tmp_path / "x.spec", [10, 20])), "view": "layers"})
    lens.step = 10
    frame = lens.compute()
    assert lens.product and lens.product_step == -1
    assert frame.facts["product"] == RECORDED and not any(map(len, lines(frame)))


def test_links_and_requests_by_hand_ask_for_the_step_they_name() -> None:
    lens = SpectraLens()
    assert lens.validated({"view": "layers", "product": True, "step": 5})["product_step"] == 5
    assert lens.validated({"view": "training", "product": True, "step": 5})["product_step"] == -1
    lens.restore({"view": "layers", "product": True, "step": 5, "product_step": 5, "take": 207})
    assert lens.product_step == 5, "though it is not trained yet"
    lens.param.update(**lens.check(lens.act("train"))[0])
    assert (lens.step, lens.product_step) == (240, 240)


def written(view: LensView) -> list[Frame]:
    """Every frame that is drawn from now on, whole."""
    found: list[Frame] = []
    sent: Any = view._packet
    sent.on_change("serial", lambda _attr, _old, _new: found.append(view.complete))
    return found
