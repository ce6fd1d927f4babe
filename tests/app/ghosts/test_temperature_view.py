"""The view of the temperature: ghosts on their ways, radii, and how far curves over temperatures spread."""

from __future__ import annotations

import math
from itertools import zip_longest
from typing import Any

import numpy as np
import pytest
import torch

from anisoscope.app.frame import Frame
from anisoscope.app.lenses.ghosts import GhostsLens, temperature_follow
from anisoscope.app.lenses.ghosts.sweep_shipped import AXES, RATIOS, TEMPERATURES, shipped
from anisoscope.app.lenses.ghosts.sweep_tables import swept, trained_at
from anisoscope.app.lenses.ghosts.temperature_shipped import trained, trained_spread
from anisoscope.engine.ghosts import exact_radius, onset

TWO = {"source": "sandbox", "classes": 2, "logits": [2, 0, 0, 0, 0, 0], "slopes": [0, 1, 0, 0, 0, 0]}
FLAT = {"source": "sandbox", "slopes": [1, 1, 1, 1, 1, 1]}


def drawn(lens: GhostsLens, **values: Any) -> Frame:
    return lens.compute({"view": "temperature", **values})


@pytest.mark.parametrize("temperature", [0.02, 0.3, 1.0, 20.0])
def test_ghosts_of_two_classes_stand_above_the_flip_at_every_temperature(lens, temperature) -> None:
    tables = drawn(lens, **TWO, temperature=temperature).tables
    here, flips = tables["temperature_ghosts"], tables["temperature_flips"]
    # One picture unit is the bound at T = 1, π; the flip is at t = 2.
    assert flips["x"] == pytest.approx([2 / math.pi], rel=1e-12) and not flips["y"].any()
    assert len(here["x"]) >= 8 and here["x"] == pytest.approx(2 / math.pi, rel=1e-9)
    lattice = here["y"] / temperature
    np.testing.assert_allclose(lattice, np.round(lattice), atol=1e-7)
    assert set(np.round(lattice).astype(int) % 2) == {1}
    assert sorted(here["y"]) == pytest.approx(sorted(-here["y"])), "both half planes"


def test_ghosts_on_their_ways_are_ghosts_of_the_plane(lens) -> None:
    tables = drawn(lens, temperature=0.37, window=6).tables
    plane = np.asarray(tables["ghosts"]["x"]) + 1j * np.asarray(tables["ghosts"]["y"])
    here = tables["temperature_ghosts"]["x"] + 1j * tables["temperature_ghosts"]["y"]
    inside = here[(np.abs(here.real) < 5.9) & (np.abs(here.imag) < 3.2)]
    assert len(inside) >= 4
    assert max(np.abs(plane - t).min() for t in inside) < 1e-8
    nearest = np.abs(here).min()
    assert nearest == pytest.approx(tables["numbers"]["exact"][0], rel=1e-8)
    for xs, ys in zip(tables["temperature_paths"]["xs"], tables["temperature_paths"]["ys"], strict=True):
        assert len(xs) == len(ys) > 1 and (np.sign(ys) == np.sign(ys[0])).all()


def test_radii_are_the_engines_and_their_dots_lie_on_them(lens) -> None:
    frame = drawn(lens, temperature=0.4)
    tables, facts = frame.tables, frame.facts
    x = tables["temperature_exact"]["x"]
    logits = tables["logits"]
    z, a = (torch.as_tensor(logits[name]) * 0.4 for name in ("z", "a"))
    for place in (0, 20, 60):
        t = 10 ** x[place]
        radius = exact_radius(z[None] / t, a[None] / t).radius.item() * facts["temperature_unit"]
        assert tables["temperature_exact"]["y"][place] == pytest.approx(math.log10(radius), abs=1e-9)
    bound = tables["temperature_bound"]
    np.testing.assert_allclose(bound["y"] - bound["x"], math.log10(facts["temperature_unit"]), atol=1e-12)
    assert 10 ** tables["temperature_dots"]["y"] == pytest.approx(
        [facts["bound_radius"], facts["exact_radius"]], rel=1e-9
    )
    assert tables["temperature_cursor"]["x"] == pytest.approx([math.log10(0.4)])
    flip = tables["temperature_flip_line"]["y"][0]
    assert 0 <= tables["temperature_exact"]["y"][0] - flip < 0.01, (
        "as T falls the exact radius ends at the flip"
    )
    low, high = facts["temperature_ends"]
    assert low < bound["y"].min() and tables["temperature_exact"]["y"].max() < high


def test_what_is_found_does_not_depend_on_the_temperature_it_is_found_at(lens) -> None:
    cold, hot = (GhostsLens().compute({"view": "temperature", **TWO, "temperature": t}) for t in (0.1, 7.0))
    for name in ("temperature_exact", "temperature_flips", "temperature_tracks"):
        for column in cold.tables[name]:
            np.testing.assert_array_equal(cold.tables[name][column], hot.tables[name][column])


def test_two_pages_that_compute_in_turn_find_what_one_does() -> None:
    z, a = torch.randn(2, 10, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    alone, shared = temperature_follow._made(z, a), temperature_follow._made(z, a)
    for _ in alone.find():
        pass
    for _ in zip_longest(shared.find(), shared.find()):
        pass
    assert alone.radii is not None and shared.radii is not None
    for name, radii in alone.radii.items():
        np.testing.assert_array_equal(shared.radii[name], radii, err_msg=name)


def test_cooling_one_network_moves_its_curve_by_the_temperature(lens) -> None:
    frame = drawn(lens, temperature=3.0)
    tables, facts = frame.tables, frame.facts
    own = tables["temperature_yours_tau"]
    bound = facts["batch_bound"] / 3.0
    assert 10 ** own["x"] == pytest.approx(RATIOS * bound, rel=1e-6)
    for k, t in enumerate(TEMPERATURES):
        curve = tables[f"temperature_yours_bound_{k}"]
        assert 10 ** (own["x"] - curve["x"]) == pytest.approx(t * bound, rel=1e-6)
        assert curve["y"] == pytest.approx(own["y"])
    assert 10 ** tables["temperature_now"]["x"] == pytest.approx([facts["batch_bound"]], rel=1e-6)
    assert tables["temperature_yours_here"]["x"] == pytest.approx(own["x"] - math.log10(3 * bound), abs=1e-6)
    assert facts["temperature_own"] == pytest.approx(np.log10(TEMPERATURES).std(), abs=1e-12)
    # The sweep of r at another temperature finds the same onset, as a step.
    other = lens.compute({"view": "sweep", "temperature": 0.5})
    assert other.facts["sweep_onset_step"] == pytest.approx(facts["temperature_onset"], rel=0.02)


def test_shipped_curves_are_those_behind_the_shipped_onsets() -> None:
    curves, table = trained(), shipped()
    assert curves.radii[:, :, 0] == pytest.approx(table.trained_bound, rel=1e-12)
    for seed, k in ((0, 0), (1, 3), (2, 5)):
        steps = torch.as_tensor(10 ** curves.places("tau")[seed, k])
        assert onset(steps, torch.as_tensor(curves.kept[seed, k])) == pytest.approx(
            table.trained_onset[seed, k], rel=1e-5
        )


def test_one_shipped_network_trains_to_the_same_curve_again() -> None:
    again = swept(trained_at(TEMPERATURES[3], 1), "-gradient", 0)
    curves = trained()
    # Training amplifies the rounding of another processor: a place on a curve, not its digits.
    assert tuple(again.radii) == pytest.approx(curves.radii[1, 3], rel=0.05)
    np.testing.assert_allclose(again.kept.numpy(), curves.kept[1, 3], atol=0.05)


def test_every_radius_brings_the_trained_networks_closer_and_the_exact_one_most() -> None:
    spreads = [trained_spread(axis) for axis in ("tau", *AXES)]
    assert spreads == sorted(spreads, reverse=True)
    assert 1.5 < spreads[0] / spreads[1] < 2.1 and spreads[0] / spreads[3] > 2.5


def test_words_put_our_spread_beside_the_papers(lens) -> None:
    asked = lens.validated({"view": "temperature"})
    frame = lens.compute(asked)
    rows = {row.label: (row.value, row.beside) for row in lens.readouts(asked, frame)}
    assert rows["the paper, Fig. 9"] == ("0.992", "0.164")
    assert rows["trained at each T"] == ("0.34", "0.19")
    assert rows["your network, cooled"] == ("0", "0.51")
    assert rows["flip distance"][0] == "0.185"
    claims = {claim.paper: claim for claim in lens.claims(asked, frame)}
    assert claims["0.992 → 0.164, a factor 6"].standing == "disagrees"
    table = lens.table(asked, frame)
    assert table is not None
    assert all(len(row) == len(table.headings) == len(table.copies) for row in table.rows)


def test_equal_slopes_have_no_ghost_to_follow_and_words_say_so(lens) -> None:
    asked = lens.validated({"view": "temperature", **FLAT})
    frame = lens.compute(asked)
    for name in ("ghosts", "flips", "exact", "dots"):
        assert not len(frame.tables[f"temperature_{name}"]["x"])
    assert [row.value for row in lens.readouts(asked, frame)][1:5] == ["∞"] * 4
    assert "no flip" in lens.claims(asked, frame)[0].ours


def test_a_cancelled_search_keeps_what_it_found(lens) -> None:
    asked = lens.validated({"view": "temperature", **TWO, "logits": [1.37, 0, 0, 0, 0, 0]})
    pauses = [step for step in lens.frames(asked) if step is None]
    again = [step for step in lens.frames(asked) if step is None]
    assert len(pauses) > 20 and not again
    stages = [step.stage for step in lens.frames(asked) if isinstance(step, Frame)]
    assert stages == sorted(stages) and stages[-1] == (4, 4)
