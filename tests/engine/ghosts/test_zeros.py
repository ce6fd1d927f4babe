"""All ghosts in random windows: where they may stand, and that none is missing."""

import math

import mpmath
import numpy as np
import pytest
import torch

from anisoscope.engine.ghosts import convergence_radius, corridors, exact_radius, partition_zeros
from anisoscope.engine.ghosts.classes import merge_equal_slopes


@pytest.mark.parametrize("spread", [0.02, 1.0, 5.0, 15.0])
@pytest.mark.parametrize("classes", [2, 3, 6, 10, 30])
def test_every_ghost_stands_above_the_strip_and_over_a_corridor(classes, spread):
    """|Im t| ≥ π/Δ_a, no class with more than half at Re t, conjugate pairs, the nearest at ρ*."""
    generator = torch.Generator().manual_seed(classes)
    for _ in range(4):
        z, a = torch.randn(2, classes, generator=generator, dtype=torch.float64)
        z = spread * z
        radius = exact_radius(z, a).radius.item()
        edge = 3 * radius
        found = partition_zeros(z, a, (-edge, edge, -edge, edge))
        assert found.complete
        assert found.residual.max() < 1e-10
        assert found.zeros[0].abs().item() == pytest.approx(radius, rel=1e-12)
        assert (found.zeros.imag.abs() >= convergence_radius(z, a) * (1 - 1e-12)).all()
        assert torch.softmax(z + a * found.zeros.real[:, None], -1).amax() <= 0.5 + 1e-9
        assert all((found.zeros.conj() - zero).abs().min() == 0 for zero in found.zeros)
        ends, slack = corridors(z, a, -edge, edge), 1e-9 * edge
        for zero in found.zeros.real:
            assert ((ends[:, 0] - slack <= zero) & (zero <= ends[:, 1] + slack)).any()


def test_zeros_are_mpmaths(slow_ghosts):
    """Each zero polished in 30 digits moves by rounding only, and no two go to one place."""
    generator = torch.Generator().manual_seed(3)
    z, a = torch.randn(2, 7, generator=generator, dtype=torch.float64)
    edge = 20 * convergence_radius(z, a, "exact").item()
    found = partition_zeros(z, a, (-edge, edge, 0, edge))
    assert found.complete
    with mpmath.workdps(30):
        slow = slow_ghosts(z, a)
        polished = [complex(mpmath.findroot(slow.value, mpmath.mpc(t))) for t in found.zeros.tolist()]
    assert max(abs(p - t) / abs(t) for p, t in zip(polished, found.zeros.tolist(), strict=True)) < 1e-13
    assert len({complex(round(p.real, 8), round(p.imag, 8)) for p in polished}) == len(polished) > 8


def test_integer_slopes_make_a_polynomial():
    """F is a polynomial in x = e^t then: its roots, by another algorithm, none of them a positive number."""
    generator = torch.Generator().manual_seed(4)
    for degree in (3, 6, 9):
        z = torch.randn(degree + 1, generator=generator, dtype=torch.float64)
        a = torch.arange(degree + 1, dtype=torch.float64)
        roots = torch.tensor(np.roots(z.exp().flip(0).numpy()), dtype=torch.complex128)
        truth = torch.complex(roots.abs().log(), roots.angle().remainder(2 * math.pi))
        found = partition_zeros(z, a, (-9.0, 9.0, 0.0, 2 * math.pi))
        assert found.complete
        distance = (found.zeros[:, None] - truth).abs()
        assert distance.shape == (degree, degree)
        assert distance.amin(1).max() < 1e-10
        assert distance.amin(0).max() < 1e-10


def test_equal_slopes_are_added_before_the_search():
    """Three classes of one slope and two of another: F has the ghosts of two classes."""
    z = torch.tensor([0.3, -1.0, 2.0, 0.5, -800.0], dtype=torch.float64)
    a = torch.tensor([1.0, 3.0, 1.0, 3.0, 1.0], dtype=torch.float64)
    merged, slopes = merge_equal_slopes(z, a)
    live = merged > -torch.inf
    assert slopes[live].tolist() == [1.0, 3.0]
    delta = merged[live].diff().item()
    found = partition_zeros(z, a, (-3.0, 3.0, 0.0, 7.0))
    truth = [complex(-delta / 2, math.pi * (m + 0.5)) for m in (0, 1)]
    assert found.zeros.tolist() == pytest.approx(truth, abs=1e-12)
    assert exact_radius(z, a).radius.item() == pytest.approx(abs(truth[0]), rel=1e-14)
    assert convergence_radius(z, a, "margin").item() == pytest.approx(abs(truth[0]), rel=1e-14)
