"""The compiled kernels against the torch path, which is the reference; skipped where numba is not installed."""

import pytest
import torch

from anisoscope.engine.hashgrid import accelerate
from anisoscope.engine.hashgrid.errors import InvalidGrid
from anisoscope.engine.hashgrid.grid import HashGrid
from anisoscope.engine.hashgrid.rotations import cycle_set, golden_angles, rotation_set

CONVENTIONS = ["paper", "tiny-cuda-nn", "nerfstudio", "torch-ngp"]
needs_numba = pytest.mark.skipif(not accelerate.available(), reason="numba is not installed")


@needs_numba
@pytest.mark.parametrize("dim", [1, 2, 3])
@pytest.mark.parametrize("convention", CONVENTIONS)
@pytest.mark.parametrize("turned", [False, True])
def test_equals_the_torch_path(dim, convention, turned):
    rotation = None
    if turned and dim > 1:
        rotation = golden_angles(5) if dim == 2 else cycle_set(rotation_set("icosahedron"), 5)
    grid = HashGrid(
        dim,
        5,
        2,
        8,
        4,
        1.6,
        convention,
        rotation,
        hash_seeds=[0, 1, 2, 3, 4],
        interpolation="smoothstep" if turned else "linear",
        level_mask=torch.tensor([1, 1, 0, 0.5, 1]),
    ).double()
    points = torch.rand(300, dim, dtype=torch.float64, generator=torch.Generator().manual_seed(5))
    points[0], points[1], points[2, 0] = 0, 1, 1
    if convention != "paper":
        points[3], points[4] = 1.3, -0.2
    g = torch.randn(300, 10, dtype=torch.float64)
    results = []
    for backend in ("torch", "compiled"):
        grid.backend = backend
        out = grid(points)
        results.append((out.detach(), *torch.autograd.grad(out, grid.table, g)))
    (torch_out, torch_gradient), (out, gradient) = results
    # features are about 1e-4, gradients about 1
    assert torch.allclose(out, torch_out, rtol=0, atol=1e-15)
    assert torch.allclose(gradient, torch_gradient, rtol=0, atol=1e-11)


@needs_numba
@pytest.mark.parametrize("features", [1, 3, 4])
def test_float32(features):
    grid = HashGrid(3, 8, features, 12, 8, 1.5, backend="compiled")
    points, g = torch.rand(2000, 3), torch.randn(2000, 8 * features)
    (gradient,) = torch.autograd.grad(grid(points), grid.table, g)
    exact = HashGrid(3, 8, features, 12, 8, 1.5, backend="torch").double()
    wide = points.double()
    (wanted,) = torch.autograd.grad(exact(wide), exact.table, g.double())
    # the fraction in a cell of the finest level loses N·2⁻²⁴ ≈ 1e-5
    assert torch.allclose(grid(points).double(), exact(wide), rtol=0, atol=1e-8)
    assert torch.allclose(gradient.double(), wanted, rtol=0, atol=1e-3)


@needs_numba
def test_the_gradient_is_the_same_on_any_number_of_threads():
    grid = HashGrid(3, 8, 2, 10, 8, 1.5, backend="compiled")
    points, g = torch.rand(50_000, 3), torch.randn(50_000, 16)
    before, gradients = torch.get_num_threads(), []
    try:
        for threads in (1, 2, 2):
            torch.set_num_threads(threads)
            gradients.append(torch.autograd.grad(grid(points), grid.table, g)[0])
    finally:
        torch.set_num_threads(before)
    assert torch.equal(gradients[0], gradients[1]) and torch.equal(gradients[0], gradients[2])


@needs_numba
def test_compiled_insists():
    """What the kernels cannot do is refused, not done by torch under their name."""
    grid = HashGrid(2, 3, 2, 8, 4, 1.5, backend="compiled")
    points = torch.rand(5, 2)
    assert grid(points).shape == grid(points.double()).shape == (5, 6)
    for wrong, words in ((points.half(), "float16"), (points.clone().requires_grad_(), "with a gradient")):
        with pytest.raises(InvalidGrid, match=f"backend is 'compiled': .*{words}"):
            grid(wrong)
    with torch.no_grad():
        assert torch.equal(grid(points.clone().requires_grad_()), grid(points))


def test_without_numba_the_torch_path_does_everything(monkeypatch):
    monkeypatch.setattr(accelerate, "available", lambda: False)
    assert HashGrid(2, 3, 2, 8, 4, 1.5)(torch.rand(5, 2)).shape == (5, 6)
    with pytest.raises(InvalidGrid, match="numba"):
        HashGrid(2, 3, 2, 8, 4, 1.5, backend="compiled")
    with pytest.raises(InvalidGrid, match="backend is 'triton'"):
        HashGrid(2, 3, 2, 8, 4, 1.5, backend="triton")  # pyright: ignore[reportArgumentType]
