"""The page frame in a real browser: nothing off-site, small on the wire, light and dark, three widths."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np
import panel as pn
import pytest
from bokeh.models import LinearColorMapper
from bokeh.plotting import figure
from playwright.sync_api import Browser, Page, expect
from tornado.websocket import WebSocketProtocol13

from anisoscope.app import theme
from anisoscope.app.shell import dark, gallery, page, serving

pytestmark = pytest.mark.browser

READY = "window.Bokeh?.index?.roots?.[0]?.is_idle === true"

# Elements by class, through shadow roots.
FIND = """(wanted) => {
  const found = []
  const walk = (node) => {
    for (const e of node.querySelectorAll("*")) {
      const name = wanted.find((c) => e.classList.contains(c))
      const {x, y, width, height} = e.getBoundingClientRect()
      if (name) found.push({name, x, y, width, height})
      if (e.shadowRoot) walk(e.shadowRoot)
    }
  }
  walk(document)
  return found
}"""

COLOURS = """() => Bokeh.documents.flatMap((d) => [...d.all_models]).filter((m) => m.type === "Line")
  .map((m) => m.line_color).filter((c) => typeof c === "string" || c?.value).map((c) => c.value ?? c)"""


def html(text: str, css: str) -> pn.pane.HTML:
    styles = theme.stylesheets()
    return pn.pane.HTML(text, css_classes=[css], stylesheets=styles, sizing_mode="stretch_width", margin=0)


def column(*children: Any, css: str) -> pn.Column:
    styles = theme.stylesheets()
    return pn.Column(*children, css_classes=[css], stylesheets=styles, sizing_mode="stretch_width", margin=0)


def canvas() -> pn.pane.Bokeh:
    light, dark = theme.PALETTES["sky"]
    plot = figure(height=200, sizing_mode="stretch_width", toolbar_location=None)
    plot.background_fill_color = theme.LIGHT["plot"]
    mapper = LinearColorMapper(palette=light, low=0, high=1, tags=[{"light": light, "dark": dark}])
    plot.image(image=[np.eye(2)], x=0, y=0, dw=1, dh=1, color_mapper=mapper)  # pyright: ignore[reportCallIssue]
    plot.line([0, 1], [0, 1], line_color=theme.LIGHT["blue"])
    return pn.pane.Bokeh(plot, sizing_mode="stretch_width", margin=0)


def lens() -> pn.viewable.Viewable:
    figures = column(column(canvas(), css="an-hero"), column(canvas(), css="an-figure"), css="an-figures")

    more = pn.widgets.Button(
        label="Add", on_click=lambda _event: figures.append(column(canvas(), css="an-figure"))
    )
    controls = column(
        column(html("primary", "an-words"), css="an-primary"),
        column(html("secondary", "an-words"), css="an-secondary"),
        css="an-controls",
    )
    grid = column(
        html("<h1>Ghosts of softmax</h1>", "an-title"),
        html("<p>Drag.</p>", "an-lede"),
        controls,
        figures,
        column(html("<h2>What you see</h2>", "an-see"), html("<h2>Try</h2>", "an-try"), css="an-story"),
        html("Ready", "an-status"),
        css="an-grid",
    )
    return page.lens_page("Ghosts of softmax", column(grid, css="an-lens"), [more])


def bare() -> pn.viewable.Viewable:
    """A lens as a notebook shows it: no page of ours around it, the switch in its own bar."""
    switch = dark.ThemeToggle(css=dark.inline_css())
    grid = column(
        html("<h1>Ghosts</h1>", "an-title"), column(canvas(), css="an-figures"), switch, css="an-grid"
    )
    return column(grid, css="an-lens")


def hall() -> pn.viewable.Viewable:
    sound = {
        "slug": "ghosts",
        "title": "Ghosts <of> softmax",
        "sentence": "Inflate a step.",
        "paper": "Sao 2026",
    }
    broken = {"slug": "maps", "title": "Sky maps", "sentence": "", "paper": "", "cost": ""}
    entries: Any = [
        SimpleNamespace(**sound, cost="instant", error=None, distribution=""),
        SimpleNamespace(**broken, error="ImportError: <b>healpix</b>", distribution="skies<1>"),
    ]
    return page.lens_page("", gallery.gallery(entries, lambda slug: f"/{slug}"))


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    panels: Any = {"ghosts": lens, "gallery": hall, "bare": bare}
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # The server has a thread of its own: the browser's driver occupies this one.
    options = {"show": False, "threaded": True, "address": "127.0.0.1", **serving.server_options()}
    server = pn.serve(panels, port=port, **options)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.05)
    yield f"http://127.0.0.1:{port}"
    server.stop()


@pytest.fixture
def opened(browser: Browser, address: str) -> Iterator[Callable[..., Page]]:
    """Opens a path in a fresh context; errors of the page fail the test."""
    contexts, problems = [], []

    def opener(path: str, width: int = 1440, scheme: Any = "light") -> Page:
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        contexts.append(context)
        tab = context.new_page()
        tab.on("pageerror", lambda error: problems.append(str(error)))
        tab.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        tab.asked, tab.wire = [], {}  # type: ignore[attr-defined]
        tab.on("request", lambda request: tab.asked.append(request.url))  # type: ignore[attr-defined]
        session = context.new_cdp_session(tab)
        session.send("Network.enable")
        finished = "Network.loadingFinished"
        session.on(finished, lambda e: tab.wire.update({e["requestId"]: e["encodedDataLength"]}))  # type: ignore[attr-defined]
        tab.goto(f"{address}/{path}")
        tab.wait_for_function(READY)
        return tab

    yield opener
    for context in contexts:
        context.close()
    assert problems == []


def places(tab: Page, *names: str) -> dict[str, Any]:
    return {place["name"]: place for place in reversed(tab.evaluate(FIND, list(names)))}


def test_nothing_is_asked_of_another_host_and_little_of_ours(opened: Any, address: str) -> None:
    tab = opened("ghosts")
    elsewhere = [url for url in tab.asked if not url.startswith((address, "data:", f"blob:{address}"))]
    assert elsewhere == []
    assert not [url for url in tab.asked if "mathjax" in url.lower()]
    assert sum(tab.wire.values()) < 1_600_000
    assert tab.title() == "Ghosts of softmax · Anisoscope"
    assert tab.evaluate("getComputedStyle(document.getElementById('loader')).display") == "none"
    assert tab.evaluate(
        "document.fonts.check('600 30px \"Source Serif 4\"') && document.fonts.check('13px Inter')"
    )


def test_files_with_a_hash_are_compressed_and_kept(opened: Any, address: str) -> None:
    tab = opened("ghosts")
    scripts = [url for url in tab.asked if ".js?" in url and url.startswith(address)]
    assert len(scripts) >= 4
    for url in scripts:
        headers = tab.request.get(url, headers={"Accept-Encoding": "gzip"}).headers
        assert headers["content-encoding"] == "gzip", url
        assert headers["cache-control"] == f"max-age={serving.TEN_YEARS}", url
        again = tab.request.get(url, headers={"Accept-Encoding": "gzip", "If-None-Match": headers["etag"]})
        assert again.status == 304


def test_only_the_document_is_compressed_on_the_websocket(
    opened: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames: list[tuple[int, int, bool]] = []
    write = WebSocketProtocol13._write_frame

    def record(self: WebSocketProtocol13, fin: bool, opcode: int, data: bytes, flags: int = 0) -> Any:
        frames.append((self._message_bytes_out, len(data), bool(flags & self.RSV1)))
        return write(self, fin, opcode, data, flags)

    monkeypatch.setattr(WebSocketProtocol13, "_write_frame", record)
    opened("ghosts")
    said = [after - before for (before, _, _), (after, _, _) in pairwise([(0, 0, False), *frames])]
    small = [
        packed for length, (_, _, packed) in zip(said, frames, strict=True) if length < serving.DOCUMENT_SIZE
    ]
    assert small and not any(small)
    assert sum(length for _, length, _ in frames) < sum(said) / 3


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_figures_open_in_the_theme_the_reader_prefers(opened: Any, scheme: str) -> None:
    tab = opened("ghosts", scheme=scheme)
    tokens = theme.DARK if scheme == "dark" else theme.LIGHT
    assert tab.evaluate("document.documentElement.dataset.theme") == scheme
    assert tokens["blue"] in tab.evaluate(COLOURS)
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == rgb(tokens["page"])


def test_switch_reaches_glyphs_palettes_widgets_and_figures_added_later(opened: Any) -> None:
    tab = opened("ghosts")
    tab.get_by_role("switch", name="Dark theme").click()
    assert set(tab.evaluate(COLOURS)) & set(theme.DARK.values()) >= {theme.DARK["blue"]}
    palette = "[...Bokeh.documents[0].all_models].find((m) => m.type === 'LinearColorMapper').palette[0]"
    first = tab.evaluate(palette)
    assert first in (theme.PALETTES["sky"][1][0], int(theme.PALETTES["sky"][1][0][1:] + "ff", 16))
    before = len(tab.evaluate(COLOURS))
    tab.get_by_role("button", name="Add").click()
    tab.wait_for_function(f"({COLOURS})().length > {before}")
    assert theme.LIGHT["blue"] not in tab.evaluate(COLOURS)
    tab.get_by_role("switch", name="Dark theme").click()
    assert theme.DARK["blue"] not in tab.evaluate(COLOURS)


def test_choice_of_theme_is_remembered(opened: Any) -> None:
    tab = opened("ghosts")
    tab.get_by_role("switch", name="Dark theme").press("Space")
    tab.reload()
    tab.wait_for_function(READY)
    assert tab.evaluate("document.documentElement.dataset.theme") == "dark"
    assert tab.get_by_role("switch", name="Dark theme").get_attribute("aria-checked") == "true"


def test_theme_stays_in_the_browser(opened: Any) -> None:
    tab = opened("ghosts")
    tab.evaluate(
        """() => {
          window.synced = []
          Bokeh.documents[0].on_change((event) => {
            if (event.sync !== false) window.synced.push(event.attr ?? event.kind)
          })
        }"""
    )
    tab.get_by_role("switch", name="Dark theme").click()
    tab.wait_for_timeout(300)
    sent = set(tab.evaluate("window.synced"))
    assert not [attr for attr in sent if "color" in attr or "palette" in attr], sent


def test_lens_without_our_page_follows_its_own_switch(opened: Any, address: str) -> None:
    tab = opened("bare")
    ground = "getComputedStyle(document.querySelector('.an-lens') ?? document.body).backgroundColor"
    assert tab.evaluate(ground) == rgb(theme.LIGHT["page"])
    tab.get_by_role("switch", name="Dark theme").click()
    assert tab.evaluate(ground) == rgb(theme.DARK["page"])
    assert theme.DARK["blue"] in tab.evaluate(COLOURS)
    assert not [url for url in tab.asked if not url.startswith((address, "data:", f"blob:{address}"))]


def test_wide_lens_has_three_columns(opened: Any) -> None:
    at = places(opened("ghosts", 1440), "an-controls", "an-figures", "an-story", "an-hero")
    assert at["an-controls"]["x"] < at["an-figures"]["x"] < at["an-story"]["x"]
    assert abs(at["an-story"]["width"] - 272) < 1
    assert at["an-hero"]["width"] > 700


def test_middle_lens_has_its_story_below(opened: Any) -> None:
    at = places(opened("ghosts", 800), "an-controls", "an-figures", "an-story")
    assert at["an-controls"]["x"] < at["an-figures"]["x"]
    assert at["an-story"]["y"] >= at["an-figures"]["y"] + at["an-figures"]["height"]


def test_narrow_lens_puts_the_hand_under_the_hero(opened: Any) -> None:
    tab = opened("ghosts", 390)
    names = ("an-title", "an-lede", "an-hero", "an-primary", "an-figure", "an-secondary", "an-story")
    at = places(tab, *names)
    assert sorted(names, key=lambda name: at[name]["y"]) == list(names)
    title = at["an-title"]
    assert 0 <= at["an-lede"]["y"] - title["y"] - title["height"] <= 14, "nothing stands between them"
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390


def test_gallery_card_is_one_link_and_a_broken_lens_is_a_row(opened: Any, address: str) -> None:
    tab = opened("gallery")
    link = tab.get_by_role("link", name="Ghosts <of> softmax")
    card = places(tab, "an-tile", "an-absent")
    expect(tab.get_by_text("could not load: ImportError: <b>healpix</b>")).to_be_visible()
    link.focus()
    tab.mouse.click(card["an-tile"]["x"] + 60, card["an-tile"]["y"] + 60)
    tab.wait_for_url(f"{address}/ghosts")


def rgb(hex_: str) -> str:
    return f"rgb({int(hex_[1:3], 16)}, {int(hex_[3:5], 16)}, {int(hex_[5:7], 16)})"
