"""The served app and a page that fails on any fault in the browser, for all browser tests of lenses."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from lens_page import foreign
from playwright.sync_api import Browser, Page, expect
from served import as_command

# What must come, however loaded the machine is that tests.
expect.set_options(timeout=30_000)


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    with as_command("--no-browser") as served:
        yield served


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1440, "height": 1000}, accept_downloads=True)
    opened = context.new_page()
    faults: list[str] = []
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.on("console", lambda m: faults.append(m.text) if m.type == "error" else None)
    opened.on("request", lambda r: faults.append(r.url) if foreign(r.url) else None)
    yield opened
    context.close()
    assert faults == []
