"""The way from the hand to the pixel in a real browser: no brake, no queue, no lost move."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import panel as pn
import param
import pytest
from bokeh.server.views.ws import WSHandler
from playwright.sync_api import Browser, Page
from served import in_thread, until

from anisoscope.app.control import Dial, Group, Readout
from anisoscope.app.figure import Axis, Figure, Layer, Style
from anisoscope.app.frame import Frame
from anisoscope.app.lens import Lens
from anisoscope.app.view import LensView
from anisoscope.app.websocket import nodelay

pytestmark = pytest.mark.browser


class Wave(Lens):
    """A curve whose amplitude the server computes; `flood` yields frames as fast as it can."""

    slug = "wave"
    title = "Wave"
    amplitude = param.Number(1.0, bounds=(0.0, 2.0))
    flood = param.Boolean(False)

    def frames(self, request) -> Iterator[Frame]:
        x = np.linspace(0, 6, 400)
        count = 200 if request["flood"] else 1
        for step in range(count):
            value = request["amplitude"] + step
            yield Frame({"wave": {"x": x, "y": value * np.sin(x)}}, {"value": value}, (step + 1, count))
            if count > 1:
                time.sleep(0.005)

    def figures(self, frame):
        layer = Layer("wave", "curve", Style("blue", "current"))
        return (Figure("wave", "Wave", [layer], Axis("t", (0, 6)), Axis("", (-2, 2)), aria="a wave"),)

    def controls(self):
        return (Group((Dial("amplitude", "Amplitude", primary=True),)),)

    def readouts(self, request, frame):
        return (Readout("amplitude", f"{frame.facts['value']:.3g}"),)


@pytest.fixture
def wave(browser: Browser) -> Iterator[tuple[Page, Wave, LensView]]:
    made: list[tuple[Wave, LensView]] = []

    def page_of() -> Any:
        lens = Wave()
        view = LensView(lens)
        made.append((lens, view))
        return view.layout

    with in_thread({"/wave": page_of}) as address:
        page = browser.new_page(viewport={"width": 1000, "height": 700})
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(address + "wave")
        page.wait_for_selector("canvas", state="attached")
        until(lambda: made[-1][1]._delivery.serial >= 1 and not made[-1][1]._delivery._outstanding)
        yield page, *made[-1]
        page.close()
        assert faults == []


def shown(page: Page) -> float:
    """Amplitude of the curve the browser has."""
    script = """() => { const figure = Bokeh.documents[0].get_model_by_name('figure-wave');
        const y = figure.renderers[0].data_source.data.y; return Math.max(...y.map(Math.abs)) }"""
    return page.evaluate(script)


def test_websocket_sends_small_messages_at_once(monkeypatch: pytest.MonkeyPatch, browser: Browser) -> None:
    seen: list[bool] = []
    handle = WSHandler.on_message

    async def listen(self: WSHandler, fragment: Any) -> Any:
        seen.append(nodelay(self))
        return await handle(self, fragment)

    monkeypatch.setattr(WSHandler, "on_message", listen)
    with in_thread({"/plain": lambda: pn.pane.HTML("plain")}) as address:
        page = browser.new_page()
        page.goto(address + "plain")
        until(lambda: len(seen) > 0)
        page.close()
    assert all(seen)


def test_a_real_drag_reaches_the_lens_move_by_move_and_ends_where_the_hand_ends(wave) -> None:
    page, lens, _view = wave
    moves: list[float] = []
    lens.param.watch(lambda event: moves.append(event.new), "amplitude")
    box = page.locator("input[type=range]").bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, middle)
    page.mouse.down()
    for step in range(1, 61):
        page.mouse.move(box["x"] + box["width"] / 2 + step * 1.5, middle)
        page.wait_for_timeout(16)
    page.mouse.up()
    until(lambda: abs(shown(page) - lens.amplitude) < 0.01)
    assert len(moves) >= 57


def test_a_fast_producer_is_never_more_than_two_frames_ahead(wave) -> None:
    page, _lens, view = wave
    drawn: list[int] = []
    view._packet.on_change("echo", lambda _a, _o, echo: drawn.append(echo))
    ahead: list[int] = []
    write = view._delivery._write

    def count(item: Any, serial: int) -> None:
        ahead.append(serial - 1 - (drawn[-1] if drawn else serial - 1))
        write(item, serial)

    view._delivery._write = count
    view.call(lambda: view.set({"flood": True}))
    until(lambda: view.frame.final and view.frame.facts["value"] > 100, 30)
    until(lambda: abs(shown(page) - 200) < 1)
    # one while the browser paints, and one more as long as it answers quickly
    assert max(ahead) <= 1
    assert view._delivery.overwritten > 0
    assert len(ahead) < 200


def test_with_a_slow_browser_the_picture_under_the_hand_stays_young(wave) -> None:
    page, lens, view = wave
    client = page.context.new_cdp_session(page)
    client.send("Emulation.setCPUThrottlingRate", {"rate": 6})
    ages: list[float] = []
    asked: dict[float, float] = {}
    lens.param.watch(lambda event: asked.setdefault(round(event.new, 9), time.monotonic()), "amplitude")
    written: dict[int, float] = {}
    write = view._delivery._write

    def note(item: Any, serial: int) -> None:
        written[serial] = round(item.request["amplitude"], 9)
        write(item, serial)

    view._delivery._write = note
    view._packet.on_change("echo", lambda _a, _o, echo: ages.append(time.monotonic() - asked[written[echo]]))
    for value in np.linspace(0.1, 1.9, 120):
        view.call(lambda value=value: view.set({"amplitude": float(value)}))
        # Long enough for three pictures on a machine that is busy with other things too.
        time.sleep(0.025)
    until(lambda: abs(shown(page) - 1.9) < 0.01)
    until(lambda: len(ages) >= 3)
    client.send("Emulation.setCPUThrottlingRate", {"rate": 1})
    assert len(ages) >= 3
    # The bound on the age is a queue's: two frames in flight at most and one waiting, whatever the machine's speed.
    assert len(written) < 120
    assert view._delivery.overwritten > 0


def test_a_style_sheet_is_written_only_when_its_words_change(wave) -> None:
    page, *_ = wave
    script = """() => {
        const sheet = new (Bokeh.require('core/dom').InlineStyleSheet)('a {}'), watch = new MutationObserver(() => {})
        watch.observe(sheet.el, {childList: true})
        for (const css of ['a {}', 'b {}', 'b {}', 'a {}']) sheet.replace(css)
        return [watch.takeRecords().length, sheet.css] }"""
    assert page.evaluate(script) == [2, "a {}"]


def test_the_same_value_twice_writes_nothing_new(wave) -> None:
    page, lens, view = wave
    serial = view._delivery.serial
    view.call(lambda: view.set({"amplitude": lens.amplitude}))
    page.wait_for_timeout(300)
    assert view._delivery.serial == serial


def test_a_refused_value_keeps_the_picture_and_offers_a_repair(wave) -> None:
    page, lens, view = wave
    view.call(lambda: view.set({"amplitude": 9.0}))
    page.get_by_text("amplitude = 9.0: must be a number from 0 to 2").wait_for()
    assert lens.amplitude == 1.0 and abs(shown(page) - 1.0) < 0.01
    page.get_by_role("button", name="Use 2").click()
    until(lambda: lens.amplitude == 2.0)
    until(lambda: abs(shown(page) - 2.0) < 0.01)
