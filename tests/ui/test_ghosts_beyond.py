"""The view of the true network as a reader meets it: two planes, the step under the hand, words where there is a kink."""

from __future__ import annotations

import pytest
from lens_page import drag, layer, link, value
from lens_page import opened as opened_lens
from playwright.sync_api import Page, expect
from served import until

pytestmark = pytest.mark.browser

LINEAR = "?view=beyond&network=linear"
NEAREST, GHOSTS = 9, 7
"""Places of the nearest true zero and of the ghosts among the layers of the plane."""


def opened(page: Page, address: str, query: str) -> None:
    opened_lens(page, address, "ghosts", query)
    expect(page.get_by_role("heading", name="The true network at complex steps")).to_be_visible()


def test_true_zeros_of_a_linear_network_lie_on_its_ghosts(page: Page, address: str) -> None:
    opened(page, address, LINEAR)
    until(lambda: len(layer(page, "beyond_plane", NEAREST, "x")) == 2)
    ghosts, zeros = (layer(page, "beyond_plane", place, "x") for place in (GHOSTS, NEAREST))
    assert min(abs(zeros[0] - x) for x in ghosts) < 1e-5
    expect(page.get_by_role("row").filter(has_text="Rₜᵣᵤₑ found").first).to_contain_text("2.13")


def test_the_step_is_dragged_in_the_plane(page: Page, address: str) -> None:
    opened(page, address, LINEAR)
    until(lambda: len(layer(page, "beyond_plane", NEAREST, "x")) == 2)
    drag(page, "beyond_plane", (2.45, 0.0), (1.2, 0.0))
    until(lambda: "r=" in link(page))
    assert value(page, "r") == pytest.approx(1.2, rel=0.03)


def test_a_kink_is_said_in_words_and_a_smooth_activation_draws_the_picture(page: Page, address: str) -> None:
    opened(page, address, "?view=beyond&network=mlp")
    expect(page.get_by_text("no continuation to complex steps").first).to_be_visible()
    assert not layer(page, "beyond_plane", NEAREST, "x")
    opened(page, address, "?view=beyond&network=mlp&beyond_activation=silu")
    until(lambda: len(layer(page, "beyond_plane", NEAREST, "x")) == 2, 60)
