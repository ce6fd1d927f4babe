"""Ticks of axes: inside their range, evenly spread, few, and written as they stand."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anisoscope.app.ticks import decades, logarithmic, percents, quarters, rounded

ENDS = st.floats(-1e6, 1e6)


def number(text: str) -> float:
    return float(text.replace("−", "-"))


@given(ENDS, st.floats(1e-2, 1e6), st.integers(2, 7))
def test_round_ticks_lie_inside_evenly_spread_and_say_where_they_are(low, span, most) -> None:
    high = low + span
    ticks = rounded(low, high, most)
    places = [value for value, _ in ticks]
    assert most / 2.5 - 1 <= len(ticks) <= most + 1
    assert all(low - 1e-6 * span <= place <= high + 1e-6 * span for place in places)
    steps = {round((b - a) / span, 6) for a, b in pairwise(places)}
    assert len(steps) <= 1, "steps differ"
    for value, text in ticks:
        if "×" not in text:
            assert number(text) == pytest.approx(value, rel=1e-9, abs=1e-9)


def test_the_step_is_one_two_or_five_times_a_power_of_ten() -> None:
    for reach, step in ((1.0, 0.2), (0.9, 0.2), (1.1, 0.5), (3.0, 1.0), (240.0, 50.0), (600.0, 200.0)):
        assert rounded(0, reach)[1][0] == pytest.approx(step), reach


def test_an_empty_range_has_its_one_number() -> None:
    assert rounded(2.0, 2.0) == ((2.0, "2"),)


def test_a_percentage_stands_at_its_share() -> None:
    for value, text in percents(0, 0.153):
        assert number(text.removesuffix(" %")) == pytest.approx(100 * value)


@given(st.floats(-20, 5), st.floats(1, 30))
def test_decades_are_whole_and_few(low, span) -> None:
    ticks = decades(low, low + span)
    assert 1 <= len(ticks) <= 6
    assert all(value == int(value) and low <= value <= low + span for value, _ in ticks)


def test_within_a_decade_logarithmic_ticks_stand_at_round_numbers() -> None:
    ticks = logarithmic(math.log10(0.12), math.log10(0.55))
    assert [text for _, text in ticks] == ["0.2", "0.3", "0.4", "0.5"]
    assert [10**value for value, _ in ticks] == pytest.approx([0.2, 0.3, 0.4, 0.5])


def test_an_index_has_both_ends_and_no_zero() -> None:
    assert [value for value, _ in quarters(96)] == [1, 24, 48, 72, 96]
    assert [value for value, _ in quarters(1)] == [1]
