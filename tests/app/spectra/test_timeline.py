"""Rows of spectra on their way to the browser: codes, thinning, gaps, growth, and means of losses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from anisoscope.app.lenses.spectra import SpectraLens
from anisoscope.app.lenses.spectra.codes import CODES, HIGH, LOW, decoded, encoded
from anisoscope.app.lenses.spectra.hand import row_of
from anisoscope.app.lenses.spectra.lane_record import Matrix
from anisoscope.app.lenses.spectra.spectrum_rows import SpectrumRows, measured
from anisoscope.app.lenses.spectra.step_columns import MOST_ROWS
from anisoscope.app.lenses.spectra.timeline import Timeline, running_mean

HALF_A_CODE = 10 ** (0.5 * (HIGH - LOW) / CODES) - 1
"""Largest relative error of a code, 0.056 %."""


@dataclass
class Made:
    """A lane with known rows: σ of row n is (1 + n) 0.9^i, below the floor from some index on."""

    steps: np.ndarray
    key: object = 0
    title: str = "made"
    status: str = "done"
    matrices: tuple[Matrix, ...] = (Matrix("a.weight", 12, 8, 8, 8),)
    bad: tuple[int, ...] = ()

    @property
    def seconds(self) -> np.ndarray:
        return self.steps / 10.0

    @property
    def loss(self) -> np.ndarray:
        return np.exp(-self.steps / 50.0)

    def sigma(self, matrix: int, kind: str) -> np.ndarray:
        found = (1.0 + self.steps)[:, None] * 0.9 ** np.arange(8.0) * ("WGMUD".index(kind) + 1)
        found[list(self.bad)] = np.nan
        return found.astype(np.float32)

    def floor(self, matrix: int, kind: str) -> np.ndarray:
        return self.sigma(matrix, kind)[:, 5] * np.float32(1.01)

    def overlap(self, matrix: int, kind: str, reference: str) -> np.ndarray:
        return np.ones(len(self.steps), np.float32)


def line(lanes: list[Any], planned: int | None = None, **parameters: Any) -> Timeline:
    return Timeline(lanes, SpectraLens(layer=1, **parameters).request(), planned)


def test_a_code_is_its_singular_value_within_half_a_step() -> None:
    generator = np.random.default_rng(0)
    log = np.sort(generator.uniform(LOW, HIGH, (200, 40)), axis=1)[:, ::-1]
    sigma = 10.0**log
    codes, _, top = encoded(sigma, np.zeros(200))
    assert (codes > 0).all()
    np.testing.assert_allclose(10 ** decoded(codes), sigma, rtol=1.01 * HALF_A_CODE)
    np.testing.assert_allclose(top, log[:, 0], atol=2e-6)
    assert HALF_A_CODE < 6e-4, "as the reader is told: 0.1 % apart"


def test_what_lies_beyond_the_codes_is_left_out_and_not_drawn_elsewhere() -> None:
    codes, colours, top = encoded(np.array([[1e13, 1e12, 1.0, 1e-20, 1e-30]]), np.zeros(1))
    assert [code > 0 for code in codes[0]] == [False, True, True, True, False]
    np.testing.assert_allclose(decoded(codes)[0, 1:4], [HIGH, 0, LOW], atol=3e-4)
    assert top[0] == 13 and (colours > 0).all()


def test_nothing_at_or_below_the_floor_has_a_code() -> None:
    sigma = np.array([[8.0, 4.0, 2.0, 1.0, 0.5, 0.0]])
    for floor, seen in ((0.0, 5), (1e-9, 5), (0.999, 4), (1.0, 3), (7.9, 1), (8.0, 0), (np.nan, 0)):
        codes, colours, top = encoded(sigma, np.array([floor]))
        assert np.count_nonzero(codes) == seen and np.isnan(decoded(codes)).sum() == 6 - seen, floor
        assert np.count_nonzero(colours) == (6 if seen else 0), "the darkest colour is not blank"
        assert np.isfinite(top[0]) == bool(seen)


def test_colours_go_from_the_largest_to_four_decades_below() -> None:
    _, colours, _ = encoded(np.array([[1.0, 1e-1, 1e-2, 1e-4, 1e-7]]) * 3e5, np.zeros(1))
    assert colours.tolist() == [[255, 192, 128, 1, 1]]


def test_rows_without_a_spectrum_are_gaps_and_not_zeros() -> None:
    lane = Made(np.arange(20), bad=(0, 7))
    tables = line([lane], 19, matrix="G", metric="stable_rank").tables()
    codes, own = tables["lead_1"]["codes"], tables["lane_1"]
    assert not codes[[0, 7]].any() and codes[[1, 6, 8]].any(axis=1).all()
    for name in ("top_lead", "number", "edge_lead", "floor_lead"):
        assert np.flatnonzero(~np.isfinite(own[name][:20])).tolist() == [0, 7], name
    assert tables["metric_1"]["x"].tolist() == [s for s in range(20) if s not in (0, 7)]
    assert not tables["heat"]["image"][:, [0, 7]].any(), "blank in the picture"


def test_growing_in_parts_is_growing_at_once() -> None:
    everything = np.arange(900)
    grown, rows = line([Made(everything[:1])], 899), 1
    parts = [1, 2, 63, 64, 65, 200, 499, 500, 501, 502, 700, 899, 900]
    for rows in parts:
        grown.follow([Made(everything[:rows])])
        found, fresh = grown.tables(), line([Made(everything[:rows])], 899).tables()
        assert found.keys() == fresh.keys()
        for name, columns in fresh.items():
            for column, values in columns.items():
                np.testing.assert_array_equal(found[name][column], values, err_msg=f"{name} at {rows}")
    assert rows == 900


@pytest.mark.parametrize("count", [1, 64, 499, 500, 501, 502, 999, 1000, 1001, 1999, 2000, 4001, 100_000])
@pytest.mark.parametrize("exact", [-1, 0, 777, 10**6])
def test_at_most_five_hundred_rows_are_shown_with_the_exact_one_and_the_last(count: int, exact: int) -> None:
    steps = 3 * np.arange(count)
    shown = line([Made(steps)], exact=exact).shown(0)
    assert len(shown) <= MOST_ROWS + 2 and (np.diff(shown) > 0).all()
    assert shown[-1] == count - 1 and len(shown) >= min(count, MOST_ROWS // 2)
    if exact >= 0:
        assert max(0, np.searchsorted(steps, exact, side="right") - 1) in shown
    if count <= MOST_ROWS:
        assert len(shown) == count, "nothing is left out of what has room"


def test_the_last_steps_alone_are_shown_where_that_is_asked() -> None:
    lane = Made(2 * np.arange(100))
    found = line([lane], 198, last=20)
    assert lane.steps[found.shown(0)].tolist() == list(range(178, 200, 2))
    facts = (found.tables(), found.facts())[1]
    assert (facts["axis_from"], facts["last_step"]) == (178.0, 198)


def test_the_row_of_a_step_is_the_last_one_up_to_it() -> None:
    steps = np.array([0.0, 10.0, 20.0, np.nan, np.nan], np.float32)
    assert [row_of(steps, s) for s in (-5, 0, 9, 10, 19, 20, 1e6)] == [0, 0, 0, 1, 1, 2, 2]
    assert row_of(np.zeros(0), 3) == -1 and row_of(steps[3:], 3) == -1


def test_lanes_of_different_length_stand_side_by_side() -> None:
    tables = line([Made(np.arange(0, 100, 10)), Made(np.arange(0, 30))], 99).tables()
    first, second = tables["lane_1"]["step"], tables["lane_2"]["step"]
    assert len(first) == len(second) and np.isfinite(first).sum() == 10 and np.isfinite(second).sum() == 30
    image, codes = tables["heat"]["image"], tables["lead_2"]["codes"]
    assert image.shape[0] == 16 and codes.shape[0] == len(second)
    assert not image[:8, 30:].any(), "the second lane, below, ends at step 29"
    assert image[8:, :95].all(axis=0).any()


def test_the_running_mean_is_the_mean_of_the_last_nine_whatever_came_before() -> None:
    generator = np.random.default_rng(2)
    falling = 1e10 * 10.0 ** (-np.arange(400) / 12.0) * generator.uniform(0.5, 2, 400)
    for values in (
        falling,
        falling[::-1].copy(),
        np.where(generator.uniform(size=400) < 0.3, np.nan, falling),
    ):
        found = running_mean(values, 9)
        for row in range(400):
            window = values[max(0, row - 8) : row + 1]
            if np.isnan(values[row]):
                assert np.isnan(found[row])
            else:
                np.testing.assert_allclose(found[row], np.nanmean(window), rtol=1e-12)
    assert running_mean(np.zeros(0), 9).shape == (0,)
    assert np.isnan(running_mean(np.full(3, np.nan), 9)).all()


def test_a_number_of_a_spectrum_counts_noise_as_nothing() -> None:
    sigma, matrix = np.array([[4.0, 4.0, 1e-3, 1e-3]]), Matrix("a", 6, 4, 4, 4)
    floor = np.array([1e-2])
    rank = {
        m: float(measured(sigma, floor, m, matrix)[0]) for m in ("stable_rank", "nuclear_rank", "largest")
    }
    assert rank == pytest.approx({"stable_rank": 2.0, "nuclear_rank": 2.0, "largest": 4.0})
    assert measured(sigma, floor, "flatness", matrix)[0] == pytest.approx(
        np.sqrt(4 * 1e-2) / ((8 + 2e-2) / 4), rel=1e-6
    )
    assert np.isnan(measured(np.full((1, 4), np.nan), floor, "stable_rank", matrix)[0])


def test_rows_are_held_only_once() -> None:
    """What was computed is kept while rows are added, and thrown away where thinning takes it out."""
    asked: list[int] = []

    class Counted(Made):
        def floor(self, matrix: int, kind: str) -> np.ndarray:
            asked.append(len(self.steps))
            return super().floor(matrix, kind)

    held = SpectrumRows(0, "U", "stable_rank")
    lane = Counted(np.arange(60))
    for rows in (np.arange(20), np.arange(20), np.arange(40), np.arange(0, 60, 2)):
        held.take(lane, rows)
        np.testing.assert_allclose(10**held.top, lane.sigma(0, "U")[rows, 0], rtol=1e-6)
        assert len(held.codes) == len(held.number) == len(rows)
    assert len(asked) == 3, "the second time there is nothing to do"
