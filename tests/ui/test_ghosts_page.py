"""The lens as a reader meets it: served by the real command, in a real browser."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import numpy as np
import pytest
from lens_page import at, drag, drop, layer, link, value
from lens_page import opened as opened_lens
from playwright.sync_api import Browser, Page, expect
from served import as_command, until

from anisoscope.app import first_frame
from anisoscope.app.lenses.ghosts import GhostsLens
from anisoscope.app.lenses.ghosts.checkpoints import load
from anisoscope.app.lenses.ghosts.choices import VIEWS
from anisoscope.app.lenses.ghosts.extents import TILES_DOWN

pytestmark = pytest.mark.browser


SAID = ".line > .state"
"""What the status line says; what is read aloud of it comes later."""


def opened(page: Page, address: str, query: str = "") -> Page:
    return opened_lens(page, address, "ghosts", query)


def source(page: Page, figure: str, glyph: str) -> dict[str, Any]:
    """Columns of the last glyph of a type in a figure, as the browser has them."""
    script = """([name, type]) => { const figure = Bokeh.documents[0].get_model_by_name(name)
        const data = figure.renderers.filter((r) => r.glyph.type === type).at(-1).data_source.data
        return Object.fromEntries(Object.entries(data).map(([k, v]) => [k, Array.from(v)])) }"""
    return page.evaluate(script, [f"figure-{figure}", glyph])


def row(page: Page, label: str) -> str:
    return page.get_by_role("row").filter(has_text=label).first.inner_text()


def test_it_opens_past_the_ghosts_without_a_fault(page: Page, address: str) -> None:
    opened(page, address)
    expect(page.get_by_role("heading", name="Ghosts of softmax")).to_be_visible()
    assert "0.277" in row(page, "step τ") and "2.45" in row(page, "step τ")
    assert "1.93" in row(page, "exact ρ*")
    for name in ("plane", "loss", "error", "histogram", "coefficients", "thumbnails", "estimates"):
        width = f"Bokeh.documents[0].get_model_by_name('figure-{name}')?.inner_width ?? 0"
        until(lambda width=width: page.evaluate(width) > 100)


@pytest.mark.parametrize("words", ["true network", "temperature", "scales compared"])
def test_a_view_that_is_chosen_later_is_drawn_whole(page: Page, address: str, words: str) -> None:
    """Figures that share an axis come one after the other, and the browser knows whatever a message names."""
    opened(page, address)
    page.get_by_label("Figures", exact=True).select_option(label=words)
    lens = GhostsLens(view=VIEWS[words])
    for figure in lens.figures(first_frame.load("ghosts")):
        if figure.shown(lens):
            width = f"Bokeh.documents[0].get_model_by_name('figure-{figure.name}')?.inner_width ?? 0"
            until(lambda width=width: page.evaluate(width) > 100, 30)


def test_dragging_in_the_plane_moves_the_step_and_the_address(page: Page, address: str) -> None:
    opened(page, address)
    box = page.locator("canvas").first.bounding_box()
    assert box is not None
    x, y = box["x"] + 46 + (box["width"] - 56) / 2, box["y"] + box["height"] / 2
    page.mouse.move(x + 200, y)
    page.mouse.down()
    page.mouse.move(x + 100, y, steps=12)
    page.mouse.up()
    until(lambda: "r=" in link(page))
    units = 100 / ((box["width"] - 56) / 12)
    assert value(page, "r") == pytest.approx(units, rel=0.08)
    assert max(source(page, "plane", "Scatter")["x"]) == pytest.approx(value(page, "r"), rel=1e-6)


def test_scrubbing_asks_the_server_for_no_frame(page: Page, address: str) -> None:
    opened(page, address)
    count = "[...Bokeh.documents[0]._all_models.values()].find((m) => m.type === 'Packet').serial"
    until(lambda: page.evaluate(count) >= 1)
    page.wait_for_timeout(500)
    before = page.evaluate(count)
    slider = page.get_by_role("slider", name="Step r = τ / ρₐ", exact=True)
    slider.focus()
    for _ in range(10):
        slider.press("ArrowLeft")
    page.wait_for_timeout(400)
    assert value(page, "r") < 2.45
    assert page.evaluate(count) == before


def test_a_temperature_repaints_plane_ghosts_and_line_together(page: Page, address: str) -> None:
    opened(page, address)
    before = source(page, "plane", "Scatter"), source(page, "loss", "Line")
    entry = page.get_by_role("textbox", name="Temperature T, exact value")
    entry.fill("0.5")
    entry.press("Enter")
    until(lambda: source(page, "loss", "Line") != before[1])
    ghosts = page.evaluate(
        """() => { const f = Bokeh.documents[0].get_model_by_name('figure-plane')
            return Array.from(f.renderers.filter((r) => r.glyph.type === 'Scatter')[0].data_source.data.y) }"""
    )
    assert min(abs(y) for y in ghosts) >= 0.5 - 1e-6
    assert "0.0566" in row(page, "bound ρₐ")


def test_a_link_opened_elsewhere_restores_the_state(page: Page, address: str) -> None:
    opened(page, address, "?network=mlp&sample=9&r=0.5&order=7&temperature=2&basis=x")
    assert (value(page, "r"), value(page, "order"), value(page, "temperature")) == (0.5, 7, 2)
    expect(page.get_by_text("Sample 9", exact=False).first).to_be_visible()
    expect(page.locator(SAID).first).to_contain_text("basis: not known in this version")


def test_a_link_with_a_wrong_value_says_which(page: Page, address: str) -> None:
    opened(page, address, "?order=900&r=1")
    said = page.locator(SAID).first
    expect(said).to_have_text("order = '900': must be a whole number from 1 to 48")
    page.get_by_role("button", name="Use 48").click()
    expect(said).to_have_text("Ready")
    until(lambda: value(page, "order") == 48)


def test_a_preset_sets_everything_it_names(page: Page, address: str) -> None:
    opened(page, address)
    page.get_by_role("button", name="Order 48 inside the radius").click()
    until(lambda: value(page, "r") == 1.7)
    until(lambda: "r=1.7" in link(page))
    until(lambda: "1.4 × 10⁻⁴" in row(page, "linearised"))


def test_keys_move_reset_and_list_themselves(page: Page, address: str) -> None:
    opened(page, address)
    page.keyboard.press("ArrowRight")
    until(lambda: value(page, "r") > 2.45)
    page.keyboard.press("[")
    until(lambda: value(page, "order") == 47)
    page.keyboard.press("0")
    until(lambda: (value(page, "r"), value(page, "order")) == (2.45, 48))
    # What a key has just moved settles before the reset, not after it.
    page.keyboard.press("ArrowRight")
    page.keyboard.press("0")
    page.wait_for_timeout(800)
    assert value(page, "r") == 2.45
    page.keyboard.press("p")
    until(lambda: value(page, "r") != 2.45 or "source=" in link(page))
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()


def test_keys_move_the_dial_of_the_view_and_none_that_is_hidden(page: Page, address: str) -> None:
    opened(page, address, "?view=temperature&r=1")
    at_first = value(page, "temperature")
    page.keyboard.press("ArrowLeft")
    until(lambda: value(page, "temperature") < at_first)
    until(lambda: f"temperature={value(page, 'temperature')}" in link(page))
    assert value(page, "r") == 1 and "&r=1.0" in link(page)
    page.get_by_label("Figures").select_option(label="one step")
    expect(page.get_by_role("slider", name="Step r = τ / ρₐ")).to_be_visible()
    kept = value(page, "temperature")
    page.keyboard.press("ArrowRight")
    until(lambda: value(page, "r") > 1)
    assert value(page, "temperature") == kept


def test_the_sandbox_takes_the_place_of_the_samples(page: Page, address: str) -> None:
    opened(page, address)
    page.get_by_label("Softmax of").select_option(label="sandbox")
    expect(page.get_by_text("Your softmax")).to_be_visible()
    expect(page.get_by_text("Samples in the brush")).to_be_hidden()
    drag(page, "sandbox", (0.0, 2.0), (0.0, 3.0))
    until(lambda: "logits=" in link(page))
    until(lambda: layer(page, "sandbox", 2, "y")[0] == pytest.approx(3.0, abs=0.1))


def test_a_click_on_a_digit_makes_it_the_sample(page: Page, address: str) -> None:
    opened(page, address)
    page.mouse.click(*at(page, "thumbnails", 0.5, TILES_DOWN - 0.5))
    until(lambda: "sample=1326" in link(page))
    expect(page.get_by_text("Sample 1326", exact=False).first).to_be_visible()


def test_dark_and_light_change_figures_at_once(page: Page, address: str) -> None:
    opened(page, address)
    colour = "Bokeh.documents[0].get_model_by_name('figure-loss').background_fill_color"
    light = page.evaluate(colour)
    page.get_by_role("button", name="dark", exact=False).or_(page.get_by_role("switch")).first.click()
    until(lambda: page.evaluate(colour) != light)


def test_the_export_button_gives_a_zip_that_restores_the_state(page: Page, address: str) -> None:
    opened(page, address, "?r=1.25")
    with page.expect_download(timeout=120_000) as waiting:
        page.get_by_role("button", name="Export", exact=True).click()
    content = waiting.value.path().read_bytes()
    archive = zipfile.ZipFile(io.BytesIO(content))
    assert json.loads(archive.read("request.json"))["parameters"]["r"] == 1.25
    assert "figures/plane-85mm.svg" in archive.namelist()
    page.keyboard.press("0")
    until(lambda: value(page, "r") == 2.45)
    file = {"name": "request.json", "mimeType": "application/json", "buffer": archive.read("request.json")}
    page.locator("input[type=file]").set_input_files(file)
    until(lambda: value(page, "r") == 1.25)


def test_a_dropped_file_that_is_no_request_leaves_the_picture(page: Page, address: str) -> None:
    opened(page, address)
    file = {"name": "request.json", "mimeType": "application/json", "buffer": b"{"}
    page.locator("input[type=file]").set_input_files(file)
    expect(page.get_by_text("must be a request.json of the form", exact=False).first).to_be_visible()
    assert value(page, "r") == 2.45


def test_the_gallery_leads_to_the_lens_and_knows_no_other(page: Page, address: str) -> None:
    page.goto(address)
    page.wait_for_selector("canvas", state="attached")
    cards = page.get_by_role("link", name="Ghosts of softmax")
    expect(cards).to_have_count(1)
    cards.click()
    expect(page.get_by_role("heading", name="Ghosts of softmax")).to_be_visible(timeout=20_000)


def test_panel_serve_serves_the_same_app(browser: Browser) -> None:
    from pathlib import Path

    main = Path(__file__).parents[2] / "app" / "main.py"
    with as_command(str(main), command=("-m", "panel", "serve")) as address:
        page = browser.new_page()
        page.goto(f"{address}main?lens=ghosts&r=0.5")
        page.wait_for_selector("canvas", state="attached", timeout=30_000)
        assert value(page, "r") == 0.5
        page.close()


PAINTS = """async (r) => {
    const model = Bokeh.documents[0].get_model_by_name('figure-plane'), view = Bokeh.index.find_one(model)
    const counts = {primary: 0, overlays: 0}
    for (const [name, method] of [['primary', '_paint_primary'], ['overlays', '_paint_overlays']]) {
        const paint = view[method]
        view[method] = function (...args) { counts[name]++; return paint.apply(this, args) }
    }
    const dial = [...Bokeh.documents[0]._all_models.values()].find((m) => String(m.name).startsWith('dial-r-')).data
    dial.value = r
    await new Promise((go) => setTimeout(go, 400))
    const {canvas, ctx} = view.canvas_view.overlays, ratio = canvas.width / view.bbox.width
    const strip = Math.floor(view.frame.bbox.left * ratio) - 2
    const painted = (x, width) => ctx.getImageData(x, 0, width, canvas.height).data.some((v) => v > 0)
    return {...counts, inside: painted(strip + 4, canvas.width - strip - 4), beside: painted(0, strip)}
}"""


def test_marks_of_the_hand_are_repainted_alone_and_never_leave_the_frame(page: Page, address: str) -> None:
    opened(page, address)
    # The page still moves a little while the last figures find their places.
    page.wait_for_timeout(1500)
    painted = page.evaluate(PAINTS, 30.0)
    assert painted["overlays"] >= 1 and painted["primary"] == 0
    assert painted["inside"] and not painted["beside"]


def test_weights_dropped_on_the_page_become_the_network(page: Page, address: str) -> None:
    arrays = {name: v.numpy() for name, v in load("linear", "middle").model.state_dict().items()}
    sink = io.BytesIO()
    np.savez(sink, **arrays)
    opened(page, address, "?sample=3")
    file = {"name": "mine.npz", "mimeType": "application/zip", "buffer": sink.getvalue()}
    page.locator("input[type=file]").set_input_files(file)
    expect(page.get_by_text("weights of mine.npz", exact=False).first).to_be_visible()
    until(lambda: "weights=mine.npz" in link(page))
    opened(page, address, link(page).partition("ghosts")[2])
    expect(page.get_by_text("weights of mine.npz", exact=False).first).to_be_visible()
    file["buffer"] = b"PK nothing"
    page.locator("input[type=file]").set_input_files(file)
    expect(page.get_by_text("readable .npz archive", exact=False).first).to_be_visible()
    opened(page, address, "?weights=other.npz%230123456789abcdef")
    expect(page.get_by_text("drop other.npz on the page again", exact=False).first).to_be_visible()


def test_dropped_logits_and_slopes_become_the_source(page: Page, address: str) -> None:
    opened(page, address)
    buffer = io.BytesIO()
    generator = np.random.default_rng(4)
    np.savez(buffer, z=generator.normal(size=(12, 4)), a=generator.normal(size=(12, 4)))
    drop(page, "mine.npz", buffer.getvalue())
    expect(page.get_by_text("Radius of 12 samples").first).to_be_visible()
    expect(page.get_by_text("12 samples of mine.npz", exact=False).first).to_be_visible()
    expect(page.get_by_text("Samples in the brush").first).to_be_hidden()
