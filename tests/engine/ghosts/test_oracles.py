"""The oracle table, closed families and a second implementation in mpmath."""

import itertools
import math

import mpmath
import pytest
import torch

from anisoscope.engine.ghosts import (
    InvalidClasses,
    binary_radius,
    binary_zeros,
    convergence_radius,
    corridors,
    exact_radius,
    partition_zeros,
    top_two_radius,
)

TABLE_DIGITS = 6e-12  # the table prints bound and margin with 12 digits, the exact radius with 15


def test_exact_radius_is_the_tables(oracle):
    found = exact_radius(oracle.z, oracle.a)
    assert found.certified
    assert found.radius.item() == pytest.approx(oracle.exact, rel=4e-15 * max(1, oracle.exact))
    ghost = found.ghost.item()
    assert min(abs(ghost - oracle.ghost), abs(ghost + oracle.ghost.conjugate())) < 1e-11 * abs(oracle.ghost)
    assert ghost.imag > 0


def test_ghost_is_not_mirrored(oracles):
    """B2, B3, M7, M8 and M12 have one nearest ghost off the imaginary axis: its side counts."""
    for name in ("B2", "B3", "M7", "M8", "M9", "M10", "M11", "M12"):
        case = oracles[name]
        assert abs(exact_radius(case.z, case.a).ghost.item() - case.ghost) < 1e-11 * abs(case.ghost)


def test_bound_and_margin_are_the_tables(oracle):
    assert convergence_radius(oracle.z, oracle.a).item() == pytest.approx(oracle.bound, rel=TABLE_DIGITS)
    margin = convergence_radius(oracle.z, oracle.a, "margin").item()
    assert margin == pytest.approx(oracle.margin, rel=TABLE_DIGITS)


def test_nearest_zero_of_a_window_is_the_exact_radius(oracle):
    edge = 1.2 * oracle.exact
    found = partition_zeros(oracle.z, oracle.a, (-edge, edge, -edge, edge))
    assert found.complete
    assert found.zeros[0].abs().item() == pytest.approx(oracle.exact, rel=1e-13)
    assert found.residual.max() < 1e-13
    mirrored = found.zeros.conj()
    assert all((mirrored - zero).abs().min() == 0 for zero in found.zeros)


def test_double_zero_has_multiplicity_two_and_full_precision(oracles):
    case = oracles["M5"]
    found = partition_zeros(case.z, case.a, (-1.0, 1.0, 0.0, 4.0))
    assert found.multiplicity.tolist() == [2]
    assert abs(found.zeros[0].item() - 1j * math.pi) < 1e-14


def test_triple_zero():
    """(1 + e^t)³."""
    z = torch.tensor([1.0, 3.0, 3.0, 1.0], dtype=torch.float64).log()
    a = torch.arange(4, dtype=torch.float64)
    found = partition_zeros(z, a, (-1.0, 1.0, 0.0, 10.0))
    assert found.complete
    assert found.multiplicity.tolist() == [3, 3]
    assert abs(found.zeros[1].item() - 3j * math.pi) < 1e-13


@pytest.mark.parametrize("gap", [1e-2, 1e-4])
def test_two_zeros_close_together_are_told_apart(gap):
    """(1 + e^t)(1 + e^(t - gap))."""
    z = torch.tensor([0.0, math.log(1 + math.exp(-gap)), -gap], dtype=torch.float64)
    found = partition_zeros(z, torch.tensor([0.0, 1.0, 2.0], dtype=torch.float64), (-1.0, 1.0, 0.0, 4.0))
    assert found.complete
    assert found.multiplicity.tolist() == [1, 1]
    assert found.zeros.real.sort().values.tolist() == pytest.approx([0.0, gap], abs=1e-10)


@pytest.mark.parametrize("classes", [2, 3, 10, 30])
def test_uniform_family(classes):
    """Equal logits, slopes 0..K-1: F is a geometric sum, ρ* = 2π/K and ρ_a = π/(K - 1)."""
    z, a = torch.zeros(classes, dtype=torch.float64), torch.arange(classes, dtype=torch.float64)
    assert convergence_radius(z, a, "exact").item() == pytest.approx(2 * math.pi / classes, rel=1e-14)
    assert convergence_radius(z, a).item() == pytest.approx(math.pi / (classes - 1), rel=1e-14)
    found = partition_zeros(z, a, (-0.5, 0.5, 0.0, 6.2))
    assert found.complete
    assert len(found.zeros) == classes - 1


def test_product_families():
    """F = Π_j (1 + exp(-δ_j + s_j t)) expanded into 2^J classes: ρ* = min_j √(δ_j² + π²)/s_j."""
    generator = torch.Generator().manual_seed(3)
    for factors in (2, 3, 4):
        delta = 6 * torch.rand(8, factors, generator=generator, dtype=torch.float64)
        slope = 0.3 + torch.rand(8, factors, generator=generator, dtype=torch.float64)
        subsets = torch.tensor(list(itertools.product((0.0, 1.0), repeat=factors)), dtype=torch.float64)
        truth = binary_radius(delta, slope).amin(-1)
        found = convergence_radius(-delta @ subsets.T, slope @ subsets.T, "exact")
        torch.testing.assert_close(found, truth, rtol=1e-12, atol=0)


def test_binary_closed_forms():
    delta, gap = torch.tensor(2.0, dtype=torch.float64), torch.tensor(-1.0, dtype=torch.float64)
    z, a = torch.tensor([2.0, 0.0], dtype=torch.float64), torch.tensor([0.0, 1.0], dtype=torch.float64)
    lattice = binary_zeros(delta, gap, torch.arange(-3, 3))
    found = partition_zeros(z, a, (0.0, 4.0, -16.0, 16.0))
    assert sorted(found.zeros.tolist(), key=lambda t: t.imag) == pytest.approx(
        sorted(lattice.tolist(), key=lambda t: t.imag), abs=1e-12
    )
    for temperature in (0.1, 1.0, 3.0):
        exact = convergence_radius(z, a, "exact", temperature).item()
        assert exact == pytest.approx(binary_radius(delta, gap, temperature).item(), rel=1e-13)
    with pytest.raises(ValueError, match="slope_gap"):
        binary_zeros(delta, torch.tensor(0.0, dtype=torch.float64), torch.arange(2))


def test_binary_forms_of_integers_and_plain_numbers():
    one, cold = torch.tensor(1), math.hypot(1, 0.5 * math.pi) / 2
    assert binary_radius(one, 2 * one, 0.5).item() == pytest.approx(cold, rel=1e-15)
    assert binary_radius(1.0, 2.0, 0.5).item() == pytest.approx(cold, rel=1e-15)
    assert binary_radius(torch.ones(3), 2.0).dtype == torch.float32
    assert binary_zeros(torch.ones(3), 2.0, torch.arange(2)).dtype == torch.complex64
    assert binary_radius(torch.tensor([0, 1]), torch.tensor([0, 2]), 0.5).tolist() == [math.inf, cold]
    assert binary_radius(math.inf, 1.0).item() == math.inf
    torch.testing.assert_close(
        binary_zeros(1, 2, [-1, 0]), binary_zeros(one.double(), 2 * one.double(), torch.tensor([-1, 0]))
    )


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: binary_radius(torch.tensor([0.0, math.nan]), torch.zeros(2)), "delta holds 1 NaN"),
        (lambda: binary_radius(0.0, math.nan), "slope_gap holds nan"),
        (lambda: binary_radius(0.0, torch.tensor(math.inf)), "slope_gap holds inf"),
        (lambda: binary_radius(torch.tensor(1j), 1.0), "delta is torch.complex64"),
        *(
            (lambda t=t: binary_radius(0.0, 1.0, t), f"temperature .* not {t}")
            for t in (0, -1, math.nan, math.inf)
        ),
        (lambda: binary_zeros(math.nan, 1.0, torch.arange(2)), "delta holds 1 NaN"),
        *(
            (lambda m=m: binary_zeros(1.0, 1.0, torch.tensor([m])), f"m must be integers, not .{m}")
            for m in (0.5, math.nan)
        ),
    ],
)
def test_binary_forms_name_what_they_refuse(call, named):
    with pytest.raises(InvalidClasses, match=named):
        call()


def test_top_two_is_no_bound(oracles):
    case = oracles["M12"]
    assert top_two_radius(case.z, case.a).item() == pytest.approx(314.318, abs=1e-2)
    assert top_two_radius(case.z, case.a) > 100 * case.exact


@pytest.mark.parametrize("seed", range(4))
def test_mpmath_counts_none_inside_and_a_pair_just_outside(seed, slow_ghosts):
    """Second implementation: 30 digits, trapezoidal quadrature of F'/F instead of phases."""
    generator = torch.Generator().manual_seed(seed)
    z = 2 * torch.randn(5, generator=generator, dtype=torch.float64)
    a = torch.randn(5, generator=generator, dtype=torch.float64)
    found = exact_radius(z, a)
    with mpmath.workdps(30):
        slow = slow_ghosts(z, a)
        refined = mpmath.findroot(slow.value, mpmath.mpc(found.ghost.item()))
        assert abs(complex(refined) - found.ghost.item()) < 1e-13
        assert slow.count(found.radius.item() * 0.98) == 0
        assert slow.count(found.radius.item() * 1.02) >= 2


def test_six_thousand_random_cases_are_certified():
    """K = 2..30, from nearly uniform to confident; bound ≤ margin ≤ exact in every one."""
    generator = torch.Generator().manual_seed(0)
    for classes in range(2, 31):
        size = (208, classes)
        z = torch.randn(size, generator=generator, dtype=torch.float64)
        z *= torch.tensor([0.02, 1.0, 5.0, 15.0], dtype=torch.float64).repeat(52)[:, None]
        a = torch.randn(size, generator=generator, dtype=torch.float64)
        bound, margin = convergence_radius(z, a), convergence_radius(z, a, "margin")
        found = exact_radius(z, a)
        assert found.certified.all()
        assert (bound <= margin * (1 + 1e-12)).all()
        assert (margin <= found.radius * (1 + 1e-11)).all()


def test_fast_certificate_agrees_with_the_search_of_the_whole_disc():
    generator = torch.Generator().manual_seed(5)
    for classes in (3, 8, 25):
        z = torch.randn(12, classes, generator=generator, dtype=torch.float64)
        a = torch.randn(12, classes, generator=generator, dtype=torch.float64)
        for row, slope, radius in zip(z, a, convergence_radius(z, a, "exact").tolist(), strict=True):
            found = partition_zeros(row, slope, (-1.01 * radius, 1.01 * radius, 0.0, 1.01 * radius))
            assert found.complete
            assert found.zeros[0].abs().item() == pytest.approx(radius, rel=1e-12)


def test_search_of_the_disc_is_the_exception(monkeypatch):
    """The slow search repairs what starts and batched certificate miss; it must not hide their faults."""
    from anisoscope.engine.ghosts import exact

    searched: list[float] = []

    def refuse(z: torch.Tensor, a: torch.Tensor, candidate: float) -> tuple[torch.Tensor, bool]:
        searched.append(candidate)
        return torch.tensor(complex(math.nan, math.nan)), False

    monkeypatch.setattr(exact, "_searched_ghost", refuse)
    generator = torch.Generator().manual_seed(7)
    z, a = torch.randn(2, 2000, 10, generator=generator, dtype=torch.float64)
    for spread in (0.05, 4):  # as before training and after it
        searched.clear()
        exact_radius(spread * z, a)
        assert len(searched) <= 20


def test_every_ghost_stands_above_a_corridor_and_outside_the_strip(oracle):
    edge = 1.5 * oracle.exact
    found = partition_zeros(oracle.z, oracle.a, (-edge, edge, 0.0, edge))
    intervals = corridors(oracle.z, oracle.a, -edge, edge)
    slack = 1e-9 * edge
    assert len(found.zeros), "the nearest one at least lies in the window"
    for zero in found.zeros:
        assert ((intervals[:, 0] - slack <= zero.real) & (zero.real <= intervals[:, 1] + slack)).any()
        assert zero.imag >= oracle.bound * (1 - 1e-11)


def test_corridors_are_where_no_class_has_half(oracle):
    edge = 1.5 * oracle.exact
    intervals = corridors(oracle.z, oracle.a, -edge, edge)
    u = torch.linspace(-edge, edge, 4001, dtype=torch.float64)
    largest = torch.softmax(oracle.z + u[:, None] * oracle.a, -1)
    slopes, group = oracle.a.unique(return_inverse=True)
    merged = torch.zeros(len(u), len(slopes), dtype=torch.float64).index_add(1, group, largest).amax(-1)
    inside = ((intervals[:, 0] <= u[:, None]) & (u[:, None] <= intervals[:, 1])).any(-1)
    clear = (merged - 0.5).abs() > 1e-9
    assert torch.equal(inside[clear], (merged <= 0.5)[clear])
