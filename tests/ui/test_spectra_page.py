"""Muon versus Adam as a reader meets it: served by the real command, in a real browser."""

from __future__ import annotations

import pytest
from lens_page import DRAWN, link, opened, readouts, value
from playwright.sync_api import Page, expect
from served import until

pytestmark = pytest.mark.browser

QUICK = "?steps=30&step=30"

FIGURES = {
    "training": {"spectrum_lead", "spectrum_beside", "heat", "metric", "loss"},
    "layers": {"cells", "rotation", "product"},
    "polar": {"polar"},
    "edge": {"edge"},
}

VISIBLE = """() => [...Bokeh.documents[0]._all_models.values()]
    .filter((m) => String(m.name).startsWith('figure-'))
    .filter((m) => Bokeh.index.find_one(m)?.el.getClientRects().length).map((m) => m.name.slice(7))"""

SMALLEST = """() => { const found = []
    const walk = (node) => { for (const e of node.querySelectorAll('*')) {
        if (e.matches('input, select, button')) { const b = e.getBoundingClientRect()
            if (b.width && b.height) found.push([b.left, b.top, b.right, b.bottom]) }
        if (e.shadowRoot) walk(e.shadowRoot) } }
    walk(document)
    return found }"""


def line(page: Page, table: str = "spectrum_lead") -> list[list[float]]:
    """What the curves of a figure hold."""
    script = """(name) => Bokeh.documents[0].get_model_by_name(name).renderers
        .filter((r) => r.glyph.type === 'Line').map((r) => Array.from(r.data_source.data.y))"""
    return page.evaluate(script, f"figure-{table}")


def place(page: Page, name: str, x: float, y: float) -> tuple[float, float]:
    """Where on the screen a place of a figure is, the figure scrolled into view."""
    script = """([name, x, y]) => { const view = Bokeh.index.find_one(Bokeh.documents[0].get_model_by_name(name))
        view.el.scrollIntoView({block: 'center'})
        const box = view.canvas_view.el.getBoundingClientRect()
        return [box.left + view.frame.x_scale.compute(x), box.top + view.frame.y_scale.compute(y)] }"""
    found = page.evaluate(script, [f"figure-{name}", x, y])
    return found[0], found[1]


def test_a_drag_of_the_step_moves_lines_and_readouts_without_the_server(page: Page, address: str) -> None:
    opened(page, address, "spectra")
    before, drawn, rows = line(page), page.evaluate(DRAWN), readouts(page)
    assert len([y for y in before if len(y) > 20]) == 2 and rows[0]["label"] == "at step 96"
    first, last = place(page, "heat", 96, 1), place(page, "heat", 30, 1)
    page.mouse.move(*first)
    page.mouse.down()
    page.mouse.move(*last, steps=10)
    until(lambda: abs(value(page, "step") - 30) <= 2)
    assert line(page) != before and readouts(page)[0]["label"] == f"at step {value(page, 'step')}"
    page.mouse.up()
    until(lambda: f"step={value(page, 'step')}" in link(page))
    assert page.evaluate(DRAWN) == drawn, "no frame was asked for"


def test_train_live_grows_and_ends_ready(page: Page, address: str) -> None:
    opened(page, address, "spectra", "?steps=120&step=120")
    page.get_by_role("button", name="Train live").click()
    seen: list[int] = []
    label = "(rows) => Number(rows[0].label.split(' ').at(-1))"

    def step() -> int:
        seen.append(page.evaluate(label, readouts(page)))
        return seen[-1]

    until(lambda: step() < 60, 20)
    until(lambda: step() == 120, 60)
    grown = seen[[s < 60 for s in seen].index(True) :]
    assert grown == sorted(grown) and len(set(grown)) > 4
    expect(page.get_by_text("Ready", exact=True).first).to_be_visible(timeout=15_000)
    assert "take=1" in link(page)


def test_a_branch_is_a_lane_and_another_rate_moves_it_alone(page: Page, address: str) -> None:
    opened(page, address, "spectra", QUICK.replace("step=30", "step=12"))
    page.get_by_role("button", name="Branch at this step").click()
    until(lambda: [row["label"] for row in readouts(page)][1:] == ["Muon 0.02", "AdamW", "Muon 0.01"], 30)
    assert "branch_3=1" in link(page)
    first = line(page)[0]
    page.reload()
    until(lambda: page.evaluate(DRAWN) >= 1, 30)
    until(lambda: len(readouts(page)) == 4 and line(page)[0] == first, 30)


@pytest.mark.parametrize("view", ["layers", "polar", "edge"])
def test_a_view_shows_its_figures_and_no_others(page: Page, address: str, view: str) -> None:
    opened(page, address, "spectra", f"{QUICK}&view={view}")
    until(lambda: len(page.evaluate(VISIBLE)) >= 2)
    found = set(page.evaluate(VISIBLE))
    others = set().union(*(names for other, names in FIGURES.items() if other != view))
    if view == "layers":
        assert found == FIGURES["layers"]
    else:
        assert not found & others and all(view in name or "gap" in name for name in found), found


def test_a_click_on_a_cell_chooses_the_matrix(page: Page, address: str) -> None:
    opened(page, address, "spectra", f"{QUICK}&view=layers")
    page.mouse.click(*place(page, "cells", 0.5, -0.6))
    until(lambda: value(page, "layer") == 1 and "layer=1" in link(page))
    # two clicks in a row are one double click
    page.wait_for_timeout(500)
    page.mouse.click(*place(page, "cells", 2.5, -0.6))
    until(lambda: value(page, "layer") == 3 and "layer=3" in link(page))


def test_a_rate_changed_while_it_trains_takes_over(page: Page, address: str) -> None:
    opened(page, address, "spectra", "?steps=80&step=80")
    page.get_by_role("button", name="Train live").click()
    until(lambda: 5 < int(readouts(page)[0]["label"].split()[-1]) < 60, 20)
    entry = page.get_by_role("textbox", name="Learning rate").nth(1)
    entry.fill("0.004")
    entry.press("Enter")
    until(lambda: "rate_2=0.004" in link(page))
    expect(page.get_by_text("Ready", exact=True).first).to_be_visible(timeout=25_000)
    until(lambda: readouts(page)[0]["label"] == "at step 80")


@pytest.mark.parametrize(("width", "theme"), [(1440, "light"), (800, "dark")])
def test_controls_do_not_overlap_and_stay_on_the_page(
    page: Page, address: str, width: int, theme: str
) -> None:
    page.set_viewport_size({"width": width, "height": 1000})
    opened(page, address, "spectra", f"{QUICK}&theme={theme}&optimizer_3=sgd&optimizer_4=soap")
    boxes = page.evaluate(SMALLEST)
    assert len(boxes) > 20 and all(left >= -1 and right <= width + 1 for left, _, right, _ in boxes)
    for i, a in enumerate(boxes):
        for b in boxes[i + 1 :]:
            across, down = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
            assert across < 2 or down < 2, (a, b)
