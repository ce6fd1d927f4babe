"""The page's components under a real hand: mouse, touch, keys, and a server that goes away."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import panel as pn
import pytest
from playwright.sync_api import Browser, Page, expect
from served import answers, free_port, until

from anisoscope.app.shell.button import Button
from anisoscope.app.shell.choice import Choice, Switch
from anisoscope.app.shell.dial import Dial
from anisoscope.app.shell.drop import DropZone
from anisoscope.app.shell.keyboard import Keyboard, playing, standard_bindings
from anisoscope.app.shell.readouts import Readouts
from anisoscope.app.shell.status import StatusLine
from anisoscope.app.shell.transport import Transport

pytestmark = pytest.mark.browser


def build() -> SimpleNamespace:
    ticks = [(0.01, ".01"), (1, "1"), (100, "100")]
    dial = Dial(
        label="Step r",
        value=2.45,
        start=0.01,
        end=100,
        log=True,
        ticks=ticks,
        primary=True,
        handle="r",
        sizing_mode="stretch_width",
    )
    dial.jscallback(value="window.clientSide = (window.clientSide ?? 0) + 1")
    order = Dial(label="Order n", value=24, start=1, end=48, format="integer", handle="n")
    parts = SimpleNamespace(dial=dial, order=order, values=[], released=[], keys=[], files=[], pressed=[])
    parts.choice = Choice(label="Network", value="mlp", options=[("linear", "Linear"), ("mlp", "MLP")])
    parts.switch = Switch(label="Bound")
    parts.readouts = Readouts(
        rows=[{"label": "step", "value": "1", "beside": "", "role": "hand"}], handle="rows"
    )
    parts.keyboard = Keyboard()
    parts.status = StatusLine()
    parts.drop = DropZone(max_bytes=2_000_000)
    dial.param.watch(lambda event: parts.values.append(event.new), "value")
    dial.param.watch(lambda event: parts.released.append(event.new["value"]), "release")
    parts.step = Dial(label="Training step", value=0, start=0, end=300, format="integer", handle="step")
    parts.transport = Transport(dial="step", per_second=60, head=300, handle="play")
    parts.transport.on_play(lambda: parts.pressed.append("play"))
    parts.transport.on_pause(lambda: parts.pressed.append("pause"))
    parts.held = Dial(
        label="Steps held",
        value=151,
        start=1,
        end=600,
        log=True,
        format="integer",
        handle="held",
        sizing_mode="stretch_width",
    )
    parts.button = Button(label="Branch here")
    parts.button.on_press(lambda: parts.pressed.append("branch"))
    parts.steps, parts.rests = [], []
    parts.step.param.watch(lambda event: parts.steps.append(event.new), "value")
    parts.step.param.watch(lambda event: parts.rests.append(event.new["value"]), "release")
    parts.keyboard.bind([*standard_bindings("r", "n"), playing("play")])
    parts.keyboard.on_key(parts.keys.append)
    parts.drop.on_file(lambda name, content: parts.files.append((name, content)))
    parts.status.on_cancel(lambda: parts.pressed.append("cancel"))
    shown = [
        dial,
        order,
        parts.choice,
        parts.switch,
        parts.readouts,
        parts.keyboard,
        parts.status,
    ]
    parts.players = pn.Column(parts.step, parts.transport, parts.button, parts.held)
    parts.layout = pn.Column(*shown, parts.drop, parts.players, width=248)
    return parts


def settle(page: Page, parts: SimpleNamespace, count: int) -> None:
    until(lambda: len(parts.released) >= count)
    page.wait_for_timeout(100)


def set_client_side(page: Page, handle: str, values: dict[str, Any]) -> None:
    script = "([h, v]) => Bokeh.documents[0].get_model_by_name(h).data.setv(v, {sync: false})"
    page.evaluate(script, [handle, values])


@pytest.fixture
def served(browser: Browser) -> Iterator[tuple[Page, SimpleNamespace]]:
    parts: list[SimpleNamespace] = []

    def app() -> Any:
        parts.append(build())
        return parts[-1].layout

    port = free_port()
    server = pn.serve({"app": app}, port=port, show=False, threaded=True, address="127.0.0.1")
    until(lambda: answers(port))
    context = browser.new_context(has_touch=True, viewport={"width": 400, "height": 700})
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"http://127.0.0.1:{port}/app")
    page.locator("input[type=range]").first.wait_for()
    yield page, parts[-1]
    context.close()
    server.stop()
    assert not errors


def thumb(page: Page, share: float) -> tuple[float, float]:
    box = page.locator("input[type=range]").first.bounding_box()
    assert box is not None
    return box["x"] + 7 + share * (box["width"] - 14), box["y"] + box["height"] / 2


def test_drag_of_sixty_moves_reaches_python(served: tuple[Page, SimpleNamespace]) -> None:
    page, parts = served
    x, y = thumb(page, 0.597)
    page.mouse.move(x, y)
    page.mouse.down()
    for move in range(1, 61):
        page.mouse.move(x - 2 * move, y)
        page.wait_for_timeout(8)
    page.mouse.up()
    settle(page, parts, 1)
    assert len(parts.values) >= 57
    assert parts.values == sorted(parts.values, reverse=True)
    assert parts.released == [parts.values[-1]]
    assert page.evaluate("window.clientSide") >= 57


def test_server_does_not_fight_the_hand(served: tuple[Page, SimpleNamespace]) -> None:
    page, parts = served
    parts.dial.param.watch(lambda event: setattr(parts.dial, "value", 1.0), "value")
    x, y = thumb(page, 0.597)
    page.mouse.move(x, y)
    page.mouse.down()
    for move in range(1, 21):
        page.mouse.move(x + 2 * move, y)
        page.wait_for_timeout(10)
    held = float(page.locator("input[type=range]").first.input_value())
    assert held > 0.6
    count = len(parts.values)
    page.wait_for_timeout(300)
    assert len(parts.values) - count <= 2, "values go round in a circle"
    page.mouse.up()
    settle(page, parts, 1)
    assert parts.released[-1] > 4


def test_touch_moves_the_dial(served: tuple[Page, SimpleNamespace]) -> None:
    page, parts = served
    x, y = thumb(page, 0.597)
    session = page.context.new_cdp_session(page)

    def send(kind: str, points: list[dict[str, float]]) -> None:
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        page.wait_for_timeout(20)

    send("touchStart", [{"x": x, "y": y}])
    for move in range(1, 31):
        send("touchMove", [{"x": x - 3 * move, "y": y}])
    send("touchEnd", [])
    settle(page, parts, 1)
    assert len(parts.values) >= 15
    assert parts.dial.value < 0.2


def test_exact_entry_and_refusal(served: tuple[Page, SimpleNamespace]) -> None:
    page, parts = served
    entry, alert = page.locator(".entry").first, page.locator(".refusal").first
    for text, value in {"0,5": 0.5, "2e-2": 0.02, "3.14159": 3.14159, "4 × 10¹": 40.0}.items():
        entry.fill(text)
        entry.press("Enter")
        until(lambda value=value: parts.released[-1:] == [value])
    for text, words in {
        "1000": "allowed are 0.01 to 100",
        "−1": "allowed are",
        "abc": "not a number",
    }.items():
        entry.fill(text)
        entry.press("Enter")
        expect(alert).to_contain_text(words)
        assert parts.dial.value == 40.0
    entry.press("Escape")
    expect(alert).to_be_empty()
    expect(entry).to_have_value("40")
    whole = page.locator(".entry").nth(1)
    whole.fill("3.5")
    whole.press("Enter")
    expect(page.locator(".refusal").nth(1)).to_contain_text("whole numbers")


def test_whole_numbers_along_a_logarithm_can_all_be_reached(served: tuple[Page, SimpleNamespace]) -> None:
    page, parts = served
    slider = page.get_by_role("slider", name="Steps held")
    for key, end in (("End", 600), ("Home", 1)):
        slider.press(key)
        until(lambda end=end: parts.held.value == end)
    for wanted in (2, 3, 4):
        slider.press("ArrowRight")
        until(lambda wanted=wanted: parts.held.value == wanted)
    slider.press("ArrowDown")
    until(lambda: parts.held.value == 3)
    box = slider.bounding_box()
    assert box is not None
    reached: set[int] = set()
    page.mouse.move(box["x"] + 7, box["y"] + box["height"] / 2)
    page.mouse.down()
    for place in range(1, 101):
        page.mouse.move(box["x"] + 7 + place / 100 * (box["width"] - 14), box["y"] + box["height"] / 2)
        page.wait_for_timeout(8)
        reached.add(page.evaluate("Bokeh.documents[0].get_model_by_name('held').data.value"))
    page.mouse.up()
    assert len(reached) > 50 and max(reached) == 600
    until(lambda: parts.held.value == 600)
    fill = slider.evaluate("(el) => parseFloat(el.style.getPropertyValue('--fill')) / 100")
    slider_at = slider.evaluate("(el) => (el.value - el.min) / (el.max - el.min)")
    assert fill == pytest.approx(slider_at, abs=0.01)


def test_keys_move_dials_and_reach_python(served: tuple[Page, SimpleNamespace]) -> None:
    page, parts = served
    page.keyboard.press("ArrowRight")
    settle(page, parts, 1)
    assert parts.dial.value == pytest.approx(2.45 * 10**0.04, rel=0.01)
    page.keyboard.press("]")
    until(lambda: parts.order.value == 25)
    for key in ("p", "P", "0", "Escape"):
        page.keyboard.press(key)
    wanted = ["preset_next", "preset_previous", "reset", "cancel"]
    until(lambda: parts.keys == wanted)
    page.locator(".entry").first.focus()
    page.keyboard.press("0")
    page.keyboard.press("?")
    expect(page.locator("dialog")).to_be_hidden()
    page.keyboard.press("Escape")
    page.locator("input[type=range]").first.focus()
    page.keyboard.press("?")
    expect(page.locator("dialog")).to_contain_text("next preset")
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_be_hidden()
    assert parts.keys == wanted


def test_choice_switch_and_button(served: tuple[Page, SimpleNamespace]) -> None:
    page, parts = served
    page.get_by_label("Network").select_option(label="Linear")
    page.get_by_label("Bound").check()
    until(lambda: parts.choice.value == "linear" and parts.switch.value)
    parts.status.param.update(state="busy", message="Exact radius", cancellable=True, progress=0.4)
    page.get_by_role("button", name="Cancel").click()
    until(lambda: parts.pressed == ["cancel"])
    expect(page.locator(".bar")).to_have_attribute("aria-valuenow", "40")


def test_a_button_is_pressed_and_takes_new_words(served: tuple[Page, SimpleNamespace]) -> None:
    page, parts = served
    page.get_by_role("button", name="Branch here").click()
    until(lambda: parts.pressed == ["branch"])
    parts.button.label = "Once more"
    page.get_by_role("button", name="Once more").press("Enter")
    until(lambda: parts.pressed == ["branch", "branch"])


def rate(page: Page, parts: SimpleNamespace) -> float:
    """Steps a second while it plays, over half a second of the browser's clock."""
    script = """() => new Promise((done) => {
        const dial = Bokeh.documents[0].get_model_by_name('step'), at = performance.now(), from = dial.data.value
        setTimeout(() => done(1000 * (dial.data.value - from) / (performance.now() - at)), 600) })"""
    return page.evaluate(script)


def test_transport_plays_at_its_speed_and_rests_where_it_is_paused(
    served: tuple[Page, SimpleNamespace],
) -> None:
    page, parts = served
    for speed, wanted in (("1×", 60), ("½×", 30), ("4×", 240)):
        page.get_by_role("button", name=f"Speed {speed}").click()
        page.get_by_role("button", name="Play").click()
        assert rate(page, parts) == pytest.approx(wanted, rel=0.2), speed
        page.get_by_role("button", name="Pause").click()
        until(lambda: parts.pressed[-1] == "pause" and parts.rests[-1:] == [parts.step.value])
        assert parts.steps == sorted(parts.steps)
        page.get_by_role("button", name="To the first step").click()
        until(lambda: parts.step.value == 0 and parts.rests[-1] == 0)
        parts.steps.clear()
    assert parts.pressed == ["play", "pause"] * 3
    assert all(isinstance(value, int) for value in parts.rests)


def test_transport_waits_at_the_head_and_starts_anew_from_the_end(
    served: tuple[Page, SimpleNamespace],
) -> None:
    page, parts = served
    parts.transport.head = 20
    page.get_by_role("button", name="Speed 4×").click()
    page.get_by_role("button", name="Play").click()
    until(lambda: parts.step.value == 20 and parts.pressed == ["play"])
    page.wait_for_timeout(200)
    assert parts.step.value == 20 and parts.pressed == ["play"], "it plays on when there is more"
    parts.transport.head = 300
    until(lambda: parts.pressed == ["play", "pause"])
    until(lambda: parts.step.value == 300 and parts.rests[-1:] == [300])
    page.get_by_role("button", name="Play").click()
    until(lambda: 0 < parts.step.value < 300)
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="To the last step").click()
    until(lambda: parts.step.value == 300)


def test_space_plays_and_pauses_also_after_it_was_hidden(served: tuple[Page, SimpleNamespace]) -> None:
    page, parts = served
    page.locator("body").click(position={"x": 390, "y": 5})
    for _ in range(3):
        page.keyboard.press(" ")
        until(lambda: parts.pressed[-1:] == ["play"])
        assert rate(page, parts) == pytest.approx(60, rel=0.2)
        page.keyboard.press(" ")
        until(lambda: parts.pressed[-1:] == ["pause"])
        assert parts.pressed == ["play", "pause"]
        parts.pressed.clear()
        parts.players.visible = False
        expect(page.get_by_role("button", name="Play")).to_be_hidden()
        parts.players.visible = True
        expect(page.get_by_role("button", name="Play")).to_be_visible()
        parts.step.value = 0
        page.wait_for_timeout(100)


def test_what_is_hidden_while_it_plays_stands_still(served: tuple[Page, SimpleNamespace]) -> None:
    page, parts = served
    page.get_by_role("button", name="Play").click()
    until(lambda: parts.step.value > 5)
    parts.players.visible = False
    page.wait_for_timeout(300)
    stood = parts.step.value
    page.wait_for_timeout(200)
    assert parts.step.value == stood
    parts.players.visible = True
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    page.get_by_role("button", name="Play").click()
    until(lambda: parts.step.value > stood)
    assert rate(page, parts) == pytest.approx(60, rel=0.2)


def test_readouts_written_in_the_browser_leave_python_alone(served: tuple[Page, SimpleNamespace]) -> None:
    page, parts = served
    rows = [{"label": "step", "value": "7", "beside": "2.45", "role": "hand"}]
    set_client_side(page, "rows", {"rows": rows})
    expect(page.get_by_role("row")).to_have_text(["step72.45"])
    assert parts.readouts.rows[0]["value"] == "1"


def test_file_arrives_whole_and_too_large_is_refused(served: tuple[Page, SimpleNamespace]) -> None:
    page, parts = served
    content = bytes(range(256)) * 4000
    field = page.locator("input[type=file]")
    field.set_input_files({"name": "run.npz", "mimeType": "", "buffer": content})
    until(lambda: parts.files == [("run.npz", content)])
    field.set_input_files({"name": "big.npz", "mimeType": "", "buffer": content * 2})
    expect(page.locator(".message")).to_contain_text("at most 2 MB")


APP = """
import panel as pn
from anisoscope.app.shell.notice import Notice
pn.Column(Notice(), pn.pane.HTML("<p>alive</p>")).servable()
"""


def start(script: Path, port: int) -> subprocess.Popen[bytes]:
    command = [
        sys.executable,
        "-m",
        "panel",
        "serve",
        str(script),
        "--port",
        str(port),
        "--address",
        "127.0.0.1",
    ]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until(lambda: answers(port), 60)
    return server


def test_lost_connection_is_said_and_mended(browser: Browser, tmp_path: Path) -> None:
    script, port = tmp_path / "app.py", free_port()
    script.write_text(APP, encoding="utf-8")
    server = start(script, port)
    page = browser.new_page()
    try:
        page.goto(f"http://127.0.0.1:{port}/app?r=2.45")
        page.get_by_text("alive").wait_for()
        expect(page.get_by_text("Connection lost")).to_be_hidden()
        server.kill()
        server.wait()
        expect(page.get_by_text("Connection lost. Your state is in the link")).to_be_visible()
        page.evaluate("window.before = true")
        server = start(script, port)
        page.wait_for_function("window.before === undefined", timeout=15000)
        page.get_by_text("alive").wait_for()
        expect(page.get_by_text("Connection lost")).to_be_hidden()
        assert page.url.endswith("?r=2.45")
    finally:
        page.close()
        server.kill()
        server.wait()
