"""hand.js of Muon versus Adam against its Python twin, in a real browser."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page
from recorded import written

from anisoscope.app import hand
from anisoscope.app.frame import Frame
from anisoscope.app.lenses.spectra import SpectraLens

pytestmark = pytest.mark.browser

FOUR = {
    "optimizer_3": "sgd", "rate_3": 0.02, "optimizer_4": "soap", "rate_4": 3e-3, "branch_3": (-1.0, -1.0),
}  # fmt: skip
STATES: dict[str, dict[str, Any]] = {
    "two lanes": {"steps": 40},
    "absolute, against seconds": {"steps": 24, "scale": "absolute", "against": "seconds", "matrix": "G"},
    "four lanes": {"steps": 20, "matrix": "D", "beside": "M", "metric": "outliers", **FOUR},
    "one diverges": {
        "problem": "regression",
        "steps": 24,
        "optimizer_2": "sgd",
        "rate_2": 1e3,
        "matrix": "W",
    },
    "the last steps": {"steps": 40, "last": 9, "metric": "flatness"},
    "another view": {"view": "layers", "steps": 24},
}
RECORDED = [range(10, 2010, 10), range(20, 60, 20), range(25, 26)]
"""Steps of recordings of different length, none of them at the steps of another."""


@pytest.fixture(scope="module")
def script(browser: Browser) -> Any:
    page: Page = browser.new_page()
    page.evaluate(f"() => {{ window.lens = {hand.script('spectra')} }}")
    yield page
    page.close()


@pytest.fixture(scope="module", params=[*STATES, "recordings"])
def state(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    lens = SpectraLens()
    if request.param == "recordings":
        folder: Path = tmp_path_factory.mktemp("recorded")
        for place, steps in enumerate(RECORDED):
            lens.restore(lens.open_file(f"run{place}.spec", written(folder / "x.spec", steps)))
        lens.restore({**lens.request().as_dict(), "matrix": "G", "beside": "W"})
    else:
        lens.restore(lens.validated(STATES[request.param]).as_dict())
    asked = lens.request()
    return lens, asked, lens.compute(asked)


def plain(frame: Frame) -> dict[str, Any]:
    """The tables as the browser has them: without images, codes end to end, numbers as JSON."""
    tables: dict[str, Any] = {}
    for name, columns in frame.tables.items():
        if "image" in columns:
            continue
        tables[name] = {
            k: v if isinstance(v, list) else np.asarray(v).ravel().tolist() for k, v in columns.items()
        }
        for k in ("xs", "ys"):
            if k in columns:
                tables[name][k] = [np.asarray(part).tolist() for part in columns[k]]
    return tables


def places(frame: Frame) -> list[int]:
    """Steps at both ends, between, off every record, and beyond all of them."""
    last = int(frame.facts["last_step"])
    return sorted({0, 1, last // 3, last // 2, last // 2 + 1, last - 1, last, last + 5, 1_000_000})


def test_the_browser_draws_what_python_draws(script: Page, state: Any) -> None:
    lens, request, frame = state
    script.evaluate("(tables) => { window.tables = tables }", plain(frame))
    lines = 0
    for step in places(frame):
        for scale in ("relative", "absolute"):
            asked = request.replace(step=step, scale=scale)
            theirs = script.evaluate(
                "(state) => lens.hand(state, tables)", json.loads(json.dumps(asked.as_dict()))
            )
            ours = lens.hand(asked, frame)
            assert theirs["tables"].keys() == ours.keys()
            for name, columns in ours.items():
                assert theirs["tables"][name].keys() == columns.keys()
                for column, value in columns.items():
                    compare(theirs["tables"][name][column], value, f"{name}/{column} at {step}, {scale}")
            lines += len(ours["lead_line_1"]["x"])
            written_ = [(r["label"], r["value"], r["beside"], r["role"]) for r in theirs["readouts"]]
            assert written_ == [(r.label, r.value, r.beside, r.role) for r in lens.readouts(asked, frame)]
    assert lines > 0, "nothing was compared"


def compare(theirs: Any, ours: Any, where: str) -> None:
    if where.partition("/")[2].startswith("text"):
        assert list(theirs) == list(ours), where
    elif isinstance(ours, list):
        assert len(theirs) == len(ours), where
        for mine, other in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(np.asarray(other), mine, rtol=1e-12, atol=1e-12, err_msg=where)
    else:
        np.testing.assert_allclose(np.asarray(theirs), ours, rtol=1e-12, atol=1e-12, err_msg=where)


def test_panes_have_readouts_of_their_own(script: Page, state: Any) -> None:
    lens, request, frame = state
    script.evaluate("(tables) => { window.tables = tables }", plain(frame))
    asked = request.replace(view="polar")
    drawn = script.evaluate("(state) => lens.hand(state, tables)", json.loads(json.dumps(asked.as_dict())))
    assert drawn["readouts"] is None, "the browser leaves the server's alone"
    assert lens.hand_facts(asked, frame) == {}


def test_a_drag_on_any_axis_of_steps_stays_on_it(script: Page, state: Any) -> None:
    lens, request, frame = state
    script.evaluate("(tables) => { window.tables = tables }", plain(frame))
    last = int(frame.facts["last_step"])

    def drag(figure: str, x: float, against: str = "steps") -> Any:
        call = "([figure, x, against]) => lens.drag(figure, 'move', x, 0, {against}, tables)"
        return script.evaluate(call, [figure, x, against])

    for figure in ("heat", "metric", "loss"):
        found = [drag(figure, x) for x in (-3.0, 6.4, 6.6, last - 0.4, last + 99.0)]
        assert found == [{"step": s} for s in (0, 6, 7, last, last)]
        for one in found:
            lens.validated({**request.as_dict(), **one})
    assert drag("loss", 6.4, "seconds") is None
    assert drag("spectrum_lead", 6.4) is None and drag("cells", 6.4) is None


def test_a_click_finds_the_matrix_under_it(script: Page) -> None:
    lens = SpectraLens()
    asked = {"steps": 24, "view": "layers", "sort": "largest", "matrix": "G"}
    frame = lens.compute(asked)
    script.evaluate("(tables) => { window.tables = tables }", plain(frame))
    names, order = frame.tables["cell_names"], np.asarray(frame.tables["cell_order"]["matrix"])
    assert sorted(order.tolist()) == list(range(len(order))) and order.tolist() != list(range(len(order)))
    for place, matrix in enumerate(order):
        x, y = float(names["x"][place]), float(names["y"][place])
        found = script.evaluate("([x, y]) => lens.tap('cells', x, y, {}, tables)", [x, y])
        assert found == {"layer": int(matrix) + 1}
    one = lens.compute({**asked, "layer": int(order[0]) + 1})
    assert one.facts["matrix"].split(",")[0].removesuffix(".weight") in names["text"][0]
    for axis in "xy":
        np.testing.assert_array_equal(one.tables["cell_chosen"][axis], one.tables["cells"][f"{axis}s"][0])
    across = int(frame.tables["cell_order"]["across"][0])
    outside = [[-0.1, -0.5], [across + 0.1, -0.5], [0.5, 0.3], [0.5, -99.5]]
    assert [script.evaluate("([x, y]) => lens.tap('cells', x, y, {}, tables)", at) for at in outside] == [
        None
    ] * 4
    assert script.evaluate("() => lens.tap('heat', 0.5, -0.5, {}, tables)") is None
