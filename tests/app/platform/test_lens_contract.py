"""One contract for every lens: frames end, are finite or say why, are deterministic, and can be cancelled."""

from __future__ import annotations

import json
import threading
from urllib.parse import parse_qsl

import numpy as np
import pytest

from anisoscope.app import first_frame
from anisoscope.app.control import Action, Dial, Transport, hands
from anisoscope.app.drawing.screen import Screen
from anisoscope.app.errors import RequestError
from anisoscope.app.frame import Frame
from anisoscope.app.presets import presets
from anisoscope.app.registry import lens_class, lens_entries
from anisoscope.app.request import read_json
from anisoscope.app.words import explanation, story

SLUGS = sorted(slug for slug, entry in lens_entries().items() if entry.error is None)


def test_every_lens_loads() -> None:
    assert SLUGS
    assert {slug: entry.error for slug, entry in lens_entries().items() if entry.error} == {}


@pytest.fixture(scope="module", params=SLUGS)
def lens(request):
    return lens_class(request.param)()


@pytest.fixture(scope="module")
def frame(lens) -> Frame:
    return lens.compute()


def same(first: Frame, second: Frame) -> None:
    ours, theirs = first.numeric_columns(), second.numeric_columns()
    assert ours.keys() == theirs.keys()
    for name in ours.keys() - clocks(first):
        np.testing.assert_array_equal(ours[name], theirs[name], err_msg=name)


def clocks(frame: Frame) -> set[str]:
    """Columns that are read off a clock."""
    return {name for name in frame.numeric_columns() if name.endswith("/seconds")}


def test_frames_end_with_a_final_one(lens) -> None:
    stages = [step.stage for step in lens.frames(lens.request()) if step is not None]
    assert stages and stages[-1][0] == stages[-1][1]
    assert stages == sorted(stages)


def test_every_text_of_what_is_seen_is_read_in_some_view(lens) -> None:
    views = lens.param["view"].get_range() if "view" in lens.param else {"": None}
    topics = {
        heading.partition(": ")[2] for heading in story(lens.slug) if heading.startswith("What you see: ")
    }
    assert topics <= set(views), "a text of no view"
    told = {
        name: explanation(type(lens)(**({} if view is None else {"view": view})))
        for name, view in views.items()
    }
    assert all(told.values()) and len(set(told.values())) == len(topics) + (topics != set(views))


def test_what_is_drawn_is_finite(lens, frame) -> None:
    """NaN may stand for nothing in tables that hand.js alone reads; what it draws of them is held as well."""
    drawn = {layer.table for figure in lens.figures(frame) for layer in figure.layers}
    for name, column in frame.numeric_columns().items():
        if name.split("/")[0] in drawn:
            assert np.isfinite(column).all(), name
    assert drawn


def test_the_same_request_gives_the_same_frame(lens, frame) -> None:
    same(type(lens)().compute(lens.request()), frame)


def test_frames_do_not_depend_on_what_the_browser_moves(lens) -> None:
    def last(values) -> Frame:
        return [step for step in lens.frames(lens.validated(values)) if isinstance(step, Frame)][-1]

    moved = {name: _another(lens.param[name]) for name in lens.client_side}
    if moved:
        same(last(None), last(moved))


def _another(parameter):
    low, high = parameter.bounds
    return type(parameter.default)(low + (high - low) / 3)


def test_every_table_of_every_layer_is_there_and_draws(lens, frame) -> None:
    ranges = {}
    for figure in lens.figures(frame):
        assert figure.aria, f"{figure.name} needs words for those who cannot see it"
        screen = Screen(figure, frame, ranges)
        screen.draw(frame)
        assert len(screen.changes(frame)) == len(figure.layers)


def test_a_request_round_trips_through_json_and_the_address(lens) -> None:
    slug, parameters = read_json(json.dumps(lens.request().to_json()))
    assert lens.validated(parameters) == lens.request() and slug == lens.slug
    other = type(lens)()
    assert other.restore(dict(parse_qsl(lens.request().to_query(), keep_blank_values=True))) == []
    assert other.request() == lens.request()


def test_every_parameter_refuses_nonsense_by_its_name(lens) -> None:
    for name in lens.names():
        with pytest.raises(RequestError) as caught:
            type(lens)().restore({name: "\x00 nonsense" * 40})
        assert caught.value.parameter == name


def test_closing_a_generator_leaves_no_thread(lens) -> None:
    before = threading.active_count()
    generator = lens.frames(lens.request())
    next(iter(generator))
    generator.close()
    assert threading.active_count() <= before


def test_controls_name_parameters(lens) -> None:
    controls = [control for group in lens.controls() for control in group.controls]
    named = [control for control in controls if not isinstance(control, (Action, Transport))]
    assert {control.name for control in named} <= set(lens.names())
    assert {control.dial for control in controls if isinstance(control, Transport)} <= set(lens.names())


def test_in_every_view_one_shown_dial_is_the_readers_hand_and_the_keys_move_only_what_is_shown(lens) -> None:
    for view in lens.param["view"].get_range().values() if "view" in lens.names() else [None]:
        if view is not None:
            lens.view = view
        shown = [group for group in lens.controls() if group.when is None or group.when.holds(lens)]
        dials = [control for group in shown for control in group.controls if isinstance(control, Dial)]
        first, second = hands(lens.controls(), lens.second, lens)
        assert [dial.name for dial in dials if dial.is_primary(lens)] == [first], view
        assert {second} - {""} <= {dial.name for dial in dials} - {first}, view
        assert second or len(dials) == 1, view
        played = {
            control.dial for group in shown for control in group.controls if isinstance(control, Transport)
        }
        assert played <= {dial.name for dial in dials} and len(played) < 2, view


def test_words_are_there_and_short(lens) -> None:
    assert len(lens.title) <= 27 and len(lens.hook.split()) <= 22
    assert lens.papers and all(paper.bibtex.startswith("@") for paper in lens.papers)
    assert all(lens.lede)


ROUNDING = {("ghosts", "error/y"): -11.0}
"""Columns of logarithms of differences, and where these are rounding: below, every processor has its own."""


def test_the_stored_first_frame_is_what_the_lens_computes(lens) -> None:
    stored = first_frame.load(lens.slug)
    assert stored is not None
    fresh = type(lens)().compute()
    kept = stored.numeric_columns()
    for name, column in fresh.numeric_columns().items():
        assert lens.amplifies or kept[name].shape == column.shape, name
        if column.dtype in (np.uint8, np.uint16) or lens.amplifies:
            continue
        floor = ROUNDING.get((lens.slug, name), -np.inf)
        ours, theirs = (np.maximum(values, floor) for values in (kept[name], column))
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6, err_msg=name)
    for name, column in fresh.numeric_columns().items():
        if column.dtype == np.uint8:
            assert kept[name].shape == column.shape, name
            assert np.mean(np.abs(kept[name].astype(float) - column) > 255 * lens.amplifies) < 0.01, name
    # The words of the page quote facts, and the opening page has only the stored ones.
    assert stored.facts.keys() == fresh.facts.keys()
    numbers = {
        name: fact
        for name, fact in fresh.facts.items()
        if isinstance(fact, (int, float)) and name != "seconds"
    }
    tolerance = max(1e-5, lens.amplifies)
    assert {name: stored.facts[name] for name in numbers} == pytest.approx(
        numbers, rel=tolerance, nan_ok=True
    )


def _cases():
    return [
        pytest.param(slug, preset, id=f"{slug}-{preset.name}") for slug in SLUGS for preset in presets(slug)
    ]


@pytest.mark.parametrize(("slug", "preset"), _cases())
def test_a_preset_gives_the_number_it_promises(slug, preset) -> None:
    facts = lens_class(slug)().compute(preset.params).facts
    assert preset.expect, "a preset without a number is decoration"
    for fact, (value, tolerance) in preset.expect.items():
        assert facts[fact] == pytest.approx(value, abs=tolerance), fact
    if preset.disagrees:
        assert preset.paper_value is not None
