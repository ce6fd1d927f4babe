"""Maps of the point-spread function against the function itself."""

import math
import time

import pytest
import torch

from anisoscope.engine.hashgrid.grid import HashGrid
from anisoscope.engine.hashgrid.kernels import KERNELS
from anisoscope.engine.hashgrid.levels import level_table
from anisoscope.engine.hashgrid.maps import point_spread_map
from anisoscope.engine.hashgrid.point_spread import point_spread_function

from .psf_oracle import FLOORED, angles, golden, rotations_3d

X0 = torch.tensor([0.37, 0.61], dtype=torch.float64)


def window(half, size, centre=X0, plane=(0, 1)):
    return tuple(centre[k] + torch.linspace(-half, half, size, dtype=torch.float64) for k in plane)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("turn", ["none", "golden"])
@pytest.mark.parametrize("half", [0.004, 0.05, 0.7])
def test_maps_are_the_function_at_their_pixels(kernel, turn, half):
    first, second = window(half, 150)[0], window(half, 131)[1]
    image = point_spread_map(FLOORED, X0, (first, second), kernel, angles(turn))
    exact = point_spread_function(FLOORED, X0, torch.cartesian_prod(first, second), kernel, angles(turn))
    assert image.shape == (150, 131) and image.dtype == torch.float32
    torch.testing.assert_close(image.double().flatten(), exact, rtol=0, atol=1e-6)


@pytest.mark.parametrize("kernel", ["cell", "adam_cell", "averaged"])
@pytest.mark.parametrize("place", [[0.25, 0.5], [0.2, 0.5]])
def test_places_on_nodes_and_the_shifted_lattice(kernel, place):
    source = torch.tensor(place, dtype=torch.float64)
    turn = torch.zeros(5, dtype=torch.float64)
    turn[1] = math.pi / 2
    for levels in (torch.tensor([4.0, 8.0, 12.0, 16.0, 20.0]), level_table(2, 5, 19, 4, 1.7, "tiny-cuda-nn")):
        for rotation in (None, turn):
            axes = window(0.2, 60, source)
            image = point_spread_map(levels, source, axes, kernel, rotation, normalised=False)
            exact = point_spread_function(
                levels, source, torch.cartesian_prod(*axes), kernel, rotation, normalised=False
            )
            torch.testing.assert_close(image.double().flatten(), exact, rtol=0, atol=5e-6)


@pytest.mark.parametrize("plane", [(0, 1), (2, 0), (1, 2)])
@pytest.mark.parametrize("turn", ["none", "icosahedron 6 axes"])
@pytest.mark.parametrize("kernel", ["cell", "node", "adam"])
def test_planes_in_space(plane, turn, kernel):
    source = torch.tensor([0.31, 0.62, 0.47], dtype=torch.float64)
    axes = window(0.03, 50, source, plane)
    points = source.repeat(2500, 1)
    points[:, list(plane)] = torch.cartesian_prod(*axes)
    rotation = rotations_3d(turn)
    image = point_spread_map(FLOORED, source, axes, kernel, rotation, plane=plane)
    exact = point_spread_function(FLOORED, source, points, kernel, rotation)
    torch.testing.assert_close(image.double().flatten(), exact, rtol=0, atol=1e-6)


def test_threads_change_no_bit():
    axes = window(0.05, 300)
    one, two = (point_spread_map(FLOORED, X0, axes, "cell", golden(), threads=count) for count in (1, 2))
    assert torch.equal(one, two)


def test_a_grid_s_map_has_its_collisions():
    grid = HashGrid(2, 8, 1, 6, 8, 1.5, rotation=golden(8))
    axes = torch.linspace(0, 1, 40).double(), torch.linspace(0, 1, 30).double()
    image = point_spread_map(grid, X0, axes)
    exact = point_spread_function(grid, X0, torch.cartesian_prod(*axes))
    torch.testing.assert_close(image.double().flatten(), exact, rtol=0, atol=1e-6)
    assert (
        image.double().flatten() - point_spread_function(grid.levels, X0, torch.cartesian_prod(*axes))
    ).any()


def test_what_is_refused():
    axes = window(0.1, 5)
    for call, words in (
        (lambda: point_spread_map(FLOORED, [0.5], axes), "plane"),
        (lambda: point_spread_map(FLOORED, X0, axes, plane=(0, 2)), "plane"),
        (lambda: point_spread_map(FLOORED, X0, axes, plane=(1, 1)), "plane"),
        (lambda: point_spread_map(FLOORED, X0, axes, "gauss"), "kernel"),
        (lambda: point_spread_map(FLOORED, X0, (axes[0].flip(0), axes[1])), r"axes\[0\] goes down"),
        (lambda: point_spread_map(FLOORED, X0, (axes[0], axes[1] * math.nan)), r"axes\[1\]"),
    ):
        with pytest.raises(ValueError, match=words):
            call()


def test_an_unturned_map_is_one_matrix_product():
    axes = window(0.05, 512)
    best = math.inf
    for _ in range(20):
        start = time.perf_counter()
        point_spread_map(FLOORED, X0, axes, "averaged")
        best = min(best, time.perf_counter() - start)
    assert best < 0.02  # ten times what a quiet core takes
