"""Files of the reader as part of the state: by hash, carried by a request.json, refused by name when absent."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np
import pytest

from anisoscope.app import uploads
from anisoscope.app.errors import RequestError
from anisoscope.app.export import export_bundle
from anisoscope.app.lenses.ghosts import GhostsLens
from anisoscope.app.lenses.ghosts.checkpoints import load
from anisoscope.app.request import read_json
from anisoscope.app.shell.drop import DropZone
from anisoscope.app.uploads import carried, content_of, keep, unpack


def weights_file(**changed) -> bytes:
    arrays = {name: v.numpy() for name, v in load("mlp", "middle").model.state_dict().items()}
    sink = io.BytesIO()
    np.savez(sink, **{**arrays, **changed})
    return sink.getvalue()


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch):
    """Forget every file, as another process would know none."""
    return lambda: monkeypatch.setattr(uploads, "_shelf", uploads._Shelf())


def test_a_token_names_the_file_and_its_content():
    one, other = keep("a.csv", b"1"), keep("a.csv", b"2")
    assert one != other and one.startswith("a.csv#")
    assert content_of("array", one) == b"1" and content_of("array", other) == b"2"


def test_the_oldest_files_go_when_there_is_too_much(monkeypatch):
    monkeypatch.setattr(uploads, "MOST_KEPT", 10)
    first = keep("a", b"123456")
    second = keep("b", b"123456")
    assert content_of("array", second)
    with pytest.raises(RequestError, match=r"array = 'a#.*drop a on the page again"):
        content_of("array", first)


def test_a_large_file_is_refused_by_name(monkeypatch):
    monkeypatch.setattr(uploads, "LARGEST_FILE", 3)
    with pytest.raises(RequestError, match=r"big\.csv.*at most"):
        keep("big.csv", b"1234")


def test_a_request_that_carries_two_of_the_largest_files_can_be_dropped_again():
    tokens = [keep(name, bytes(uploads.LARGEST_FILE)) for name in ("a.csv", "b.npy")]
    values = {"request": GhostsLens().request().to_json(), "files": carried(tokens)}
    assert len(json.dumps(values)) < DropZone().max_bytes


def test_carried_files_come_back_and_altered_ones_are_refused(elsewhere):
    token = keep("a.csv", b"hello")
    files = carried([token, "plain", 3])
    assert list(files) == [token]
    elsewhere()
    unpack(files)
    assert content_of("array", token) == b"hello"
    with pytest.raises(RequestError, match="hash"):
        unpack({token: "aGVsbG8h"})
    for bad in ([], "x", {token: 3}, {token: "not base64!"}):
        with pytest.raises(RequestError, match="files"):
            unpack(bad)


def test_dropped_weights_are_the_network_and_travel_with_the_export(elsewhere):
    lens = GhostsLens()
    lens.sample = 7
    values = lens.open_file("mine.npz", weights_file())
    assert values["network"] == "mlp" and values["sample"] == 7
    lens.restore(values)
    ours, shipped = lens.compute(), GhostsLens(network="mlp", stage="middle", sample=7).compute()
    assert ours.facts["exact_radius"] == pytest.approx(shipped.facts["exact_radius"], rel=1e-12)
    assert any("mine.npz" in note for note in ours.notes)
    sink = io.BytesIO()
    export_bundle(lens.request().to_json(), sink, formats=("svg",), widths_mm=(85,))
    written = zipfile.ZipFile(sink).read("request.json")
    elsewhere()
    link = {name: str(value) for name, value in lens.request().values if name in ("network", "weights")}
    with pytest.raises(RequestError, match=r"weights.*drop mine\.npz on the page again"):
        GhostsLens().restore(link)
    slug, again = read_json(written)
    other = GhostsLens()
    other.restore(again)
    assert slug == "ghosts" and other.weights == lens.weights
    assert other.compute().facts["exact_radius"] == ours.facts["exact_radius"]


def test_choosing_a_stage_lets_go_of_dropped_weights():
    lens = GhostsLens()
    lens.restore(lens.open_file("mine.npz", weights_file()))
    lens.param.update(**lens.check({"stage": "start"})[0])
    assert lens.weights == ""


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("bad.npz", b"PK nonsense", "readable"),
        ("other.npz", weights_file(surplus=np.zeros(3)), "state_dict"),
        ("nan.npz", weights_file(**{"0.bias": np.full(1, np.nan)}), "allowed"),
    ],
)
def test_weights_that_cannot_be_used_are_refused_by_name(name, content, words):
    with pytest.raises(RequestError, match=words) as refused:
        GhostsLens().open_file(name, content)
    assert name in str(refused.value)


def test_a_request_without_files_has_none():
    sink = io.BytesIO()
    export_bundle(GhostsLens().request().to_json(), sink, formats=("svg",), widths_mm=(85,))
    assert "files" not in json.loads(zipfile.ZipFile(sink).read("request.json"))
