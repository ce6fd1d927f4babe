"""The Fisher figure of one more pulsar: against the array built anew, and its gradient against differences."""

import math

import pytest
import torch
from torch import Tensor

from anisoscope.engine.overlap.harmonics import unit_vectors
from anisoscope.engine.overlap.isotropic import hellings_downs
from anisoscope.engine.overlap.maps import fisher_matrix
from anisoscope.engine.overlap.placement import KINDS, fisher_figure, placement_map
from anisoscope.engine.overlap.sky_frame import overlap_harmonics, separations

L_MAX = 3


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.fixture(scope="module")
def pulsars() -> Tensor:
    return unit_vectors(normal(12, 3))


@pytest.fixture(scope="module")
def noise() -> Tensor:
    return 0.2 + 0.1 * normal(12, seed=1).abs()


@pytest.fixture(scope="module")
def candidates() -> Tensor:
    """More than one batch, the poles and a place of the array's own among them."""
    poles = torch.tensor([[0.0, 0.0, 1.0], [0.0, 0.0, -1.0]], dtype=torch.float64)
    return torch.cat([unit_vectors(normal(14, 3, seed=2)), poles])


def test_figures_are_what_they_say(pulsars: Tensor, noise: Tensor) -> None:
    first, second = torch.triu_indices(12, 12, 1)
    sigma = noise[first] * noise[second]
    fisher = fisher_matrix(overlap_harmonics(pulsars, L_MAX), sigma)
    unit = torch.eye(16, dtype=torch.float64)
    covariance = torch.linalg.inv(unit * 2 + fisher)
    wanted = {
        "d_optimal": 0.5 * torch.logdet(unit + fisher / 2),
        # the variance of c_00 is marginalised by cutting its row out of the covariance
        "anisotropy": -0.5 * torch.logdet(covariance[1:, 1:]) - 0.5 * 15 * math.log(2),
        "a_optimal": -covariance.trace(),
        "snr": torch.linalg.vector_norm(hellings_downs(separations(pulsars)) / sigma),
    }
    assert set(wanted) == set(KINDS)
    for kind, value in wanted.items():
        if kind == "anisotropy":
            # Information about l ≥ 1 after c_00, prior included on both: det(p + M) / (p + M_00).
            value = 0.5 * torch.logdet(unit + fisher / 2) - 0.5 * torch.log1p(fisher[0, 0] / 2)
        torch.testing.assert_close(fisher_figure(pulsars, noise, L_MAX, kind, 2.0), value)


@pytest.mark.parametrize("kind", KINDS)
def test_map_is_the_array_with_one_more(
    pulsars: Tensor, noise: Tensor, candidates: Tensor, kind: str
) -> None:
    found = placement_map(pulsars, candidates, noise, L_MAX, kind, candidate_noise=0.15)
    enlarged = torch.cat([noise, torch.tensor([0.15], dtype=torch.float64)])
    for place, value in zip(candidates, found.value, strict=True):
        wanted = fisher_figure(torch.cat([pulsars, place[None]]), enlarged, L_MAX, kind)
        torch.testing.assert_close(value, wanted, rtol=1e-10, atol=1e-12)
    assert found.base == pytest.approx(fisher_figure(pulsars, noise, L_MAX, kind).item())
    torch.testing.assert_close(found.gain, found.value - found.base)


@pytest.mark.parametrize("kind", ["d_optimal", "a_optimal", "snr"])
def test_another_pulsar_never_harms(pulsars: Tensor, noise: Tensor, candidates: Tensor, kind: str) -> None:
    assert placement_map(pulsars, candidates, noise, L_MAX, kind).gain.min() > 0


@pytest.mark.parametrize("kind", KINDS)
def test_gradient_against_finite_differences(
    pulsars: Tensor, noise: Tensor, candidates: Tensor, kind: str
) -> None:
    found = placement_map(pulsars, candidates, noise, L_MAX, kind)
    assert (found.gradient * candidates).sum(-1).abs().max() < 1e-10
    step = 1e-5
    for seed in (3, 4):
        tangent = torch.linalg.cross(candidates, normal(*candidates.shape, seed=seed))
        tangent = tangent / tangent.norm(dim=-1, keepdim=True)
        ahead, behind = (
            placement_map(
                pulsars, math.cos(step) * candidates + sign * math.sin(step) * tangent, noise, L_MAX, kind
            )
            for sign in (1, -1)
        )
        slope = (ahead.value - behind.value) / (2 * step)
        torch.testing.assert_close((found.gradient * tangent).sum(-1), slope, rtol=1e-6, atol=1e-7)


def test_the_figure_is_differentiable_in_all_positions_and_noises(pulsars: Tensor, noise: Tensor) -> None:
    places, levels = pulsars.clone().requires_grad_(True), noise.clone().requires_grad_(True)
    fisher_figure(places, levels, L_MAX).backward()
    assert places.grad is not None
    assert levels.grad is not None
    assert bool(places.grad.isfinite().all())
    assert bool((levels.grad < 0).all())  # less noise, more knowledge


def test_rotations_turn_the_map(pulsars: Tensor, noise: Tensor, candidates: Tensor) -> None:
    """A rotation of all mixes m within a degree only: no figure changes, gradients turn along."""
    turn = torch.linalg.qr(normal(3, 3, seed=5))[0]
    turn = turn * torch.linalg.det(turn)
    here = placement_map(pulsars, candidates, noise, L_MAX, "anisotropy")
    there = placement_map(pulsars @ turn.T, candidates @ turn.T, noise, L_MAX, "anisotropy")
    torch.testing.assert_close(there.value, here.value)
    torch.testing.assert_close(there.gradient, here.gradient @ turn.T, rtol=1e-8, atol=1e-9)


def test_on_top_of_a_pulsar_and_opposite_everything_is_finite(pulsars: Tensor, noise: Tensor) -> None:
    found = placement_map(pulsars, torch.cat([pulsars[:2], -pulsars[:2]]), noise, L_MAX)
    assert bool(found.value.isfinite().all())
    assert bool(found.gradient.isfinite().all())


def test_one_number_for_all_noise(pulsars: Tensor) -> None:
    same = fisher_figure(pulsars, torch.full((12,), 0.3), L_MAX)
    torch.testing.assert_close(fisher_figure(pulsars, 0.3, L_MAX), same)


def test_refusals(pulsars: Tensor, candidates: Tensor) -> None:
    with pytest.raises(ValueError, match="kind is 'best'"):
        fisher_figure(pulsars, 1.0, L_MAX, "best")
    with pytest.raises(ValueError, match="prior is 0"):
        fisher_figure(pulsars, 1.0, L_MAX, prior=0.0)
    with pytest.raises(ValueError, match="noise has shape"):
        fisher_figure(pulsars, torch.ones(3), L_MAX)
    with pytest.raises(ValueError, match="noise holds -1"):
        fisher_figure(pulsars, -1.0, L_MAX)
    with pytest.raises(ValueError, match="candidate_noise is 0"):
        placement_map(pulsars, candidates, 1.0, L_MAX, candidate_noise=0.0)
    with pytest.raises(ValueError, match="candidates has shape"):
        placement_map(pulsars, candidates[0], 1.0, L_MAX)
    for kind in KINDS:
        with pytest.raises(
            ValueError, match=r"noise of 1e-200 with prior 1\.0: the figure is beyond float64"
        ):
            fisher_figure(pulsars, 1e-200, L_MAX, kind)
        with pytest.raises(ValueError, match=r"noise of 1e-200 with prior 1\.0"):
            placement_map(pulsars, candidates, 1.0, L_MAX, kind, candidate_noise=1e-200)
    with pytest.raises(ValueError, match="with prior 1e-320"):
        fisher_figure(pulsars, 1.0, L_MAX, prior=1e-320)
