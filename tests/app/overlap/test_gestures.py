"""assets/overlap/hand.js in a real browser: where a place of the picture is, which pixel is painted, what is taken."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from playwright.sync_api import Browser, Page

from anisoscope.app import hand
from anisoscope.app.lenses.overlap import mollweide
from anisoscope.app.lenses.overlap.lens import OverlapLens
from anisoscope.engine.overlap import nearest_pixel

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def script(browser: Browser) -> Any:
    page: Page = browser.new_page()
    source = hand.script("overlap")
    page.evaluate(f"() => {{ window.lens = {source} }}")
    yield page
    page.close()


@pytest.fixture(scope="module")
def state() -> tuple[dict[str, Any], dict[str, Any]]:
    lens = OverlapLens()
    frame = next(f for f in lens.frames(lens.request()) if f is not None)
    names = ("pulsars", "spot", "selected", "pairs", "pair_index")
    tables = {n: {k: np.asarray(v).tolist() for k, v in frame.tables[n].items()} for n in names}
    return lens.request().as_dict(), tables


def gesture(script: Page, calls: list[list[Any]], state: Any, tables: Any) -> list[Any]:
    code = """([calls, state, tables]) => calls.map(([what, figure, ...rest]) => what === 'tap'
        ? lens.tap(figure, ...rest, state, tables) : lens.drag(figure, ...rest, state, tables))"""
    return script.evaluate(code, [calls, state, tables])


def places(count: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(5)
    points = generator.normal(size=(count, 3))
    return mollweide.project(points / np.linalg.norm(points, axis=1, keepdims=True))


def test_the_spot_goes_where_the_hand_is(script: Page, state: Any) -> None:
    values, tables = state
    x, y = tables["spot"]["x"][0], tables["spot"]["y"][0]
    xs, ys = places(200)
    moves = [["drag", "sky", "move", float(a), float(b)] for a, b in zip(xs, ys, strict=True)]
    changes = gesture(script, [["drag", "sky", "start", x, y], *moves], values, tables)[1:]
    back = torch.stack([mollweide.direction(c["right_ascension"], c["declination"]) for c in changes])
    vectors, _ = mollweide.unproject(xs, ys)
    angle = np.degrees(np.arccos(np.clip((back.numpy() * vectors).sum(1), -1, 1)))
    assert angle.max() < 0.02
    outside = gesture(script, [["drag", "sky", "move", 5.0, 5.0]], values, tables)[0]
    assert 0 <= outside["right_ascension"] <= 360 and -90 <= outside["declination"] <= 90


def test_a_ring_goes_from_pulsar_to_pulsar_and_never_onto_its_partner(script: Page, state: Any) -> None:
    values, tables = state
    ring = [tables["selected"][axis][0] for axis in "xy"]
    target, partner = 12, values["pulsar_b"]
    there = [[tables["pulsars"][axis][k] for axis in "xy"] for k in (target, partner)]
    calls = [["drag", "sky", "start", *ring], *(["drag", "sky", "move", *place] for place in there)]
    assert gesture(script, calls, values, tables)[1:] == [{"pulsar_a": target}, None]


def test_a_click_takes_the_pair_under_it_and_the_pulsar_under_it(script: Page, state: Any) -> None:
    values, tables = state
    at = 700
    dot = [tables["pairs"][axis][at] for axis in "xy"]
    pulsar = [tables["pulsars"][axis][3] for axis in "xy"]
    pair, one, none = gesture(
        script, [["tap", "pairs", *dot], ["tap", "sky", *pulsar], ["tap", "power", 1, 1]], values, tables
    )
    assert pair == {"pulsar_a": tables["pair_index"]["a"][at], "pulsar_b": tables["pair_index"]["b"][at]}
    assert one == {"pulsar_a": values["pulsar_b"], "pulsar_b": 3}
    assert none is None


def test_the_brush_paints_the_pixel_of_the_engine(script: Page, state: Any) -> None:
    values, tables = state
    values = {**values, "sky": "painted", "painted": "1" * 192, "brush": 11}
    xs, ys = places(400)
    calls = [["tap", "sky", float(a), float(b)] for a, b in zip(xs, ys, strict=True)]
    changed = gesture(script, calls, values, tables)
    vectors, _ = mollweide.unproject(xs, ys)
    expected = nearest_pixel(torch.from_numpy(vectors), 4).tolist()
    found = [change["painted"].index("b") for change in changed]
    # A place on the edge of two pixels may fall to either by a rounding.
    assert np.mean(np.array(found) == np.array(expected)) > 0.99
    assert gesture(script, [["tap", "sky", 1.9, 0.9]], values, tables) == [None]
