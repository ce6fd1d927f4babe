"""Dropped configurations and tables."""

import io
import json

import numpy as np
import pytest

from anisoscope.app.errors import RequestError
from anisoscope.app.lenses.psf import LENS
from anisoscope.app.lenses.psf.imports import trained_grid
from anisoscope.engine.hashgrid import HashGrid, grid_to_npz

TCNN = {
    "encoding": {
        "otype": "HashGrid",
        "n_levels": 12,
        "n_features_per_level": 4,
        "log2_hashmap_size": 15,
        "base_resolution": 8,
        "per_level_scale": 1.5,
        "colour": "red",
    },
    "network": {"otype": "FullyFusedMLP"},
}


def dropped(name, content, **state):
    """The state after a drop, as the page takes it over."""
    lens = LENS()
    lens.param.update(**state)
    lens.restore(lens.open_file(name, content))
    return lens


def table(**more):
    return HashGrid(2, 5, 2, 8, 8, 1.5, **more)


def test_a_tiny_cuda_nn_configuration_sets_the_encoding_and_its_foreign_keys_are_listed():
    lens = dropped("config.json", json.dumps(TCNN).encode(), view="tables", dx=0.7)
    assert (lens.levels, lens.features, lens.log2_table, lens.base) == (12, 4, 15, 8)
    assert (lens.growth, lens.convention, lens.dimension) == (1.5, "tiny-cuda-nn", 2)
    assert lens.view == "tables" and lens.dx == 0
    notes = lens.compute().notes
    assert len(notes) == 1 and "colour" in notes[0] and "network" in notes[0]


def test_another_encoding_forgets_the_note():
    lens = dropped("config.json", json.dumps(TCNN).encode())
    assert lens.foreign
    lens.param.update(**lens.check({"levels": 9})[0])
    assert lens.foreign == ""


def test_arguments_of_nerfstudio():
    content = json.dumps(
        {"num_levels": 8, "min_res": 16, "max_res": 2048, "implementation": "torch"}
    ).encode()
    lens = dropped("arguments.json", content)
    assert (lens.levels, lens.base, lens.growth, lens.convention) == (8, 16, 2.0, "nerfstudio")
    assert lens.dimension == 3 and lens.foreign == ""


def test_a_request_is_opened_as_in_any_lens():
    lens = LENS()
    lens.levels = 9
    assert lens.open_file("request.json", json.dumps(lens.request().to_json()).encode())["levels"] == 9


def test_a_trained_table_is_measured():
    grid = table(seed=3)
    lens = dropped("trained.npz", grid_to_npz(grid))
    assert lens.view == "tables" and (lens.levels, lens.growth, lens.log2_table) == (5, 1.5, 8)
    kept = trained_grid(lens.trained, lens.request())
    np.testing.assert_array_equal(kept.table.detach(), grid.table.detach())
    frame = lens.compute({**lens.request().as_dict(), "pixels": 16})
    assert frame.facts["trained"] is True and frame.facts["levels"] == 5
    assert np.ptp(frame.tables["speckle"]["image"].astype(int)) > 50
    lens.param.update(**lens.check({"growth": 1.6})[0])
    assert lens.trained == ""


def test_a_flat_table_takes_the_encoding_that_is_set():
    stream = io.BytesIO()
    np.savez(stream, table=table().table.detach().numpy().ravel())
    state = {"levels": 5, "features": 2, "log2_table": 8, "base": 8, "growth": 1.5}
    assert dropped("flat.npz", stream.getvalue(), **state).trained.startswith("flat.npz#")
    with pytest.raises(RequestError, match=r"trained = 'flat\.npz'"):
        dropped("flat.npz", stream.getvalue())


def saved(values):
    stream = io.BytesIO()
    np.savez(stream, table=values)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("x.json", b"{", "no JSON"),
        ("x.json", b"[1]", "holds a list"),
        ("x.json", b'{"foo": 1, "bar": 2}', "keys foo, bar"),
        ("x.json", b'{"otype": "Frequency"}', "otype"),
        ("x.json", b'{"otype": "HashGrid", "n_levels": 3.5}', "n_levels"),
        ("x.json", b'{"otype": "HashGrid", "interpolation": "Smoothstep"}', "interpolation"),
        ("x.json", b'{"otype": "HashGrid", "n_levels": 40}', "levels"),
        ("x.json", b'{"otype": "HashGrid", "base_resolution": 1}', "base"),
        ("x.npz", b"nothing", "trained"),
        ("x.npz", saved(np.full((3, 2), np.nan)), "trained"),
        ("x.npz", grid_to_npz(HashGrid(1, 3, 2, 6, 8, 1.5)), "dimension"),
        ("x.npz", grid_to_npz(table(interpolation="smoothstep")), "smoothstep"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name_and_nothing_changes(name, content, words):
    lens = LENS()
    before = lens.request()
    with pytest.raises(RequestError, match=words):
        lens.restore(lens.open_file(name, content))
    assert lens.request() == before
