"""Slopes and logits of any size: a radius has a unit, and no preferred one."""

import math

import pytest
import torch

from anisoscope.engine.ghosts import (
    InvalidClasses,
    convergence_radius,
    corridors,
    exact_radius,
    partition_zeros,
    taylor_coefficients,
)

KINDS = ("bound", "margin", "exact")


def samples() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    z, a = torch.randn(2, 50, 6, generator=generator, dtype=torch.float64)
    return 3 * z, a


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [1e-300, 1e-150, 1e-12, 1e12, 1e150, 1e300])
def test_unit_of_the_step_is_anyones(kind, size):
    z, a = samples()
    radius = convergence_radius(z, size * a, kind) * size
    torch.testing.assert_close(radius, convergence_radius(z, a, kind), rtol=1e-13, atol=0)


# One rounding of the slopes to float32, 6e-8 each, and margins up to 20 nats.
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [1e-36, 1e-12, 1e12, 1e36])
def test_unit_of_the_step_is_anyones_in_float32(kind, size):
    z, a = samples()
    radius = convergence_radius(z.float(), (size * a).float(), kind)
    assert radius.dtype == torch.float32
    torch.testing.assert_close(radius.double() * size, convergence_radius(z, a, kind), rtol=2e-6, atol=0)


@pytest.mark.parametrize("size", [1e-100, 1e-12, 1e12, 1e100])
def test_whole_picture_scales(size):
    """Ghosts, corridors and coefficients of one sample, drawn in units of its radius."""
    z, a = (values[0] for values in samples())
    pictures = []
    for slopes in (a, size * a):
        radius = convergence_radius(z, slopes, "exact").item()
        found = partition_zeros(z, slopes, (-2 * radius, 2 * radius, 0, 2 * radius))
        assert found.complete
        coefficients = taylor_coefficients(z, slopes, torch.tensor(0), 20, scale=radius)
        pictures.append(
            (found.zeros / radius, corridors(z, slopes, -2 * radius, 2 * radius) / radius, coefficients)
        )
    for here, there in zip(*pictures, strict=True):
        torch.testing.assert_close(here, there, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("kind", ["margin", "exact"])
@pytest.mark.parametrize("margin", [1e3, 1e8, 1e15, 1e300])
def test_margins_of_any_size(kind, margin):
    """exp(z) itself would overflow. The first and the last class meet at margin/2; the other never counts."""
    z = torch.tensor([margin, -margin, 0.0], dtype=torch.float64)
    a = torch.tensor([0.0, 1.0, 2.0], dtype=torch.float64)
    truth = math.hypot(margin / 2, math.pi / 2)
    assert convergence_radius(z, a, kind).item() == pytest.approx(truth, rel=1e-13)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("spread", [5e-324, 1e-310])
def test_radius_beyond_the_largest_number_is_infinite(kind, spread):
    a = torch.tensor([[spread, 0.0], [1.0, 0.0]], dtype=torch.float64)
    radius = convergence_radius(torch.zeros_like(a), a, kind)
    assert radius[0] == math.inf
    assert radius[1].item() == pytest.approx(math.pi)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("dtype", "large"), [(torch.float64, 1e308), (torch.float32, 2e38)])
def test_spread_that_overflows_is_refused(kind, dtype, large):
    """Each slope is finite, their difference is not; the sample is named, not its row among the others."""
    a = torch.tensor([[3.0, 3.0], [1.0, 0.0], [large, -large]], dtype=dtype)
    with pytest.raises(InvalidClasses, match=r"spread.*sample 2\b"):
        convergence_radius(torch.zeros_like(a), a, kind)


@pytest.mark.parametrize("gap", [1e-3, 1e-6, 1e-9, 1e-12, 1e-15])
def test_slopes_that_nearly_agree_are_nearly_one_class(gap):
    """Their own ghosts are at π/gap, out of the way; the radius passes into that of merged classes."""
    z = torch.tensor([[0.0, 0.0, -3.0], [1.0, 1.0, 5.0]], dtype=torch.float64)
    a = torch.tensor([1.0, 1.0 + gap, 0.0], dtype=torch.float64).expand(2, 3)
    found = exact_radius(z, a)
    assert found.certified.all()
    merged = exact_radius(z, a.round()).radius
    torch.testing.assert_close(found.radius, merged, rtol=gap + 1e-13, atol=0)
