"""Undo and redo under a real hand: dials, presets, keys, fields that keep their own, and a notebook's outputs."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import panel as pn
import pytest
from lens_page import MODEL, link, opened, value
from playwright.sync_api import Browser, Locator, Page, expect
from served import in_thread, until
from small_lens import Training

from anisoscope.app.control import hands
from anisoscope.app.presets import presets
from anisoscope.app.registry import lens_class, lens_entries
from anisoscope.app.scheduler import ServedScheduler
from anisoscope.app.view import LensView

pytestmark = pytest.mark.browser

SLUGS = sorted(lens_entries())


def undo(page: Page) -> Locator:
    return page.get_by_role("button", name="Undo")


def redo(page: Page) -> Locator:
    return page.get_by_role("button", name="Redo")


def slider(page: Page, name: str) -> Locator:
    label = page.evaluate(f"({MODEL})('dial-{name}-').data.label")
    return page.get_by_role("slider", name=label, exact=True)


def move(page: Page, dial: Locator) -> None:
    """Take a dial by the hand, in ten moves, well away from where it stands."""
    dial.scroll_into_view_if_needed()
    box = dial.bounding_box()
    assert box is not None
    middle, share = box["y"] + box["height"] / 2, 0.3 if float(dial.input_value()) > middle_of(dial) else 0.7
    page.mouse.move(box["x"] + box["width"] / 2, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + share * box["width"], middle, steps=10)
    page.mouse.up()


def middle_of(dial: Locator) -> float:
    return dial.evaluate("(e) => (Number(e.min) + Number(e.max)) / 2")


@pytest.mark.parametrize("slug", SLUGS)
def test_a_drag_and_a_preset_go_back_and_come_again(page: Page, address: str, slug: str) -> None:
    opened(page, address, slug)
    lens = lens_class(slug)()
    name, _ = hands(lens.controls(), lens.second, lens)
    opening, at_first = link(page), value(page, name)
    expect(undo(page)).to_be_disabled()
    expect(redo(page)).to_be_disabled()

    move(page, slider(page, name))
    expect(undo(page)).to_be_enabled()
    dragged = value(page, name)
    assert dragged != at_first
    until(lambda: f"{name}=" in link(page))
    after_drag = link(page)
    preset = next(p for p in presets(slug) if p.attempt and lens.validated(p.params) != lens.request())
    page.locator(".an-try button").filter(has_text=preset.title).click()
    until(lambda: link(page) not in (opening, after_drag))
    after_preset = link(page)

    page.keyboard.press("Control+z")
    until(lambda: link(page) == after_drag and value(page, name) == dragged)
    page.keyboard.press("Control+z")
    until(lambda: link(page) == opening and value(page, name) == at_first)
    expect(undo(page)).to_be_disabled()
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+Shift+z")
    until(lambda: link(page) == after_drag and value(page, name) == dragged)
    page.keyboard.press("Control+y")
    until(lambda: link(page) == after_preset)
    expect(redo(page)).to_be_disabled()
    undo(page).click()
    until(lambda: link(page) == after_drag)
    redo(page).click()
    until(lambda: link(page) == after_preset)


def test_marks_that_the_browser_moves_go_back_as_well(page: Page, address: str) -> None:
    opened(page, address, "ghosts")
    rows = "[...Bokeh.documents[0]._all_models.values()].find((m) => String(m.name).startsWith('readouts-')).data.rows"
    before = page.evaluate(f"JSON.stringify({rows})")
    move(page, slider(page, "r"))
    until(lambda: page.evaluate(f"JSON.stringify({rows})") != before)
    page.keyboard.press("Control+z")
    until(lambda: page.evaluate(f"JSON.stringify({rows})") == before)


def test_a_key_held_down_is_one_state_and_both_ends_answer_to_the_keyboard(page: Page, address: str) -> None:
    opened(page, address, "ghosts")
    at_first = value(page, "r")
    dial = slider(page, "r")
    dial.focus()
    # Without pauses: where one lasts as long as a rest, what was moved is two states.
    for _ in range(15):
        page.keyboard.down("ArrowRight")
    page.keyboard.up("ArrowRight")
    expect(undo(page)).to_be_enabled()
    held = value(page, "r")
    page.keyboard.press("Control+z")
    until(lambda: value(page, "r") == at_first)
    expect(undo(page)).to_be_disabled()
    redo(page).focus()
    page.keyboard.press("Enter")
    until(lambda: value(page, "r") == held)
    expect(redo(page)).to_be_disabled()
    # The button that has just become grey still has the focus, or had it: the keys must not be lost with it.
    page.keyboard.press("Control+z")
    until(lambda: value(page, "r") == at_first)


def test_fields_keep_their_own_undo_and_selects_have_none(page: Page, address: str) -> None:
    opened(page, address, "ghosts")
    dial = slider(page, "r")
    move(page, dial)
    expect(undo(page)).to_be_enabled()
    dragged = value(page, "r")
    entry = page.get_by_role("textbox", name=dial.get_attribute("aria-label")).first
    entry.focus()
    shown = entry.input_value()
    entry.press("End")
    entry.press("7")
    assert entry.input_value() != shown
    entry.press("Control+z")
    assert entry.input_value() == shown
    entry.press("Escape")
    page.wait_for_timeout(300)
    assert value(page, "r") == dragged, "the field's undo is not the lens's"
    select = page.locator("select:visible").first
    select.focus()
    page.keyboard.press("Control+z")
    until(lambda: value(page, "r") != dragged)


def test_the_header_holds_all_buttons_on_a_telephone(page: Page, address: str) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    opened(page, address, "psf")
    buttons = [undo(page), redo(page), page.get_by_role("button", name="Share this state")]
    buttons += [page.get_by_role("button", name="Export"), page.get_by_role("switch", name="Dark theme")]
    boxes = [button.bounding_box() for button in buttons]
    mark = page.get_by_role("link", name="Anisoscope").bounding_box()
    edges = [(box["x"], box["x"] + box["width"]) for box in (mark, *boxes) if box]
    assert len(edges) == 6 and edges[-1][1] <= 390
    assert all(left[1] <= right[0] + 1 for left, right in pairwise(edges)), edges


def test_the_list_of_keys_names_them(page: Page, address: str) -> None:
    opened(page, address, "ghosts")
    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keys")
    expect(keys.get_by_text("Ctrl Z", exact=True)).to_be_visible()
    expect(keys.get_by_text("undo", exact=True)).to_be_visible()
    expect(keys.get_by_text("Ctrl ⇧ Z, Ctrl Y", exact=True)).to_be_visible()


@pytest.fixture
def beside(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Page, Training]]:
    """Two outputs of one lens as a notebook composes them: undo in the lens's own bar, keys after a click inside."""
    monkeypatch.setattr(
        LensView, "served", property(lambda self: not isinstance(self._scheduler, ServedScheduler))
    )
    made: list[Training] = []

    def outputs() -> Any:
        made.append(Training())
        return pn.Column(LensView(made[-1]).layout, LensView(made[-1]).layout)

    with in_thread({"/outputs": outputs}) as served:
        opened_page = browser.new_page(viewport={"width": 1000, "height": 900})
        faults: list[str] = []
        opened_page.on("pageerror", lambda error: faults.append(str(error)))
        opened_page.goto(served + "outputs")
        opened_page.wait_for_selector("canvas", state="attached")
        expect(undo(opened_page)).to_have_count(2)
        yield opened_page, made[-1]
        opened_page.close()
        assert faults == []


def test_two_outputs_of_one_lens_share_one_history(beside: tuple[Page, Training]) -> None:
    page, lens = beside
    until(
        lambda: (
            page.evaluate("[...Bokeh.documents[0]._all_models.values()].filter((m) => m.echo >= 1).length")
            == 2
        )
    )
    at_first = lens.rate
    first = page.get_by_role("slider").first
    move(page, first)
    expect(undo(page).nth(1)).to_be_enabled()
    expect(undo(page).nth(0)).to_be_enabled()
    assert lens.rate != at_first
    undo(page).nth(1).click()
    until(lambda: lens.rate == at_first)
    expect(redo(page).nth(0)).to_be_enabled()
    page.get_by_role("heading", name=lens.title).first.click()
    page.keyboard.press("Control+y")
    until(lambda: lens.rate != at_first)
