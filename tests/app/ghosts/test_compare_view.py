"""The comparison of scales: every length against the engine or its formula, and the marks of the hand in both languages."""

from __future__ import annotations

import json
import math
from itertools import zip_longest
from typing import Any

import numpy as np
import pytest
import torch
from playwright.sync_api import Browser

from anisoscope.app import hand
from anisoscope.app.frame import Frame
from anisoscope.app.lenses.ghosts import GhostsLens
from anisoscope.app.lenses.ghosts.compare_figures import SCALES, written
from anisoscope.app.lenses.ghosts.compare_live import LIMIT, RATIOS, _compared
from anisoscope.app.lenses.ghosts.probe import probe
from anisoscope.engine.ghosts import kl_bound, linearised_divergence, slope_spread

LINEAR = {"view": "compare", "network": "linear"}


@pytest.fixture(scope="module")
def linear() -> Frame:
    return GhostsLens().compute(LINEAR)


def test_curvature_of_the_linear_network_is_the_variance_of_its_slopes(linear: Frame) -> None:
    """Its logits are straight lines: vᵀHv = E Var_p(a) and gᵀv = E (p·a − a_y), without any network."""
    source = probe("linear", "converged", "-gradient", 0, "")
    p = torch.softmax(source.z, 1)
    mean = (p * source.a).sum(1)
    curvature = ((p * source.a.square()).sum(1) - mean.square()).mean().item()
    slope = (mean - source.a.gather(1, source.labels[:, None])[:, 0]).mean().item()
    loss = torch.nn.functional.cross_entropy(source.z, source.labels).item()
    facts = linear.facts
    assert facts["compare_rate"] == pytest.approx(2 / curvature, rel=1e-9)
    assert facts["compare_quadratic"] == pytest.approx(-2 * slope / curvature, rel=1e-9)
    assert facts["compare_polyak"] == pytest.approx(-loss / slope, rel=1e-9)
    # Along −∇ the slope is −‖g‖, and no direction curves more than λ.
    assert facts["compare_sharpness"] <= facts["compare_quadratic"]
    assert facts["compare_sharpness"] == pytest.approx(-2 * slope / facts["compare_eigenvalue"], rel=1e-9)
    assert facts["compare_bound"] == pytest.approx(math.pi / slope_spread(source.z, source.a).max().item())


def test_trust_region_meets_the_bound_of_r_one(linear: Frame) -> None:
    source = probe("linear", "converged", "-gradient", 0, "")
    facts = linear.facts
    at = torch.tensor([facts["compare_region"]], dtype=source.z.dtype)
    assert linearised_divergence(source.z, source.a, at).max().item() == pytest.approx(LIMIT, rel=1e-8)
    assert pytest.approx(kl_bound(1.0)) == LIMIT
    assert facts["compare_region"] >= facts["compare_bound"]
    worst, bound = (linear.tables[f"compare_{name}"] for name in ("kl", "kl_bound"))
    assert (worst["y"] <= bound["y"] + 1e-9).all() and 10 ** worst["x"] == pytest.approx(RATIOS)


def test_quadratic_model_touches_the_loss_at_the_start_and_returns_at_its_length(linear: Frame) -> None:
    model, loss = linear.tables["compare_quadratic"], linear.tables["compare_loss"]
    np.testing.assert_allclose(model["y"][:8], loss["y"][:8], atol=1e-4)
    back = np.interp(math.log10(linear.facts["compare_quadratic"]), model["x"], model["y"])
    assert back == pytest.approx(0.0, abs=5e-3)


def test_every_scale_has_its_row_its_mark_and_its_ratio(linear: Frame) -> None:
    facts, tables = linear.facts, linear.tables
    broken = facts["compare_onset"]
    marks = {
        (round(float(x), 9), float(y))
        for role in ("blue", "ink", "purple", "amber", "green")
        for x, y in zip(tables[f"compare_{role}"]["x"], tables[f"compare_{role}"]["y"], strict=True)
    }
    for k, scale in enumerate(SCALES):
        length = facts[f"compare_{scale.fact}"]
        assert (round(math.log10(length), 9), float(len(SCALES) - 1 - k)) in marks
        if scale.fact != "onset":
            assert written(length / broken) in tables["compare_beside"]["text"]
    assert tables["compare_names"]["text"] == [scale.name for scale in SCALES]
    assert written(0.5) == "÷ 2" and written(3.0) == "× 3"


def test_uphill_has_no_quadratic_return_and_no_polyak_step() -> None:
    lens = GhostsLens()
    frame = lens.compute({**LINEAR, "direction": "+gradient"})
    assert "compare_polyak" not in frame.facts and "compare_quadratic" not in frame.facts
    assert frame.facts["compare_rate"] > 0
    table = lens.table(lens.validated({**LINEAR, "direction": "+gradient"}), frame)
    assert table is not None and {row[0]: row[1] for row in table.rows}["Polyak"] == "–"


def test_the_temperature_is_one_and_the_sandbox_gives_way(linear: Frame) -> None:
    lens = GhostsLens()
    hot = lens.compute({**LINEAR, "temperature": 5.0})
    for name, value in linear.facts.items():
        if name.startswith("compare_"):
            assert hot.facts[name] == value, name
    assert lens.validated({"view": "compare", "source": "sandbox"})["source"] == "network"


def test_frames_come_coarse_first_and_nothing_is_found_twice() -> None:
    lens = GhostsLens()
    asked = lens.validated({**LINEAR, "stage": "middle"})
    steps = list(lens.frames(asked))
    stages = [step.stage for step in steps if isinstance(step, Frame)]
    assert stages == [(k, 5) for k in range(1, 6)]
    assert sum(step is None for step in steps) > 60
    assert not [step for step in lens.frames(asked) if step is None]


@pytest.mark.browser
def test_two_pages_that_compute_in_turn_find_what_one_does(linear: Frame) -> None:
    """The worker advances the pages of two sessions step by step; both look at one network."""
    lens = GhostsLens()
    _compared.cache_clear()
    pages = [lens.frames(lens.validated(LINEAR)) for _ in range(2)]
    shown: list[Frame] = []
    for steps in zip_longest(*pages):
        shown += [step for step in steps if isinstance(step, Frame)]
    last = [frame for frame in shown if frame.final]
    assert len(last) == 2
    for frame in last:
        for name, values in frame.numeric_columns().items():
            np.testing.assert_array_equal(values, linear.numeric_columns()[name], err_msg=name)
        assert frame.facts["compare_products"] == linear.facts["compare_products"] > 1


def test_the_browser_draws_and_says_what_python_does(browser: Browser, linear: Frame) -> None:
    lens, page = GhostsLens(), browser.new_page()
    page.evaluate(f"() => {{ window.lens = {hand.script('ghosts')} }}")
    tables = {
        name: {k: np.asarray(v).tolist() for k, v in columns.items()}
        for name, columns in linear.tables.items()
        if "image" not in columns and "holes" not in columns
    }
    page.evaluate("(tables) => { window.tables = tables }", tables)

    def asked(what: str, *values: Any) -> Any:
        return page.evaluate(f"(values) => lens.{what}(...values, tables)", list(values))

    for r in (0.01, 0.37, 2.45, 100.0):
        request = lens.validated({**LINEAR, "r": r})
        theirs, ours = asked("hand", json.loads(json.dumps(request.as_dict()))), lens.hand(request, linear)
        for name in ("compare_cursor", "compare_kl_cursor"):
            assert theirs["tables"][name]["x"] == pytest.approx(list(ours[name]["x"]), rel=1e-12)
        rows = [(row.label, row.value, row.beside, row.role) for row in lens.readouts(request, linear)]
        assert [
            tuple(row[k] for k in ("label", "value", "beside", "role")) for row in theirs["readouts"]
        ] == rows
    bound = linear.facts["compare_bound"]
    for figure, x in (("compare_loss", math.log10(2 * bound)), ("compare_divergence", math.log10(2.0))):
        assert asked("drag", figure, "move", x, 0.0, {}) == {"r": 2.0}
    assert asked("tap", "compare_ladder", 9.0, 0.0, {}) == {"r": 100.0}
    page.close()
