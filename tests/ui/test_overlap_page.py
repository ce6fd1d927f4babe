"""The uneven sky as a reader meets it: served by the real command, in a real browser."""

from __future__ import annotations

import io

import numpy as np
import pytest
from lens_page import drag, drop, layer, link, opened, value
from playwright.sync_api import Page, expect
from served import until

from anisoscope.app.lenses.overlap import mollweide

pytestmark = pytest.mark.browser

LIST = "name,RAJ,DECJ\nJ0001+0001,00:01:00,00:01:00\nJ0600-3000,06:00:00,-30:00:00\nJ1200+4000,12:00:00,40:00:00\n"


def pairs(page: Page) -> np.ndarray:
    return np.array(layer(page, "pairs", 1, "y"))


def place(right_ascension: float, declination: float) -> tuple[float, float]:
    x, y = mollweide.project(mollweide.direction(right_ascension, declination))
    return float(x), float(y)


def test_it_opens_uneven_and_a_drag_of_the_spot_moves_all_pairs(page: Page, address: str) -> None:
    opened(page, address, "overlap")
    expect(page.get_by_role("heading", name="The uneven sky")).to_be_visible()
    before = pairs(page)
    assert len(before) == 2211
    drag(page, "sky", place(271, -8), place(90, 30))
    until(lambda: abs(value(page, "right_ascension") - 90) < 2 and abs(value(page, "declination") - 30) < 2)
    until(lambda: not np.array_equal(pairs(page), before))
    until(lambda: "right_ascension=" in link(page))
    ring = layer(page, "sky", 11, "x")
    until(lambda: abs(layer(page, "sky", 11, "x")[0] - place(90, 30)[0]) < 0.05)
    assert len(ring) == 1


def test_without_power_in_the_spot_all_dots_fall_on_the_curve(page: Page, address: str) -> None:
    opened(page, address, "overlap", "?fraction=0")
    x, y = np.array(layer(page, "pairs", 1, "x")), pairs(page)
    half = np.sin(np.radians(x) / 2) ** 2
    expected = 1.5 * half * np.log(np.maximum(half, 1e-300)) - half / 4 + 0.5
    assert np.abs(y - expected).max() < 1e-5


def test_a_ring_taken_to_another_pulsar_selects_it(page: Page, address: str) -> None:
    opened(page, address, "overlap")
    xs, ys = layer(page, "sky", 6, "x"), layer(page, "sky", 6, "y")
    first = (xs[45], ys[45])
    far = int(np.argmax(np.hypot(np.array(xs) - first[0], np.array(ys) - first[1])))
    drag(page, "sky", first, (xs[far], ys[far]))
    until(lambda: value(page, "pulsar_a") == far)


def test_a_list_of_pulsars_dropped_on_the_page_is_the_array(page: Page, address: str) -> None:
    opened(page, address, "overlap")
    drop(page, "mine.csv", LIST.encode())
    until(lambda: len(pairs(page)) == 3)
    until(lambda: "pulsars=mine.csv" in link(page))
    expect(page.get_by_text("J0001+0001", exact=False).first).to_be_visible()
    drop(page, "bad.csv", LIST.replace("40:00:00", "140:00:00").encode())
    expect(page.get_by_text("bad.csv", exact=False).first).to_be_visible()
    expect(page.get_by_text("row 4", exact=False).first).to_be_visible()
    assert len(pairs(page)) == 3


def test_a_map_dropped_on_the_page_is_the_sky(page: Page, address: str) -> None:
    opened(page, address, "overlap")
    sink = io.BytesIO()
    np.save(sink, np.ones(12 * 16**2))
    drop(page, "even.npy", sink.getvalue())
    until(lambda: "map=even.npy" in link(page))
    until(lambda: max(layer(page, "power", 0, "top")) < 1e-3)
    sink = io.BytesIO()
    np.save(sink, np.ones(100))
    drop(page, "odd.npy", sink.getvalue())
    expect(page.get_by_text("odd.npy", exact=False).first).to_be_visible()


def test_the_slow_figures_come_when_they_are_asked_for(page: Page, address: str) -> None:
    opened(page, address, "overlap", "?more=placement&fit_l_max=2")
    until(lambda: len(layer(page, "placement", 5, "x")) == 1, 30)
    expect(page.get_by_role("heading", name="Which pulsar next")).to_be_visible()
    expect(page.get_by_role("heading", name="Posterior of the power")).to_be_hidden()


def test_a_convention_is_copied(page: Page, address: str) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    opened(page, address, "overlap", "?l_max=2")
    page.get_by_role("button", name="Copy the values of hasasia").click()
    expect(page.get_by_role("button", name="Copy the values of hasasia")).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert len(copied.strip("[]").split(",")) == 9
