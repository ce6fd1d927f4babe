"""The encoding against a loop over points, levels and corners, and its derivatives against identities."""

import math
from itertools import product
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from anisoscope.engine.hashgrid import accelerate
from anisoscope.engine.hashgrid.errors import InvalidGrid
from anisoscope.engine.hashgrid.grid import HashGrid
from anisoscope.engine.hashgrid.rotations import cycle_set, golden_angles, rotation_set

CONVENTIONS = ["paper", "tiny-cuda-nn", "nerfstudio", "torch-ngp"]


def naive(grid: HashGrid, points: Tensor) -> Tensor:
    """One point, one level, one corner at a time, in Python numbers, from the sources' descriptions."""
    primes = (1, 2654435761, 805459861)
    size, dim = 2**grid.log2_table_size, grid.dim
    table, rows = grid.table.detach().double(), []
    for point in points.double().tolist():
        features, start = [], 0
        for level in range(len(grid.level_mask)):
            real = grid.base_resolution * grid.growth**level
            whole = math.floor(real + 1e-9)
            if grid.convention in ("paper", "nerfstudio"):
                scale, offset, side = whole, 0.0, whole + 1
            else:
                scale, offset = real - 1, 0.5
                side = math.ceil(real - 1e-9) + (grid.convention == "torch-ngp")
            count = min(side**dim, size)
            if grid.convention == "nerfstudio":
                count = size
            if (
                "n" in grid.convention[2:]
            ):  # tiny-cuda-nn, torch-ngp (and nerfstudio, whose size is a power of two)
                count = -(-count // 8) * 8
            hashed = grid.convention == "nerfstudio" or side**dim > count
            a = [scale * x + offset for x in point]
            cell = [math.floor(v) for v in a]
            total = torch.zeros(grid.features, dtype=torch.float64)
            for corner in product((0, 1), repeat=dim):
                weight, row = 1.0, 0
                for axis, up in enumerate(corner):
                    f = a[axis] - cell[axis]
                    weight *= f if up else 1 - f
                    vertex = cell[axis] + up
                    row = row ^ (vertex * primes[axis] % 2**32) if hashed else row + vertex * side**axis
                total += weight * table[start + row % count]
            features.append(total)
            start += count
        rows.append(torch.cat(features))
    return torch.stack(rows)


def grid_of(dim: int, convention: Any, **more: Any) -> HashGrid:
    settings: dict[str, Any] = {"seed": 3, **more}
    grid = HashGrid(dim, 5, 2, 8, 4, 1.6, convention, **settings).double()
    with torch.no_grad():
        grid.table.mul_(1e4)
    return grid


@pytest.mark.parametrize("dim", [1, 2, 3])
@pytest.mark.parametrize("convention", CONVENTIONS)
def test_agrees_with_a_loop(dim, convention):
    grid = grid_of(dim, convention)
    points = torch.rand(40, dim, dtype=torch.float64, generator=torch.Generator().manual_seed(dim))
    points[0], points[1], points[2, 0] = 0, 1, 1
    assert torch.allclose(grid(points), naive(grid, points), rtol=0, atol=1e-12)
    assert torch.allclose(grid.float()(points.float()).double(), naive(grid, points), rtol=0, atol=1e-4)


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from([2, 3]),
    st.sampled_from(CONVENTIONS),
    st.sampled_from(["linear", "smoothstep"]),
    st.booleans(),
    st.integers(0, 999),
)
def test_weights_are_a_partition_of_unity(dim, convention, interpolation, turned, seed):
    rotation = None
    if turned:
        rotation = golden_angles(5) if dim == 2 else cycle_set(rotation_set("icosahedron"), 5)
    grid = grid_of(dim, convention, interpolation=interpolation, rotation=rotation, hash_seeds=seed)
    points = torch.rand(20, dim, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    for level in range(5):
        rows, weights = grid.corners(points, level)
        assert bool((weights >= -1e-12).all())
        assert torch.allclose(weights.sum(-1), torch.ones(20, dtype=torch.float64))
        assert bool((rows >= grid.offsets[level]).all() and (rows < grid.offsets[level + 1]).all())
    with torch.no_grad():
        grid.table.fill_(0.75)
    assert torch.allclose(grid(points), torch.full((20, 10), 0.75, dtype=torch.float64))


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_turned_dense_levels_give_every_vertex_a_row_of_its_own(convention):
    """Corners of different vertices never share a row, anywhere in the turned square."""
    grid = HashGrid(2, 3, 1, 16, 5, 1.5, convention, rotation=golden_angles(3)).double()
    side = torch.linspace(0, 1, 60, dtype=torch.float64)
    points = torch.cartesian_prod(side, side)
    for level in range(3):
        rows = grid.lattice.corners(points, level)[0]
        cells = grid.lattice.cells(grid.lattice.positions(points, level), level)
        vertices = cells[:, None] + torch.tensor([[0, 0], [1, 0], [0, 1], [1, 1]])
        found = {
            (row, *vertex)
            for row, vertex in zip(rows.flatten().tolist(), vertices.reshape(-1, 2).tolist(), strict=True)
        }
        if bool(grid.levels.dense[level]):
            assert len(found) == len({row for row, *_ in found})


@pytest.mark.parametrize("turn", [None, "cube"])
@pytest.mark.parametrize("interpolation", ["linear", "smoothstep"])
def test_derivatives(turn, interpolation):
    rotation = cycle_set(rotation_set(turn), 5) if turn else None
    grid = grid_of(3, "paper", rotation=rotation, interpolation=interpolation)
    points = torch.rand(
        6, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1)
    ).requires_grad_()
    assert torch.autograd.gradcheck(grid, (points,))
    assert torch.autograd.gradgradcheck(lambda x: grid(x).square().sum(-1), (points,))


def test_a_gradient_of_the_gradient_reaches_the_table():
    """Second derivatives (an eikonal loss) agree with finite differences of the first."""
    grid = grid_of(2, "paper")
    points = torch.tensor([[0.313, 0.777]], dtype=torch.float64, requires_grad=True)

    def slope() -> Tensor:
        return torch.autograd.grad(grid(points).sum(), points, create_graph=True)[0].square().sum()

    (gradient,) = torch.autograd.grad(slope(), grid.table)
    row = int(gradient[:, 0].abs().argmax())
    base = slope().item()
    with torch.no_grad():
        grid.table[row, 0] += 1e-6
    assert (slope().item() - base) / 1e-6 == pytest.approx(gradient[row, 0].item(), rel=1e-5)


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_backward_is_the_transpose(convention):
    """<enc(v), g> = <v, Sᵀ g>, on the path without and with gradients of the points."""
    grid = grid_of(2, convention, rotation=golden_angles(5))
    points = torch.rand(50, 2, dtype=torch.float64)
    g = torch.randn(50, 10, dtype=torch.float64)
    v = torch.randn_like(grid.table)
    for needed in (False, True):
        grid.table.grad = None
        (grid(points.clone().requires_grad_(needed)) * g).sum().backward()
        grid.load_table(v)
        assert grid.table.grad is not None
        assert torch.allclose((grid(points) * g).sum(), (v * grid.table.grad).sum())


def test_the_table_gradient_is_the_same_on_any_number_of_threads():
    grid = HashGrid(3, 4, 2, 10, 8, 1.5, backend="torch")
    points = torch.rand(20_000, 3)
    g = torch.randn(20_000, 8)
    before, gradients = torch.get_num_threads(), []
    try:
        for threads in (1, 2, 2):
            torch.set_num_threads(threads)
            (gradient,) = torch.autograd.grad(grid(points), grid.table, g)
            gradients.append(gradient)
    finally:
        torch.set_num_threads(before)
    assert torch.equal(gradients[0], gradients[1]) and torch.equal(gradients[0], gradients[2])


def test_level_mask():
    grid = grid_of(2, "paper")
    points = torch.rand(9, 2, dtype=torch.float64)
    whole = grid(points)
    grid.level_mask = torch.tensor([1.0, 0.0, 0.5, 1.0, 0.0])
    by_level = torch.tensor([1.0, 1, 0, 0, 0.5, 0.5, 1, 1, 0, 0], dtype=torch.float64)
    assert torch.allclose(grid(points), whole * by_level)
    assert torch.allclose(grid(points.requires_grad_()), whole * by_level)
    grid(points.detach()).sum().backward()
    assert grid.table.grad is not None
    masked = grid.table.grad[grid.offsets[1] : grid.offsets[2]]
    assert not masked.any() and grid.table.grad[: grid.offsets[1]].any()


def test_the_slope_at_the_border_is_that_of_the_cell_inside():
    grid = grid_of(2, "paper")
    slopes = []
    for x in (1.0, 1 - 1e-9):
        point = torch.tensor([[x, 0.4]], dtype=torch.float64, requires_grad=True)
        slopes.append(torch.autograd.grad(grid(point).sum(), point)[0])
    assert torch.allclose(slopes[0], slopes[1], rtol=1e-5)


@pytest.mark.parametrize("resolution", [2**24 + 1, 2**25 - 1, 2**26 - 1, 2**27 - 1])
@pytest.mark.parametrize("backend", ["torch", "compiled"])
def test_the_last_vertex_of_more_cells_than_float32_tells_apart(resolution, backend):
    """Weights stay weights, and no vertex beyond the last is read: in one dimension row is vertex mod T."""
    if backend == "compiled" and not accelerate.available():
        pytest.skip("numba is not installed")
    grid = HashGrid(1, 1, 1, 6, resolution, 2.0, backend=backend)
    grid.load_table(torch.arange(64.0)[:, None])
    value, last = grid(torch.ones(1, 1)).item(), resolution % 64
    # float32 keeps 24 bits of a place
    assert last - resolution / 2**23 <= value <= last
    weights = grid.corners(torch.ones(1, 1), 0)[1]
    assert weights.min() >= 0 and weights.max() <= 1 and weights.sum() == 1


def test_outside_the_unit_cube():
    """Each convention as its source has it: zeros, a wrap, a hash like any other, or a refusal."""
    outside = torch.tensor([[1.2, 0.5], [-0.3, 0.5]], dtype=torch.float64)
    assert not grid_of(2, "torch-ngp")(outside).any()
    for convention in ("tiny-cuda-nn", "nerfstudio"):
        assert grid_of(2, convention)(outside).isfinite().all()
    with pytest.raises(InvalidGrid, match=r"0.3.* 1.2"):
        grid_of(2, "paper")(outside)


@pytest.mark.parametrize(
    "points",
    [
        torch.tensor([[0.1, math.nan]]),
        torch.tensor([[0.1, math.inf]]),
        torch.tensor([[0.1, 1e19]]),
        torch.tensor([[-1e30, 0.1]], dtype=torch.float64),
        torch.rand(3, 3),
        torch.rand(3),
        torch.zeros(3, 2, dtype=torch.int64),
    ],
)
@pytest.mark.parametrize("convention", CONVENTIONS)
def test_bad_points(points, convention):
    with pytest.raises(InvalidGrid, match="points"):
        HashGrid(2, 3, 2, 8, 4, 1.5, convention)(points)


def test_no_points():
    assert HashGrid(2, 3, 2, 8, 4, 1.5)(torch.zeros(0, 2)).shape == (0, 6)


def test_tables_that_are_refused():
    grid = HashGrid(2, 3, 2, 8, 4, 1.5)
    bad = torch.zeros_like(grid.table)
    bad[5, 1] = math.nan
    kept = grid.table.clone()
    with pytest.raises(InvalidGrid, match=r"table\[5, 1\] is nan"):
        grid.load_table(bad)
    with pytest.raises(InvalidGrid, match="table has shape"):
        grid.load_table(bad[1:])
    with pytest.raises(InvalidGrid, match=r"table\[0, 0\] is inf"):
        grid.load_table(torch.full_like(bad, 1e300, dtype=torch.float64))
    assert torch.equal(grid.table, kept)


def test_the_start_is_a_function_of_the_seed_alone():
    torch.manual_seed(0)
    state = torch.get_rng_state()
    first, second, other = (HashGrid(2, 3, 2, 8, 4, 1.5, seed=s).table for s in (4, 4, 5))
    assert torch.equal(first, second) and not torch.equal(first, other)
    assert torch.equal(state, torch.get_rng_state()) and first.abs().max() <= 1e-4
