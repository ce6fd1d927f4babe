"""The parts of the exact radius one by one: a later part would repair, and hide, the fault of an earlier."""

import math

import torch

from anisoscope.engine.ghosts import exact_radius
from anisoscope.engine.ghosts.exact import _pair_starts
from anisoscope.engine.ghosts.winding import circle_count, half_disc_is_empty, phase_along, rectangle_count


def samples(spread: float, classes: int = 6) -> tuple[torch.Tensor, torch.Tensor]:
    """Shifted as the certificate gets them: the most probable class at z = a = 0."""
    generator = torch.Generator().manual_seed(8)
    z, a = torch.randn(2, 200, classes, generator=generator, dtype=torch.float64)
    height, top = (spread * z).max(-1, keepdim=True)
    return spread * z - height, a - a.gather(-1, top)


def test_two_classes_start_on_their_ghost():
    z = torch.tensor([[0.0, -2.0], [0.0, -3.0]], dtype=torch.float64)
    a = torch.tensor([[0.0, 1.0], [0.0, -2.0]], dtype=torch.float64)
    truth = torch.tensor([[complex(2, math.pi)], [complex(-1.5, math.pi / 2)]], dtype=torch.complex128)
    torch.testing.assert_close(_pair_starts(z, a), truth)


def test_batched_certificate_says_yes_inside_and_never_outside():
    """Without knowing any ghost; enough points decide nearly all."""
    for spread in (0.1, 2.0, 10.0):
        z, a = samples(spread)
        radius = exact_radius(z, a).radius
        unknown = torch.full((len(z), 1), complex(math.inf, 0), dtype=torch.complex128)
        assert half_disc_is_empty(z, a, 0.97 * radius, unknown).sum() >= 190
        assert not half_disc_is_empty(z, a, 1.03 * radius, unknown).any()


def test_circles_and_rectangles_count():
    """(1 + e^t)²(1 + e^(t-1)): two zeros at iπ, one at 1 + iπ."""
    polynomial = torch.tensor(
        [1.0, 2 + math.exp(-1), 1 + 2 * math.exp(-1), math.exp(-1)], dtype=torch.float64
    )
    z, a = polynomial.log(), torch.arange(4, dtype=torch.float64)
    assert circle_count(z, a, 1j * math.pi, 0.01) == 2
    assert circle_count(z, a, 1 + 1j * math.pi, 0.5) == 1
    assert rectangle_count(z, a, -1 + 3j, 2 + 4j) == 3
    assert rectangle_count(z, a, -1 + 0j, 2 + 3j) == 0
    assert math.isnan(rectangle_count(z, a, -1 + 3j, 1 + 4j))


def test_phase_along_an_open_path():
    """F = e^(3t) + e^(5t) = 2 e^(4t) cosh t: from 0 to i its phase grows by 4; through a ghost by no number."""
    z, a = torch.zeros(2, dtype=torch.float64), torch.tensor([3.0, 5.0], dtype=torch.float64)
    assert abs(phase_along(z, a, [0j, 1j]) - 4) < 1e-12
    assert math.isnan(phase_along(z, a, [0j, 2j]))
