"""Requests: one object for cache key, preset, permalink and provenance; bad values are refused by name."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl

import param
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anisoscope.app.errors import RequestError
from anisoscope.app.lens import Lens
from anisoscope.app.parameters import coerce
from anisoscope.app.request import Request, read_json


class Small(Lens):
    slug = "small"
    r = param.Number(2.45, bounds=(0.01, 100))
    order = param.Integer(48, bounds=(1, 48))
    network = param.Selector(default="mlp", objects=["mlp", "cnn"])
    on = param.Boolean(False)
    slopes = param.NumericTuple((0.0, 1.0, 2.0))


values = st.fixed_dictionaries(
    {
        "r": st.floats(0.01, 100),
        "order": st.integers(1, 48),
        "network": st.sampled_from(["mlp", "cnn"]),
        "on": st.booleans(),
        "slopes": st.tuples(*[st.floats(-9, 9)] * 3),
    }
)


@given(values)
def test_a_request_survives_json_and_the_address_bar(given_values) -> None:
    lens = Small(**given_values)
    request = lens.request()
    slug, parameters = read_json(json.dumps(request.to_json()))
    assert slug == "small"
    assert Small().validated(parameters) == request
    other = Small()
    assert other.restore(dict(parse_qsl(request.to_query(lens.defaults())))) == []
    assert other.request() == request


def test_the_permalink_carries_only_what_differs() -> None:
    assert Small().request().to_query(Small().defaults()) == ""
    assert Small(order=3).request().to_query(Small().defaults()) == "order=3"


def test_unknown_keys_of_a_link_are_ignored_and_named() -> None:
    lens = Small()
    assert lens.restore({"order": "7", "basis": "x"}) == ["basis"]
    assert lens.order == 7


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("r", 0, "from 0.01 to 100"),
        ("r", -1, "from 0.01 to 100"),
        ("r", "nan", "from 0.01 to 100"),
        ("r", "inf", "from 0.01 to 100"),
        ("r", "", "a number"),
        ("r", 10**400, "from 0.01 to 100"),
        ("slopes", (1, 2, 10**400), "3 finite numbers"),
        ("order", 900, "from 1 to 48"),
        ("order", 2.5, "whole number"),
        ("network", "gru", "one of mlp, cnn"),
        ("on", "maybe", "0 or 1"),
        ("slopes", "1,2", "3 finite numbers"),
        ("slopes", "1,2,nan", "3 finite numbers"),
    ],
)
def test_a_value_out_of_range_is_refused_by_name_and_changes_nothing(name, value, words) -> None:
    lens = Small()
    before = lens.request()
    with pytest.raises(RequestError, match=words) as caught:
        lens.restore({"order": 3, name: value})
    assert caught.value.parameter == name
    assert lens.request() == before


def test_the_repair_of_a_refused_number_is_the_nearest_allowed() -> None:
    with pytest.raises(RequestError) as caught:
        coerce("order", Small.param["order"], 900)
    assert caught.value.repair == 48


@pytest.mark.parametrize("text", ["", "{", "[]", '{"lens": "small"}', '{"parameters": {}}', "\xff"])
def test_a_broken_request_file_is_refused_with_its_form(text) -> None:
    with pytest.raises(RequestError, match=r"request\.json"):
        read_json(text)


def test_a_request_of_another_lens_or_with_an_unknown_name_is_refused_in_the_api() -> None:
    with pytest.raises(RequestError, match="this lens is small"):
        Small().validated(Request.of("other", {}))
    with pytest.raises(RequestError, match="known parameters"):
        Small().validated({"basis": 1})


def test_requests_are_hashable_and_equal_by_content() -> None:
    assert len({Small().request(), Small().request(), Small(order=1).request()}) == 2
