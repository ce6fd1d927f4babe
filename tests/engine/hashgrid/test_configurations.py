"""Configurations and tables of other programs, good and bad."""

import io
import json
import math
import zipfile

import numpy as np
import pytest
import torch

from anisoscope.engine.hashgrid.configurations import (
    nerfstudio_configuration,
    tiny_cuda_nn_configuration,
)
from anisoscope.engine.hashgrid.errors import InvalidGrid, TableTooLarge
from anisoscope.engine.hashgrid.grid import HashGrid
from anisoscope.engine.hashgrid.table_files import grid_from_npz, grid_to_npz

GRID = {
    "otype": "HashGrid",
    "n_levels": 16,
    "n_features_per_level": 2,
    "log2_hashmap_size": 19,
    "base_resolution": 16,
    "per_level_scale": 1.381912879967776,
}


def test_tiny_cuda_nn():
    found = tiny_cuda_nn_configuration(json.dumps(GRID))
    assert found.foreign == () and found.convention == "tiny-cuda-nn"
    # tiny-cuda-nn, issue 338
    assert int(found.lattice().levels.offsets[-1]) * found.features == 12196240


def test_tiny_cuda_nn_defaults():
    found = tiny_cuda_nn_configuration({"otype": "Grid"}, dim=2)
    assert (found.levels, found.features, found.log2_table_size, found.base_resolution) == (16, 2, 19, 16)
    assert found.growth == 2.0 and found.dim == 2 and found.interpolation == "linear"
    assert tiny_cuda_nn_configuration({"n_features": 24, "n_features_per_level": 4}).levels == 6


def test_the_grid_within_a_whole_configuration():
    whole = {
        "loss": {"otype": "L2"},
        "encoding": {
            "otype": "Composite",
            "reduction": "Concatenation",
            "nested": [
                {**GRID, "n_dims_to_encode": 2, "interpolation": "Smoothstep", "colour": 3},
                {"otype": "SphericalHarmonics", "degree": 4},
            ],
        },
        "network": {"otype": "FullyFusedMLP"},
    }
    found = tiny_cuda_nn_configuration(whole)
    assert found.foreign == ("loss", "network", "reduction", "colour")
    assert found.dim == 2 and found.interpolation == "smoothstep"


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"otype": "DenseGrid"}, "otype"),
        ({"type": "Tiled"}, "type"),
        ({"hash": "Prime"}, "hash"),
        ({"interpolation": "Nearest"}, "interpolation"),
        ({"per_level_scale": 1.0}, "growth"),
        ({"per_level_scale": "2"}, "per_level_scale"),
        ({"n_levels": 40}, "levels"),
        ({"n_levels": 2.5}, "n_levels"),
        ({"n_features": 8}, "n_features"),
        ({"stochastic_interpolation": True}, "stochastic"),
        ({"n_dims_to_encode": 7}, "dim"),
        ({"n_features_per_level": 0}, "n_features_per_level is 0: a whole number, 1 to"),
        ({"n_features_per_level": 65}, "features is 65"),
        ({"per_level_scale": 10**400}, "per_level_scale is an integer of 1329 bits: a finite"),
        ({"per_level_scale": math.nan}, "per_level_scale is nan"),
        ({"base_resolution": -(10**400)}, "base_resolution is an integer of 1329 bits"),
        ({"base_resolution": 1e300}, r"base_resolution is 1e\+300: a whole number"),
        ({"base_resolution": [10**5000]}, "base_resolution is a list"),
        ({"otype": "x" * 1000}, "otype is .{1,40}: Grid"),
    ],
)
def test_refused_tiny_cuda_nn(change, word):
    with pytest.raises(InvalidGrid, match=f"^{word}"):
        tiny_cuda_nn_configuration({**GRID, **change})


@pytest.mark.parametrize("total", ["n_features", "n_grid_features"])
def test_features_that_do_not_fill_the_levels_are_refused(total):
    with pytest.raises(InvalidGrid, match=f"{total} is 5: a multiple of n_features_per_level, 2, is needed"):
        tiny_cuda_nn_configuration({total: 5, "n_features_per_level": 2})
    with pytest.raises(InvalidGrid, match="n_features_per_level is 0"):
        tiny_cuda_nn_configuration({total: 4, "n_features_per_level": 0})


@pytest.mark.parametrize("key", ["per_level_scale", "n_levels"])
def test_an_integer_that_python_does_not_read_is_refused_by_its_key(key):
    with pytest.raises(InvalidGrid, match=f"{key} is inf: a "):
        tiny_cuda_nn_configuration(f'{{"{key}": 1{"0" * 5000}}}')
    assert tiny_cuda_nn_configuration(f'{{"colour": 1{"0" * 5000}}}').foreign == ("colour",)


@pytest.mark.parametrize("text", ["", "{", "[1]", "7", "null", "{" * 200_000, "[" * 90_000])
def test_text_that_is_no_configuration(text):
    for read in (tiny_cuda_nn_configuration, nerfstudio_configuration):
        with pytest.raises(InvalidGrid, match=r"tiny-cuda-nn|nerfstudio"):
            read(text)


def test_nerfstudio():
    """The arguments of nerfacto's field."""
    text = (
        "HashEncoding(num_levels=16, min_res=16, max_res=2048, log2_hashmap_size=19, hash_init_scale=0.001)"
    )
    found = nerfstudio_configuration(text)
    assert found.foreign == ("hash_init_scale",) and found.convention == "tiny-cuda-nn"
    assert int(found.lattice().levels.offsets[-1]) * found.features == 12196240
    own = nerfstudio_configuration({"max_res": 2048, "base_res": 16, "implementation": "torch"})
    assert own.convention == "nerfstudio" and own.lattice().levels.resolutions[-1] == 2048
    assert int(own.lattice().levels.offsets[-1]) == 16 * 2**19
    assert nerfstudio_configuration('{"num_levels": 8}').levels == 8


@pytest.mark.parametrize(
    "text",
    [
        "HashEncoding(16)",
        "__import__('os')",
        "HashEncoding(num_levels=f())",
        "HashEncoding(**{'max_res': f()})",
        "HashEncoding(num_levels=1)",
        "HashEncoding(max_res=8)",
        "HashEncoding(implementation='jax')",
        "HashEncoding(max_res='a')",
        "HashEncoding(max_res=1" + "0" * 400 + ")",
        "HashEncoding(max_res=1" + "0" * 5000 + ")",
        '{"max_res": 1' + "0" * 5000 + "}",
        "HashEncoding(base_res=0x" + "f" * 5000 + ")",
    ],
)
def test_refused_nerfstudio(text):
    with pytest.raises(InvalidGrid):
        nerfstudio_configuration(text)


def test_two_names_of_the_coarsest_resolution_are_refused():
    with pytest.raises(InvalidGrid, match="base_res and min_res are both given, 8 and 16: one"):
        nerfstudio_configuration("HashEncoding(base_res=8, min_res=16)")


def trained() -> HashGrid:
    grid = HashGrid(2, 4, 2, 7, 4, 1.7, "torch-ngp", seed=4, interpolation="smoothstep")
    with torch.no_grad():
        grid.table.add_(1)
    return grid


def archive(**arrays) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def test_a_table_survives_its_file():
    grid = trained()
    again = grid_from_npz(grid_to_npz(grid))
    points = torch.rand(20, 2)
    assert torch.equal(grid.table, again.table) and torch.equal(grid(points), again(points))


def test_a_flat_half_precision_table_with_a_configuration():
    """As tiny-cuda-nn stores its parameters."""
    configuration = tiny_cuda_nn_configuration(
        {"n_levels": 3, "base_resolution": 4, "per_level_scale": 1.5, "log2_hashmap_size": 6}, dim=2
    )
    count = configuration.build().parameter_count
    grid = grid_from_npz(archive(table=np.arange(count, dtype=np.float16)), configuration)
    assert grid.table.flatten()[:4].tolist() == [0, 1, 2, 3] and grid.table.dtype == torch.float32


def test_refused_files():
    good = grid_to_npz(trained())
    arrays = dict(np.load(io.BytesIO(good)))
    bad = arrays["table"].copy()
    bad[3, 1] = math.nan
    cases = [
        (b"", "cannot be read"),
        (good[:200], "cannot be read"),
        (archive(other=bad), "holds other"),
        (archive(**{**arrays, "table": bad}), r"table\[3, 1\] is nan"),
        (archive(table=bad), "lacks dim"),
        (archive(**{**arrays, "table": bad[1:]}), "table has shape"),
        (archive(**{**arrays, "table": np.array(["a"])}), "table is <U1"),
        (archive(**{**arrays, "growth": np.array(0.5)}), "growth is 0.5"),
        (archive(**{**arrays, "convention": np.array("mine")}), "convention is 'mine'"),
        (archive(**{**arrays, "levels": np.array([1, 2])}), "levels is"),
        (archive(table=np.array([{}], dtype=object)), "table is object"),
    ]
    for content, message in cases:
        with pytest.raises(InvalidGrid, match=message):
            grid_from_npz(content)
    with pytest.raises(TableTooLarge):
        grid_from_npz(good, max_bytes=100)


def test_a_header_that_lies_is_believed_only_as_a_size():
    """A few bytes that declare a petabyte are refused by the header alone."""
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        stream, {"descr": "<f4", "fortran_order": False, "shape": (2**48, 2)}
    )
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("table.npy", stream.getvalue())
    with pytest.raises(TableTooLarge, match=str(2**51)):
        grid_from_npz(whole.getvalue())


def changed(**arrays) -> bytes:
    """The file of a trained grid with some arrays replaced."""
    with np.load(io.BytesIO(grid_to_npz(trained()))) as good:
        return archive(**{**good, **{name: np.array(value) for name, value in arrays.items()}})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("dim", math.nan),
        ("levels", math.inf),
        ("base_resolution", 4.5),
        ("growth", math.nan),
        ("log2_table_size", [9, 9]),
        ("convention", ["paper", "paper"]),
        ("interpolation", "cubic"),
    ],
)
def test_what_is_no_plain_value_is_refused_by_name(name, value):
    with pytest.raises(InvalidGrid, match=f"{name} is .*needed"):
        grid_from_npz(changed(**{name: value}))


def members(compression: int = zipfile.ZIP_STORED, **content: bytes) -> bytearray:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as whole:
        for name, data in content.items():
            whole.writestr(name.replace("_npy", ".npy"), data)
    return bytearray(stream.getvalue())


def test_archives_that_zipfile_refuses_in_ways_of_its_own():
    table = io.BytesIO()
    np.save(table, np.zeros((300, 2), np.float32))
    encrypted, damaged = (
        members(table_npy=table.getvalue()),
        members(zipfile.ZIP_LZMA, table_npy=table.getvalue()),
    )
    for flags in (6, encrypted.index(b"PK\1\2") + 8):
        encrypted[flags] |= 1
    damaged[30 + len("table.npy") + 12] ^= 255
    for content in (members(table=table.getvalue()), encrypted, damaged):
        with pytest.raises(InvalidGrid, match="table file"):
            grid_from_npz(bytes(content))
