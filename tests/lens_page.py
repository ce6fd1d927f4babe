"""What the browser tests of every lens do: open its page, read its dials and its address."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page, expect
from served import until

MODEL = """(start) => [...Bokeh.documents[0]._all_models.values()].find((m) => String(m.name).startsWith(start))"""

DRAWN = "[...(Bokeh.documents[0]?._all_models.values() ?? [])].find((m) => m.type === 'Packet')?.echo ?? 0"
"""Serial number of the last computed frame that the browser has drawn."""


def opened(page: Page, address: str, slug: str, query: str = "") -> Page:
    """The page of a lens once it has drawn a computed frame and rests."""
    page.goto(f"{address}{slug}{query}")
    page.wait_for_selector("canvas", state="attached")
    until(lambda: page.evaluate(DRAWN) >= 1, 30)
    expect(page.get_by_text("Ready", exact=True).first).to_be_visible(timeout=30_000)
    # Figures below the first screenful follow.
    expect(page.locator(".an-empty-place:visible")).to_have_count(0, timeout=30_000)
    return page


def link(page: Page) -> str:
    """The address bar; Playwright's own `url` stands still while a test sleeps."""
    return page.evaluate("location.href")


def value(page: Page, name: str) -> Any:
    """Value of a dial as the browser has it."""
    return page.evaluate(f"({MODEL})('dial-{name}-').data.value")


def foreign(url: str) -> bool:
    """Whether a request leaves the machine."""
    return not url.startswith(("http://127.0.0.1", "ws://127.0.0.1", "data:", "blob:"))
