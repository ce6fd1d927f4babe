"""Frames of a live training: what they hold, what they cost on the wire, what is trained and what is not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from callers import Caller, Counting

from anisoscope.app import packet
from anisoscope.app.frame import Frame, Idle
from anisoscope.app.lenses.spectra import SpectraLens
from anisoscope.app.lenses.spectra.codes import decoded
from anisoscope.app.lenses.spectra.trained import training_of
from anisoscope.app.request import Request
from anisoscope.app.scheduler import SynchronousScheduler
from anisoscope.app.view import LensView

WIRE = 20_000
"""Bytes that a frame of a live training may have."""

SHORT = {"steps": 40, "take": 77}
DIVERGING = {
    "problem": "regression",
    "optimizer_1": "muon",
    "rate_1": 0.1,
    "optimizer_2": "sgd",
    "rate_2": 1e3,
}
FOUR = {"optimizer_3": "sgd", "rate_3": 0.02, "optimizer_4": "soap", "rate_4": 3e-3}


@pytest.fixture(scope="module")
def view() -> Iterator[LensView]:
    made = LensView(SpectraLens(), Caller(), SynchronousScheduler())
    made._delivery.resume()
    yield made
    made.close()


def written(view: LensView) -> list[Frame]:
    """Every frame that is drawn from now on."""
    found: list[Frame] = []
    sent: Any = view._packet
    sent.on_change("serial", lambda _attr, _old, _new: found.append(view.frame))
    return found


def frames(request: Request) -> Iterator[Frame]:
    whole: Frame | None = None
    for frame in SpectraLens().frames(request):
        if isinstance(frame, Frame):
            whole = frame.after(whole)
            yield whole


def asked(**values: Any) -> Request:
    return SpectraLens().validated({**SHORT, **values})


@pytest.mark.parametrize("values", [{}, {"view": "layers"}], ids=["spectra", "all matrices"])
def test_every_frame_after_the_first_is_small(view: LensView, values: dict[str, Any]) -> None:
    request = asked(take=5 + len(values), **values)
    sizes: list[int] = []
    for frame in view.lens.frames(request):
        if isinstance(frame, Frame):
            layout, payload = packet.pack(view._changes(frame))
            sizes.append(len(payload) + len(str(layout)))
    assert len(sizes) > 4 and max(sizes[1:]) <= WIRE, "live, not at once"


def test_the_head_never_goes_back_and_every_row_that_is_there_is_whole() -> None:
    head, count = -1, 0
    for frame in frames(asked(take=11, **FOUR)):
        steps = [frame.tables[f"lane_{k}"]["step"] for k in range(1, 5)]
        there = [int(np.isfinite(s).sum()) for s in steps]
        assert frame.facts["head"] == max(there) - 1 >= head
        assert frame.final or frame.stage == (max(2, frame.facts["head"]), 40), "as the status line counts"
        assert len(set(there)) == 1, "lanes go in lockstep"
        for k, rows in enumerate(there, start=1):
            assert np.isfinite(frame.tables[f"lane_{k}"]["top_beside"][:rows]).all()
            # SOAP's first step only looks at the gradient
            first = 2 if k == 4 else 1
            assert frame.tables[f"lead_{k}"]["codes"][first:rows].any(axis=1).all()
            assert not frame.tables[f"lead_{k}"]["codes"][rows:].any()
        head, count = frame.facts["head"], count + 1
    assert head == 40 and count > 3


def test_the_last_frame_of_a_live_training_is_the_one_of_a_training_made_at_once() -> None:
    live = list(frames(asked(take=12)))[-1]
    again = SpectraLens().compute(asked(take=12))
    for name, columns in again.numeric_columns().items():
        if not name.startswith(("lead_line", "beside_line")) and name in live.numeric_columns():
            np.testing.assert_array_equal(live.numeric_columns()[name], columns, err_msg=name)
    assert live.final and live.facts["status"] == ["done", "done"]


def test_leading_directions_are_there_while_a_training_runs() -> None:
    live = list(frames(asked(take=13, view="layers")))
    assert any(0 < frame.facts["head"] < 40 for frame in live[:-1])
    for name in ("rotation_1", "rotation_last_2"):
        whole = live[-1].tables[name]
        for frame in live:
            found = frame.tables[name]
            for axis in "xy":
                np.testing.assert_array_equal(found[axis], whole[axis][: len(found[axis])], err_msg=name)
        steps = [len(frame.tables[name]["x"]) for frame in live]
        assert steps == sorted(steps) and len(set(steps)) > 2, "it grows with the training"


def test_lines_at_a_step_are_the_singular_values_of_that_step() -> None:
    lens, request = SpectraLens(), asked(matrix="W", beside="D", layer=3, step=17, scale="absolute")
    frame, rows = lens.compute(request), training_of(request).timelines[1]
    for which, kind in (("lead", "W"), ("beside", "D")):
        sigma = rows.sigma(2, kind)[17]
        seen = sigma > rows.floor[17, 2, "WGMUD".index(kind)]
        found = frame.tables[f"{which}_line_2"]
        assert np.asarray(found["x"]).tolist() == (np.flatnonzero(seen) + 1).tolist()
        np.testing.assert_allclose(10 ** np.asarray(found["y"]), sigma[seen], rtol=6e-4)
    relative = lens.hand(request.replace(scale="relative"), frame)["lead_line_2"]
    sigma = rows.sigma(2, "W")[17]
    np.testing.assert_allclose(10 ** relative["y"], (sigma / sigma[0])[: len(relative["y"])], rtol=6e-4)
    edge = frame.tables["lead_edge_2"]["y0"]
    assert len(edge) == 1 and sigma[0] * 0.05 < 10 ** edge[0] < sigma[0] * 5


def test_a_branch_with_the_same_rate_is_its_parent() -> None:
    frame = SpectraLens().compute(
        asked(optimizer_3="adamw", rate_3=1e-3, branch_3=(2.0, 20.0), optimizer_2="adamw", rate_2=1e-3)
    )
    for table in ("lead", "beside", "metric", "loss"):
        for column, values in frame.tables[f"{table}_2"].items():
            # the smallest singular values hang on the last bits of a Gram matrix
            relative, absolute = (0.0, 0.0) if table == "loss" else (1e-4, 3.0)
            np.testing.assert_allclose(
                frame.tables[f"{table}_3"][column].astype(float),
                values.astype(float),
                relative,
                absolute,
                err_msg=table,
            )
    other = SpectraLens().compute(
        asked(optimizer_3="adamw", rate_3=1e-2, branch_3=(2.0, 20.0), optimizer_2="adamw", rate_2=1e-3)
    )
    codes, parent = other.tables["lead_3"]["codes"], other.tables["lead_2"]["codes"]
    np.testing.assert_array_equal(codes[:21], parent[:21])
    assert (codes[22:] != parent[22:]).any(axis=1).all()


@pytest.mark.parametrize("take", [31, 32])
def test_a_lane_that_diverges_stops_and_says_so_while_the_other_goes_on(take: int) -> None:
    lens = SpectraLens()
    request = asked(**DIVERGING, take=take, step=40)
    frame = lens.compute(request)
    stopped = int(frame.facts["stopped_step_2"])
    words = f"diverged at step {stopped}"
    assert frame.facts["status"] == ["done", words] and 1 <= stopped < 20
    assert f"SGD {words}" in frame.notes
    table = lens.table(request, frame)
    assert table is not None and [row[:2] for row in table.rows] == [["Muon", "done"], ["SGD", words]]
    rows = lens.readouts(request, frame)
    assert (rows[2].label, rows[2].value) == ("SGD", words), "no number of another step stands there"
    before = lens.readouts(request.replace(step=stopped - 1), frame)
    assert before[2].value != words
    steps = frame.tables["lane_2"]["step"]
    assert np.nanmax(steps) == stopped - 1 and np.nanmax(frame.tables["lane_1"]["step"]) == 40
    assert not frame.tables["lead_2"]["codes"][stopped:].any()
    assert np.isfinite(frame.tables["heat"]["x1"]).all()


def test_all_lanes_may_diverge() -> None:
    frame = SpectraLens().compute(
        asked(**{**DIVERGING, "optimizer_1": "sgd", "rate_1": 1e3, "optimizer_2": "gd"})
    )
    assert frame.final and all(s.startswith("diverged at step") for s in frame.facts["status"])
    figures = SpectraLens().figures(frame)
    for figure in figures:
        for axis in (figure.x, figure.y):
            assert axis.range is None or (np.isfinite(axis.range).all() and axis.range[0] < axis.range[1])


def test_another_rate_of_one_lane_does_not_train_the_other_again(view: LensView) -> None:
    view.set({**SHORT, "take": 41}, reset=True)
    before = training_of(view.lens.request())
    steps: list[int] = []
    track = before._tracks[0]
    advance = track.advance
    track.advance = lambda: (steps.append(track.step), advance())[1]
    view.set({"rate_2": 2e-3})
    after = training_of(view.lens.request())
    assert after is not before and after._tracks[0] is track and after._tracks[1] is not before._tracks[1]
    assert steps == [] and after.done
    view.set({"schedule_1": "linear"})
    third = training_of(view.lens.request())
    assert third._tracks[1] is after._tracks[1] and third._tracks[0] is not track


@pytest.mark.parametrize(
    "change",
    [{"layer": 1}, {"matrix": "G"}, {"beside": "M"}, {"metric": "flatness"}, {"scale": "absolute"},
     {"against": "seconds"}, {"last": 10}, {"view": "layers"}],
    ids=lambda change: next(iter(change)),
)  # fmt: skip
def test_another_look_at_the_same_training_is_one_frame(view: LensView, change: dict[str, Any]) -> None:
    view.set({**SHORT, "take": 42}, reset=True)
    training, drawn = training_of(view.lens.request()), written(view)
    view.set(change)
    assert training_of(view.lens.request()) is training
    assert len(drawn) == 1 and drawn[0].final


def test_the_step_asks_for_nothing(view: LensView) -> None:
    view.set({**SHORT, "take": 43}, reset=True)
    drawn = written(view)
    for step in (0, 7, 39):
        view.set({"step": step})
    assert drawn == []


def test_a_cancelled_training_keeps_what_it_has_and_goes_on_there() -> None:
    worker = Counting()
    view = LensView(SpectraLens(), worker, SynchronousScheduler())
    view._delivery.resume()
    view.set({"steps": 100, "take": 51})
    while view.frame.final or view.frame.facts["head"] < 10:
        worker.go(view._mailbox, 1)
    training = training_of(view.lens.request())
    view.pause()
    worker.go(view._mailbox, 20)
    head = training.head
    assert 10 <= head < 100 and not view.frame.final and view._mailbox.generator is None
    worker.go(view._mailbox, 20)
    assert training.head == head, "it stands still"
    view.resume()
    worker.go(view._mailbox, 1)
    assert view.frame.facts["head"] == head, "what was trained is there at once"
    while not view.frame.final:
        worker.go(view._mailbox, 1)
    assert training_of(view.lens.request()) is training and training.head == 100
    worker.go(view._mailbox, 5)
    view.pause()
    view.resume()
    assert view._mailbox.generator is None and view._mailbox.pending is None, "nothing is left to do"
    view.close()


def test_what_an_earlier_training_reported_is_not_said_of_this_one(view: LensView) -> None:
    view.set({**SHORT, **FOUR, "take": 61}, reset=True)
    assert view.parts.table is not None
    assert "accuracy" in view.parts.table.headings and len(view.parts.table.rows) == 4
    view.set({"problem": "regression", "steps": 20, "last": 5, "optimizer_1": "muon", "rate_1": 0.1,
              "optimizer_2": "gd", "optimizer_3": "none", "optimizer_4": "none"})  # fmt: skip
    view.parts.show_words(view.lens.request(), view.complete)
    table = view.parts.table
    assert "f − f*" in table.headings and "accuracy" not in table.headings
    fresh = SpectraLens().table(view.lens.request(), SpectraLens().compute(view.lens.request()))
    assert fresh is not None and table.rows == [list(row) for row in fresh.rows]


def test_while_a_training_grows_the_table_has_no_numbers_of_another() -> None:
    worker = Counting()
    view = LensView(SpectraLens(), worker, SynchronousScheduler())
    view._delivery.resume()
    view.set({"optimizer_1": "shampoo", "steps": 60, "take": 62})
    while view.frame.final:
        worker.go(view._mailbox, 1)
    table = view.lens.table(view.lens.request(), view.complete)
    assert table is not None and [row[1] for row in table.rows] == ["running", "running"]
    assert all(cell == "–" for row in table.rows for cell in row[2:]), table.rows
    view.cancel()
    view.close()


def test_a_frame_with_idle_time_says_how_long() -> None:
    idles = [f for f in SpectraLens().frames(asked(take=71, steps=20)) if isinstance(f, Idle)]
    assert all(0 < idle.seconds <= 1 / 30 and not idle.outside for idle in idles)


def test_codes_of_a_frame_are_those_of_the_training() -> None:
    request = asked(matrix="G", layer=1)
    frame, training = SpectraLens().compute(request), training_of(request)
    for k, rows in enumerate(training.timelines, start=1):
        sigma, floor = rows.sigma(0, "G"), rows.floor[:, 0, 1]
        found = 10 ** decoded(frame.tables[f"lead_{k}"]["codes"])[: rows.rows]
        seen = sigma > floor[:, None]
        np.testing.assert_array_equal(np.isfinite(found), seen)
        np.testing.assert_allclose(found[seen], sigma[seen], rtol=6e-4)
