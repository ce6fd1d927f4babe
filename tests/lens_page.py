"""What the browser tests of every lens do: open its page, read its dials and its address."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page, expect
from served import until

MODEL = """(start) => [...Bokeh.documents[0]._all_models.values()].find((m) => String(m.name).startsWith(start))"""

DRAWN = "[...(Bokeh.documents[0]?._all_models.values() ?? [])].find((m) => m.type === 'Packet')?.echo ?? 0"
"""Serial number of the last computed frame that the browser has drawn."""


RESTS = """(() => { const line = [...(Bokeh.documents[0]?._all_models.values() ?? [])]
    .find((m) => m.data?.milliseconds !== undefined)?.data
    return line != null && line.milliseconds > 0 && !line.cancellable })()"""
"""Whether the status line tells of a last frame, whatever it says of the link."""


def opened(page: Page, address: str, slug: str, query: str = "") -> Page:
    """The page of a lens once it has drawn a computed frame and rests."""
    page.goto(f"{address}{slug}{query}")
    page.wait_for_selector("canvas", state="attached")
    until(lambda: page.evaluate(DRAWN) >= 1, 30)
    until(lambda: page.evaluate(RESTS), 30)
    # Figures below the first screenful follow.
    expect(page.locator(".an-empty-place:visible")).to_have_count(0, timeout=30_000)
    return page


def link(page: Page) -> str:
    """The address bar; Playwright's own `url` stands still while a test sleeps."""
    return page.evaluate("location.href")


def value(page: Page, name: str) -> Any:
    """Value of a dial as the browser has it."""
    return page.evaluate(f"({MODEL})('dial-{name}-').data.value")


def readouts(page: Page) -> list[dict[str, Any]]:
    """The rows of numbers under the controls, as the browser has them."""
    return page.evaluate(f"({MODEL})('readouts-').data.rows")


def layer(page: Page, figure: str, place: int, column: str) -> list[Any]:
    """A column of the layer at a place of a figure, as the browser has it; empty while the figure is not there."""
    script = """([name, place, column]) => {
        const figure = Bokeh.documents[0].get_model_by_name(name)
        return Array.from(figure?.renderers[place].data_source.data[column] ?? []) }"""
    return page.evaluate(script, [f"figure-{figure}", place, column])


def at(page: Page, figure: str, x: float, y: float) -> tuple[float, float]:
    """Where on the screen a place of a figure is, once it has been drawn, scrolled there and stands still."""
    drawn = """(name) => { const model = Bokeh.documents[0].get_model_by_name(name)
        return model != null && Bokeh.index.find_one(model) != null && (model.inner_width ?? 0) > 20 }"""
    page.wait_for_function(drawn, arg=f"figure-{figure}")
    script = """async ([name, x, y]) => { const model = Bokeh.documents[0].get_model_by_name(name)
        const view = Bokeh.index.find_one(model)
        let box = {}, before
        do {
            before = box
            await new Promise((later) => setTimeout(later, 100))
            view.el.scrollIntoView({block: 'center', behavior: 'instant'})
            box = view.canvas_view.el.getBoundingClientRect()
        } while (box.left !== before.left || box.top !== before.top)
        return [box.left + view.frame.x_scale.compute(x), box.top + view.frame.y_scale.compute(y)] }"""
    found = page.evaluate(script, [f"figure-{figure}", x, y])
    return found[0], found[1]


def drag(page: Page, figure: str, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Take what lies at a place of a figure to another, in fifteen moves of the mouse."""
    first, last = at(page, figure, *start), at(page, figure, *end)
    page.mouse.move(*first)
    page.mouse.down()
    page.mouse.move(*last, steps=15)
    page.mouse.up()


def drop(page: Page, name: str, content: bytes) -> None:
    """Drop a file on the page."""
    file = {"name": name, "mimeType": "application/octet-stream", "buffer": content}
    page.locator("input[type=file]").set_input_files(file)


def foreign(url: str) -> bool:
    """Whether a request leaves the machine."""
    return not url.startswith(("http://127.0.0.1", "ws://127.0.0.1", "data:", "blob:"))
