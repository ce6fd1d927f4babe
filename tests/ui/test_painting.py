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
    const paint = () => { asked = 0; view.invalidate_painters(); view.paint(); return asked }
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


COUNTED = """const counted = (owner, name) => {
    const theirs = owner[name], count = { calls: 0, end: () => { owner[name] = theirs } }
    owner[name] = function (...of) { count.calls++; return theirs.apply(this, of) }
    return count
  }
  const figure = Bokeh.documents[0].get_model_by_name('figure-loss')
  const view = Bokeh.index.find_one(figure)
  const line = [...view.renderer_views.values()].find((v) => v.model.glyph?.type === 'Line')
"""

SHEETS = f"""async () => {{
  {COUNTED}
  const sheets = new MutationObserver(() => {{}})
  const all = {{ childList: true, characterData: true, subtree: true }}
  for (const v of view.renderer_views.values()) sheets.observe(v.shadow_el ?? v.el, all)
  const source = line.model.data_source, before = source.data
  await line.glyph.set_data(source, line.all_indices)
  view.invalidate_painters()
  view.paint()
  sheets.takeRecords()
  source.data = {{...before, y: before.y.map((y) => 0.5 * y)}}
  await line.set_data()
  view.invalidate_painters()
  view.paint()
  return [sheets.takeRecords().length, line.bbox.height > 0]
}}"""

GLYPHS = f"""async () => {{
  {COUNTED}
  const states = ['glyph', 'selection_glyph', 'nonselection_glyph', 'muted_glyph', 'decimated_glyph']
  const data = counted(line.glyph, 'set_data'), places = counted(line.glyph, 'map_data')
  const colours = counted(line.glyph, 'set_visuals')
  await line.set_data()
  view.invalidate_painters()
  view.paint()
  data.end(), places.end(), colours.end()
  return [new Set(states.map((state) => line[state])).size, data.calls, places.calls, colours.calls, line.model.view.masked]
}}"""

AXES = f"""async () => {{
  {COUNTED}
  const axis = view.axis_views.find((a) => a.model === figure.left[0]), {{ ticker }} = axis.model
  const paint = () => {{ view.invalidate_painters(); view.repaint() }}
  ticker.ticks = [3]
  paint()
  const width = axis._tick_label_extents()[0]
  const labels = counted(axis, 'compute_labels'), layouts = counted(view, 'compute_layout')
  ticker.ticks = [3.25]
  paint()
  const passes = labels.calls
  labels.end(), layouts.end()
  return [axis._tick_label_extents()[0] > width, passes, layouts.calls]
}}"""


def test_a_glyph_that_moves_writes_no_style_sheet(page: Page, address: str) -> None:
    opened(page, address, "ghosts")
    assert page.evaluate(SHEETS) == [0, True]


def test_a_glyph_is_worked_out_once_not_for_each_state(page: Page, address: str) -> None:
    opened(page, address, "ghosts")
    assert page.evaluate(GLYPHS) == [1, 1, 1, 1, None]


def test_longer_numbers_on_an_axis_are_measured_once_and_lay_nothing_out(page: Page, address: str) -> None:
    """One pass to measure, one to paint; Bokeh takes up to five, and a layout of the figure."""
    opened(page, address, "ghosts")
    assert page.evaluate(AXES) == [True, 2, 0]
