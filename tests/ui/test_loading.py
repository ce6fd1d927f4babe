"""How a page's code reaches the browser: as it is, through the browser's own loader, and once."""

from __future__ import annotations

import pytest
from lens_page import opened
from playwright.sync_api import Page

pytestmark = pytest.mark.browser

NAMED = """async () => {
    const code = (text) => URL.createObjectURL(new Blob([text], {type: "text/javascript"}))
    const told = {plain: (await importShim(code("export const value = 1"))).value}
    importShim.addImportMap({imports: {"an-other": code("export const value = 2")}})
    told.mapped = (await importShim(code("export * from 'an-other'"))).value
    told.broken = await importShim(code("throw Error('it fails')")).catch((error) => error.message)
    return told }"""

KEPT = """() => {
    const ours = [...Bokeh.documents[0]._all_models.values()].filter((m) => m.type === "panel.models.esm.ReactiveESM")
    return ours.map((m) => [m.class_name, m.bundle !== null && m.compiled === m.esm]) }"""


def test_a_module_is_loaded_once_and_one_that_needs_an_import_map_has_it(page: Page, address: str) -> None:
    opened(page, address, "psf")
    files = "performance.getEntriesByType('resource').map((file) => file.name)"
    assert sum("panel-material-ui.bundle.js" in name for name in page.evaluate(files)) == 1
    assert page.evaluate(NAMED) == {"plain": 1, "mapped": 2, "broken": "it fails"}


def test_no_code_of_ours_goes_through_a_compiler(page: Page, address: str) -> None:
    opened(page, address, "psf")
    ours = page.evaluate(KEPT)
    assert len(ours) > 20 and [name for name, as_it_is in ours if not as_it_is] == []
