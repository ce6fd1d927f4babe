"""Touched rows against a count by hand; splits of an encoding."""

import math

import pytest
import torch

from anisoscope.engine.hashgrid.errors import InvalidGrid, TableTooLarge
from anisoscope.engine.hashgrid.grid import HashGrid
from anisoscope.engine.hashgrid.lattice import make_lattice
from anisoscope.engine.hashgrid.rotations import golden_angles
from anisoscope.engine.hashgrid.split import SplitHashGrid
from anisoscope.engine.hashgrid.utilisation import pixel_centres, table_utilisation


@pytest.mark.parametrize(
    ("convention", "growth", "touched", "rows"),
    [
        ("paper", 2.0, 7539, 15795),
        ("paper", 1.7, 14741, 14741),
        ("paper", 1.9, 15424, 15514),
        ("paper", 2.1, 16002, 16002),
        ("tiny-cuda-nn", 2.0, 11520, 15680),
        ("tiny-cuda-nn", 1.7, 14728, 14728),
        ("tiny-cuda-nn", 1.9, 15424, 15504),
        ("tiny-cuda-nn", 2.1, 15992, 15992),
    ],
)
def test_pixels_of_a_128_image(convention, growth, touched, rows):
    """Counted once by another program, from the definition."""
    found = table_utilisation(make_lattice(2, 10, 11, 8, growth, convention), pixel_centres(128, 128))
    assert (int(found.touched.sum()), int(found.rows.sum())) == (touched, rows)
    assert found.fraction == pytest.approx(touched / rows)


def test_levels_starve_one_after_the_other():
    """From 256 cells an axis on, every centre is a vertex: 128² of them, then fewer rows than that by the hash."""
    found = table_utilisation(make_lattice(2, 10, 11, 8, 2.0), pixel_centres(128, 128))
    assert found.fractions.tolist() == pytest.approx(
        [1, 1, 1, 1, 1, 0.5, 0.25, 0.125, 0.0625, 0.03125], abs=1e-3
    )


def test_the_rows_touched_are_those_with_a_gradient():
    grid = HashGrid(2, 6, 1, 8, 4, 2.0, rotation=golden_angles(6)).double()
    points = pixel_centres(16, 16)
    grid(points).sum().backward()
    assert grid.table.grad is not None
    touched = (grid.table.grad[:, 0] > 1e-9).split(grid.levels.table_sizes.tolist())
    assert table_utilisation(grid, points).touched.tolist() == [int(level.sum()) for level in touched]


def test_jitter_reaches_rows_that_centres_do_not():
    lattice = make_lattice(2, 10, 11, 8, 2.0)
    centres = table_utilisation(lattice, pixel_centres(128, 128))
    jittered = table_utilisation(lattice, pixel_centres(128, 128, jitter=torch.Generator().manual_seed(0)))
    assert jittered.fraction > 0.99 > centres.fraction


def test_pixel_centres():
    points = pixel_centres(3, 2)
    assert points[:3].tolist() == [[1 / 6, 0.25], [1 / 6, 0.75], [0.5, 0.25]]
    moved = pixel_centres(3, 2, jitter=torch.Generator().manual_seed(0))
    assert torch.equal((moved * torch.tensor([3, 2])).floor(), (points * torch.tensor([3, 2])).floor())
    for shape in ((), (0, 3), (2.5,), (2**20, 2**20)):
        with pytest.raises(InvalidGrid, match="shape"):
            pixel_centres(*shape)


@pytest.mark.parametrize(
    "points",
    [torch.rand(4, 3), torch.full((4, 2), math.nan), torch.full((4, 2), 7.0), torch.ones(4, 2).int()],
)
def test_points_that_read_no_vertex_are_refused_not_counted(points):
    with pytest.raises(InvalidGrid, match="points"):
        table_utilisation(make_lattice(2, 3, 6, 4, 1.5), points)


def test_a_split_has_the_parameters_of_the_whole():
    whole = HashGrid(2, 6, 4, 8, 4, 1.6)
    control = SplitHashGrid(2, 6, 4, 8, 4, 1.6, splits=2, rotated=False)
    turned = SplitHashGrid(2, 6, 4, 8, 4, 1.6, splits=2)
    assert control.parameter_count == whole.parameter_count < turned.parameter_count
    assert control.gathers_per_point == 2 * whole.gathers_per_point
    points = torch.rand(7, 2)
    assert control(points).shape == turned(points).shape == whole(points).shape
    # level-major: the features of level 1 are those of the pyramids' level 1, in turn
    parts = [grid(points)[:, 2:4] for grid in control.grids]
    assert torch.equal(control(points)[:, 4:8], torch.cat(parts, -1))


def test_pyramids_differ_by_hash_alone_or_by_angle_too():
    control = SplitHashGrid(2, 6, 4, 8, 4, 1.6, splits=4, rotated=False)
    turned = SplitHashGrid(2, 6, 4, 8, 4, 1.6, splits=4)
    for m, (plain, rotated) in enumerate(zip(control.grids, turned.grids, strict=True)):
        assert plain.lattice.hash_seeds == rotated.lattice.hash_seeds == (m,) * 6
        assert plain.rotation is None
        angle = m * math.pi / 8
        if m == 0:
            assert rotated.rotation is None
        else:
            assert rotated.rotation is not None
            assert rotated.rotation[:, 0, 1].tolist() == pytest.approx([math.sin(angle)] * 6)
    solid = SplitHashGrid(3, 2, 2, 8, 4, 1.6, splits=2)
    assert solid(torch.rand(3, 3)).shape == (3, 4)


def test_refused_splits():
    with pytest.raises(InvalidGrid, match="splits is 3"):
        SplitHashGrid(2, 6, 4, 8, 4, 1.6, splits=3)
    with pytest.raises(InvalidGrid, match="dim is 1"):
        SplitHashGrid(1, 6, 4, 8, 4, 1.6, splits=2)
    with pytest.raises(TableTooLarge):
        SplitHashGrid(2, 6, 4, 8, 4, 1.6, splits=2, max_bytes=2000)
