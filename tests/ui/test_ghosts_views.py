"""The sweep of r and the spike lab as a reader meets them: dragged, played, paused and opened again from a link."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from lens_page import DRAWN, drag, link, opened, readouts, value
from playwright.sync_api import Page, expect
from served import until

pytestmark = pytest.mark.browser

SWEEP = "?view=sweep&network=linear"

LONG = "?view=spike&spike_steps=600&spike_at=400"


def lines(page: Page, figure: str, column: str) -> list[list[float]]:
    """A column of every curve of a figure; nothing while the page is not there yet."""
    script = """([name, column]) => (Bokeh.documents[0]?.get_model_by_name(name)?.renderers ?? [])
        .filter((r) => r.glyph.type === 'Line').map((r) => Array.from(r.data_source.data[column]))"""
    return page.evaluate(script, [f"figure-{figure}", column])


def head(page: Page) -> int:
    """The step to which the lanes of the spike lab have come."""
    return max([0, *(len(x) - 1 for x in lines(page, "spike_accuracy", "x"))])


def pause(page: Page) -> int:
    """Pause the training; the step at which it stands, as the curves, the link and the words say alike."""
    page.get_by_role("button", name="Pause or go on").click()
    until(lambda: link(page).endswith(f"spike_until={head(page)}"))
    step = head(page)
    expect(page.get_by_text(f"paused at step {step} of", exact=False).first).to_be_visible()
    return step


def row(page: Page, label: str) -> dict[str, str]:
    return next(found for found in readouts(page) if found["label"] == label)


def test_a_drag_along_the_curves_reads_them_without_the_server(page: Page, address: str) -> None:
    opened(page, address, "ghosts", SWEEP)
    kept, drawn = row(page, "accuracy kept")["value"], page.evaluate(DRAWN)
    drag(page, "sweep_kept", (math.log10(2.45), 0.5), (1.0, 0.5))
    until(lambda: value(page, "r") == pytest.approx(10, rel=0.05))
    moved = row(page, "accuracy kept")["value"]
    assert float(moved[:-2]) < float(kept[:-2]) - 5
    until(lambda: f"r={value(page, 'r')}" in link(page))
    assert page.evaluate(DRAWN) == drawn, "no frame was asked for"


def test_another_axis_moves_the_curves_and_a_link_keeps_it(page: Page, address: str) -> None:
    opened(page, address, "ghosts", SWEEP)
    before = lines(page, "sweep_kept", "x")[0]
    step = row(page, "step τ, and r")
    page.get_by_label("Axis").select_option(label="τ")
    until(lambda: lines(page, "sweep_kept", "x")[0] != before)
    after = lines(page, "sweep_kept", "x")[0]
    gaps = [new - old for new, old in zip(after, before, strict=True)]
    bound = float(step["value"]) / float(step["beside"])
    assert gaps == pytest.approx([math.log10(bound)] * len(gaps), abs=3e-3)
    assert row(page, "step τ, and r") == step, "the step itself stays"
    until(lambda: "sweep_axis=tau" in link(page))
    opened(page, address, "ghosts", link(page).partition("ghosts")[2])
    assert lines(page, "sweep_kept", "x")[0] == after


def test_choosing_the_sweep_changes_words_and_leaves_what_does_nothing_out(page: Page, address: str) -> None:
    opened(page, address, "ghosts")
    expect(page.get_by_text("Sample 384", exact=False).first).to_be_visible()
    page.get_by_label("Figures").select_option(label="sweep of r")
    expect(page.get_by_text("The weights move along one direction", exact=False)).to_be_visible()
    for gone in ("Sample, −1: tightest", "Taylor order n"):
        expect(page.get_by_role("slider", name=gone, exact=True)).to_be_hidden()
    expect(page.get_by_text("Sample 384", exact=False)).to_have_count(0)
    expect(page.get_by_label("Softmax of")).to_be_hidden()


def test_the_table_of_the_sweep_is_whole_in_a_narrow_window(page: Page, address: str) -> None:
    page.set_viewport_size({"width": 800, "height": 900})
    opened(page, address, "ghosts", SWEEP)
    table = page.locator("table", has_text="Transformer")
    expect(table).to_have_count(1)
    seen, whole = table.evaluate("(table) => [table.parentElement.clientWidth, table.scrollWidth]")
    assert whole <= seen, "its last column would be cut"


def test_lanes_advance_pause_and_go_on_step_by_step(page: Page, address: str) -> None:
    page.goto(f"{address}ghosts{LONG}&spike_seed=5")
    seen: list[int] = []
    until(lambda: seen.append(head(page)) or seen[-1] > 12, 60)
    paused = pause(page)
    assert 12 < paused < 600 and seen == sorted(seen)
    page.wait_for_timeout(400)
    assert head(page) == paused
    page.get_by_role("button", name="One step").click()
    until(lambda: head(page) == paused + 1)
    page.get_by_role("button", name="Pause or go on").click()
    until(lambda: head(page) > paused + 3)
    assert pause(page) > paused + 3


def test_a_spike_now_is_where_the_training_stands_and_a_rewind_plays_it_again(
    page: Page, address: str
) -> None:
    opened(page, address, "ghosts", f"{LONG}&spike_seed=6&spike_until=30")
    assert head(page) == 30 and readouts(page)[0]["label"] == "at step 30"
    before = [y[:31] for y in lines(page, "spike_accuracy", "y")]
    page.get_by_role("button", name="Spike", exact=True).click()
    until(lambda: "spike_at=31" in link(page) and head(page) > 45, 60)
    end = pause(page)
    assert [y[:31] for y in lines(page, "spike_accuracy", "y")] == before, "what was trained is kept"
    plain = lines(page, "spike_accuracy", "y")[0]
    assert min(plain[31:]) < 0.5 < plain[30]
    drag(page, "spike_accuracy", (end, 0.5), (10, 0.5))
    until(lambda: readouts(page)[0]["label"] == "at step 10")
    page.get_by_role("button", name="Play").click()
    until(lambda: readouts(page)[0]["label"] == f"at step {end}", 30)
    until(lambda: f"spike_until={end}" in link(page))
    opened(page, address, "ghosts", link(page).partition("ghosts")[2])
    assert head(page) == end and lines(page, "spike_accuracy", "y")[0] == plain


def test_space_plays_the_dial_that_is_shown_and_none_that_is_hidden(page: Page, address: str) -> None:
    opened(page, address, "ghosts", "?view=spike&spike_until=60&spike_step=10")
    hidden = value(page, "watch_step")
    page.keyboard.press("Space")
    until(lambda: value(page, "spike_step") > 10)
    page.keyboard.press("Space")
    assert value(page, "watch_step") == hidden
    opened(page, address, "ghosts")
    at_first = link(page)
    page.keyboard.press("Space")
    page.wait_for_timeout(500)
    assert value(page, "watch_step") == hidden and link(page) == at_first


@pytest.mark.parametrize("view", ["step", "sweep", "temperature", "watch"])
def test_figures_that_are_hidden_leave_no_room(page: Page, address: str, view: str) -> None:
    opened(page, address, "ghosts", f"?view={view}")
    figures = page.locator(".an-figures").bounding_box()
    boxes = [block.bounding_box() for block in page.locator(".an-hero:visible, .an-figure:visible").all()]
    assert figures and boxes[0] and boxes[0]["y"] == pytest.approx(figures["y"], abs=1)
    rows = sorted({(box["y"], box["y"] + box["height"]) for box in boxes if box})
    below = [top - bottom for (_, bottom), (top, _) in pairwise(rows) if top > bottom]
    assert below and all(gap == pytest.approx(14, abs=1) for gap in below)
