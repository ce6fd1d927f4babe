"""Levels, table sizes and hashes against the sizes their sources give."""

import math

import numpy as np
import pytest
import torch

from anisoscope.engine.hashgrid.errors import InvalidGrid, TableTooLarge
from anisoscope.engine.hashgrid.grid import HashGrid
from anisoscope.engine.hashgrid.hashing import hash_multipliers, hash_rows
from anisoscope.engine.hashgrid.lattice import make_lattice
from anisoscope.engine.hashgrid.levels import Convention, growth_between, level_table
from anisoscope.engine.hashgrid.rotations import about_axis, cycle_angles, golden_angles, rotation_matrices


def growth(finest: int) -> float:
    return growth_between(16, finest, 16)


@pytest.mark.parametrize(
    ("dim", "levels", "log2_rows", "coarsest", "ratio", "convention", "rows"),
    [
        (2, 2, 19, 16, 1.4, "tiny-cuda-nn", 1584 // 2),  # instant-ngp, issue 527
        (3, 16, 19, 16, growth(2048), "tiny-cuda-nn", 12196240 // 2),  # tiny-cuda-nn, issue 338
        (3, 16, 19, 16, growth(512), "tiny-cuda-nn", 10492048 // 2),
        (3, 16, 19, 16, growth(1024), "tiny-cuda-nn", 11420064 // 2),
        (3, 16, 19, 16, growth(4096), "tiny-cuda-nn", 12599920 // 2),
        (3, 20, 16, 32, 1.5, "tiny-cuda-nn", 2555904 // 2),  # pytorch test of instant-ngp's grid
        (2, 10, 11, 8, 2.0, "paper", 15795),
        (2, 12, 10, 8, 1.5, "paper", 9587),
        (3, 16, 19, 16, 1.38, "paper", 12197850 // 2),
        (3, 16, 19, 16, growth(2048), "nerfstudio", 16 * 2**19),
        (2, 2, 8, 4, 2.0, "torch-ngp", 32 + 88),  # 5² and 9², each rounded up to eight
        (2, 2, 5, 4, 2.0, "torch-ngp", 32 + 32),
    ],
)
def test_rows(dim, levels, log2_rows, coarsest, ratio, convention, rows):
    table = level_table(dim, levels, log2_rows, coarsest, ratio, convention)
    assert int(table.offsets[-1]) == rows
    assert len(table.offsets) == levels + 1
    assert bool((table.dense == (table.vertices.double().prod(-1) <= table.table_sizes)).all()) != (
        convention == "nerfstudio"
    )


def test_floors_do_not_lose_the_last_level():
    """exp(ln) leaves 2047.9999…: a plain floor drops it to 2047."""
    assert level_table(3, 16, 19, 16, 1.38).resolutions.tolist() == [
        16,
        22,
        30,
        42,
        58,
        80,
        110,
        152,
        210,
        290,
        400,
        553,
        763,
        1053,
        1453,
        2005,
    ]
    for finest in (512, 1024, 2048, 4096):
        assert level_table(3, 16, 19, 16, growth(finest)).resolutions[-1] == finest
        assert level_table(3, 16, 19, 16, growth(finest), "tiny-cuda-nn").vertices[-1, 0] == finest
    assert level_table(3, 16, 19, 16, 1.38).average_resolution == pytest.approx(178.7362630460, rel=1e-10)
    assert level_table(3, 16, 19, 16, 1.38, "tiny-cuda-nn").average_resolution == pytest.approx(
        16 * 1.38**7.5, rel=1e-12
    )


def test_offsets_of_the_conventions():
    cases: tuple[tuple[Convention, float, int], ...] = (
        ("paper", 0, 12),
        ("nerfstudio", 0, 12),
        ("tiny-cuda-nn", 0.5, 11),
        ("torch-ngp", 0.5, 11),
    )
    for convention, offset, scale in cases:
        table = level_table(2, 2, 8, 8, 1.5, convention)
        assert table.offset == offset and table.scales[1] == scale


@pytest.mark.parametrize(
    ("cell", "large", "small"),
    [
        ((1, 2, 3), 128476, 13788),
        ((7, 11, 13), 280589, 2061),
        ((100, 200, 300), 110768, 12464),
        ((12, 34), 403854, 10638),
        ((2047, 2047, 2047), 285147, 6619),
        ((65535, 65535), 96688, 14768),
    ],
)
def test_hash(cell, large, small):
    """Numbers of tiny-cuda-nn's coherent prime hash."""
    vertex = torch.tensor(cell)
    assert hash_rows(vertex, 2**19).item() == large and hash_rows(vertex, 2**14).item() == small


def test_negative_vertices_wrap_at_32_bits():
    assert hash_rows(torch.tensor([-1, 5]), 2**12) == hash_rows(torch.tensor([2**32 - 1, 5]), 2**12)


def test_seeds_may_be_whole_numbers_of_numpy():
    assert make_lattice(2, 3, 8, 4, 1.5, hash_seeds=np.int64(3)).hash_seeds == (3, 3, 3)  # pyright: ignore[reportArgumentType]
    assert make_lattice(2, 3, 8, 4, 1.5, hash_seeds=np.arange(3)).hash_seeds == (0, 1, 2)  # pyright: ignore[reportArgumentType]


def test_another_seed_is_another_hash():
    """Different partners, not the same partners under other names: that is what XOR with a constant would do."""
    vertices = torch.cartesian_prod(torch.arange(40), torch.arange(40))
    first, second = (hash_rows(vertices, 256, hash_multipliers(2, seed)) for seed in (0, 7))
    together = (first[:, None] == first) & (second[:, None] == second)
    apart = (first[:, None] == first) & (second[:, None] != second)
    pairs = len(vertices) * (len(vertices) - 1)
    assert int(apart.sum()) > 50 * int(together.fill_diagonal_(False).sum())
    # both spread evenly: a pair meets with probability 1/T
    for rows in (first, second):
        meetings = int((rows[:, None] == rows).sum()) - len(vertices)
        assert meetings / pairs == pytest.approx(1 / 256, rel=0.2)


def test_quarter_turns_add_no_vertex():
    upright = level_table(2, 4, 19, 16, 1.5)
    turned = level_table(
        2,
        4,
        19,
        16,
        1.5,
        rotation=rotation_matrices(torch.full((4,), math.pi / 2, dtype=torch.float64), 4, 2),
    )
    assert turned.table_sizes.tolist() == upright.table_sizes.tolist() and not turned.origins.any()


def test_turned_levels_hold_the_turned_square():
    """At 45 degrees the square is √2 wide in its lattice: twice the vertices in two dimensions."""
    turned = level_table(
        2, 1, 19, 256, 1.5, rotation=rotation_matrices(torch.tensor([math.pi / 4], dtype=torch.float64), 1, 2)
    )
    assert int(turned.table_sizes) == pytest.approx(2 * 257**2, rel=0.02)
    assert turned.origins.tolist() == [[-54, -54]]


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"growth": 1.0}, "growth"),
        ({"growth": math.nan}, "growth"),
        ({"growth": math.inf}, "growth"),
        ({"levels": 0}, "levels"),
        ({"levels": 33}, "levels"),
        ({"levels": 2.5}, "levels"),
        ({"levels": True}, "levels"),
        ({"dim": 4}, "dim"),
        ({"dim": 2.0}, "dim"),
        ({"dim": True}, "dim"),
        ({"features": 0}, "features"),
        ({"log2_table_size": 31}, "log2_table_size"),
        ({"base_resolution": 0}, "base_resolution"),
        ({"convention": "ngp"}, "convention"),
        ({"growth": 40.0, "levels": 9}, "growth"),
        ({"rotation": torch.zeros(3)}, "rotation"),
        ({"rotation": torch.full((4,), math.nan)}, "rotation"),
        ({"rotation": torch.ones(4, 2, 2)}, "rotation"),
        ({"hash_seeds": [1, 2]}, "hash_seeds"),
        ({"hash_seeds": -1}, "hash seed"),
        ({"hash_seeds": True}, "hash seed"),
        ({"hash_seeds": 1.5}, "hash seed"),
        ({"interpolation": "cubic"}, "interpolation"),
        ({"level_mask": torch.ones(3)}, "level_mask"),
        ({"seed": -1}, "seed"),
        ({"dtype": torch.int64}, "dtype"),
    ],
)
def test_refusals_name_the_parameter(change, word):
    fine = {"dim": 2, "levels": 4, "features": 2, "log2_table_size": 8, "base_resolution": 4, "growth": 1.5}
    with pytest.raises(InvalidGrid, match=f"^{word}"):
        HashGrid(**{**fine, **change})


def test_a_table_beyond_the_budget_is_refused_with_its_bytes():
    """Four tebibytes, refused before any is asked for."""
    with pytest.raises(TableTooLarge, match=str(2**30 * 16 * 64 * 4)) as refusal:
        HashGrid(3, 16, 64, 30, 2000, 1.1, "nerfstudio")
    assert (refusal.value.needed, refusal.value.allowed) == (2**42, 2**31)
    with pytest.raises(TableTooLarge, match="10 are allowed"):
        HashGrid(2, 1, 1, 4, 4, 2.0, max_bytes=10)


def test_angles():
    assert cycle_angles(5, 4).tolist() == [m * math.pi / 8 for m in (0, 1, 2, 3, 0)]
    assert golden_angles(3)[1] == pytest.approx(0.6180339887 * math.pi / 2, rel=1e-9)
    turn = rotation_matrices(torch.tensor([0.3], dtype=torch.float64), 1, 2)
    assert turn is not None
    # the lattice turns by +t: the point sees the turn by −t
    assert turn[0].tolist() == [[math.cos(0.3), math.sin(0.3)], [-math.sin(0.3), math.cos(0.3)]]
    # and about_axis turns points themselves
    assert torch.allclose(about_axis([0, 0, 1], 0.3)[:2, :2], turn[0].T)
