"""Circles, spans, coefficients, estimates: each drawn table against the radius or the ghosts it shows."""

from __future__ import annotations

import cmath
import math
from typing import Any

import numpy as np
import pytest

from anisoscope.app.frame import Frame
from anisoscope.app.lenses.ghosts import GhostsLens

DELTA = 2.0
PAIR = complex(DELTA, math.pi) / math.pi
"""Nearest ghost of the two classes below, in units of their bound π."""


def two_classes(**more: Any) -> dict[str, Any]:
    return {
        "source": "sandbox",
        "classes": 2,
        "logits": [DELTA] + [0] * 5,
        "slopes": [0, 1] + [0] * 4,
        **more,
    }


def drawn(values: dict[str, Any]) -> Frame:
    lens = GhostsLens()
    first = next(iter(lens.frames(lens.validated(values))))
    assert first is not None
    return first


def radius_of(frame: Frame, kind: str, temperature: float) -> float:
    """A radius in units of the bound at T = 1, from the facts alone."""
    return temperature * frame.facts[f"{kind}_radius"] / frame.facts["bound_radius"]


@pytest.mark.parametrize("temperature", [1.0, 0.5])
@pytest.mark.parametrize("kind", ["exact", "margin", "bound"])
def test_circles_and_spans_are_at_the_radius_they_name(kind: str, temperature: float) -> None:
    frame = drawn({"kind": kind, "temperature": temperature, "window": 6})
    for name in ("exact", "margin", "bound"):
        disc = frame.tables[f"{name}_disc"]
        np.testing.assert_allclose(
            np.hypot(disc["x"], disc["y"]), radius_of(frame, name, temperature), rtol=1e-9
        )
    chosen = radius_of(frame, kind, temperature)
    hole = frame.tables["veil"]["holes"][0][0]
    np.testing.assert_allclose(np.hypot(*hole.T), chosen, rtol=1e-9)
    assert frame.tables["radius_lines"]["x"] == pytest.approx([-chosen, chosen], rel=1e-9)
    assert frame.tables["bound_lines"]["x"] == pytest.approx([-temperature, temperature], rel=1e-9)
    assert frame.tables["outside"]["x0"] == pytest.approx([-6, chosen], rel=1e-9)
    assert frame.tables["outside"]["x1"] == pytest.approx([-chosen, 6], rel=1e-9)


@pytest.mark.parametrize("kind", ["exact", "bound"])
def test_coefficients_are_the_power_sums_of_the_inverse_ghosts(kind: str) -> None:
    tables = drawn(two_classes(kind=kind)).tables
    radius = abs(PAIR) if kind == "exact" else 1.0
    lattice = complex(DELTA, 0) + 1j * math.pi * (2 * np.arange(20_000) + 1)
    for n, value in zip(tables["coefficients"]["x"], tables["coefficients"]["y"], strict=True):
        # n ℓ_n = −Σ t⁻ⁿ over all ghosts, which come in conjugate pairs.
        # What the sum leaves out at n = 2 is (radius)²/(2 · 20 000), and nothing to speak of above.
        expected = -2 * ((radius * math.pi / lattice) ** float(n)).sum().real
        assert value == pytest.approx(expected, rel=1e-8, abs=1e-4 if n == 2 else 1e-9), n
    assert tables["stems"]["y1"] == pytest.approx(tables["coefficients"]["y"])


@pytest.mark.parametrize("kind", ["exact", "bound"])
def test_the_reference_is_that_of_one_pair_of_ghosts(kind: str) -> None:
    reference = drawn(two_classes(kind=kind)).tables["reference"]
    radius = abs(PAIR) if kind == "exact" else 1.0
    angle = cmath.phase(PAIR)
    for n, value in zip(reference["x"], reference["y"], strict=True):
        assert value == pytest.approx(-2 * math.cos(n * angle) * (radius / abs(PAIR)) ** n, abs=1e-9)


def test_estimates_from_the_coefficients_approach_the_exact_radius() -> None:
    for values, temperature in ((two_classes(), 1.0), ({"temperature": 0.5}, 0.5)):
        frame = drawn(values)
        exact = radius_of(frame, "exact", temperature) / temperature
        assert frame.tables["true_radius"]["y"] == pytest.approx([exact], rel=1e-9)
        estimate, root = frame.tables["mercer_roberts"], frame.tables["root_test"]
        assert estimate["x"][-1] == 48
        assert estimate["y"][-1] == pytest.approx(exact, rel=2e-3)
        assert np.abs(root["y"][-8:] - exact).max() > 10 * abs(estimate["y"][-1] - exact)
        assert np.median(root["y"][-8:]) == pytest.approx(exact, rel=0.15)


@pytest.mark.parametrize(
    "temperature",
    [
        1.0,
        0.1,
        5.0,
    ],
)
def test_the_strip_is_as_high_as_the_lowest_ghost_can_be(temperature: float) -> None:
    frame = drawn(two_classes(temperature=temperature, window=24))
    assert frame.tables["strip"]["y"] == pytest.approx([-temperature, temperature], rel=1e-12)
    assert min(abs(frame.tables["ghosts"]["y"])) == pytest.approx(temperature, rel=1e-9)
