"""Collisions: reference values, a dictionary of rows, the closed form with ample tables, the speckle law."""

import math
from collections import defaultdict

import pytest
import torch

from anisoscope.engine.hashgrid.collisions import (
    collision_map,
    collision_partners,
    measured_speckle,
    speckle_map,
)
from anisoscope.engine.hashgrid.errors import InvalidGrid
from anisoscope.engine.hashgrid.grid import HashGrid
from anisoscope.engine.hashgrid.maps import point_spread_map
from anisoscope.engine.hashgrid.optical_transfer import optical_transfer_function
from anisoscope.engine.hashgrid.point_spread import point_spread_function, point_spread_levels
from anisoscope.engine.hashgrid.resolution import two_point_distance
from anisoscope.engine.hashgrid.speckle import speckle_snr
from anisoscope.engine.hashgrid.widths import anisotropy, fwhm

from .psf_oracle import FLOORED, ORACLE, golden, rotations_3d


def some_points(count, dim=2, seed=0):
    return torch.rand(count, dim, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_reference_collisions():
    case = ORACLE["collisions"]
    grid = HashGrid(2, 8, 1, 6, 8, 1.5)
    ours = point_spread_function(grid, case["x0"], case["points"], normalised=False)
    expected = torch.tensor(case["K_with_collisions"], dtype=torch.float64)
    torch.testing.assert_close(ours, expected, rtol=1e-10, atol=1e-13)
    torch.testing.assert_close(collision_map(grid, case["x0"], case["points"]), expected / expected[0])
    without = point_spread_function(grid.levels, case["x0"], case["points"], normalised=False)
    torch.testing.assert_close(without, torch.tensor(case["K_without"], dtype=torch.float64))
    torch.testing.assert_close(
        speckle_map(grid, case["x0"], case["points"]), (expected - without) / expected[0], rtol=0, atol=1e-14
    )


@pytest.mark.parametrize("kernel", ["cell", "adam_cell"])
@pytest.mark.parametrize("convention", ["paper", "tiny-cuda-nn", "torch-ngp", "nerfstudio"])
def test_kernels_with_collisions_are_sums_over_rows(kernel, convention):
    grid = HashGrid(2, 5, 1, 6, 5, 1.7, convention, rotation=golden(5), hash_seeds=range(5))
    x0, points = some_points(1, seed=4), some_points(30)
    expected = torch.zeros(30, dtype=torch.float64)
    for level in range(5):
        written = defaultdict(float)
        for row, weight in zip(*(part[0].tolist() for part in grid.corners(x0, level)), strict=True):
            written[row] += weight
        if kernel == "adam_cell":
            written = {row: float(weight > 0) for row, weight in written.items()}
        for k, (rows, weights) in enumerate(zip(*grid.corners(points, level), strict=True)):
            expected[k] += sum(
                w * written.get(r, 0.0) for r, w in zip(rows.tolist(), weights.tolist(), strict=True)
            )
    ours = point_spread_function(grid, x0[0], points, kernel, normalised=False)
    torch.testing.assert_close(ours, expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize("kernel", ["cell", "adam_cell"])
@pytest.mark.parametrize(
    ("dim", "turn"), [(2, None), (2, golden(6)), (3, None), (3, rotations_3d("cube", 6))]
)
@pytest.mark.parametrize("convention", ["paper", "tiny-cuda-nn", "torch-ngp"])
def test_ample_tables_give_the_closed_form(kernel, dim, turn, convention):
    grid = HashGrid(dim, 6, 1, 20, 4, 1.5, convention, rotation=turn)
    assert grid.levels.dense.all()
    # tiny-cuda-nn reads past the last vertex, and wraps, in the last half cell: 5/6 on with 4 vertices
    x0, points = 0.8 * some_points(1, dim, 1)[0], 0.8 * some_points(200, dim)
    points = torch.cat([points, x0 + 0.04 * (points - 0.4), x0[None]]).clamp(0, 0.83)
    closed = point_spread_function(grid.levels, x0, points, kernel, turn)
    torch.testing.assert_close(point_spread_function(grid, x0, points, kernel), closed, rtol=0, atol=1e-12)
    assert speckle_map(grid, x0, points, kernel).abs().max() < 1e-12


@pytest.mark.parametrize("log2_table_size", [8, 9, 10, 11])
def test_the_speckle_follows_its_law(log2_table_size):
    grid = HashGrid(2, 12, 1, log2_table_size, 8, 1.5)
    measured = measured_speckle(grid, some_points(12, seed=2), some_points(4000, seed=3))
    # twelve places of x0 and 4000 points scatter by some percent; the law is exact for random hashes
    assert measured == pytest.approx(speckle_snr(grid), rel=0.12)


def test_without_collisions_the_measured_ratio_is_infinite_or_rounding():
    grid = HashGrid(2, 3, 1, 12, 8, 1.5)
    assert measured_speckle(grid, some_points(2), some_points(50)) > 1e14


def test_partners_share_rows_and_lie_elsewhere():
    grid = HashGrid(2, 8, 1, 6, 8, 1.5, rotation=golden(8))
    x0 = torch.tensor([0.3, 0.3], dtype=torch.float64)
    assert len(collision_partners(HashGrid(2, 2, 1, 12, 8, 1.5), x0, 0).rows) == 0
    partners = collision_partners(grid, x0, 5)
    assert len(partners.rows) > 4
    inside = ((partners.positions > 0) & (partners.positions < 1)).all(1)
    level = point_spread_levels(grid, x0, partners.positions[inside], normalised=False)[5]
    # a vertex reads what is written into its row alone
    torch.testing.assert_close(level, partners.weights[inside], rtol=0, atol=1e-9)
    closed = point_spread_levels(
        grid.levels, x0, partners.positions[inside], rotation=golden(8), normalised=False
    )
    assert closed[5].max() < 1e-9


def test_a_mask_weighs_levels_as_it_writes_and_reads():
    mask = torch.tensor([1.0, 0.0, 0.5, 0.0], dtype=torch.float64)
    grid = HashGrid(2, 4, 1, 14, 4, 1.5, level_mask=mask)
    plain = HashGrid(2, 4, 1, 14, 4, 1.5)
    x0, points = [0.4, 0.3], 0.4 + 0.1 * (some_points(20) - 0.5)
    for kernel in ("cell", "averaged", "node", "adam", "adam_cell"):
        shares = mask if "adam" in kernel else mask**2
        expected = shares[:, None] * point_spread_levels(plain, x0, points, kernel, normalised=False)
        ours = point_spread_levels(grid, x0, points, kernel, normalised=False)
        torch.testing.assert_close(ours, expected, rtol=0, atol=1e-14)
    single = HashGrid(2, 4, 1, 14, 4, 1.5, level_mask=torch.tensor([0.0, 1.0, 0.0, 0.0]))
    assert fwhm(single, [1.0, 0.0], "node").item() == pytest.approx(1 / 6)
    assert anisotropy(single, "node").beta[0].item() == pytest.approx(1)
    transfer = optical_transfer_function(single, [[1.5, 0.0]])
    assert transfer.item() == pytest.approx((math.sin(math.pi / 4) / (math.pi / 4)) ** 4)


def test_a_grid_is_its_levels_and_its_rotation():
    grid = HashGrid(2, 16, 1, 6, 16, 1.38, rotation=golden())
    for kernel in ("node", "averaged", "adam"):
        torch.testing.assert_close(
            point_spread_function(grid, [0.37, 0.61], ORACLE["psf_2d"]["points"], kernel),
            point_spread_function(FLOORED, [0.37, 0.61], ORACLE["psf_2d"]["points"], kernel, golden()),
        )
    assert anisotropy(grid).ratio < 1.03 < anisotropy(grid.levels).ratio


def test_what_is_refused():
    grid = HashGrid(2, 3, 1, 6, 8, 1.5, interpolation="smoothstep")
    x0, point, axis = [0.3, 0.3], [[0.3, 0.4]], [0.2, 0.3]
    assert point_spread_function(grid, x0, [x0]).item() == pytest.approx(1)
    for call, words in (
        (lambda: point_spread_function(grid, x0, point, "averaged"), "smoothstep"),
        (lambda: speckle_map(grid, x0, point), "smoothstep"),
        (lambda: point_spread_map(grid, x0, (axis, axis), "averaged"), "smoothstep"),
        (lambda: point_spread_map(grid, x0, (axis, axis), "cell", golden(3)), "smoothstep"),
        (lambda: fwhm(grid, [1.0, 0.0], "cell", x0=x0), "smoothstep"),
        (lambda: anisotropy(grid), "smoothstep"),
        (lambda: optical_transfer_function(grid, [[1.0, 0.0]]), "smoothstep"),
        (lambda: two_point_distance(grid, [1.0, 0.0]), "smoothstep"),
        (lambda: collision_map(grid, x0, point, "node"), "kernel"),
        (lambda: collision_map(grid, x0, [[0.3, 1.4]]), "points"),
        (lambda: collision_partners(grid, x0, 3), "level"),
        (lambda: grid.corners(torch.rand(2, 2), -1), "level is -1: 0 to 2"),
        (lambda: grid.corners(torch.rand(2, 2), 3), "level is 3: 0 to 2"),
        (
            lambda: measured_speckle(HashGrid(2, 3, 1, 4, 8, 1.5), torch.zeros(0, 2), torch.rand(9, 2)),
            "0 and 9",
        ),
        (
            lambda: measured_speckle(HashGrid(2, 3, 1, 4, 8, 1.5), torch.rand(2, 2), torch.rand(1, 2)),
            "2 and 1",
        ),
        (lambda: anisotropy([4.0], directions=torch.zeros(0, 2)), "directions are none"),
        (lambda: collision_partners(HashGrid(2, 2, 1, 4, 4, 4096.0), x0, 1), "vertices"),
        (lambda: point_spread_function(grid, [0.3, 0.3, 0.3], [[0.3] * 3], "node"), "smoothstep|dimension"),
    ):
        with pytest.raises(ValueError, match=words):
            call()


def test_nothing_is_divided_by_a_kernel_of_zero():
    """Of all levels masked, and of a point where torch-ngp has no corners, nothing is known: not even NaN."""
    masked = HashGrid(2, 3, 1, 6, 4, 1.5, level_mask=torch.zeros(3))
    outside = HashGrid(2, 3, 1, 6, 4, 1.5, "torch-ngp")
    points = some_points(5)
    for grid, place in ((masked, [0.3, 0.4]), (outside, [1.3, 0.4])):
        source = torch.tensor(place, dtype=torch.float64)
        for call in (
            lambda g, x: collision_map(g, x, points),
            lambda g, x: speckle_map(g, x, points),
            lambda g, x: measured_speckle(g, x[None], points),
            lambda g, x: point_spread_function(g, x, points),
        ):
            with pytest.raises(InvalidGrid, match="0 at x0"):
                call(grid, source)
    with pytest.raises(InvalidGrid, match="0 at x0"):
        point_spread_function(masked, torch.tensor([0.3, 0.4]), points, "averaged")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
@pytest.mark.parametrize("function", [collision_map, speckle_map])
def test_places_on_a_device_give_what_those_on_the_cpu_do(function):
    grid, points = HashGrid(2, 8, 1, 6, 8, 1.5), some_points(9)
    torch.testing.assert_close(
        function(grid, points[0].cuda(), points.cuda()), function(grid, points[0], points)
    )
