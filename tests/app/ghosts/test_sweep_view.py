"""The sweep of r: the shipped table against its script, the live curves against the table, and words where none can be."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from anisoscope.app import words
from anisoscope.app.errors import RequestError
from anisoscope.app.frame import Frame
from anisoscope.app.lenses.ghosts import GhostsLens, sweep_live, sweep_view
from anisoscope.app.lenses.ghosts.checkpoints import load
from anisoscope.app.lenses.ghosts.sweep_figures import LOSS, STRIP
from anisoscope.app.lenses.ghosts.sweep_live import Sweep
from anisoscope.app.lenses.ghosts.sweep_shipped import (
    DIRECTIONS,
    NETWORKS,
    RATIOS,
    TEMPERATURES,
    direction_of,
    shipped,
    spread_in_decades,
)
from anisoscope.app.lenses.ghosts.sweep_tables import swept, trained_at
from anisoscope.app.lenses.ghosts.sweep_words import captions
from anisoscope.app.request import Request
from anisoscope.engine.ghosts import onset, onset_spread

SAMPLES = 1438
FEW = 2.5 / SAMPLES
"""Shares of the samples that may differ where another processor rounds a tie the other way."""


def computed(lens: GhostsLens, **values: object) -> Frame:
    return lens.compute({"view": "sweep", "network": "linear", **values})


@pytest.mark.parametrize(("network", "direction"), [("linear", 1), ("mlp", 4), ("mlp_layernorm", 0)])
def test_the_script_gives_the_shipped_rows_again(network: str, direction: int) -> None:
    found, k = swept(load(network, "converged").model, *DIRECTIONS[direction]), NETWORKS.index(network)
    table = shipped()
    np.testing.assert_allclose(tuple(found.radii), table.radii[k, direction], rtol=1e-6)
    np.testing.assert_allclose(found.kept, table.kept[k, direction], atol=FEW)
    np.testing.assert_allclose(found.loss, table.loss[k, direction], rtol=1e-5)
    np.testing.assert_allclose(found.sweep.flipped, table.flipped[k, direction], atol=FEW)
    assert found.onset == pytest.approx(table.onset[k, direction], rel=0.01)


@pytest.mark.parametrize("place", [0, 5])
def test_the_script_gives_the_shipped_row_of_a_network_trained_at_a_temperature(place: int) -> None:
    found = swept(trained_at(TEMPERATURES[place], 1), "-gradient", 0)
    table = shipped()
    # 120 steps of training on another processor end near, not at, the same weights.
    assert found.radii.bound == pytest.approx(table.trained_bound[1, place], rel=0.05)
    assert found.onset == pytest.approx(table.trained_onset[1, place], rel=0.1)
    assert found.doubling == pytest.approx(table.trained_double[1, place], rel=0.1)


def test_the_table_is_whole() -> None:
    table = shipped()
    assert table.kept.shape == table.loss.shape == table.flipped.shape == (6, 6, len(RATIOS))
    bound, margin, exact = np.moveaxis(table.radii, -1, 0)
    assert (bound <= margin * (1 + 1e-12)).all() and (margin <= exact * (1 + 1e-9)).all()
    for k in range(6):
        for d in range(6):
            again = onset(torch.from_numpy(table.steps(k, d)), torch.from_numpy(table.kept[k, d]))
            assert again == pytest.approx(table.onset[k, d], rel=1e-5)
    assert spread_in_decades(table.onset) == pytest.approx(
        onset_spread(table.onset.ravel().tolist()), rel=1e-12
    )


@pytest.mark.parametrize(
    ("network", "kind", "seed"),
    [("mlp", "-gradient", 0), ("linear", "+gradient", 0), ("linear", "random", 2)],
)
def test_the_live_curve_is_the_shipped_one_of_the_same_network(lens, network, kind, seed) -> None:
    frame = computed(lens, network=network, direction=kind, direction_seed=seed)
    k, d = NETWORKS.index(network), direction_of(kind, seed)
    table = shipped()
    np.testing.assert_allclose(frame.tables["sweep_kept"]["x"], np.log10(RATIOS), atol=1e-12)
    np.testing.assert_allclose(frame.tables["sweep_kept"]["y"], table.kept[k, d], atol=FEW)
    np.testing.assert_allclose(frame.tables["sweep_loss"]["y"], np.log10(table.loss[k, d]), atol=1e-5)
    np.testing.assert_allclose(frame.tables["sweep_flipped"]["y"], table.flipped[k, d], atol=FEW)
    np.testing.assert_allclose(
        frame.tables["sweep_kept_six"]["ys"][k], frame.tables["sweep_kept"]["y"], atol=FEW
    )
    assert frame.facts["sweep_onset_r"] == pytest.approx(table.onsets("bound")[k, d], rel=0.01)


@pytest.mark.parametrize("axis", ["tau", "bound", "margin", "exact"])
def test_an_axis_divides_by_its_radius_and_r_is_in_units_of_the_bound(lens: GhostsLens, axis: str) -> None:
    frame, plain = computed(lens, sweep_axis=axis), computed(lens, sweep_axis="tau")
    unit = 1.0 if axis == "tau" else frame.facts[f"sweep_{axis}_radius"]
    for name in ("sweep_kept", "sweep_onset", "sweep_bound_line", "sweep_exact_line"):
        shifted = np.asarray(plain.tables[name]["x"]) - math.log10(unit)
        np.testing.assert_allclose(frame.tables[name]["x"], shifted, atol=1e-12)
    asked = lens.validated({"view": "sweep", "network": "linear", "sweep_axis": axis, "r": 1.0})
    cursor = lens.hand(asked, frame)["sweep_cursor"]["x"]
    np.testing.assert_allclose(cursor, frame.tables["sweep_bound_line"]["x"], atol=1e-12)
    assert lens.readouts(asked, frame)[0].value == lens.readouts(asked, plain)[0].value


def test_the_hand_reads_the_curve_where_it_stands(lens: GhostsLens) -> None:
    frame, table = computed(lens), shipped()
    place = 30
    asked = lens.validated({"view": "sweep", "network": "linear", "r": float(RATIOS[place])})
    rows = {row.label: row for row in lens.readouts(asked, frame)}
    assert float(rows["accuracy kept"].value[:-2]) == pytest.approx(100 * table.kept[0, 0, place], abs=0.2)
    risen = float(rows["loss over start"].value.removeprefix("× "))
    assert risen == pytest.approx(table.loss[0, 0, place], rel=0.01)


def test_a_colder_softmax_breaks_at_the_same_step_and_at_ten_times_the_r(lens: GhostsLens) -> None:
    warm, cold = computed(lens, sweep_axis="tau"), computed(lens, sweep_axis="tau", temperature=0.1)
    bounds = [frame.facts["sweep_bound_radius"] for frame in (warm, cold)]
    assert bounds[1] == pytest.approx(bounds[0] / 10, rel=1e-12)
    kept = [
        dict(zip(np.round(f.tables["sweep_kept"]["x"], 6), f.tables["sweep_kept"]["y"], strict=True))
        for f in (warm, cold)
    ]
    both = set(kept[0]) & set(kept[1])
    assert len(both) >= 30 and all(kept[0][x] == pytest.approx(kept[1][x], abs=FEW) for x in both)
    steps = [frame.facts["sweep_onset_step"] for frame in (warm, cold)]
    assert steps[1] == pytest.approx(steps[0], rel=0.02)
    told = [" ".join(key.text for f in lens.figures(frame) for key in f.legend) for frame in (warm, cold)]
    assert "T = 1" not in told[0] and "−gradient, T = 1" in told[1]


def test_what_was_found_is_not_found_again(lens: GhostsLens, monkeypatch: pytest.MonkeyPatch) -> None:
    first = computed(lens, direction="random", direction_seed=3)

    def never(*_: object) -> None:
        raise AssertionError("a step was taken again")

    monkeypatch.setattr(sweep_live, "step_sweep", never)
    again = computed(lens, direction="random", direction_seed=3, sweep_axis="exact", r=7.0)
    np.testing.assert_array_equal(again.tables["sweep_kept"]["y"], first.tables["sweep_kept"]["y"])


def test_the_first_curve_is_every_fourth_step_of_the_last(lens: GhostsLens) -> None:
    asked = lens.validated({"view": "sweep", "network": "linear", "direction": "random", "direction_seed": 8})
    found = [frame for frame in lens.frames(asked) if isinstance(frame, Frame)]
    assert [frame.stage for frame in found] == [(1, 3), (2, 3), (3, 3)]
    lengths = [len(frame.tables["sweep_kept"]["x"]) for frame in found]
    assert lengths == [0, 11, 42]
    assert set(found[1].tables["sweep_kept"]["y"]) <= set(found[2].tables["sweep_kept"]["y"])


def test_random_directions_have_seeds_and_a_shipped_one_stands_in(lens: GhostsLens) -> None:
    two, nine = (computed(lens, direction="random", direction_seed=seed) for seed in (2, 9))
    assert (two.facts["sweep_direction"], two.facts["sweep_seed"]) == ("random", 2) and not two.notes
    assert nine.facts["sweep_seed"] == 0 and "theirs is random 0" in nine.notes[0]
    assert two.facts["sweep_bound_radius"] != nine.facts["sweep_bound_radius"]
    adam = computed(lens, direction="adam")
    assert adam.facts["sweep_direction"] == "-gradient" and "theirs is −gradient" in adam.notes[0]


def test_onsets_and_their_spread_are_defined_in_words(lens: GhostsLens) -> None:
    asked = lens.validated({"view": "sweep", "network": "linear"})
    frame, table = lens.compute(asked), shipped()
    rows = {row.label: (row.value, row.beside) for row in lens.readouts(asked, frame)}
    low, middle, high = np.quantile(table.onsets("bound"), (0.1, 0.5, 0.9))
    assert rows["median onset r"] == (f"{middle:.2f}", "of 36")
    assert rows["10 %, 90 %"] == (f"{low:.2f}", f"{high:.2f}")
    assert rows["in τ"] == (
        f"{spread_in_decades(table.onset[:, 0]):.2f}",
        f"{spread_in_decades(table.onset):.2f}",
    )
    told = lens.table(asked, frame)
    assert told is not None and [len(row) for row in told.rows] == [7] * 12, "a column for each of the six"
    assert "falls below 0.9 of its start" in told.note and "standard deviation of log₁₀ onset" in told.note
    claims = {claim.paper: claim for claim in lens.claims(asked, frame)}
    collapse = claims["0.992 → 0.164, a factor 6"]
    assert "falls below 0.9 of its start" in collapse.text and "0.34 in τ → 0.19 in r" in collapse.ours
    assert claims["no failure"].standing == "agrees" and claims["no failure"].ours.startswith("95.2 %")
    assert claims["collapse once r crosses 1"].standing == "disagrees"


def test_no_onset_within_the_sweep_is_said(lens: GhostsLens) -> None:
    values = {"view": "sweep", "network": "mlp", "temperature": 0.02}
    frame = lens.compute(values)
    assert frame.facts["sweep_onset_r"] == math.inf and len(frame.tables["sweep_onset"]["x"]) == 0
    assert "no onset up to r = 100" in lens.claims(lens.validated(values), frame)[0].ours


def test_nothing_is_measured_by_an_accuracy_or_loss_of_nothing(lens: GhostsLens) -> None:
    rows = dict.fromkeys(range(len(RATIOS)), (0.1, 2.0, 0.5))
    sweep = Sweep(None, 1.0, {"bound": 1.0, "margin": 1.0, "exact": 1.0}, rows, (0.0, 0.0, 0.0))  # type: ignore[arg-type]
    for quantity in ("kept", "loss"):
        assert np.isnan(sweep.curve(quantity)[1]).all()
    assert np.isfinite(sweep.curve("flipped")[1]).all() and math.isnan(sweep.onset)


def test_where_the_logits_overflow_there_is_no_loss_to_draw() -> None:
    rows = {place: (0.1, math.inf if place > 20 else 2.0, 0.5) for place in range(len(RATIOS))}
    sweep = Sweep(None, 1.0, {"bound": 2.0, "margin": 2.0, "exact": 2.0}, rows, (1.0, 1.0, 0.0))  # type: ignore[arg-type]
    drawn = {quantity: sweep_view._live_curve(sweep, quantity, "bound") for quantity in ("loss", "kept")}
    np.testing.assert_allclose(drawn["loss"]["x"], np.log10(RATIOS[:21]), atol=1e-12)
    np.testing.assert_allclose(drawn["loss"]["y"], math.log10(2), atol=1e-12)
    assert len(drawn["kept"]["x"]) == len(RATIOS)


def test_the_sandbox_is_left_for_the_sweep_and_gives_words_where_it_is_not(lens: GhostsLens) -> None:
    asked = lens.validated({"view": "sweep", "source": "sandbox"})
    assert asked["source"] == "network"
    raw: Request = asked.replace(source="sandbox")
    found = [frame for frame in lens.frames(raw) if isinstance(frame, Frame)]
    assert len(found) == 1 and "the sandbox has no weights to move" in found[0].notes[0]
    frame = found[0].merged(lens.hand(raw, found[0]))
    assert len(frame.tables["sweep_kept_six"]["xs"]) == 6 and len(frame.tables["sweep_kept"]["x"]) == 0
    assert len(frame.tables["sweep_cursor"]["x"]) == 0
    assert ("yours", "no weights") in {(row.label, row.value) for row in lens.readouts(raw, frame)}
    assert all(np.isfinite(column).all() for column in frame.numeric_columns().values())
    assert len(lens.claims(raw, frame)) == 7


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"sweep_axis": "furlong"}, "sweep_axis"),
        ({"direction": "uphill"}, "direction"),
        ({"direction_seed": 1000}, "direction_seed"),
        ({"temperature": 0.0}, "temperature"),
        ({"temperature": math.nan}, "temperature"),
        ({"r": 101.0}, "r"),
        ({"view": "sweeps"}, "view"),
    ],
)
def test_what_cannot_be_swept_is_refused_by_name(lens: GhostsLens, values, name: str) -> None:
    with pytest.raises(RequestError, match=name):
        lens.compute({"view": "sweep", **values})


def shown_controls(**values: object) -> set[str]:
    one = GhostsLens(**values)
    groups = (group for group in one.controls() if group.when is None or group.when.holds(one))
    return {control.name for group in groups for control in group.controls}


def test_controls_that_do_nothing_are_not_shown() -> None:
    sweep = shown_controls(view="sweep", direction="random")
    assert sweep == {
        "r", "temperature", "view", "sweep_axis", "network", "stage", "direction", "direction_seed"
    }  # fmt: skip
    spike = shown_controls(view="spike")
    assert {name for name in spike if not name.startswith(("spike", "play-spike"))} == {"view"}
    assert {"sample", "order", "kind", "window"} <= shown_controls()


def test_each_view_is_explained_in_its_own_words(lens: GhostsLens) -> None:
    told = {view: words.explanation(GhostsLens(view=view)) for view in ("step", "sweep", "spike")}
    assert all(text.startswith("<h2>What you see</h2>") for text in told.values())
    assert len(set(told.values())) == 3
    assert "onset" in told["sweep"] and "four times" in told["spike"] and "complex plane" in told["step"]
    assert all(len(text.split()) <= 100 for text in told.values())
    asked = lens.validated({"view": "sweep", "network": "linear"})
    assert lens.card(asked, lens.compute(asked)) is None


def test_ticks_are_written_as_short_as_they_can_be(lens: GhostsLens) -> None:
    figures = {figure.name: figure for figure in lens.figures(computed(lens))}
    assert [text for _, text in figures["sweep_flipped"].x.ticks] == ["0.01", "0.1", "1", "10", "100"]
    grown = computed(lens, stage="start", direction="adam")
    kept = next(figure for figure in lens.figures(grown) if figure.name == "sweep_kept")
    assert kept.y.range is not None and kept.y.range[1] >= max(grown.tables["sweep_kept"]["y"]) > 1.5
    assert [text for _, text in kept.y.ticks][:3] == ["0", "100 %", "200 %"]
    assert len(computed(lens).tables["sweep_kept_names"]["text"]) == 6
    assert not grown.tables["sweep_kept_names"]["text"], "on that axis the names would lie on one another"


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ({}, ["1", "100", "10⁴"]),
        ({"direction": "random", "direction_seed": 1}, ["1", "100", "10⁴"]),
        ({"network": "mlp", "stage": "start", "direction": "adam", "temperature": 0.02}, ["1", "100", "10⁴"]),
        ({"network": "cnn_batchnorm", "stage": "start", "direction": "random"}, ["1", "10⁴", "10⁸"]),
    ],
    ids=["nothing", "a shipped one, up", "down", "far up"],
)
def test_no_loss_lies_outside_its_figure(lens: GhostsLens, values: dict, ticks: list[str]) -> None:
    frame = computed(lens, **values)
    figure = next(figure for figure in lens.figures(frame) if figure.name == "sweep_loss")
    curves = [frame.tables["sweep_loss"]["y"], *frame.tables["sweep_loss_six"]["ys"]]
    assert (figure.y.range == LOSS) == (not values), "longer only where it must be"
    low, high = figure.y.range or (0.0, 0.0)
    assert all(low < min(y) and max(y) < high for y in curves)
    assert [text for _, text in figure.y.ticks] == ticks


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ({}, ["÷ 10", "1", "× 10"]),
        ({"network": "mlp", "temperature": 20.0}, ["÷ 10", "1", "× 10"]),
        ({"network": "cnn_batchnorm", "stage": "start", "direction": "random"}, None),
    ],
    ids=["nothing", "heated", "untrained"],
)
def test_no_onset_lies_outside_its_figure(lens: GhostsLens, values: dict, ticks: list[str] | None) -> None:
    frame = computed(lens, **values)
    figure = next(figure for figure in lens.figures(frame) if figure.name == "sweep_strip")
    farthest = max(
        float(np.abs(frame.tables[f"sweep_strip_{name}"]["x"]).max(initial=0.0)) for name in ("six", "yours")
    )
    low, high = figure.x.range or (0.0, 0.0)
    assert -low == high == max(STRIP, farthest + 0.3), "longer only where it must be"
    assert (high == STRIP) == (not values)
    assert ticks is None or [text for _, text in figure.x.ticks] == ticks


def test_an_onset_that_did_not_come_is_not_called_infinite() -> None:
    facts = {
        "sweep_direction": "-gradient",
        "sweep_seed": 0,
        "sweep_onset_step": math.inf,
        "sweep_onset_r": math.inf,
    }
    table = captions(facts)
    place = table["label"].index("onset τ, and r")
    assert (table["value"][place], table["beside"][place]) == ("none", "r ≤ 100")
