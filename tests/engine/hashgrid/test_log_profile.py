"""C(n) and β(n): reference values, closed forms, and the straight line they predict."""

import itertools
import math

import pytest
import torch

from anisoscope.engine.hashgrid.log_profile import asymptotic_beta, log_constant, logarithmic_profile
from anisoscope.engine.hashgrid.point_spread import point_spread_function

from .psf_oracle import ORACLE, real_levels

CONSTANTS = ORACLE["asymptotic"]["C"]
DIRECTIONS = {
    "2D axis (1,0)": (1, 0),
    "2D diagonal (1,1)": (1, 1),
    "2D (2,1)": (2, 1),
    "2D 30 deg": (math.sqrt(3), 1),
    "3D diagonal (1,1,1)": (1, 1, 1),
    "3D (1,1,0)": (1, 1, 0),
    "3D (3,2,1)": (3, 2, 1),
}


@pytest.mark.parametrize("kernel", CONSTANTS)
@pytest.mark.parametrize("name", DIRECTIONS)
def test_reference_values(kernel, name):
    direction = torch.tensor([DIRECTIONS[name]], dtype=torch.float64)
    # the constants cross zero with the direction: 1e-11 of 1
    assert log_constant(direction, kernel).item() == pytest.approx(CONSTANTS[kernel][name], abs=1e-11)
    expected = ORACLE["asymptotic"]["beta"][kernel][name]
    assert asymptotic_beta(-3 * direction, kernel).item() == pytest.approx(expected, rel=1e-11)


def test_closed_forms():
    axis, diagonal = torch.tensor([[1.0, 0.0], [1.0, 1.0]]).double()[:, None]
    assert log_constant(axis, "node").item() == pytest.approx(-1, abs=1e-14)
    assert log_constant(diagonal, "node").item() == pytest.approx(math.log(2) / 2 - 1.5, abs=1e-14)
    assert log_constant(axis, "averaged").item() == pytest.approx(2 * math.log(2) - 11 / 6, abs=1e-14)
    assert log_constant(axis, "adam").item() == pytest.approx(2 * math.log(2) - 1.5, abs=1e-14)
    node = asymptotic_beta(torch.cat([axis, diagonal]), "node")
    assert (node[0] / node[1]).item() == pytest.approx(math.sqrt(math.e / 2), rel=1e-14)
    broadening = asymptotic_beta(axis, "adam") / asymptotic_beta(axis, "averaged")
    assert broadening.item() == pytest.approx(math.exp(1 / 3), rel=1e-14)
    assert asymptotic_beta(axis, "adam").item() == pytest.approx(8 * math.exp(-1.5), rel=1e-14)


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_the_node_constant_is_a_sum_of_symmetric_polynomials(dim):
    vectors = torch.randn(50, dim, generator=torch.Generator().manual_seed(dim), dtype=torch.float64)
    for vector, ours in zip(vectors, log_constant(vectors, "node"), strict=True):
        n = (vector / vector.norm()).abs().tolist()
        q = [part / max(n) for part in n]
        sums = [sum(math.prod(c) for c in itertools.combinations(q, k)) for k in range(1, dim + 1)]
        closed = -math.log(max(n)) + sum((-1) ** k * e / k for k, e in enumerate(sums, 1))
        assert ours.item() == pytest.approx(closed, abs=1e-12)


def test_the_mid_cell_axis_is_the_integral_over_its_slope():
    # B falls by 1 between u = 1/2 and 3/2: C = ∫ ln u
    expected = 1.5 * math.log(1.5) - 1.5 - (0.5 * math.log(0.5) - 0.5)
    assert log_constant([[0.0, 1.0]], "mid_cell").item() == pytest.approx(expected, abs=1e-14)


@pytest.mark.parametrize("kernel", CONSTANTS)
def test_nearly_an_axis_is_as_good_as_an_axis(kernel):
    tilted = log_constant([[1.0, 1e-9], [1.0, 0.0], [1e-200, 0.0]], kernel)
    assert (tilted - tilted[1]).abs().max() < 1e-8


@pytest.mark.parametrize("kernel", CONSTANTS)
def test_the_kernel_follows_the_line(kernel):
    levels, growth, coarsest = 400, 1.05, 1.0
    resolutions = real_levels(levels, coarsest, growth)
    radius = torch.tensor([1e-6, 1e-5, 1e-4], dtype=torch.float64)
    direction = torch.tensor([math.cos(0.4), math.sin(0.4)], dtype=torch.float64)
    line = logarithmic_profile(radius, direction, levels, coarsest, growth, kernel)
    values = point_spread_function(resolutions, [0.0, 0.0], radius[:, None] * direction, kernel)
    # what is left: the coarsest levels are not quite flat, and their sum is not quite an integral
    torch.testing.assert_close(values, line, rtol=0, atol=3e-5)


@pytest.mark.parametrize("bad", [[[0.0, 0.0]], [[math.nan, 1.0]], [1.0, 0.0], [[1.0] * 4]])
def test_what_is_no_direction_is_refused(bad):
    with pytest.raises(ValueError, match="directions"):
        log_constant(bad)


def test_what_has_no_constant_is_refused():
    with pytest.raises(ValueError, match="kernel is 'cell'"):
        log_constant([[1.0, 0.0]], "cell")
    with pytest.raises(ValueError, match="growth"):
        logarithmic_profile(0.1, [1.0, 0.0], 4, 1.0, 1.0)
