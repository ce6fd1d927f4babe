"""All pairs on the sky: what must not change under rotation, exchange and cutting into chunks."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from anisoscope.engine.overlap.harmonics import real_harmonics
from anisoscope.engine.overlap.isotropic import hellings_downs
from anisoscope.engine.overlap.pair_frame import gamma_lm
from anisoscope.engine.overlap.pair_table import L_MAX
from anisoscope.engine.overlap.rotation import frames_at, to_frames, to_sky
from anisoscope.engine.overlap.sky_frame import (
    overlap_from_coefficients,
    overlap_harmonics,
    separations,
)

seeds = st.integers(0, 2**31)
POLES = [[0.0, 0.0, 1.0], [0.0, 0.0, -1.0], [1.0, 0.0, 0.0], [0.0, -1.0, 0.0]]


def pulsars(seed: int, count: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    vectors = torch.randn(count, 3, generator=generator, dtype=torch.float64)
    return vectors / vectors.norm(dim=1, keepdim=True)


def random_rotation(seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    q, r = torch.linalg.qr(torch.randn(3, 3, generator=generator, dtype=torch.float64))
    q = q * r.diagonal().sign()
    return q * q.det().sign()


def representation(rotation: Tensor, l_max: int) -> Tensor:
    """M with Y(Q n) = M Y(n), by least squares on random directions: nothing shared with the engine's way."""
    points = pulsars(3, 4 * (l_max + 1) ** 2)
    blocks = []
    for l in range(l_max + 1):
        here, there = (real_harmonics(p, l)[:, l * l :] for p in (points, points @ rotation.T))
        blocks.append(torch.linalg.lstsq(here, there).solution.T)
    return torch.block_diag(*blocks)


def coefficients(seed: int, l_max: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn((l_max + 1) ** 2, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize(("l_max", "bound"), [(0, 1e-15), (6, 1e-14), (10, 2e-14), (L_MAX, 2e-13)])
def test_frames_turn_harmonics(l_max, bound):
    directions = torch.cat([pulsars(0, 6), torch.tensor(POLES, dtype=torch.float64)])
    frames = frames_at(directions)
    matrices = to_sky(frames, range(l_max + 1))
    points = pulsars(1, 40)
    sky, c = real_harmonics(points, l_max), coefficients(2, l_max)
    for axes, matrix, direction in zip(frames.axes, matrices, directions, strict=True):
        torch.testing.assert_close(axes[:, 2], direction, rtol=0, atol=1e-15)
        torch.testing.assert_close(axes.T @ axes, torch.eye(3, dtype=torch.float64), rtol=0, atol=1e-15)
        assert axes.det() > 0
        torch.testing.assert_close(real_harmonics(points @ axes.T, l_max), sky @ matrix.T, rtol=0, atol=bound)
    expected = matrices.transpose(1, 2) @ c
    torch.testing.assert_close(to_frames(c, frames, l_max), expected, rtol=0, atol=10 * bound)


@settings(deadline=None, max_examples=25)
@given(seeds, seeds)
def test_rotation_covariance(seed, turn):
    rotation = random_rotation(turn)
    array = pulsars(seed, 5)
    turned = overlap_harmonics(array @ rotation.T, 10)
    expected = overlap_harmonics(array, 10) @ representation(rotation, 10).T
    torch.testing.assert_close(turned, expected, rtol=0, atol=3e-14)


@settings(deadline=None, max_examples=25)
@given(seeds)
def test_order_of_a_pair_does_not_matter(seed):
    pair = pulsars(seed, 2)
    here, there = overlap_harmonics(pair, 10), overlap_harmonics(pair.flip(0), 10)
    torch.testing.assert_close(here, there, rtol=0, atol=2e-14)


@settings(deadline=None, max_examples=25)
@given(seeds)
def test_norm_of_each_degree_is_that_of_the_pair_frame(seed):
    array = pulsars(seed, 6)
    on_sky, in_frame = overlap_harmonics(array, 10), gamma_lm(separations(array), 10)
    for l in range(11):
        part = slice(l * l, (l + 1) ** 2)
        sizes = [values[:, part].square().sum(1) for values in (on_sky, in_frame)]
        torch.testing.assert_close(*sizes, rtol=0, atol=1e-15)


@settings(deadline=None, max_examples=25)
@given(seeds)
def test_parity(seed):
    """All pulsars turned to their antipodes: the same function of -n, hence (-1)^l."""
    array = pulsars(seed, 4)
    mirrored = overlap_harmonics(-array, 6)
    sign = torch.cat([torch.full((2 * l + 1,), (-1.0) ** l) for l in range(7)])
    torch.testing.assert_close(mirrored, sign * overlap_harmonics(array, 6), rtol=0, atol=1e-14)


@settings(deadline=None, max_examples=25)
@given(seeds)
def test_isotropic_sky_gives_hellings_downs(seed):
    array = pulsars(seed, 6)
    sky = torch.zeros(49, dtype=torch.float64)
    sky[0] = math.sqrt(4 * math.pi)
    expected = hellings_downs(separations(array))
    torch.testing.assert_close(overlap_from_coefficients(array, sky), expected, rtol=0, atol=1e-14)
    torch.testing.assert_close(overlap_harmonics(array, 0) @ sky[:1], expected, rtol=0, atol=1e-14)


@pytest.mark.parametrize("azimuth", [0.0, 1.0, 2.5, -1.7])
def test_pair_at_the_pole_is_the_pair_frame_turned(azimuth):
    zeta = 0.8
    pair = torch.tensor(
        [[0, 0, 1], [math.sin(zeta) * math.cos(azimuth), math.sin(zeta) * math.sin(azimuth), math.cos(zeta)]],
        dtype=torch.float64,
    )
    found, frame = overlap_harmonics(pair, 6)[0], gamma_lm(zeta, 6)
    for l in range(7):
        for m in range(l + 1):
            size = frame[l * l + l + m]
            assert found[l * l + l + m].item() == pytest.approx(
                (size * math.cos(m * azimuth)).item(), abs=1e-14
            )
            if m:
                assert found[l * l + l - m].item() == pytest.approx(
                    (size * math.sin(m * azimuth)).item(), abs=1e-14
                )


@pytest.mark.parametrize("chunk", [1, 7, 100, 10**6])
def test_chunks_leave_no_trace(chunk):
    array, sky = pulsars(5, 23), coefficients(5, 7)
    whole = overlap_harmonics(array, 7)
    torch.testing.assert_close(overlap_harmonics(array, 7, chunk), whole, rtol=0, atol=2e-15)
    torch.testing.assert_close(overlap_from_coefficients(array, sky, chunk), whole @ sky, rtol=0, atol=2e-14)


@pytest.mark.parametrize("l_max", [0, 1, 2, 13, L_MAX])
def test_contraction_is_the_sum(l_max):
    array, sky = pulsars(6, 12), coefficients(7, l_max)
    expected = overlap_harmonics(array, l_max) @ sky
    torch.testing.assert_close(overlap_from_coefficients(array, sky), expected, rtol=0, atol=1e-13)


def test_pairs_stand_in_the_order_of_the_upper_triangle():
    array = pulsars(8, 9)
    whole = overlap_harmonics(array, 3)
    for row, (a, b) in enumerate(torch.triu_indices(9, 9, 1).T.tolist()):
        alone = overlap_harmonics(array[[a, b]], 3)[0]
        torch.testing.assert_close(whole[row], alone, rtol=0, atol=1e-15)


@settings(deadline=None, max_examples=15)
@given(seeds)
def test_coincident_pulsars_are_two_pulsars_at_no_distance(seed):
    one = pulsars(seed, 1)
    found = overlap_harmonics(torch.cat([one, one]), 10)[0]
    # n → kernel (1 + A)²/4: 1/2, 1/4 and 1/20 of the harmonics of degree 0, 1 and 2, see autocorrelation
    share = torch.zeros(121, dtype=torch.float64)
    share[0], share[1:4], share[4:9] = 0.5, 0.25, 0.05
    torch.testing.assert_close(found, share * real_harmonics(one, 10)[0], rtol=0, atol=1e-14)


@pytest.mark.parametrize("apart", [1e-16, 1e-12, 1e-8, 1e-4, 1e-3])
@pytest.mark.parametrize("opposite", [False, True])
@pytest.mark.parametrize("direction", [[0.3, -0.5, 0.8], *POLES])
def test_close_and_opposite_pairs_join_their_limits(apart, opposite, direction):
    one = torch.tensor(direction, dtype=torch.float64)
    one = one / one.norm()
    other = one + apart * torch.linalg.cross(one, torch.tensor([0.6, 0.8, 0.1], dtype=torch.float64))
    pair = torch.stack([one, -other if opposite else other])
    limit = overlap_harmonics(torch.stack([one, -one if opposite else one]), 10)
    found = overlap_harmonics(pair, 10)
    # slopes: l² at the antipode, l sin ζ ln ζ at 0
    torch.testing.assert_close(found, limit, rtol=0, atol=30 * apart + 2e-14)


def test_gradient_in_positions_and_coefficients():
    close = torch.tensor([[0.0, 0.02, 1.0], [0.0, 0.0, -1.0]], dtype=torch.float64)
    array = torch.cat([pulsars(9, 3), close, torch.tensor(POLES, dtype=torch.float64)[:1]]).requires_grad_()
    sky = coefficients(9, 4).requires_grad_()
    settings_ = {"eps": 1e-6, "atol": 1e-6, "rtol": 1e-5}
    assert torch.autograd.gradcheck(lambda p: overlap_harmonics(p, 4), array, **settings_)
    assert torch.autograd.gradcheck(overlap_from_coefficients, (array, sky), **settings_)


@pytest.mark.parametrize("shift", [0.0, 1e-17, 1e-12, 1e-9, 1e-6])
def test_gradient_is_finite_where_the_azimuth_means_nothing(shift):
    base = torch.tensor([[0.6, 0.0, 0.8], [0.0, 0.0, 1.0]], dtype=torch.float64)
    moved = base + torch.tensor([0.0, shift, 0.0])
    array = torch.cat([base, moved, -moved]).requires_grad_()
    sky = coefficients(1, 10)
    for values in (overlap_harmonics(array, 10) @ sky, overlap_from_coefficients(array, sky)):
        (slope,) = torch.autograd.grad(values.sum(), array)
        # Γ_lm changes by about l² |Γ_lm| a radian
        assert slope.isfinite().all() and slope.abs().max() < 1e3
    (slope,) = torch.autograd.grad(separations(array).sum(), array)
    assert slope.isfinite().all()


def test_separations_keep_their_digits():
    tiny = 1e-9
    array = torch.tensor([[1.0, 0.0, 0.0], [1.0, tiny, 0.0], [-1.0, tiny, 0.0]], dtype=torch.float64)
    here = separations(array)
    assert here[0].item() == pytest.approx(tiny, rel=1e-12)
    assert math.pi - here[1].item() == pytest.approx(tiny, abs=1e-15)


def test_input_is_taken_as_it_comes():
    array = pulsars(2, 4)
    expected = overlap_harmonics(array, 3)
    torch.testing.assert_close(overlap_harmonics(array.tolist(), 3), expected)
    torch.testing.assert_close(overlap_harmonics(array.numpy(), 3), expected)
    torch.testing.assert_close(overlap_harmonics(5 * array, 3), expected)
    single = overlap_harmonics(array.float(), 3)
    assert single.dtype == torch.float64
    torch.testing.assert_close(single, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        ([[1.0, 0.0, 0.0]], "1 pulsars"),
        ([1.0, 0.0, 0.0], r"shape \(3,\)"),
        ([[1.0, 0.0]] * 3, r"shape \(3, 2\)"),
        ([[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]], "vector 1"),
        ([[1.0, 0.0, math.nan], [0.0, 0.0, 1.0]], "vector 0"),
    ],
)
def test_impossible_arrays_are_refused(array, words):
    sky = torch.ones(4)
    for call in (
        lambda: overlap_harmonics(array, 1),
        lambda: overlap_from_coefficients(array, sky),
        lambda: separations(array),
    ):
        with pytest.raises(ValueError, match=f"directions.*{words}"):
            call()


@pytest.mark.parametrize(
    ("sky", "words"),
    [
        (torch.ones(5), "coefficients has shape"),
        (torch.ones(0), "coefficients has shape"),
        (torch.ones(2, 2), "coefficients has shape"),
        (torch.tensor([1.0, 0.0, math.inf, 0.0]), "coefficients: number 2 is inf"),
        (torch.ones((L_MAX + 2) ** 2), f"l_max of the coefficients is {L_MAX + 1}"),
    ],
)
def test_impossible_coefficients_are_refused(sky, words):
    with pytest.raises(ValueError, match=words):
        overlap_from_coefficients(pulsars(0, 3), sky)


def test_impossible_degrees_and_chunks_are_refused():
    for l_max in (-1, L_MAX + 1, 2.0):
        with pytest.raises(ValueError, match="l_max is"):
            overlap_harmonics(pulsars(0, 3), l_max)
    with pytest.raises(ValueError, match="chunk is 0"):
        overlap_harmonics(pulsars(0, 3), 2, chunk=0)
