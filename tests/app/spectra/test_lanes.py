"""What the lanes are asked to do: buttons, choices, links and what is refused."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import numpy as np
import pytest
from callers import Caller

from anisoscope.app.errors import RequestError
from anisoscope.app.lenses.spectra import SpectraLens, choices
from anisoscope.app.lenses.spectra.lanes import NO_BRANCH, training_spec
from anisoscope.app.lenses.spectra.problems import SETTINGS
from anisoscope.app.lenses.spectra.trained import lanes_of, training_of
from anisoscope.app.scheduler import SynchronousScheduler
from anisoscope.app.view import LensView
from anisoscope.engine.training import OPTIMIZERS

SHORT = {"steps": 30}


def set_(lens: SpectraLens, **values: Any) -> None:
    """As the page does when one control moves."""
    checked, unknown = lens.check(values)
    assert not unknown
    lens.param.update(**checked)


def lanes(lens: SpectraLens) -> list[tuple[str, float, str]]:
    return [tuple(getattr(lens, f"{n}_{k}") for n in ("optimizer", "rate", "schedule")) for k in range(1, 5)]  # pyright: ignore[reportReturnType]


def titles(**parameters: Any) -> list[str]:
    lens = SpectraLens()
    return [lane.title for lane in lanes_of(training_of(lens.validated({**SHORT, **parameters})))]


def test_the_branch_button_adds_a_lane_that_leaves_where_the_step_stands() -> None:
    lens = SpectraLens(step=100)
    set_(lens, **lens.act("branch"))
    assert (lens.optimizer_3, lens.rate_3, lens.branch_3) == ("muon", 0.01, (1.0, 100.0))
    assert lens.step == lens.steps and lens.optimizer_4 == "none"
    set_(lens, branch_lane=2, step=50)
    set_(lens, **lens.act("branch"))
    assert (lens.optimizer_4, lens.rate_4, lens.branch_4) == ("adamw", 5e-4, (2.0, 50.0))
    spec = training_spec(lens.request().as_dict())
    assert [lane.branch for lane in spec.lanes] == [None, None, (0, 100), (1, 50)]
    with pytest.raises(RequestError, match=r"lanes.*4.*no free lane behind lane 2"):
        lens.act("branch")


def test_a_branch_at_the_end_still_has_a_step_to_make() -> None:
    lens = SpectraLens(steps=30, step=30)
    assert lens.act("branch")["branch_3"] == (1.0, 29.0)
    lens = SpectraLens(rate_1=1e-8)
    set_(lens, **lens.act("branch"))
    assert lens.rate_3 == 1e-8, "the smallest rate that the dial has"


def test_a_branch_of_an_empty_lane_is_refused_with_those_that_train() -> None:
    lens = SpectraLens(branch_lane=3)
    with pytest.raises(RequestError, match=r"branch_lane.*3.*lane that trains: 1, 2"):
        lens.act("branch")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"branch_2": (3.0, 5.0)}, r"branch_2.*earlier lane"),
        ({"branch_2": (2.0, 5.0)}, r"branch_2.*earlier lane"),
        ({"branch_2": (1.0, 30.0)}, r"branch_2.*step from 0 to 29"),
        ({"optimizer_3": "muon", "optimizer_2": "none", "branch_3": (2.0, 5.0)}, r"branch_3.*earlier lane"),
        ({"optimizer_3": "muon", "branch_3": (1.5, 5.0)}, r"branch_3.*earlier lane"),
        ({"optimizer_3": "muon", "branch_3": (1.0, 5.5)}, r"branch_3.*step from 0 to 29"),
    ],
)
def test_a_branch_from_nowhere_is_refused_by_name(given: dict[str, Any], words: str) -> None:
    with pytest.raises(RequestError, match=words) as caught:
        SpectraLens().compute({**SHORT, **given})
    assert caught.value.repair == NO_BRANCH


def test_a_problem_brings_its_lanes_and_its_matrix() -> None:
    lens = SpectraLens(layer=3, branch_2=(1.0, 20.0))
    set_(lens, problem="regression")
    assert [lane for lane in lanes(lens) if lane[0] != "none"] == list(SETTINGS["regression"].lanes)
    assert (lens.steps, lens.step, lens.layer, lens.branch_2) == (400, 400, 1, NO_BRANCH)
    set_(lens, problem="digits")
    assert [lane for lane in lanes(lens) if lane[0] != "none"] == list(SETTINGS["digits"].lanes)
    before = lens.request()
    set_(lens, problem="digits")
    assert lens.request() == before, "the same again changes nothing"


@pytest.mark.parametrize("problem", choices.PROBLEMS.values())
def test_the_lanes_of_a_problem_are_allowed(problem: str) -> None:
    lens = SpectraLens()
    set_(lens, problem=problem)
    spec = training_spec(lens.request().as_dict())
    assert len(spec.lanes) == len(SETTINGS[problem].lanes) >= 2


def test_an_optimiser_brings_the_rate_it_was_tuned_at() -> None:
    lens = SpectraLens(optimizer_3="muon", branch_3=(1.0, 5.0))
    set_(lens, optimizer_3="soap")
    assert lens.rate_3 == OPTIMIZERS["soap"].learning_rate and lens.branch_3 == NO_BRANCH
    set_(lens, optimizer_1="adamw", rate_1=0.5)
    assert lens.rate_1 == 0.5, "unless one is named"
    set_(lens, problem="regression")
    set_(lens, optimizer_1="polargrad")
    assert lens.rate_1 == 2e-6, "of the problem, where it is one of its lanes"
    set_(lens, optimizer_2="none")
    assert lens.rate_2 == 0.05
    for slug in choices.OPTIMIZERS.values():
        set_(lens, optimizer_4="none")
        set_(lens, optimizer_4=slug)
        assert lens.rate_4 > 0
    assert set(choices.OPTIMIZERS.values()) == set(OPTIMIZERS)


@pytest.mark.parametrize("name", ["optimizer_1", "optimizer_2"])
def test_an_unknown_optimiser_is_refused_with_those_there_are(name: str) -> None:
    with pytest.raises(RequestError, match=rf"{name}.*adagrad.*muon.*adamw.*sven"):
        SpectraLens().compute({name: "adagrad"})
    with pytest.raises(RequestError, match=r"optimizer_1.*none"):
        SpectraLens().compute({"optimizer_1": "none"})


STATES: list[dict[str, Any]] = [
    {},
    {"problem": "text"},
    {"steps": 60, "step": 17, "scale": "absolute", "against": "seconds", "sort": "largest", "product": True},
    {"optimizer_2": "none"},
    {"optimizer_2": "sgd"},
    {"optimizer_3": "adamw", "rate_3": 1e-3, "branch_3": (2.0, 120.0), "optimizer_4": "muon", "branch_4": (1.0, 0.0)},
    {"problem": "regression", "optimizer_1": "gd", "rate_1": 2.5e-7, "schedule_2": "steps_fast"},
    {"view": "polar", "polar_condition": 1e7},
]  # fmt: skip


@pytest.mark.parametrize("values", STATES)
def test_a_link_gives_the_same_training_again(values: dict[str, Any]) -> None:
    lens = SpectraLens()
    set_(lens, **values)
    asked = lens.request()
    query = dict(parse_qsl(asked.to_query(lens.defaults()), keep_blank_values=True))
    for start in (SpectraLens(), SpectraLens(problem="completion", optimizer_2="sven", branch_3=(1.0, 3.0))):
        assert start.restore(query) == []
        assert start.request() == asked
        assert training_spec(start.request().as_dict()) == training_spec(asked.as_dict())


def test_training_anew_asks_for_the_same_numbers_and_for_another_request() -> None:
    lens = SpectraLens(step=7)
    before = training_spec(lens.request().as_dict())
    set_(lens, **lens.act("train"))
    assert (lens.take, lens.step) == (1, 240) and training_spec(lens.request().as_dict()) == before
    set_(lens, take=9999)
    assert lens.act("train")["take"] == 0


@pytest.mark.parametrize(
    "parameters",
    [
        {"optimizer_1": "polargrad", "optimizer_2": "polargrad_two_steps"},
        {"optimizer_1": "muon", "optimizer_2": "muon_bf16"},
        {"optimizer_2": "muon", "rate_2": 0.01},
        {"optimizer_2": "muon", "rate_2": 0.02, "schedule_2": "linear"},
        {"optimizer_2": "muon", "rate_2": 0.02},
        {"optimizer_2": "muon", "rate_2": 0.02, "branch_2": (1.0, 7.0)},
        {"optimizer_2": "muon", "rate_2": 0.02000001},
        {"optimizer_2": "sgd", "optimizer_3": "gd", "optimizer_4": "gd"},
    ],
)
def test_no_two_lanes_have_one_name(parameters: dict[str, Any]) -> None:
    found = titles(**parameters)
    assert len(set(found)) == len(found), found
    assert all(name.count("(") == name.count(")") for name in found)


def test_names_of_all_optimisers_are_short() -> None:
    for slug in choices.OPTIMIZERS.values():
        name = titles(optimizer_1=slug, optimizer_2="none")[0]
        assert len(name) <= 20 and name.count("(") == name.count(")"), name


def test_buttons_reach_the_training_and_refusals_the_reader() -> None:
    view = LensView(SpectraLens(steps=20), Caller(), SynchronousScheduler())
    view._delivery.resume()
    view.set({"step": 12})
    view.act("branch")
    assert view.complete.facts["lanes"] == ["Muon 0.02", "AdamW", "Muon 0.01"]
    np.testing.assert_array_equal(view.complete.tables["lane_3"]["step"][:21], np.arange(21))
    view.act("branch")
    view.act("branch")
    assert "no free lane" in view.parts.status.component.message
    assert len(view.complete.facts["lanes"]) == 4
    view.close()
