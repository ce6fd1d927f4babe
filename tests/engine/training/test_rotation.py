"""The tracked subspace against the exact one: where there is a gap they agree, and turning is seen as it is."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from anisoscope.engine.spectra import basis_overlap, subspace_overlap, top_subspace
from anisoscope.engine.training import LaneSpec, LiveTraining, SubspaceTracker, TrainingSpec

DOUBLE = torch.float64


def orthogonal(size: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.linalg.qr(torch.randn(size, size, generator=generator, dtype=DOUBLE))[0]


def turned(angle: float, size: int = 20) -> Tensor:
    """A rotation that takes the first four axes out of their span by the same angle each."""
    R = torch.eye(size, dtype=DOUBLE)
    for axis in range(4):
        R[axis, axis] = R[axis + 4, axis + 4] = math.cos(angle)
        R[axis + 4, axis], R[axis, axis + 4] = math.sin(angle), -math.sin(angle)
    return R


def with_gap(angle: float) -> Tensor:
    sigma = torch.cat([torch.tensor([9.0, 7.0, 6.0, 5.0]), torch.linspace(1, 0.1, 12)]).to(DOUBLE)
    frame = orthogonal(20, 1)
    return frame @ turned(angle) @ torch.eye(20, 16, dtype=DOUBLE) * sigma @ orthogonal(16, 2)


def test_a_known_turn_by_cos_squared() -> None:
    tracker = SubspaceTracker()
    first = tracker.look({"W": with_gap(0.0)})["W"]
    assert math.isnan(first.last) and math.isnan(first.first)
    for step in range(1, 9):
        overlap = tracker.look({"W": with_gap(0.1 * step)})["W"]
        # the iteration has the subspace up to (σ₉/σ₄)⁴ of a turn by 0.1
        assert math.isclose(overlap.last, math.cos(0.1) ** 2, abs_tol=2e-3)
        assert math.isclose(overlap.first, math.cos(0.1 * step) ** 2, abs_tol=2e-3)
    assert basis_overlap(tracker.basis("W"), top_subspace(with_gap(0.8), 4)) > 1 - 1e-4


@pytest.mark.parametrize("shape", [(20, 16), (16, 20), (3, 9), (9, 3), (1, 5), (30, 4)])
def test_the_iteration_comes_to_the_exact_subspace(shape: tuple[int, int]) -> None:
    generator = torch.Generator().manual_seed(3)
    X = torch.randn(shape, generator=generator, dtype=DOUBLE)
    k = min(4, *shape)
    X = X + 20 * torch.diag_embed(torch.ones(k, dtype=DOUBLE)).new_zeros(shape).index_put(
        (torch.arange(k), torch.arange(k)), torch.tensor(1.0, dtype=DOUBLE)
    )
    tracker = SubspaceTracker()
    tracker.look({0: torch.randn(shape, generator=generator, dtype=DOUBLE)})
    for _ in range(12):
        tracker.look({0: X})
    assert basis_overlap(tracker.basis(0), top_subspace(X, k)) > 1 - 1e-9
    assert tracker.look({0: X})[0].last > 1 - 1e-12


def test_matrices_are_followed_one_by_one() -> None:
    together, alone = SubspaceTracker(), SubspaceTracker()
    for step in range(4):
        A, B = with_gap(0.1 * step), with_gap(-0.2 * step)
        both = together.look({"A": A, "B": B, "C": A.mT} if step else {"A": A})
        one = alone.look({"A": A})
        assert np.allclose(both["A"], one["A"], equal_nan=True, atol=1e-12)
    assert set(both) == {"A", "B", "C"} and abs(both["B"].last - both["A"].last) > 1e-2


@pytest.mark.parametrize("scale", [1e-160, 1.0, 1e150])
def test_scale_is_not_seen(scale: float) -> None:
    tracker = SubspaceTracker()
    tracker.look({0: scale * with_gap(0.0)})
    assert math.isclose(tracker.look({0: with_gap(0.3)})[0].last, math.cos(0.3) ** 2, abs_tol=2e-2)


def test_zero_matrices_have_no_directions() -> None:
    tracker = SubspaceTracker()
    zero = torch.zeros(20, 16)
    assert tracker.look({0: zero}) == {}
    tracker.look({0: with_gap(0.0)})
    assert tracker.look({0: zero}) == {}
    assert tracker.look({0: with_gap(0.0)})[0].last > 1 - 1e-12


def test_a_lane_records_what_the_exact_overlap_says(blobs: object) -> None:
    live = LiveTraining(blobs, TrainingSpec((LaneSpec("adamw", 3e-3),), 30))  # pyright: ignore
    live.advance(60.0)
    timeline = live.timelines[0]
    weights = [live.weights(0, step) for step in range(31)]
    for index, layer in enumerate(timeline.layers):
        W = torch.stack([one[layer.name] for one in weights])
        last, first = subspace_overlap(W[1:], W[:-1], 4), subspace_overlap(W[1:], W[:1], 4)
        sigma = torch.linalg.svdvals(W.double())[1:]
        gap = (sigma[:, 4] / sigma[:, 3] < 0.9) if sigma.shape[1] > 4 else torch.ones(30, dtype=torch.bool)
        assert np.abs(timeline.overlap_last[1:, index, 0] - last.numpy())[gap].max(initial=0) < 0.02
        assert np.abs(timeline.overlap_first[1:, index, 0] - first.numpy())[gap].max(initial=0) < 0.03


def test_directions_below_the_floor_are_none() -> None:
    X, noise = with_gap(0.0), with_gap(1.2)
    tracker = SubspaceTracker()
    tracker.look({0: X}, {0: 6.5})  # σ = 9, 7, 6, 5: two directions
    assert int(tracker.basis(0).any(0).sum()) == 2
    overlap = tracker.look({0: X}, {0: 0.0})[0]
    assert math.isclose(overlap.last, 0.5) and math.isclose(overlap.first, 0.5)
    assert tracker.look({0: noise}, {0: 100.0}) == {}
    assert math.isclose(tracker.look({0: X}, {0: 0.0})[0].last, 1.0)
    fresh = SubspaceTracker()
    assert fresh.look({0: X}, {0: 100.0}) == {} and not fresh.start(0, torch.zeros(4, 3))
