"""Rotations of leading subspaces: against the SVD, closed forms, and in a recorded training."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from anisoscope.engine.spectra import (
    InvalidRecorder,
    Rotation,
    SpectraRecorder,
    basis_overlap,
    spectra_run,
    subspace_overlap,
    top_subspace,
)
from anisoscope.engine.spectra.layers import Layer
from anisoscope.engine.spectra.rotation import leading_left
from anisoscope.engine.spectra.snapshot import Snapshot, measured


def layer(rows: int, columns: int) -> Layer:
    return Layer(
        "a", nn.Parameter(torch.zeros(rows, columns, dtype=torch.float64)), 0, rows, columns, columns
    )


def turned(rotation: Rotation, one: Layer, *matrices: Tensor | None) -> np.ndarray:
    """(n, 2) of a run with these matrices, one a record."""
    found = []
    for step, matrix in enumerate(matrices):
        snapshot = Snapshot(step, 0.0, {} if matrix is None else {(0, "W"): matrix})
        found.append(rotation.turned(snapshot, measured(snapshot, [one], ["W"])["floor"])[0, 0])
    return np.array(found)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 12), st.integers(1, 12), st.integers(1, 12), st.integers(0, 99), st.integers(-200, 200))
def test_basis_is_that_of_the_svd(rows: int, columns: int, k: int, seed: int, exponent: int) -> None:
    k = min(k, rows, columns)
    X = (
        torch.randn(rows, columns, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
        * 2.0**exponent
    )
    basis = leading_left(X, k, 0.0)
    torch.testing.assert_close(basis.mT @ basis, torch.eye(k, dtype=torch.float64))
    assert float(basis_overlap(basis, top_subspace(X, k))) == pytest.approx(1, abs=1e-6)


def test_a_turn_in_the_plane() -> None:
    """Rotating the leading direction by θ leaves cos²θ; two of two directions never turn within the plane."""
    for theta in (0.0, 0.3, 1.2, math.pi / 2):
        cos, sin = math.cos(theta), math.sin(theta)
        start = torch.diag(torch.tensor([3.0, 1.0], dtype=torch.float64))
        turn = torch.tensor([[cos, -sin], [sin, cos]], dtype=torch.float64)
        once, twice = turn @ start, turn @ turn @ start
        one = layer(2, 2)
        found = turned(Rotation([one], ["W"], 1), one, start, once, twice)
        assert math.isnan(found[0, 0]) and found[0, 1] == 1
        assert found[1:, 0].tolist() == pytest.approx([cos**2] * 2, abs=1e-6)
        assert found[1:, 1].tolist() == pytest.approx([cos**2, math.cos(2 * theta) ** 2], abs=1e-6)
        # k larger than the matrix: all there is
        assert turned(Rotation([one], ["W"], 9), one, start, once)[1].tolist() == [1, 1]
        # turning the inputs is none of the left subspace's business
        assert turned(Rotation([one], ["W"], 1), one, start, start @ turn)[1].tolist() == pytest.approx(
            [1, 1]
        )


def test_what_has_no_direction_is_passed_over() -> None:
    one = layer(3, 4)
    X = torch.eye(3, 4, dtype=torch.float64) * torch.tensor([[3.0], [2.0], [1.0]], dtype=torch.float64)
    Y = X.flip(0)
    zero, nan = torch.zeros_like(X), torch.full_like(X, torch.nan)
    found = turned(Rotation([one], ["W"], 2), one, zero, X, None, nan, zero, Y, Y)
    nothing = [math.nan, math.nan]
    np.testing.assert_allclose(
        found, [nothing, [math.nan, 1], nothing, nothing, nothing, [0.5, 0.5], [1, 0.5]], atol=1e-12
    )


def test_noise_is_no_direction() -> None:
    """Rank one of k = 3: only the direction that is there counts, in float32 as in float64."""
    u, v = torch.tensor([[1.0, 2, 3, 4]]), torch.tensor([[1.0, -1, 1, 2, 0.3]])
    for dtype in (torch.float32, torch.float64):
        one = Layer("a", nn.Parameter(torch.zeros(4, 5, dtype=dtype)), 0, 4, 5, 5)
        X, Y = (u.mT @ v).to(dtype) / 3, (u.flip(1).mT @ v).to(dtype) / 7
        cos = 20 / 30
        assert turned(Rotation([one], ["W"], 3), one, X, Y)[1].tolist() == pytest.approx(
            [cos**2] * 2, rel=1e-5
        )


@pytest.mark.parametrize("limit", [1024, 6])
def test_in_a_training(tmp_path: Path, limit: int) -> None:
    """Recorded rotations are those of the matrices, also across a break and in some columns only."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        model = nn.Sequential(nn.Linear(12, 9), nn.Tanh(), nn.Linear(9, 14))
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.05)
    recorder = SpectraRecorder(
        tmp_path / "run.spec", model, optimizer, every=1, budget=None, queue_length=9, subspace=3, limit=limit
    )
    weights: list[list[Tensor]] = []
    generator = torch.Generator().manual_seed(2)

    def train(steps: int) -> None:
        with recorder:
            for _ in range(steps):
                optimizer.zero_grad()
                model(torch.randn(16, 12, generator=generator)).square().mean().backward()
                weights.append([one.matrix(one.parameter) for one in recorder.layers])
                optimizer.step()

    train(3)
    train(3)
    run = spectra_run(tmp_path / "run.spec")
    assert run.record.header["subspace"] == 3 and run.rotation is not None
    assert run.rotation.shape == (6, 2, 4, 2) and len(run.steps) == 6
    for index in range(2):
        for at in range(1, 6):
            wanted = [float(subspace_overlap(weights[at][index], weights[b][index], 3)) for b in (at - 1, 0)]
            assert run.rotation[at, index, 0].tolist() == pytest.approx(wanted, abs=1e-5)
    assert run.rotation[1:, :, :].isnan().sum() == 0
    # gradients of noise turn more than weights
    assert run.rotation[1:, :, 1, 0].mean() < run.rotation[1:, :, 0, 0].mean()


def test_off_is_as_before(tmp_path: Path) -> None:
    model = nn.Linear(3, 3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for name, subspace in (("none", None), ("zero", 0)):
        with SpectraRecorder(tmp_path / name, model, optimizer, subspace=subspace):
            model(torch.ones(1, 3)).sum().backward()
            optimizer.step()
        run = spectra_run(tmp_path / name)
        assert run.rotation is None and len(run.steps) == 1
        assert "subspace" not in run.record.header and "rotation" not in run.record.entries[0].arrays
    for wrong in (-1, 1.5, "8"):
        with pytest.raises(InvalidRecorder, match="subspace is"):
            SpectraRecorder(tmp_path / "wrong", model, optimizer, subspace=wrong)  # pyright: ignore
