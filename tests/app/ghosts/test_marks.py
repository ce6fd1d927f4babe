"""Marks that follow the hand, in Python: numbers of the step against mpmath, and where the model ends."""

from __future__ import annotations

import math
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anisoscope.app.frame import Frame
from anisoscope.app.lenses.ghosts import GhostsLens
from anisoscope.app.lenses.ghosts.hand import BOTTOM_SHARE
from anisoscope.app.numbers import shown, subscript

Z, A, LABEL = (1.0, 0.9, -1.0), (0.5, 0.51, -2.0), 1
STEPS = st.floats(-2.0, 2.0).map(lambda exponent: 10.0**exponent)


def sandbox(**more: Any) -> dict[str, Any]:
    rest = (0.0, 0.0, 0.0)
    bars = {"classes": 3, "label": LABEL, "logits": Z + rest, "slopes": A + rest}
    return {"source": "sandbox", **bars, **more}


def model_and_loss(tau: float, order: int, temperature: float) -> tuple[Any, Any]:
    """Taylor model and loss at tau, by numerical differentiation with 60 digits."""
    with mpmath.workdps(60):

        def loss(t: Any) -> Any:
            terms = [mpmath.exp((z + a * t) / temperature) for z, a in zip(Z, A, strict=True)]
            return mpmath.log(mpmath.fsum(terms)) - (Z[LABEL] + A[LABEL] * t) / temperature

        coefficients = mpmath.taylor(loss, 0, order)
        return mpmath.polyval(coefficients[::-1], mpmath.mpf(tau)), loss(mpmath.mpf(tau))


@pytest.mark.parametrize(("r", "order"), [(0.5, 3), (1.0, 8), (1.2, 8), (1.6, 12), (3.0, 10), (30.0, 4)])
@pytest.mark.parametrize("temperature", [1.0, 0.5])
def test_the_error_at_the_step_is_that_of_sixty_digits(lens, r, order, temperature) -> None:
    facts = lens.compute(sandbox(r=r, order=order, temperature=temperature)).facts
    bound = math.pi * temperature / (max(A) - min(A))
    assert facts["step"] == pytest.approx(r * bound, rel=1e-12)
    model, loss = model_and_loss(r * bound, order, temperature)
    assert facts["linearised_loss"] == pytest.approx(float(loss), rel=1e-12)
    assert facts["taylor_error"] == pytest.approx(float(abs(model - loss)), rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("values", [{}, {"temperature": 0.1}, sandbox(), sandbox(window=24, temperature=3.0)])
def test_the_taylor_curve_ends_on_the_frame_or_at_the_window(lens, values) -> None:
    frame = lens.compute(values)
    top, window = (float(frame.tables["numbers"][name][0]) for name in ("top", "window"))
    for order in (1, 2, 7, 16, 47, 48):
        curve = lens.hand(lens.validated({**values, "order": order}), frame)["taylor"]
        assert (np.diff(curve["x"]) > 0).all()
        for x, y in ((curve["x"][0], curve["y"][0]), (curve["x"][-1], curve["y"][-1])):
            on_frame = min(abs(y - top), abs(y + BOTTOM_SHARE * top)) <= 1e-12 * top
            assert on_frame or abs(x) == window, (order, x, y, top)


@settings(max_examples=60, deadline=None)
@given(r=STEPS, order=st.integers(1, 48))
def test_marks_are_finite_and_stand_at_the_step(opening: Frame, r: float, order: int) -> None:
    lens = GhostsLens()
    marks = lens.hand(lens.validated({"r": r, "order": order}), opening)
    for name, columns in marks.items():
        for column, values in columns.items():
            if column != "text":
                assert np.isfinite(np.asarray(values, dtype=float)).all(), f"{name}/{column}"
    assert float(marks["step_handle"]["x"][0]) == pytest.approx(r, rel=1e-12)
    reach = np.hypot(marks["step_disc"]["x"], marks["step_disc"]["y"])
    np.testing.assert_allclose(reach, r, rtol=1e-12)
    step = math.log10(r * opening.facts["bound_radius"])
    assert float(marks["histogram_cursor"]["x"][0]) == pytest.approx(step, rel=1e-9, abs=1e-12)
    window = float(opening.tables["numbers"]["window"][0])
    assert len(marks["loss_cursor"]["x"]) == (1 if r <= window else 0)


@settings(max_examples=80, deadline=None)
@given(exponent=st.floats(-20, 30), negative=st.booleans())
def test_a_number_reads_back_to_the_digits_it_shows(exponent: float, negative: bool) -> None:
    value = (-1 if negative else 1) * 10.0**exponent
    digits = str.maketrans("−⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "--0123456789")
    text = shown(value).translate(digits).replace(" × 10", "e")
    assert float(text) == pytest.approx(value, rel=0.051 if "e" in text else 0.0051)
    assert len(text) <= 9


def test_numbers_that_are_no_digits_have_words() -> None:
    said = [shown(value) for value in (math.inf, -math.inf, math.nan, 0.0, -0.0)]
    assert said == ["∞", "−∞", "not a number", "0", "0"]
    assert subscript(48) == "₄₈"
