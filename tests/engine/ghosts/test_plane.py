"""The coloured plane against the partition function itself."""

import math

import torch

from anisoscope.engine.ghosts import HUES, LEVELS, mirror_index, partition_phase, phase_index


def test_plane_is_the_normalised_partition_function(oracle):
    u = torch.linspace(-2, 2, 33, dtype=torch.float64) * oracle.exact
    y = torch.linspace(-2, 2, 17, dtype=torch.float64) * oracle.exact
    plane = partition_phase(oracle.z, oracle.a, u, y)
    assert plane.real.shape == (17, 33)
    t = torch.complex(u.expand(17, 33), y[:, None].expand(17, 33))
    exponents = oracle.z + oracle.a * t[..., None]
    shift = exponents.real.amax(-1, keepdim=True)
    truth = (exponents - shift).exp().sum(-1) / (exponents.real - shift).exp().sum(-1)
    torch.testing.assert_close(torch.complex(plane.real, plane.imag), truth, rtol=0, atol=1e-12)
    assert plane.log2_modulus.max() < 1e-12
    clear = truth.abs() > 1e-6
    apart = torch.remainder(plane.phase - truth.angle() + math.pi, 2 * math.pi) - math.pi
    assert apart[clear].abs().max() < 1e-9


def test_plane_vanishes_on_the_ghost_and_does_not_overflow(oracle):
    at = partition_phase(
        oracle.z,
        oracle.a,
        torch.tensor([oracle.ghost.real]).double(),
        torch.tensor([oracle.ghost.imag]).double(),
    )
    assert at.log2_modulus < -20
    far = partition_phase(
        oracle.z, oracle.a, torch.tensor([-1e4, 1e4]).double(), torch.tensor([0.0, 1e4]).double()
    )
    assert far.real.isfinite().all()
    assert far.imag.isfinite().all()


def test_float32_plane():
    """Angles a y up to 50 carry 50·6e-8 of rounding."""
    generator = torch.Generator().manual_seed(0)
    z, a = torch.randn(2, 10, generator=generator, dtype=torch.float64)
    u, y = torch.linspace(-9, 9, 64).double(), torch.linspace(0, 18, 32).double()
    double, single = partition_phase(z, a, u, y), partition_phase(z.float(), a.float(), u.float(), y.float())
    assert single.real.dtype == torch.float32
    torch.testing.assert_close(single.real.double(), double.real, rtol=0, atol=1e-5)
    torch.testing.assert_close(single.imag.double(), double.imag, rtol=0, atol=1e-5)


def test_index_is_hue_and_level():
    generator = torch.Generator().manual_seed(1)
    real, imag = torch.randn(2, 5000, generator=generator, dtype=torch.float64)
    index = phase_index(real, imag)
    assert index.dtype == torch.uint8
    level, hue = (index // HUES).double(), (index % HUES).double()
    angle = HUES * torch.atan2(imag, real) / (2 * math.pi)
    assert (torch.remainder(angle - hue + HUES / 2, HUES) - HUES / 2).abs().max() <= 0.5 + 1e-4
    place = LEVELS * torch.remainder(torch.hypot(real, imag).log2(), 1)
    # Within 0.2 % of a contour either side is right: |G| is taken slightly larger.
    clear = (place - place.round()).abs() > 2e-3
    assert torch.equal(level[clear], place[clear].floor())


def test_lower_half_is_the_mirror():
    generator = torch.Generator().manual_seed(2)
    real, imag = torch.randn(2, 5000, generator=generator)
    assert torch.equal(mirror_index(phase_index(real, imag)), phase_index(real, -imag))


def test_index_on_a_ghost_and_on_the_real_line():
    zero, one = torch.zeros(1), torch.ones(1)
    assert phase_index(zero, zero).item() < HUES * LEVELS
    assert torch.equal(phase_index(one * (1 - 1e-7), zero + 1e-8), phase_index(one, zero - 1e-8))
