"""What a painting costs the browser: our changes to BokehJS, on the page of a lens."""

from __future__ import annotations

import pytest
from lens_page import opened
from playwright.sync_api import Page

from anisoscope.app.theme import DARK, LIGHT

pytestmark = pytest.mark.browser

PAINT = """async (modes) => {
    const figure = [...Bokeh.documents[0]._all_models.values()].find((m) => m.tags.includes('anisoscope'))
    const view = Bokeh.index.find_one(figure), line = view.axis_views[0].visuals.axis_line
    const ask = window.getComputedStyle
    let asked = 0
    const paint = () => { asked = 0; view.paint(); return asked }
    const found = []
    for (const mode of modes) {
        window.anisoscopeTheme.set(mode, false)
        window.getComputedStyle = (...of) => { asked++; return ask(...of) }
        paint()
        found.push([paint(), line.get_line_color()])
        window.getComputedStyle = ask
    }
    return found }"""


def test_a_painting_asks_the_browser_for_no_style_twice(page: Page, address: str) -> None:
    """Hundreds of questions a frame otherwise; the theme must still be seen to change."""
    opened(page, address, "ghosts")
    light, dark = [0, LIGHT["axis"]], [0, DARK["axis"]]
    assert page.evaluate(PAINT, ["light", "dark", "light"]) == [light, dark, light]
