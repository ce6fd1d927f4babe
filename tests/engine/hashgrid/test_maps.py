"""Maps of the point-spread function against the function itself."""

import functools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode

from anisoscope.engine.hashgrid import accelerate
from anisoscope.engine.hashgrid.errors import InvalidGrid
from anisoscope.engine.hashgrid.grid import HashGrid
from anisoscope.engine.hashgrid.kernels import KERNELS
from anisoscope.engine.hashgrid.levels import level_table
from anisoscope.engine.hashgrid.maps import point_spread_map
from anisoscope.engine.hashgrid.point_spread import point_spread_function

from .psf_oracle import FLOORED, angles, golden, rotations_3d

needs_numba = pytest.mark.skipif(not accelerate.available(), reason="numba is not installed")
BACKENDS = ["torch", pytest.param("compiled", marks=needs_numba)]
X0 = torch.tensor([0.37, 0.61], dtype=torch.float64)


def window(half, size, centre=X0, plane=(0, 1)):
    line = torch.linspace(-half, half, size, dtype=torch.float64)
    return centre[plane[0]] + line, centre[plane[1]] + line


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("turn", ["none", "golden"])
@pytest.mark.parametrize("half", [0.004, 0.05, 0.7])
@pytest.mark.parametrize("backend", BACKENDS)
def test_maps_are_the_function_at_their_pixels(kernel, turn, half, backend):
    first, second = window(half, 150)[0], window(half, 131)[1]
    image = point_spread_map(FLOORED, X0, (first, second), kernel, angles(turn), backend=backend)
    exact = point_spread_function(FLOORED, X0, torch.cartesian_prod(first, second), kernel, angles(turn))
    assert image.shape == (150, 131) and image.dtype == torch.float32
    torch.testing.assert_close(image.double().flatten(), exact, rtol=0, atol=1e-6)


@pytest.mark.parametrize("kernel", ["cell", "adam_cell", "averaged"])
@pytest.mark.parametrize("place", [[0.25, 0.5], [0.2, 0.5]])
@pytest.mark.parametrize("backend", BACKENDS)
def test_places_on_nodes_and_the_shifted_lattice(kernel, place, backend):
    source = torch.tensor(place, dtype=torch.float64)
    turn = torch.zeros(5, dtype=torch.float64)
    turn[1] = math.pi / 2
    for levels in (torch.tensor([4.0, 8.0, 12.0, 16.0, 20.0]), level_table(2, 5, 19, 4, 1.7, "tiny-cuda-nn")):
        for rotation in (None, turn):
            axes = window(0.2, 60, source)
            image = point_spread_map(
                levels, source, axes, kernel, rotation, normalised=False, backend=backend
            )
            exact = point_spread_function(
                levels, source, torch.cartesian_prod(*axes), kernel, rotation, normalised=False
            )
            torch.testing.assert_close(image.double().flatten(), exact, rtol=0, atol=5e-6)


@pytest.mark.parametrize("plane", [(0, 1), (2, 0), (1, 2)])
@pytest.mark.parametrize("turn", ["none", "icosahedron 6 axes"])
@pytest.mark.parametrize("kernel", ["cell", "node", "adam"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_planes_in_space(plane, turn, kernel, backend):
    source = torch.tensor([0.31, 0.62, 0.47], dtype=torch.float64)
    axes = window(0.03, 50, source, plane)
    points = source.repeat(2500, 1)
    points[:, list(plane)] = torch.cartesian_prod(*axes)
    rotation = rotations_3d(turn)
    image = point_spread_map(FLOORED, source, axes, kernel, rotation, plane=plane, backend=backend)
    exact = point_spread_function(FLOORED, source, points, kernel, rotation)
    torch.testing.assert_close(image.double().flatten(), exact, rtol=0, atol=1e-6)


pixels = functools.partial(torch.tensor, dtype=torch.float64)
coordinates = st.lists(st.floats(-0.5, 1.5), min_size=1, max_size=40).map(sorted)


@pytest.mark.parametrize("backend", BACKENDS)
@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_turn_any_axes_any_mask(backend, data):
    """Uneven axes, one pixel, pixels that coincide, columns along which cells go down, masked levels."""
    count = data.draw(st.integers(1, 6))
    numbers = lambda low, high: st.lists(st.floats(low, high), min_size=count, max_size=count)  # noqa: E731
    grid = HashGrid(2, count, 1, 4, 4, 1.7, "tiny-cuda-nn")
    grid.level_mask = torch.tensor([1.0, *data.draw(numbers(-1, 1))[1:]])
    turn = torch.tensor(data.draw(numbers(-4, 4)), dtype=torch.float64)
    source = torch.tensor(data.draw(st.tuples(st.floats(0, 1), st.floats(0, 1))), dtype=torch.float64)
    axes = pixels(data.draw(coordinates)), pixels(data.draw(coordinates))
    kernel = data.draw(st.sampled_from(KERNELS))
    images = [point_spread_map(grid, source, axes, kernel, turn, threads=n, backend=backend) for n in (1, 3)]
    exact = point_spread_function(grid, source, torch.cartesian_prod(*axes), kernel, turn)
    torch.testing.assert_close(images[0].double().flatten(), exact, rtol=0, atol=1e-6)
    assert torch.equal(*images)


@needs_numba
@pytest.mark.parametrize("kernel", KERNELS)
def test_threads_change_no_bit(kernel):
    axes = window(0.05, 300)
    one, two, three = (
        point_spread_map(FLOORED, X0, axes, kernel, golden(), threads=count, backend="compiled")
        for count in (1, 2, 3)
    )
    assert torch.equal(one, two) and torch.equal(one, three)


def test_without_numba_torch_does_it(monkeypatch):
    axes = window(0.05, 40)
    wanted = point_spread_map(FLOORED, X0, axes, "averaged", golden(), backend="torch")
    monkeypatch.setattr(accelerate, "available", lambda: False)
    assert torch.equal(point_spread_map(FLOORED, X0, axes, "averaged", golden()), wanted)
    with pytest.raises(InvalidGrid, match="numba"):
        point_spread_map(FLOORED, X0, axes, "averaged", golden(), backend="compiled")


@pytest.mark.parametrize("turn", ["none", "golden"])
def test_no_pixels_and_no_levels(turn):
    none = torch.zeros(0, dtype=torch.float64)
    first, second = window(0.1, 5)
    assert point_spread_map(FLOORED, X0, (none, second), rotation=angles(turn)).shape == (0, 5)
    assert point_spread_map(FLOORED, X0, (first, none), rotation=angles(turn)).shape == (5, 0)
    grid = HashGrid(2, 16, 1, 4, 16, 1.38, level_mask=torch.zeros(16))
    raw = point_spread_map(grid, X0, (first, second), "node", angles(turn), normalised=False)
    assert torch.equal(raw, torch.zeros(5, 5))
    for kernel in ("node", "cell"):
        with pytest.raises(InvalidGrid, match="level_mask is 0"):
            point_spread_map(grid, X0, (first, second), kernel, angles(turn))


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
        (lambda: point_spread_map(FLOORED, X0, axes, backend="triton"), "backend is 'triton'"),  # pyright: ignore[reportArgumentType]
        (lambda: point_spread_map(FLOORED, X0, (axes[0].flip(0), axes[1])), r"axes\[0\] goes down"),
        (lambda: point_spread_map(FLOORED, X0, (axes[0], axes[1] * math.nan)), r"axes\[1\]"),
        (lambda: point_spread_map(FLOORED, X0, axes, rotation=golden(), threads=0), "threads is 0: 1 to"),
        (lambda: point_spread_map(FLOORED, X0, axes, rotation=golden(), threads=-1), "threads is -1: 1 to"),
    ):
        with pytest.raises(ValueError, match=words):
            call()


def test_an_unturned_map_is_one_matrix_product():
    axes = window(0.05, 512)
    with FlopCounterMode(display=False) as counter:
        point_spread_map(FLOORED, X0, axes, "averaged")
    assert counter.get_total_flops() == 2 * len(FLOORED) * 512 * 512
