"""Pixel maps and point sources against the kernel as printed, and where that kernel is 0/0."""

import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from anisoscope.engine.overlap.harmonics import real_harmonics
from anisoscope.engine.overlap.healpix import nearest_pixel, pixel_directions
from anisoscope.engine.overlap.isotropic import hellings_downs
from anisoscope.engine.overlap.nested import ring_of_nested
from anisoscope.engine.overlap.pixel_map import (
    antenna_patterns,
    overlap_from_map,
    overlap_from_point_sources,
    pair_response,
)
from anisoscope.engine.overlap.sky_frame import overlap_from_coefficients, separations

seeds = st.integers(0, 2**31)


def directions(seed: int, count: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    vectors = torch.randn(count, 3, generator=generator, dtype=torch.float64)
    return vectors / vectors.norm(dim=1, keepdim=True)


def printed_kernel(pa: Tensor, pb: Tensor, points: Tensor) -> Tensor:
    a, b = pa @ points.T, pb @ points.T
    dot = (pa * pb).sum(-1, keepdim=True)
    return 0.25 * (2 * (dot - a * b) ** 2 / ((1 - a) * (1 - b)) - (1 + a) * (1 + b))


@settings(deadline=None)
@given(seeds)
def test_response_is_the_printed_kernel(seed):
    pa, pb, points = directions(seed, 90).reshape(3, 30, 3)
    # 1 - A loses digits next to a pulsar
    clear = ((pa @ points.T).amax(1) < 0.999) & ((pb @ points.T).amax(1) < 0.999)
    found = pair_response(pa, pb, points)
    torch.testing.assert_close(found[clear], printed_kernel(pa, pb, points)[clear], rtol=0, atol=1e-12)
    torch.testing.assert_close(found, pair_response(pb, pa, points), rtol=0, atol=1e-15)
    assert found.abs().max() <= 1 + 1e-15


@settings(deadline=None)
@given(seeds)
def test_patterns_multiply_to_the_response(seed):
    pulsars, points = directions(seed, 60)[:10], directions(seed, 60)[10:]
    plus, cross = antenna_patterns(pulsars, points)
    first, second = torch.triu_indices(10, 10)
    product = plus[first] * plus[second] + cross[first] * cross[second]
    torch.testing.assert_close(
        product, pair_response(pulsars[first], pulsars[second], points), rtol=0, atol=1e-13
    )


@pytest.mark.parametrize("near", [1e-2, 1e-4, 1e-6, 1e-8, 1e-10])
def test_patterns_keep_their_digits_beside_a_pulsar(near):
    """F = (1 + A)/2 e^{2iα}: α is known as well as the difference of the two vectors."""
    point = torch.tensor([[0.6, 0.0, 0.8]], dtype=torch.float64)
    theta, phi = torch.tensor([[0.8, 0.0, -0.6], [0.0, 1.0, 0.0]], dtype=torch.float64)
    azimuth = 0.7
    pulsar = point + near * (math.cos(azimuth) * theta + math.sin(azimuth) * phi)
    plus, cross = antenna_patterns(pulsar, point)
    # the sum above is rounded by 1e-16
    assert plus.item() == pytest.approx(math.cos(2 * azimuth), abs=near**2 + 4e-16 / near)
    assert cross.item() == pytest.approx(math.sin(2 * azimuth), abs=near**2 + 4e-16 / near)


def test_patterns_as_defined():
    pulsar, point = directions(1, 2)
    x, y, z = point.tolist()
    sine = math.hypot(x, y)
    theta = torch.tensor([z * x / sine, z * y / sine, -sine], dtype=torch.float64)
    phi = torch.tensor([-y / sine, x / sine, 0.0], dtype=torch.float64)
    plus, cross = antenna_patterns(pulsar[None], point[None])
    below = 1 - pulsar @ point
    assert plus.item() == pytest.approx((0.5 * ((pulsar @ theta) ** 2 - (pulsar @ phi) ** 2) / below).item())
    assert cross.item() == pytest.approx(((pulsar @ theta) * (pulsar @ phi) / below).item())


def test_sense_of_direction():
    """A source behind the pulsar is felt most, one opposite it not at all."""
    pulsar = torch.tensor([[0.0, 0.0, 1.0]], dtype=torch.float64)
    polar = torch.tensor([1e-3, math.pi - 1e-3], dtype=torch.float64)
    points = torch.stack([polar.sin(), 0 * polar, polar.cos()], 1)
    plus, cross = antenna_patterns(pulsar, points)
    assert (plus**2 + cross**2)[0].tolist() == pytest.approx([1.0, 0.0], abs=1e-6)


@pytest.mark.parametrize("nside", [1, 2, 8])
@pytest.mark.parametrize("opposite", [False, True])
def test_pulsar_exactly_on_a_pixel_centre_or_opposite(nside, opposite):
    points = pixel_directions(nside)
    pulsars = points[:: max(1, len(points) // 12)] * (-1 if opposite else 1)
    first, second = torch.triu_indices(len(pulsars), len(pulsars), 1)
    response = pair_response(pulsars[first], pulsars[second], points)
    assert response.isfinite().all() and response.abs().max() <= 1 + 1e-15
    plus, cross = antenna_patterns(pulsars, points)
    assert plus.isfinite().all() and cross.isfinite().all()
    on = (pulsars @ points.T).abs() > 1 - 1e-14
    assert (plus[on] == 0).all() and (cross[on] == 0).all() and on.any(1).all()
    sky = torch.rand(len(points), dtype=torch.float64)
    found = overlap_from_map(pulsars, sky)
    torch.testing.assert_close(found, 1.5 * response @ sky / len(points), rtol=0, atol=1e-13)


def test_value_behind_a_pulsar_is_the_average_over_azimuth():
    pa, pb = directions(4, 2)
    around = torch.linspace(0, 2 * math.pi, 41, dtype=torch.float64)[:-1]
    e = torch.linalg.cross(pa, torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64))
    e = e / e.norm()
    f = torch.linalg.cross(pa, e)
    ring = pa + 1e-6 * (around.cos()[:, None] * e + around.sin()[:, None] * f)
    values = pair_response(pa, pb, ring)
    assert values.max() > 0.9 * (1 + pa @ pb) / 2  # it does depend on the way there
    assert values.mean().item() == pytest.approx(0, abs=1e-5)
    assert pair_response(pa, pb, pa[None]).item() == 0


def test_equal_pulsars_have_no_singular_direction():
    points = pixel_directions(4)
    for pulsar in (points[17], directions(5, 1)[0]):
        expected = (1 + points @ pulsar) ** 2 / 4
        torch.testing.assert_close(pair_response(pulsar, pulsar, points), expected, rtol=0, atol=1e-14)
        found = overlap_from_map(torch.stack([pulsar, pulsar]), torch.ones(len(points)))
        torch.testing.assert_close(found, 1.5 * expected.mean()[None], rtol=0, atol=1e-14)


@settings(deadline=None, max_examples=30)
@given(seeds)
def test_map_is_the_sum_over_the_kernel(seed):
    pulsars, nside = directions(seed, 8), 8
    sky = torch.rand(12 * nside**2, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    first, second = torch.triu_indices(8, 8, 1)
    response = pair_response(pulsars[first], pulsars[second], pixel_directions(nside))
    expected = 1.5 * (response @ sky) / len(sky)
    torch.testing.assert_close(overlap_from_map(pulsars, sky), expected, rtol=0, atol=1e-13)


def test_pixels_converge_as_their_area():
    pulsars = directions(11, 20)
    sky = torch.randn(49, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    exact = overlap_from_coefficients(pulsars, sky)
    errors = []
    for nside in (8, 16, 32, 64):
        pixels = real_harmonics(pixel_directions(nside), 6) @ sky
        errors.append((overlap_from_map(pulsars, pixels) - exact).square().mean().sqrt().item())
    steps = [math.log2(a / b) for a, b in pairwise(errors)]
    # pulsars fall anywhere within their pixels: a single step scatters, the slope over three does not
    assert all(1.2 < step < 2.8 for step in steps), errors
    assert sum(steps) / 3 == pytest.approx(2, abs=0.25), errors


def test_map_of_ones_is_nearly_isotropic():
    pulsars = directions(12, 10)
    error = overlap_from_map(pulsars, torch.ones(12 * 32**2)) - hellings_downs(separations(pulsars))
    assert error.abs().max() < 5e-4


def test_nested_order():
    for nside in (1, 2, 8, 32):
        ring = ring_of_nested(nside)
        assert torch.equal(ring.sort().values, torch.arange(12 * nside**2))
        if nside > 1:
            parents = nearest_pixel(pixel_directions(nside)[ring], nside // 2)
            assert torch.equal(parents, ring_of_nested(nside // 2).repeat_interleave(4))
    pulsars, sky = directions(13, 5), torch.rand(12 * 8**2, dtype=torch.float64)
    nested = sky[ring_of_nested(8)]
    torch.testing.assert_close(overlap_from_map(pulsars, nested, nest=True), overlap_from_map(pulsars, sky))


def test_point_sources():
    pulsars, sources = directions(14, 6), directions(15, 3)
    weights = torch.tensor([1.0, 2.0, 5.0], dtype=torch.float64)
    first, second = torch.triu_indices(6, 6, 1)
    response = pair_response(pulsars[first], pulsars[second], sources)
    found = overlap_from_point_sources(pulsars, sources, weights)
    torch.testing.assert_close(found, 1.5 * response @ weights / 8, rtol=0, atol=1e-14)
    torch.testing.assert_close(found, overlap_from_point_sources(pulsars, sources, 10 * weights))
    torch.testing.assert_close(overlap_from_point_sources(pulsars, sources), 1.5 * response.mean(1))


def test_one_bright_pixel_is_a_point_source():
    pulsars, sky = directions(16, 6), torch.zeros(12 * 4**2)
    sky[77] = len(sky)
    source = overlap_from_point_sources(pulsars, pixel_directions(4)[77:78])
    torch.testing.assert_close(overlap_from_map(pulsars, sky), source, rtol=0, atol=1e-14)


def test_partial_sums_over_l_approach_the_point_source():
    """c_lm = 4π Y_lm(n): the two routes share nothing but the convention."""
    pulsars, source = directions(17, 8), directions(18, 1)
    exact = overlap_from_point_sources(pulsars, source)
    errors = []
    for l_max in (2, 8, 32):
        sky = 4 * math.pi * real_harmonics(source, l_max)[0]
        errors.append((overlap_from_coefficients(pulsars, sky) - exact).square().mean().sqrt().item())
    assert errors[0] > 2 * errors[1] > 4 * errors[2] and errors[2] < 0.1


def test_gradients():
    pulsars = directions(19, 4).requires_grad_()
    sky = torch.rand(12, dtype=torch.float64).requires_grad_()
    sources = directions(20, 2).requires_grad_()
    assert torch.autograd.gradcheck(overlap_from_map, (pulsars, sky))
    assert torch.autograd.gradcheck(overlap_from_point_sources, (pulsars, sources))
    assert torch.autograd.gradcheck(pair_response, (pulsars[:2], pulsars[2:], sources))


def test_gradient_is_finite_on_a_pixel_centre():
    pulsars = torch.cat([pixel_directions(2)[:3], -pixel_directions(2)[:3]]).requires_grad_()
    first, second = torch.triu_indices(6, 6, 1)
    values = overlap_from_map(pulsars, torch.ones(48)).sum()
    values = values + pair_response(pulsars[first], pulsars[second], pixel_directions(2)).sum()
    assert torch.autograd.grad(values, pulsars)[0].isfinite().all()


@pytest.mark.parametrize(
    ("sky", "words"),
    [
        (torch.ones(47), "47"),
        (torch.ones(12 * 65**2), "NSIDE 65"),
        (torch.ones(4, 12), r"shape \(4, 12\)"),
        (torch.tensor([1.0] * 5 + [math.nan] + [1.0] * 6), "sky: number 5 is nan"),
        (torch.tensor([math.inf] + [1.0] * 11), "sky: number 0 is inf"),
    ],
)
def test_impossible_maps_are_refused(sky, words):
    with pytest.raises(ValueError, match=words):
        overlap_from_map(directions(0, 3), sky)


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ([1.0], "shape"),
        ([1.0, -1.0], "negative"),
        ([0.0, 0.0], "positive"),
        ([1.0, math.nan], "number 1 is nan"),
    ],
)
def test_impossible_weights_are_refused(weights, words):
    with pytest.raises(ValueError, match=f"weights.*{words}"):
        overlap_from_point_sources(directions(0, 3), directions(1, 2), torch.tensor(weights))


def test_other_refusals():
    with pytest.raises(ValueError, match="sources has shape"):
        overlap_from_point_sources(directions(0, 3), torch.empty(0, 3))
    with pytest.raises(ValueError, match="power of 2"):
        overlap_from_map(directions(0, 3), torch.ones(12 * 9), nest=True)
    with pytest.raises(ValueError, match="points has shape"):
        antenna_patterns(directions(0, 3), torch.ones(3))
