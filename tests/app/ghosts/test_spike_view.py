"""The spike lab as the page has it: lanes that grow, pauses, rewinding, buttons, and words that say who did as well."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest

from anisoscope.app.errors import RequestError
from anisoscope.app.frame import Frame
from anisoscope.app.lenses.ghosts import GhostsLens, spike_labs, spike_view
from anisoscope.app.lenses.ghosts.choices import LONGEST
from anisoscope.app.lenses.ghosts.spike_words import LANES, claims

SHORT = {"view": "spike", "spike_steps": 60, "spike_at": 20, "spike_held": 3}
DIVERGING = {
    **SHORT,
    "spike_optimizer": "adamw",
    "spike_rate": 10.0,
    "spike_factor": 1e4,
    "spike_at": 3,
    "spike_held": 600,
}
"""Weight decay alone then multiplies the weights by −1000 in each spiked step."""


@pytest.fixture(scope="module")
def trained(lens: GhostsLens) -> list[Frame]:
    """All frames of a training that nobody has looked at before."""
    found: Iterator[object] = lens.frames(lens.validated({**SHORT, "spike_seed": 17}))
    return [frame for frame in found if isinstance(frame, Frame)]


def test_lanes_grow_from_frame_to_frame_and_keep_what_they_had(trained: list[Frame]) -> None:
    heads = [frame.facts["spike_head"] for frame in trained]
    assert heads[0] == 0 and heads[-1] == 60 and heads == sorted(heads) and len(heads) >= 3
    assert trained[-1].final and not any(frame.final for frame in trained[:-1])
    assert all(frame.stage == (head, 60) for head, frame in zip(heads[:-1], trained, strict=False))
    last = trained[-1].tables
    for frame in trained:
        for lane in LANES:
            curve = frame.tables[f"spike_loss_{lane}"]
            now = len(curve["x"])
            assert now == frame.facts["spike_head"] + 1
            np.testing.assert_array_equal(curve["y"], last[f"spike_loss_{lane}"]["y"][:now])


def test_every_figure_is_full_at_the_end_and_lanes_are_named_apart(lens, trained: list[Frame]) -> None:
    frame = trained[-1]
    assert len(frame.tables["spike_reach_radius"]["x"]) == 60
    np.testing.assert_allclose(frame.tables["spike_shade"]["x0"], [19.5])
    np.testing.assert_allclose(frame.tables["spike_shade"]["x1"], [22.5])
    for figure in lens.figures(frame):
        if figure.name.startswith("spike_") and figure.y.range is not None:
            low, high = figure.y.range
            quantity = figure.name.removeprefix("spike_")
            heights = sorted(float(frame.tables[f"spike_{quantity}_name_{lane}"]["y"][0]) for lane in LANES)
            assert min(np.diff(heights)) > 0.08 * (high - low) and low <= heights[0] and heights[-1] <= high
    reach = frame.tables["spike_reach_radius"]["y"]
    assert reach.max() <= math.log10(1 + 1e-6)


def test_a_pause_shows_what_was_computed_and_trains_nothing(
    lens, trained: list[Frame], monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("trained although all of it is known")

    monkeypatch.setattr(spike_labs, "advance", never)
    paused = lens.compute({**SHORT, "spike_seed": 17, "spike_until": 31})
    assert paused.facts["spike_head"] == 31 and paused.notes == ("paused at step 31 of 60",)
    for lane in LANES:
        whole = trained[-1].tables[f"spike_accuracy_{lane}"]["y"]
        np.testing.assert_array_equal(paused.tables[f"spike_accuracy_{lane}"]["y"], whole[:32])


def test_a_frame_ends_at_the_last_whole_row(lens: GhostsLens) -> None:
    """Another thread trains the same lanes, and has written part of a step's numbers."""
    asked = {**SHORT, "spike_seed": 18, "spike_until": 24}
    before, lab = lens.compute(asked), spike_labs.lab_of(lens.validated(asked))
    begun = [
        numbers
        for lane in lab.lanes
        for numbers in (lane.records.loss, lane.records.accuracy, lane.records.proposed)
    ]
    for numbers in begun:
        numbers.append(7.0)
    assert lab.head == 24
    found, facts = spike_view._seen(lab, lens.validated({**asked, "spike_until": 60}), 60)
    assert facts["spike_head"] == 24 and facts["spike_loss_plain"] == before.facts["spike_loss_plain"]
    for lane in LANES:
        np.testing.assert_array_equal(
            found[f"spike_loss_{lane}"]["y"], before.tables[f"spike_loss_{lane}"]["y"]
        )
    for numbers in begun:
        numbers.pop()


def test_the_cursor_never_runs_ahead_of_the_lanes(lens, trained: list[Frame]) -> None:
    frame = next(frame for frame in trained if 0 < frame.facts["spike_head"] < 60)
    head = frame.facts["spike_head"]
    for step, seen in ((0, 0), (head, head), (LONGEST, head)):
        asked = lens.validated({**SHORT, "spike_step": step})
        assert lens.hand(asked, frame)["spike_cursor"]["x"].tolist() == [seen]
        assert lens.readouts(asked, frame)[0].label == f"at step {seen}"


def test_buttons_pause_go_on_step_and_spike(lens, trained: list[Frame]) -> None:
    values = {**lens.defaults(), **SHORT, "spike_seed": 17}
    assert spike_labs.acted("spike_pause", {**values, "spike_until": 30}) == {"spike_until": LONGEST}
    one = spike_labs.acted("spike_one", {**values, "spike_until": 30})
    assert one == {"spike_until": 31, "spike_step": LONGEST}
    spiked = spike_labs.acted("spike", {**values, "spike_step": 40})
    assert (spiked["spike_at"], spiked["spike_again"][0]) == (20, 41.0)
    assert spiked["spike_until"] == LONGEST and spiked["spike_steps"] == 141
    earlier = spike_labs.acted("spike", {**values, "spike_step": 9})
    assert earlier["spike_at"] == 10 and not any(earlier["spike_again"]), "the spike at 20 is taken back"
    lens.validated({**values, **spiked})
    lens.validated({**values, **earlier})


def test_no_spike_behind_the_last_step(lens: GhostsLens, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spike_labs, "lab_of", lambda _: type("Lab", (), {"head": LONGEST}))
    values = {**lens.defaults(), "view": "spike", "spike_steps": LONGEST}
    with pytest.raises(RequestError, match=f"spike_at = {LONGEST + 1}.*rewind first"):
        spike_labs.acted("spike", values)


def test_a_lane_that_stops_says_so_and_counts_as_nothing(lens: GhostsLens) -> None:
    asked = lens.validated(DIVERGING)
    frame = lens.compute(asked)
    assert any(note.startswith("plain diverged at step") for note in frame.notes)
    assert math.isnan(frame.facts["spike_accuracy_plain"])
    rows = {row.label: row.value for row in lens.readouts(asked, frame)}
    assert rows["plain"].startswith("diverged at step")
    told = lens.table(asked, frame)
    assert told is not None and told.rows[0][1].startswith("diverged at step")
    assert not any("nan" in claim.ours or "not a number" in claim.ours for claim in lens.claims(asked, frame))


def test_claims_wait_for_the_training_and_leave_none_of_another_view_standing(lens, trained) -> None:
    asked = lens.validated({**SHORT, "spike_seed": 17})
    waiting = claims(asked, trained[0])
    assert [claim.ours for claim in waiting] == ["once the training rests behind the spike"]
    assert lens.table(asked, trained[0]) is None
    rested = claims(asked, trained[-1])
    assert len(rested) == 4 and rested[-1].ours.startswith("r = ")


@pytest.mark.parametrize(
    ("norm", "radius", "said"),
    [
        (0.96, 0.95, "does as well here"),
        (0.67, 0.96, "does worse here"),
        (0.96, 0.5, "does better here"),
        (math.nan, 0.96, "does worse here"),
    ],
)
def test_the_baseline_is_said_to_do_as_well_where_it_does(lens, trained, norm, radius, said) -> None:
    facts = {**trained[-1].facts, "spike_accuracy_step_norm": norm, "spike_accuracy_radius": radius}
    baseline = claims(lens.validated(SHORT), Frame(trained[-1].tables, facts))[0]
    assert said in baseline.text and "knows nothing of logits" in baseline.text


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"spike_target": 0.0}, "spike_target"),
        ({"spike_factor": 1.0}, "spike_factor"),
        ({"spike_optimizer": "lion"}, "spike_optimizer"),
        ({"spike_rate": math.nan}, "spike_rate"),
        ({"spike_batch": 7}, "spike_batch"),
        ({"spike_steps": LONGEST + 1}, "spike_steps"),
        ({"spike_seed": -1}, "spike_seed"),
        ({"spike_again": [1.0]}, "spike_again"),
        ({"spike_again": [0.5, 0, 0, 0]}, "spike_again = .*whole steps from 1 to"),
        ({"spike_again": [1e9, -1, 0.5, 3]}, "spike_again"),
    ],
)
def test_what_cannot_be_trained_is_refused_by_name(lens: GhostsLens, values, name: str) -> None:
    with pytest.raises(RequestError, match=name):
        lens.compute({"view": "spike", **values})


def test_names_are_moved_apart_and_stay_inside() -> None:
    places = spike_view.spread([0.1, 0.1, 0.96, math.nan], 0.0, 1.0)
    assert math.isnan(places[3]) and places[2] == pytest.approx(0.96)
    assert abs(places[1] - places[0]) >= 0.1 and all(0 <= p <= 1 for p in places[:3])
    low, high = spike_view.decades_around(np.array([]))
    assert low < high
