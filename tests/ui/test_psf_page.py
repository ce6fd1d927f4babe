"""The point spread of a hash grid as a reader meets it: served by the real command, in a real browser."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from lens_page import drag, drop, layer, link, opened, value
from playwright.sync_api import Page, expect
from served import until

pytestmark = pytest.mark.browser

LIT = 4
"""Place of the lit point among the layers of the picture."""

PLAIN, TURNED = 1, 2
"""Places of the two curves among the layers of the polar figure."""


def width_ratio(page: Page, place: int) -> float:
    """Largest over smallest width of a curve of the polar figure."""
    x, y = (np.array(layer(page, "polar", place, column), dtype=float) for column in ("x", "y"))
    return float(np.hypot(x, y).max() / np.hypot(x, y).min())


def number(page: Page, label: str) -> float:
    """Value of a row of the readouts."""
    script = "[...Bokeh.documents[0]._all_models.values()].find((m) => String(m.name).startsWith('readouts-')).data.rows"
    rows = {row["label"]: row["value"] for row in page.evaluate(script)}
    return float(rows[label])


def test_the_lit_point_is_dragged_over_the_lattice_and_the_kernel_follows(page: Page, address: str) -> None:
    opened(page, address, "psf", "?kernel=cell")
    expect(page.get_by_role("heading", name="Point spread of a hash grid")).to_be_visible()
    before = layer(page, "polar", PLAIN, "x")
    drag(page, "psf", (0.0, 0.0), (0.5, 0.25))
    until(lambda: abs(layer(page, "psf", LIT, "x")[0] - 0.5) < 0.05)
    until(lambda: "dx=0." in link(page) and "dy=0." in link(page))
    until(lambda: layer(page, "polar", PLAIN, "x") != before)


def test_turning_the_levels_makes_the_diamond_round(page: Page, address: str) -> None:
    opened(page, address, "psf")
    assert width_ratio(page, PLAIN) == pytest.approx(1.164, abs=2e-3)
    opened(page, address, "psf", "?turn=55.62305898749054")
    until(lambda: len(layer(page, "polar", TURNED, "x")) > 10)
    assert width_ratio(page, TURNED) == pytest.approx(1.026, abs=2e-3)
    assert width_ratio(page, PLAIN) == pytest.approx(1.164, abs=2e-3)


def test_a_smaller_table_has_more_speckle(page: Page, address: str) -> None:
    opened(page, address, "psf", "?view=tables&log2_table=14")
    before = number(page, "L √(T/L_h)")
    page.get_by_role("slider", name="Rows of a table, log₂ T").first.focus()
    for _ in range(2):
        page.keyboard.press("ArrowLeft")
    until(lambda: value(page, "log2_table") == 12)
    until(lambda: number(page, "L √(T/L_h)") < 0.6 * before)


def test_a_configuration_is_taken_over_and_a_bad_table_refused(page: Page, address: str) -> None:
    opened(page, address, "psf")
    encoding = {
        "otype": "HashGrid",
        "n_levels": 12,
        "base_resolution": 8,
        "per_level_scale": 1.5,
        "colour": 1,
    }
    drop(page, "config.json", json.dumps({"encoding": encoding}).encode())
    until(lambda: (value(page, "levels"), value(page, "growth"), value(page, "base")) == (12, 1.5, 8))
    expect(page.get_by_text("colour", exact=False).first).to_be_visible()
    sink = io.BytesIO()
    np.save(sink, np.full((3, 2), np.nan))
    drop(page, "mine.npy", sink.getvalue())
    expect(page.get_by_text("mine.npy", exact=False).first).to_be_visible()
    assert value(page, "levels") == 12, "the last good state stays"


def test_the_advice_is_taken(page: Page, address: str) -> None:
    opened(page, address, "psf", "?view=adviser")
    page.get_by_role("button", name="Use it").click()
    until(lambda: value(page, "levels") == 10)
    until(lambda: abs(value(page, "growth") - 1.548) < 0.01)


def test_four_ways_fit_one_image(page: Page, address: str) -> None:
    opened(page, address, "psf", "?view=fit&fit_steps=24&picture=grass")
    until(lambda: max(layer(page, "fit_psnr", 4, "x"), default=0) >= 24, 120)
    for place in range(4, 8):
        until(lambda place=place: len(layer(page, "fit_psnr", place, "y")) > 1)
        assert layer(page, "fit_psnr", place, "y")[-1] > layer(page, "fit_psnr", place, "y")[0]
