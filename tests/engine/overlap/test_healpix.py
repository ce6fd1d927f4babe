"""Pixel centres and their inverse: known places, exact sums, the pixel boundaries."""

import math

import pytest
import torch

from anisoscope.engine.overlap.healpix import nearest_pixel, nside_of, pixel_directions

SIZES = [1, 2, 3, 4, 5, 8, 16, 32, 64]


def test_twelve_base_pixels():
    """z = 2/3, 0, -2/3; φ = 45°, 0°, 45° and every 90° from there."""
    centres = pixel_directions(1)
    height = torch.tensor([2 / 3, 0, -2 / 3], dtype=torch.float64).repeat_interleave(4)
    torch.testing.assert_close(centres[:, 2], height)
    degrees = torch.rad2deg(torch.atan2(centres[:, 1], centres[:, 0])) % 360
    expected = torch.tensor([45.0, 135, 225, 315, 0, 90, 180, 270, 45, 135, 225, 315], dtype=torch.float64)
    torch.testing.assert_close(degrees, expected)


def test_nside_two_first_rings():
    """Górski et al. (2005), eqs. 4–7: z = 1 - i²/3nside² in the cap, then 4/3 - 2i/3nside."""
    z = pixel_directions(2)[:, 2]
    assert z[:4].tolist() == pytest.approx([1 - 1 / 12] * 4)
    assert z[4:12].tolist() == pytest.approx([2 / 3] * 8)
    assert z[12:20].tolist() == pytest.approx([1 / 3] * 8)
    assert z[20:28].tolist() == pytest.approx([0.0] * 8)


@pytest.mark.parametrize("nside", SIZES)
def test_a_centre_lies_in_its_pixel(nside: int):
    centres = pixel_directions(nside)
    assert torch.equal(nearest_pixel(centres, nside), torch.arange(12 * nside**2))
    assert torch.equal(nearest_pixel(1e-6 * centres, nside), torch.arange(12 * nside**2))


@pytest.mark.parametrize("nside", SIZES)
def test_unit_vectors_that_balance(nside: int):
    centres = pixel_directions(nside)
    torch.testing.assert_close(torch.linalg.vector_norm(centres, dim=-1), torch.ones(12 * nside**2).double())
    torch.testing.assert_close(centres.sum(0), torch.zeros(3).double(), rtol=0, atol=1e-9)
    # antipodal map of pixels: HEALPix is point symmetric
    assert torch.equal(nearest_pixel(-centres, nside).sort().values, torch.arange(12 * nside**2))


@pytest.mark.parametrize("nside", [1, 3, 8])
def test_pixels_have_equal_areas(nside: int):
    """Points drawn evenly over the sphere fall evenly into the pixels (chi-squared within 5 σ)."""
    generator = torch.Generator().manual_seed(nside)
    points = torch.randn(400_000, 3, generator=generator, dtype=torch.float64)
    pixels = 12 * nside**2
    counts = torch.bincount(nearest_pixel(points, nside), minlength=pixels).double()
    expected = len(points) / pixels
    chi_squared = ((counts - expected) ** 2 / expected).sum().item()
    assert abs(chi_squared - (pixels - 1)) < 5 * math.sqrt(2 * (pixels - 1))


@pytest.mark.parametrize("nside", [1, 2, 16, 64])
def test_a_pixel_is_never_far(nside: int):
    """The longest way from a centre to a corner is at z = 2/3, up along φ = 45°/nside to the ring i = nside - 1."""
    corner, centre = 1 - (1 - 1 / nside) ** 2 / 3, 2 / 3
    sines = math.sqrt((1 - corner**2) * (1 - centre**2))
    farthest = math.acos(corner * centre + sines * math.cos(math.pi / (4 * nside)))
    generator = torch.Generator().manual_seed(5)
    points = torch.randn(20_000, 3, generator=generator, dtype=torch.float64)
    points = points / torch.linalg.vector_norm(points, dim=-1, keepdim=True)
    centres = pixel_directions(nside)[nearest_pixel(points, nside)]
    chord = torch.linalg.vector_norm(points - centres, dim=-1)
    assert (2 * (chord / 2).asin()).max().item() <= farthest + 1e-9


def test_poles_borders_and_axes_are_valid():
    axis = torch.tensor([-1.0, -1e-300, 0.0, 1e-300, 1.0], dtype=torch.float64)
    points = torch.cartesian_prod(axis, axis, axis)
    points = points[(points != 0).any(-1)]
    for nside in SIZES:
        pixel = nearest_pixel(points, nside)
        assert pixel.dtype == torch.int64 and pixel.min() >= 0 and pixel.max() < 12 * nside**2
    assert nearest_pixel(torch.tensor([0.0, 0, 1]), 8) < 4
    assert nearest_pixel(torch.tensor([0.0, 0, -1]), 8) >= 764


def test_the_cached_table_cannot_be_spoiled():
    before = pixel_directions(2).clone()
    pixel_directions(2).zero_()
    assert torch.equal(pixel_directions(2), before) and before.any()


def test_nside_of_every_size_and_nothing_else():
    assert [nside_of(12 * nside**2) for nside in SIZES] == SIZES
    for pixels in (-12, 0, 1, 11, 13, 24, 767, 769):
        with pytest.raises(ValueError, match=str(pixels)):
            nside_of(pixels)


def test_refuses_a_bad_nside():
    for nside in (0, -1, 2.0, True):
        with pytest.raises(ValueError, match="nside"):
            pixel_directions(nside)  # pyright: ignore[reportArgumentType]
        with pytest.raises(ValueError, match="nside"):
            nearest_pixel(torch.tensor([0.0, 0, 1]), nside)  # pyright: ignore[reportArgumentType]
