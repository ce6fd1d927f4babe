"""Taylor coefficients against power sums of ghosts, mpmath and the loss itself."""

import math

import mpmath
import pytest
import torch

from anisoscope.engine.ghosts import (
    binary_zeros,
    convergence_radius,
    exact_radius,
    ghost_pair_reference,
    linearised_loss,
    partition_zeros,
    radius_estimate,
    taylor_coefficients,
    taylor_partial_sums,
    taylor_polynomial,
)


def test_coefficients_are_power_sums_of_inverse_ghosts():
    """n ℓ_n = -Σ t_j⁻ⁿ over the whole lattice of a binary sample, n ≥ 2."""
    delta, gap = torch.tensor(2.0, dtype=torch.float64), torch.tensor(-1.0, dtype=torch.float64)
    z, a = torch.tensor([2.0, 0.0], dtype=torch.float64), torch.tensor([0.0, 1.0], dtype=torch.float64)
    ghosts = binary_zeros(delta, gap, torch.arange(-100_000, 100_000))
    coefficients = taylor_coefficients(z, a, torch.tensor(0), 12)
    for n in range(2, 13):
        # Of the ghosts beyond the last, M, only n = 2 notices: their inverse squares add up to -1/(2π² M).
        rest = 1 / (2 * math.pi**2 * 1e5) if n == 2 else 0.0
        assert n * coefficients[n].item() == pytest.approx(-(ghosts**-n).sum().real.item() + rest, abs=1e-12)


def test_coefficients_are_mpmaths(oracle, slow_ghosts):
    label = len(oracle.z) - 1
    order = 24
    found = taylor_coefficients(oracle.z, oracle.a, torch.tensor(label), order, scale=oracle.exact)
    with mpmath.workdps(60):
        slow = slow_ghosts(oracle.z, oracle.a)
        scale = mpmath.mpf(oracle.exact)
        # Moments and the series logarithm in 60 digits, unshifted: another order of summation, no scaling.
        moments = [slow.value(0, n) * scale**n / mpmath.factorial(n) for n in range(order + 1)]
        series = [mpmath.log(moments[0])]
        f = [moment / moments[0] for moment in moments]
        for n in range(1, order + 1):
            series.append(f[n] - mpmath.fsum(k * series[k] * f[n - k] for k in range(1, n)) / n)
        series[0] -= slow.terms[label][0]
        series[1] -= slow.terms[label][1] * scale
    # In units of the radius every |n ℓ_n| is about 2 at most.
    for n, (value, truth) in enumerate(zip(found.tolist(), series, strict=True)):
        assert value == pytest.approx(float(truth), rel=1e-12, abs=2e-12 / max(n, 1))


def test_series_converges_inside_and_diverges_outside():
    """|T_n - ℓ| for a margin of 2, from mpmath: at 0.9 ρ it falls with the order, at 1.1 ρ it grows."""
    z, a = torch.tensor([2.0, 0.0], dtype=torch.float64), torch.tensor([0.0, 1.0], dtype=torch.float64)
    y = torch.tensor(0)
    radius = convergence_radius(z, a, "exact")
    sums = taylor_partial_sums(
        taylor_coefficients(z, a, y, 64, scale=radius), torch.tensor([0.5, 0.9, 1.1, 1.5]).double()
    )
    error = (sums - linearised_loss(z, a, y, radius * torch.tensor([0.5, 0.9, 1.1, 1.5]).double())).abs()
    table = {
        1: (0.28, 1.1, 1.6, 2.8),
        2: (0.096, 0.47, 0.72, 1.2),
        4: (9.9e-3, 0.24, 0.66, 2.7),
        8: (5.1e-4, 0.085, 0.43, 4.3),
        16: (2.9e-7, 0.014, 0.47, 87),
        32: (5e-12, 1.8e-3, 1.3, 3.1e4),
        64: (1e-21, 3.5e-5, 14, 5.3e9),  # the first is below the rounding of the loss
    }
    # Two digits are known of most entries, one of some.
    for order, expected in table.items():
        assert error[order].tolist() == pytest.approx(expected, rel=0.06, abs=1e-15)


def test_coefficients_are_power_sums_of_the_ghosts_in_a_window():
    """n ℓ_n = -Σ t_j⁻ⁿ of several classes, over every ghost within 60 radii.

    Δ/π ghosts stand beyond R to a unit of length, so they add about (ρ/R)ⁿ⁻¹ at most: 10⁻⁹ from n = 6 on.
    """
    generator = torch.Generator().manual_seed(2)
    for classes in (3, 5, 8):
        z, a = torch.randn(2, classes, generator=generator, dtype=torch.float64)
        radius = convergence_radius(2 * z, a, "exact").item()
        edge = 60 * radius
        found = partition_zeros(2 * z, a, (-edge, edge, -edge, edge))
        assert found.complete
        ghosts = found.zeros / radius
        coefficients = taylor_coefficients(2 * z, a, torch.tensor(0), 24, scale=radius)
        for n in range(3, 25):
            truth = -(found.multiplicity * ghosts**-n).sum().real.item()
            assert n * coefficients[n].item() == pytest.approx(truth, abs=max(1e-9, 60.0 ** (1 - n)))


def test_partial_sums_end_in_the_polynomial():
    coefficients = torch.randn(3, 9, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    tau = torch.linspace(-2, 2, 11, dtype=torch.float64)
    torch.testing.assert_close(
        taylor_partial_sums(coefficients, tau)[:, -1], taylor_polynomial(coefficients, tau)
    )


def test_first_coefficients_are_loss_slope_and_variance():
    generator = torch.Generator().manual_seed(1)
    z, a = torch.randn(2, 20, 6, generator=generator, dtype=torch.float64)
    y = torch.randint(6, (20,), generator=generator)
    found = taylor_coefficients(z, a, y, 2)
    p = torch.softmax(z, -1)
    mean = (p * a).sum(-1)
    torch.testing.assert_close(found[:, 0], torch.nn.functional.cross_entropy(z, y, reduction="none"))
    torch.testing.assert_close(found[:, 1], mean - a.gather(1, y[:, None]).squeeze(1))
    torch.testing.assert_close(found[:, 2], (p * (a - mean[:, None]) ** 2).sum(-1) / 2)


@pytest.mark.parametrize("name", ["B2", "M8", "M9", "M10", "M11"])
def test_running_estimates_find_the_radius(name, oracles):
    case = oracles[name]
    scaled = taylor_coefficients(case.z, case.a, torch.tensor(0), 60, scale=case.exact)
    estimate = radius_estimate(scaled)
    assert estimate.mercer_roberts[-1].item() == pytest.approx(1.0, abs=2e-2)
    angle = torch.tensor(case.ghost).angle()
    if name in ("B2", "M8", "M10"):
        assert estimate.mercer_roberts[-1].item() == pytest.approx(1.0, abs=1e-5)
        assert estimate.cosine[-1].item() == pytest.approx(math.cos(angle), abs=1e-5)
        reference = ghost_pair_reference(angle.double(), 60)
        orders = torch.arange(61, dtype=torch.float64)
        assert (orders * scaled - reference)[40:].abs().max() < 1e-4
    assert estimate.root_test[2:].isfinite().all()


def test_scale_only_changes_the_unit():
    generator = torch.Generator().manual_seed(4)
    z, a = torch.randn(2, 5, 4, generator=generator, dtype=torch.float64)
    y = torch.zeros(5, dtype=torch.int64)
    scale = exact_radius(z, a).radius
    powers = scale[:, None] ** torch.arange(13)
    torch.testing.assert_close(
        taylor_coefficients(z, a, y, 12, scale), taylor_coefficients(z, a, y, 12) * powers
    )
    for wrong in (0.0, -1.0, math.inf):
        with pytest.raises(ValueError, match="scale"):
            taylor_coefficients(z, a, y, 3, wrong)
    with pytest.raises(ValueError, match="order"):
        taylor_coefficients(z, a, y, -1)


# The recurrence adds order·eps of terms of size 2/n; float32 in units of the radius stays within 1e-5.
def test_float32_coefficients():
    generator = torch.Generator().manual_seed(6)
    z, a = torch.randn(2, 64, 10, generator=generator, dtype=torch.float64)
    y = torch.zeros(64, dtype=torch.int64)
    scale = exact_radius(z, a).radius
    single = taylor_coefficients(z.float(), a.float(), y, 48, scale.float())
    torch.testing.assert_close(single.double(), taylor_coefficients(z, a, y, 48, scale), rtol=1e-4, atol=2e-5)


def test_equal_slopes_leave_a_straight_line():
    z, a = torch.tensor([1.0, 0.0], dtype=torch.float64), torch.tensor([3.0, 3.0], dtype=torch.float64)
    assert taylor_coefficients(z, a, torch.tensor(0), 5)[1:].abs().max() == 0


def test_linearised_loss_is_convex_and_keeps_tiny_losses():
    z, a = torch.tensor([0.0, 60.0], dtype=torch.float64), torch.tensor([1.0, 0.0], dtype=torch.float64)
    tau = torch.linspace(-5, 5, 101, dtype=torch.float64)
    loss = linearised_loss(z, a, torch.tensor(0), tau)
    assert (loss.diff().diff() > -1e-12).all()
    tiny = linearised_loss(z, a, torch.tensor(1), tau[50:51])
    assert tiny.item() == pytest.approx(math.exp(-60), rel=1e-9, abs=0) or tiny.item() == 0
