"""The export of the uneven sky: arrays for other programs, a reader's own list inside request.json."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np
import pytest
import torch

from anisoscope.app import uploads
from anisoscope.app.export import export_bundle
from anisoscope.app.lenses.overlap.lens import OverlapLens
from anisoscope.app.request import read_json
from anisoscope.engine.overlap import convert, overlap_harmonics, read_csv

LIST = "name,RAJ,DECJ\nJ0001+0001,00:01:00,00:01:00\nJ0600-3000,06:00:00,-30:00:00\nJ1200+4000,12:00:00,40:00:00\n"


@pytest.fixture(scope="module")
def bundle() -> zipfile.ZipFile:
    lens = OverlapLens()
    lens.restore({**lens.open_file("mine.csv", LIST.encode()), "l_max": 4})
    sink = io.BytesIO()
    export_bundle(lens.request().to_json(), sink, formats=("svg", "pdf"), widths_mm=(85,))
    return zipfile.ZipFile(sink)


def test_the_arrays_are_those_of_the_conventions_and_say_so(bundle: zipfile.ZipFile) -> None:
    arrays = np.load(io.BytesIO(bundle.read("overlap/gamma_lm.npz")))
    gamma = overlap_harmonics(read_csv(LIST).directions, 4)
    np.testing.assert_allclose(arrays["anisoscope"], gamma.numpy(), atol=1e-15)
    np.testing.assert_allclose(arrays["hasasia"], convert(gamma, "hasasia").numpy(), atol=1e-14)
    theirs = convert(gamma, "enterprise")
    first, second = torch.triu_indices(3, 3, 1)
    np.testing.assert_allclose(arrays["enterprise"][:, first, second].T, theirs.numpy(), atol=1e-14)
    assert "propagation" in str(arrays["enterprise_convention"]) and "source" in str(
        arrays["hasasia_convention"]
    )


def test_the_selected_pair_and_the_list_are_there(bundle: zipfile.ZipFile) -> None:
    pair = bundle.read("overlap/selected_pair.csv").decode()
    assert "J0001+0001" in pair and "hasasia" in pair
    assert read_csv(bundle.read("overlap/pulsars.csv")).names == ("J0001+0001", "J0600-3000", "J1200+4000")
    assert "figures/sky-85mm.pdf" in bundle.namelist()


def test_the_list_travels_in_the_request(bundle: zipfile.ZipFile, monkeypatch: pytest.MonkeyPatch) -> None:
    written = bundle.read("request.json")
    assert list(json.loads(written)["files"]) == [json.loads(written)["parameters"]["pulsars"]]
    monkeypatch.setattr(uploads, "_shelf", uploads._Shelf())
    _, values = read_json(written)
    lens = OverlapLens()
    lens.restore(values)
    frame = next(iter(lens.frames(lens.request())))
    assert frame is not None and frame.facts["pulsars"] == 3
