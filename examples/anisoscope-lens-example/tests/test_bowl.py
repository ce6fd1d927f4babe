"""The bowl against its closed form, and everything that Anisoscope asks of a lens."""

from __future__ import annotations

import numpy as np
import pytest
from anisoscope_bowl import LENS
from anisoscope_bowl.descent import START, best_step, descend, rate

from anisoscope.app import first_frame
from anisoscope.app.errors import RequestError
from anisoscope.app.presets import presets


@pytest.mark.parametrize("step", [0.1, 0.5, 0.95, 1.0, 1.2])
@pytest.mark.parametrize("condition", [1.0, 20.0, 1000.0])
def test_iterates_are_powers(step: float, condition: float) -> None:
    k = np.arange(61)[:, None]
    powers = (1 - 2 * step / np.array([condition, 1.0])) ** k * START
    np.testing.assert_allclose(descend(step, condition, 60), powers, rtol=1e-11, atol=1e-300)


@pytest.mark.parametrize("condition", [1.0, 3.0, 20.0, 1000.0])
def test_no_step_is_better_than_the_best(condition: float) -> None:
    best = rate(best_step(condition), condition)
    assert best == pytest.approx((condition - 1) / (condition + 1), abs=1e-12)
    assert best <= min(rate(step, condition) for step in np.linspace(0.01, 1.2, 400)) + 1e-12


def test_beyond_twice_over_the_largest_curvature_it_diverges() -> None:
    assert (
        LENS().compute({"step": 0.99}).facts["fell_to"] < 1 < LENS().compute({"step": 1.01}).facts["fell_to"]
    )


@pytest.mark.parametrize("preset", presets("bowl"), ids=lambda preset: preset.name)
def test_a_preset_gives_its_number(preset) -> None:
    facts = LENS().compute(preset.params).facts
    assert preset.expect
    for fact, (value, tolerance) in preset.expect.items():
        assert facts[fact] == pytest.approx(value, abs=tolerance), fact


def test_the_stored_frame_is_what_the_lens_computes() -> None:
    stored, fresh = first_frame.load("bowl"), LENS().compute()
    assert stored is not None and stored.facts == pytest.approx(fresh.facts)
    for name, column in fresh.numeric_columns().items():
        np.testing.assert_allclose(stored.numeric_columns()[name], column, rtol=1e-6, err_msg=name)


def test_a_value_out_of_range_is_refused_by_name() -> None:
    with pytest.raises(RequestError, match="step"):
        LENS().compute({"step": 3.0})
