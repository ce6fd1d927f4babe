"""The view of the temperature as a reader meets it: T under the hand, ghosts on their ways, a link that restores both."""

from __future__ import annotations

import math

import pytest
from lens_page import at, drag, layer, link, value
from lens_page import opened as opened_lens
from playwright.sync_api import Page, expect
from served import until

pytestmark = pytest.mark.browser

QUERY = "?view=temperature&source=sandbox&classes=2&logits=2,0,0,0,0,0&slopes=0,1,0,0,0,0"
FLIP = 2 / math.pi
"""Real part of every ghost of these two classes, in units of the bound at T = 1; their heights are odd multiples of T."""

GHOSTS = 7
"""Place of the followed ghosts among the layers of the plane."""


def lowest(page: Page) -> float:
    """Height of the lowest followed ghost as the browser has it."""
    return min((abs(y) for y in layer(page, "temperature_plane", GHOSTS, "y")), default=0.0)


def opened(page: Page, address: str, more: str = "") -> None:
    opened_lens(page, address, "ghosts", QUERY + more)
    until(lambda: lowest(page) > 0)


def test_a_ghost_that_is_dragged_takes_the_temperature_along(page: Page, address: str) -> None:
    opened(page, address)
    assert lowest(page) == pytest.approx(1.0, rel=1e-6)
    assert layer(page, "temperature_plane", GHOSTS, "x") == pytest.approx([FLIP] * 16, rel=1e-5)
    drag(page, "temperature_plane", (FLIP, 1.0), (FLIP, 0.4))
    until(lambda: "temperature=" in link(page))
    # One pixel is a fortieth of the height that is left.
    assert value(page, "temperature") == pytest.approx(0.4, rel=0.06)
    until(lambda: lowest(page) == pytest.approx(value(page, "temperature"), rel=1e-6))


def test_a_ghost_that_is_held_before_it_is_dragged_comes_along(page: Page, address: str) -> None:
    """To Bokeh a pointer that is still for 0.3 s is a press, and no drag can follow."""
    opened(page, address)
    first, last = at(page, "temperature_plane", FLIP, 1.0), at(page, "temperature_plane", FLIP, 0.4)
    page.mouse.move(*first)
    page.mouse.down()
    page.wait_for_timeout(600)
    page.mouse.move(*last, steps=15)
    page.mouse.up()
    until(lambda: value(page, "temperature") == pytest.approx(0.4, rel=0.06))


def test_the_axis_of_temperatures_is_dragged_to_its_end(page: Page, address: str) -> None:
    opened(page, address)
    drag(page, "temperature_radii", (0.0, -0.5), (-1.0, -0.5))
    until(lambda: lowest(page) == pytest.approx(value(page, "temperature"), rel=1e-6))
    assert value(page, "temperature") == pytest.approx(0.1, rel=0.03)
    drag(page, "temperature_radii", (-1.0, -0.5), (-2.2, -0.5))
    until(lambda: value(page, "temperature") == 0.02)


def test_a_link_restores_the_view_and_hides_what_does_nothing_there(page: Page, address: str) -> None:
    opened(page, address, "&temperature=0.25")
    assert value(page, "temperature") == 0.25
    until(lambda: lowest(page) == pytest.approx(0.25, rel=1e-6))
    expect(page.get_by_text("Ghosts and their ways", exact=False).first).to_be_visible()
    expect(page.get_by_role("slider", name="Step r = τ / ρₐ", exact=True)).to_be_hidden()
    expect(page.get_by_text("Your network cooled", exact=False).first).to_be_hidden()
    expect(page.get_by_role("row").filter(has_text="flip distance").first).to_contain_text("2.00")
