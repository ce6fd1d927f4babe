"""The pane of the edge of stability: its runs, what it says of them, and what it does not draw."""

import numpy as np
import pytest

from anisoscope.app.frame import Frame
from anisoscope.app.lenses.spectra import edge_figures, edge_pane, nothing
from anisoscope.app.lenses.spectra.edge_words import BESIDE, EDGE, HIGH, LOW
from anisoscope.app.lenses.spectra.lens import SpectraLens
from anisoscope.app.lenses.spectra.pane_readouts import pane_readouts
from anisoscope.engine.problems import MatrixRegression, edge_of_stability


def steps_of(**values: object) -> list[Frame | None]:
    return list(edge_pane.frames(SpectraLens().validated({"view": "edge", **values})))


def frame_of(**values: object) -> Frame:
    last = steps_of(**values)[-1]
    assert last is not None and last.final
    return last


def test_seven_hovers_and_plunges() -> None:
    facts = frame_of(c=7.0, c_steps=300).facts
    assert 120 < facts["edge_drop_step"] < 200 and facts["edge_diverged_step"] == -1
    assert facts["edge_gap_end"] < 1e-10 < 1 < facts["gd_gap_end"]
    assert facts["edge_stable_step"] == 75
    whole = edge_of_stability(7.0, 0.99, 300, MatrixRegression("small"))
    assert facts["gd_gap_end"] == pytest.approx(whole.gradient_descent[-1].item(), rel=1e-9)
    assert facts["edge_gap_highest"] == pytest.approx(whole.gap.max().item(), rel=1e-3)


def test_a_run_beyond_the_edge_is_said_to_diverge_and_leaves_the_frame() -> None:
    frame = frame_of(c=9.0, c_decay=1.0, c_steps=300)
    step = frame.facts["edge_diverged_step"]
    gap = edge_of_stability(9.0, 1.0, 300, MatrixRegression("small")).gap[:, 0]
    assert gap[step] > np.finfo(np.float32).max > gap[step - 1]
    rows = {row.label: row.value for row in pane_readouts(SpectraLens().validated({"view": "edge"}), frame)}
    assert rows["PolarGrad"] == f"diverged at step {step}" and rows["largest"] == "past float32"
    assert f"diverged at step {step}" in frame.notes[0]
    assert f"diverged at step {step}" in edge_figures.figures(frame)[0].unit
    (ys,) = frame.tables["edge_gap"]["ys"]
    assert ys[-1] == HIGH and frame.tables["edge_gap"]["xs"][0][-1] < 60


def test_infinite_gaps_stay_out_of_facts_and_tables() -> None:
    frame = frame_of(c=10.0, c_decay=1.0, c_steps=1000)
    assert np.isfinite([v for v in frame.facts.values() if isinstance(v, float)]).all()
    for name, column in frame.numeric_columns().items():
        assert np.isfinite(column).all(), name


def test_series_are_cut_where_they_cross_the_frame() -> None:
    y = np.array([0.0, HIGH - 1, HIGH + 3, np.inf, HIGH - 2, LOW - 2])
    pieces = edge_pane.within(10**y)
    assert len(pieces) == 2
    np.testing.assert_allclose(pieces[0], [[0, 1, 1.25], [0, HIGH - 1, HIGH]])
    np.testing.assert_allclose(pieces[1][1], [HIGH, HIGH - 2, LOW])
    share = (HIGH - 2 - LOW) / (HIGH - 2 - LOW + 2)
    np.testing.assert_allclose(pieces[1][0][1:], [4, 4 + share])
    assert edge_pane.within(np.array([np.nan, 0.0])) == []


def test_the_sharpness_of_the_edge() -> None:
    """What the grey band says: stable at EDGE, not a little above, at a constant step."""
    gap = edge_of_stability([EDGE, EDGE + 0.05], 1.0, 1000, MatrixRegression("small")).gap
    assert gap[1000, 0] < 1e-2 * gap[500, 0] and gap[1000, 1] > 1e2 * gap[500, 1]


def test_the_step_size_falls_as_it_is_used() -> None:
    frame = frame_of(c=8.0, c_decay=0.9, c_steps=110)
    sizes = frame.tables["edge_sizes"]
    assert list(sizes["x"]) == [0, 25, 50, 75, 100, 110]
    used = edge_of_stability(8.0, 0.9, 110, MatrixRegression("small")).sharpness[:, 0].numpy()
    np.testing.assert_allclose(np.repeat(sizes["y"], np.diff(sizes["x"]).astype(int)), used)
    assert frame.facts["edge_c_end"] == pytest.approx(used[-1])
    first = frame.facts["edge_stable_step"]
    assert used[first] <= EDGE < used[first - 1]
    assert list(frame.tables["edge_entered"]["x"]) == [first]


def test_a_run_grows_before_the_reader_and_is_remembered() -> None:
    fresh = steps_of(c=6.123, c_decay=0.987, c_steps=450)
    frames = [step for step in fresh if step is not None]
    assert [step.facts["edge_steps_done"] for step in frames] == [200, 400, 450, 450]
    assert not any(step.final for step in frames[:-1]) and None in fresh
    assert not len(frames[0].tables["edge_faint"]["xs"]) and len(frames[-1].tables["edge_faint"]["xs"])
    assert len(steps_of(c=6.123, c_decay=0.987, c_steps=450)) == 1
    moved = [step for step in steps_of(c=6.124, c_decay=0.987, c_steps=450) if step is not None]
    assert all(len(step.tables["edge_faint"]["xs"]) for step in moved)
    assert all(len(step.tables["edge_gradient_descent"]["xs"][0]) == 451 for step in moved)
    drawn = frames[-1].tables["edge_gap"]["ys"][0]
    whole = edge_of_stability(6.123, 0.987, 450, MatrixRegression("small")).gap[:, 0]
    np.testing.assert_allclose(drawn, whole.log10().numpy(), rtol=0, atol=1e-6)


def test_faint_runs_are_named_once_each_and_inside_the_frame() -> None:
    for decay in (1.0, 0.99, 0.9):
        frame = frame_of(c_decay=decay, c_steps=200)
        names, numbers = frame.tables, []
        for table in ("edge_inner_names", "edge_leaving_names"):
            for text, y in zip(names[table]["text"], names[table]["y"], strict=True):
                assert len(text) <= 17 and LOW < y < HIGH
                numbers += [float(word) for word in text.removeprefix("c = ").split(", ")]
        assert sorted(numbers) == list(BESIDE)


def test_frames_hold_every_table() -> None:
    for frame in steps_of(c_steps=60):
        assert frame is None or set(frame.tables) == set(nothing.tables())
    assert pane_readouts(SpectraLens().validated({"view": "edge"}), Frame({})) == ()
