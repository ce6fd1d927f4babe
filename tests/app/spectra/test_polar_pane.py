"""The pane of the polar factor: its numbers against references of their own, and what it says of hard cases."""

import numpy as np
import pytest
import scipy.linalg
import torch

from anisoscope.app.frame import Frame
from anisoscope.app.lenses.spectra import nothing, polar_figures, polar_map, polar_pane
from anisoscope.app.lenses.spectra.lens import SpectraLens
from anisoscope.app.lenses.spectra.pane_readouts import number, pane_readouts
from anisoscope.app.lenses.spectra.polar_words import FACET, FLOOR, METHODS
from anisoscope.engine.polar import PRESETS, polar, singular_value_map


def frame_of(**values: object) -> Frame:
    lens = SpectraLens()
    last = list(polar_pane.frames(lens.validated({"view": "polar", **values})))[-1]
    assert last is not None and last.final
    return last


@pytest.mark.parametrize("name", ["gaussian", "wide", "condition"])
def test_errors_are_those_of_scipys_polar_factor(name: str) -> None:
    facts = frame_of(polar_input=name, polar_dtype="float64", polar_steps=3).facts
    G = polar_pane.input_matrix(name, 1e3 if name == "condition" else 0.0, 0).G
    exact = scipy.linalg.polar(G.numpy(), side="right")[0]
    nuclear = np.linalg.svd(G.numpy(), compute_uv=False).sum()
    for method in ("newton_schulz", "polar_express", "qdwh"):
        U = polar(G, method, 3).numpy()
        gram = U.T @ U if U.shape[0] >= U.shape[1] else U @ U.T
        expected = {
            "polar_error": np.linalg.norm(U - exact) / np.linalg.norm(exact),
            "orthogonality": np.linalg.norm(gram - np.eye(len(gram))) / np.sqrt(len(gram)),
            "nuclear": (U * G.numpy()).sum() / nuclear - 1,
        }
        for fact, value in expected.items():
            assert facts[f"{fact}_{method}"] == pytest.approx(value, rel=1e-8, abs=1e-12), (fact, method)


def test_what_is_drawn_is_what_is_said() -> None:
    frame = frame_of(polar_steps=4)
    for method, facet, fact in (("qdwh", 1, "polar_error"), ("newton_schulz", 0, "orthogonality")):
        drawn = frame.tables[f"polar_error_{method}"]
        assert list(drawn["xs"][facet] - facet * FACET) == list(range(1, 13))
        assert 10 ** drawn["ys"][facet][3] == pytest.approx(frame.facts[f"{fact}_{method}"])
    assert list(frame.tables["polar_steps_now"]["x0"]) == [4, 4 + FACET, 4 + 2 * FACET]
    sigma = frame.tables["polar_sigma_qdwh"]["y"]
    assert sigma[-1] == frame.facts["lowest_qdwh"] and len(sigma) == 128


def test_the_published_budget_of_two_steps_is_no_polar_factor() -> None:
    two = frame_of(polar_input="regression", polar_dtype="float64", polar_steps=2).facts
    six = frame_of(polar_input="regression", polar_dtype="float64", polar_steps=6).facts
    assert 0.5 < two["polar_error_qdwh"] < 1 and six["polar_error_qdwh"] < 1e-13
    assert -1 < two["nuclear_qdwh"] < -0.5 and abs(six["nuclear_qdwh"]) < 1e-14


def test_the_threshold_of_newton_schulz() -> None:
    np.testing.assert_allclose((polar_map.LOWEST, polar_map.HIGHEST), (0.6818315, 1.2023686), rtol=1e-7)
    assert polar_map.threshold(5) == pytest.approx(1.50512e-3, rel=1e-5)
    assert polar_map.threshold(6) == pytest.approx(4.36964e-4, rel=1e-5)


@pytest.mark.parametrize("steps", range(1, 13))
def test_the_band_holds_exactly_from_its_threshold_on(steps: int) -> None:
    left = polar_map.threshold(steps)
    s = torch.as_tensor(np.geomspace(left, 1.0, 20001))
    inside = singular_value_map(s, "jordan", steps)[-1]
    assert inside.min() > polar_map.LOWEST - 1e-9 and inside.max() < polar_map.HIGHEST + 1e-9
    below = singular_value_map(torch.as_tensor(0.99 * left), "jordan", steps)[-1]
    assert below < polar_map.LOWEST


def test_the_cobweb_walks_between_curve_and_diagonal() -> None:
    tables = frame_of(polar_start=0.1, polar_steps=6).tables
    x, y = tables["polar_cobweb"]["x"], tables["polar_cobweb"]["y"]
    assert (x[0], y[0]) == (pytest.approx(0.1), 0) and len(x) == len(y) == 12
    a, b, c = 3.4445, -4.7750, 2.0315
    on_curve = np.isclose(y, a * x + b * x**3 + c * x**5)
    on_diagonal = np.isclose(x, y)
    assert list(on_curve[1::2]) == [True] * 6 and list(on_diagonal[2::2]) == [True] * 5
    assert tables["polar_cobweb_end"]["y"][0] == pytest.approx(tables["polar_start_point"]["y"][0])


def test_presets_that_have_ended_are_not_drawn() -> None:
    assert len(frame_of(polar_steps=5).tables["polar_map_you"]["x"])
    later = frame_of(polar_steps=6)
    assert not len(later.tables["polar_map_you"]["x"]) and len(later.tables["polar_map_jordan"]["x"])
    figure = polar_figures.figures(later)[1]
    assert "end after 5" in figure.unit


def test_a_matrix_without_full_rank() -> None:
    frame = frame_of(polar_input="low_rank", polar_dtype="float64", polar_steps=6)
    facts = frame.facts
    assert facts["polar_rank"] == 8 and "rank 8 of 128" in frame.notes[0]
    # a partial isometry: 120 of 128 singular values are zero
    assert facts["orthogonality_svd"] == pytest.approx(np.sqrt(120 / 128), rel=1e-12)
    assert facts["null_svd"] < 1e-12 and facts["null_newton_schulz"] < 1e-10 < facts["null_qdwh"]
    rows = pane_readouts(SpectraLens().validated({"view": "polar"}), frame)
    assert any(row.beside == "σ of null space" for row in rows)


def test_bfloat16_is_said_to_be_float32_where_it_does_not_exist() -> None:
    half, single = frame_of(polar_dtype="bfloat16"), frame_of(polar_dtype="float32")
    assert "bfloat16" in half.notes[0] and not single.notes
    # the last bits of float32 hang on the number of threads
    assert half.facts["polar_error_qdwh"] == pytest.approx(single.facts["polar_error_qdwh"], abs=2e-6)
    assert half.facts["polar_error_newton_schulz"] != single.facts["polar_error_newton_schulz"]


@pytest.mark.parametrize("condition", [1.0, 1e10])
def test_every_number_is_finite_and_drawn_within_the_frame(condition: float) -> None:
    frame = frame_of(polar_input="condition", polar_condition=condition, polar_steps=12, polar_start=1e-6)
    for name, column in frame.numeric_columns().items():
        assert np.isfinite(column).all(), name
    low, high = polar_figures.figures(frame)[0].y.range or (0, 0)
    for method in METHODS:
        for ys in frame.tables[f"polar_error_{method}"]["ys"]:
            assert low < ys.min() and ys.max() < high and ys.min() >= FLOOR
    top = (polar_figures.figures(frame)[3].y.range or (0, 0))[1]
    assert frame.facts["polar_highest"] < top


@pytest.mark.parametrize("steps", [1, 2, 3, 5, 12])
def test_the_maps_stay_in_their_frame(steps: int) -> None:
    frame = frame_of(polar_steps=steps)
    low, high = polar_figures.figures(frame)[1].y.range or (0, 0)
    for preset in PRESETS:
        y = frame.tables[f"polar_map_{preset}"]["y"]
        assert low <= np.min(y, initial=0) and np.max(y, initial=0) < high


def test_the_reference_is_not_said_to_have_no_error() -> None:
    rows = pane_readouts(SpectraLens().validated({"view": "polar"}), frame_of(polar_dtype="float64"))
    assert next(row for row in rows if row.label == "SVD").value == "reference"


def test_frames_hold_every_table() -> None:
    assert set(frame_of().tables) == set(nothing.tables())
    assert pane_readouts(SpectraLens().validated({"view": "polar"}), Frame({})) == ()
    assert number(float("nan")) == "not finite" and number(float("inf")) == "not finite"
