"""Ghosts and radii of softmax(z/T): against the closed forms of two classes, products of them, and the limit T -> 0."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from anisoscope.engine.ghosts import (
    InvalidClasses,
    convergence_radius,
    exact_radius,
)
from anisoscope.engine.ghosts.ghost_paths import ghost_paths, ghost_paths_in_parts, ghosts_at
from anisoscope.engine.ghosts.temperature import (
    flip_distance,
    flip_points,
    radii_over_temperature,
)

D = torch.float64
TEMPERATURES = torch.logspace(-1.7, 1.3, 61, dtype=D)
SAMPLES = {
    "M8": ([3, 1, 0, -1], [1, -2, 0.5, 2]),
    "M9": ([2, 1.5, 0, -1, -3], [0.3, -0.7, 1.1, 0.2, -1.4]),
    "M11": ([0, 0, -20], [0, 1, 40]),
    "M12": ([1, 0.9, -1], [0.50, 0.51, -2]),
}


def pair(z, a):
    return torch.tensor([z, a], dtype=D)


@settings(max_examples=40, deadline=None)
@given(
    margin=st.floats(0.0, 30.0),
    gap=st.floats(0.05, 20.0),
    temperature=st.floats(0.02, 20.0),
)
def test_radii_of_two_classes(margin, gap, temperature):
    z, a = pair([margin, 0.0], [0.0, gap])
    found = radii_over_temperature(z, a, torch.tensor([temperature], dtype=D))
    height = math.pi * temperature / gap
    assert found.bound.item() == pytest.approx(height, rel=1e-12)
    assert found.exact.item() == pytest.approx(math.hypot(margin / gap, height), rel=1e-9)
    assert found.margin.item() == pytest.approx(found.exact.item(), rel=1e-9)
    assert flip_distance(z, a).item() == pytest.approx(margin / gap, rel=1e-12)


@pytest.mark.parametrize("name", SAMPLES)
def test_only_the_bound_is_proportional(name):
    z, a = pair(*SAMPLES[name])
    found = radii_over_temperature(z, a, TEMPERATURES)
    torch.testing.assert_close(found.bound / TEMPERATURES, found.bound[:1].expand(61) / TEMPERATURES[0])
    assert found.certified.all()
    assert (found.bound <= found.margin * (1 + 1e-12)).all()
    assert (found.margin <= found.exact * (1 + 1e-9)).all()
    # As T -> 0 the exact radius ends at the flip, and never below its own bound.
    cold = radii_over_temperature(z, a, torch.tensor([1e-3, 1e-4]))
    flip = flip_distance(z, a).item()
    torch.testing.assert_close(cold.exact, cold.exact.new_tensor([flip, flip]), rtol=2e-3, atol=4e-3)


def test_radii_of_a_batch_are_those_of_its_samples():
    z, a = torch.randn(2, 5, 4, generator=torch.Generator().manual_seed(0), dtype=D)
    found = radii_over_temperature(z, a, TEMPERATURES[::20])
    for k, temperature in enumerate(TEMPERATURES[::20].tolist()):
        torch.testing.assert_close(
            found.exact[:, k], convergence_radius(z, a, "exact", temperature), rtol=1e-9, atol=0
        )


def test_flip_is_where_the_prediction_changes():
    z, a = torch.randn(2, 200, 5, generator=torch.Generator().manual_seed(3), dtype=D)
    flip, start = flip_distance(z, a), z.argmax(-1)
    for sign in (1, -1):
        assert ((z + sign * 0.999 * flip[:, None] * a).argmax(-1) == start).all()
    beyond = [(z + s * 1.001 * flip[:, None] * a).argmax(-1) != start for s in (1, -1)]
    assert (beyond[0] | beyond[1]).all()
    assert flip_distance(*pair([1.0, 0.0], [2.0, 2.0])).item() == math.inf
    assert flip_distance(*pair([1.0, -math.inf], [2.0, 5.0])).item() == math.inf


def test_flip_points_are_all_changes_of_the_largest_logit():
    z, a = torch.randn(2, 60, 6, generator=torch.Generator().manual_seed(5), dtype=D)
    for one, slopes in zip(z, a, strict=True):
        points = flip_points(one, slopes)
        assert (points.diff() > 0).all() and len(points) < 6
        assert points.abs().amin() == pytest.approx(flip_distance(one, slopes).item(), rel=1e-9)
        ends = torch.cat((points[:1] - 1, (points[1:] + points[:-1]) / 2, points[-1:] + 1))
        winners = (one + slopes * ends[:, None]).argmax(-1)
        assert len(set(winners.tolist())) == len(winners)
        heights = (one + slopes * points[:, None]).topk(2).values
        torch.testing.assert_close(heights[:, 0], heights[:, 1], rtol=1e-9, atol=1e-9)


def test_flip_points_at_edges():
    assert len(flip_points(*pair([1, 2], [3, 3]))) == 0
    # Three lines through one point flip once; masked and hidden classes not at all.
    assert flip_points(*pair([0, 0, 0], [-1, 0, 1])).tolist() == [0.0]
    assert flip_points(*pair([0, -math.inf, 0, -9], [-1, 7, 1, 0])).tolist() == [0.0]


def test_coldest_ghosts_stand_above_flip_points():
    z, a = pair(*SAMPLES["M9"])
    zeros = ghost_paths(z, a, TEMPERATURES).zeros[:, 0]
    points = flip_points(z, a)
    gaps = (zeros.real[:, None] - points).abs().amin(1)
    assert gaps[~zeros.real.isnan()].max() < 0.02


def test_paths_of_two_classes_are_vertical():
    z, a = pair([5, 0], [1, -1])
    zeros = ghost_paths(z, a, TEMPERATURES).zeros
    assert len(zeros) >= 4
    torch.testing.assert_close(zeros.real, torch.full_like(zeros.real, -2.5), rtol=1e-9, atol=0)
    lattice = zeros.imag / (math.pi * TEMPERATURES / 2)
    torch.testing.assert_close(lattice, lattice.round(), rtol=1e-8, atol=0)
    assert (lattice.round() % 2 == 1).all()


def test_paths_of_a_product_stay_on_their_lattices():
    """F = (1 + e^t)(1 + e^(2t - 4)) at T = 1: with z/T and a/T the factors keep their margins over T."""
    z, a = pair([0, 0, -4, -4], [0, 1, 2, 3])
    zeros = ghost_paths(z, a, TEMPERATURES).zeros
    on_first = zeros.real.abs() < 1e-7
    on_second = (zeros.real - 2).abs() < 1e-7
    known = ~zeros.real.isnan()
    assert (on_first | on_second)[known].all()
    assert known.double().mean() > 0.9


@pytest.mark.parametrize("name", SAMPLES)
def test_nearest_path_is_the_exact_radius(name):
    z, a = pair(*SAMPLES[name])
    paths = ghost_paths(z, a, TEMPERATURES)
    nearest = paths.zeros.abs().nan_to_num(math.inf).amin(0)
    exact = exact_radius(z / TEMPERATURES[:, None], a / TEMPERATURES[:, None]).radius
    torch.testing.assert_close(nearest, exact, rtol=1e-9, atol=0)
    values = torch.exp((z + a * paths.zeros[..., None]) / TEMPERATURES[:, None])
    size = values.abs().sum(-1)
    known = ~paths.zeros.real.isnan()
    assert (values.sum(-1).abs() / size)[known].max() < 1e-8


@pytest.mark.parametrize("temperature", [0.0205, 0.33, 1.0, 7.7, 19.9])
def test_ghosts_between_two_temperatures_are_ghosts(temperature):
    z, a = pair(*SAMPLES["M9"])
    paths = ghost_paths(z, a, TEMPERATURES)
    found = ghosts_at(z, a, paths, temperature)
    assert len(found) == len(paths.zeros)
    terms = torch.exp((z + a * found[:, None]) / temperature)
    assert (terms.sum(-1).abs() / terms.abs().sum(-1)).max() < 1e-9
    exact = convergence_radius(z, a, "exact", temperature).item()
    assert found.abs().amin().item() == pytest.approx(exact, rel=1e-9)
    with pytest.raises(InvalidClasses, match="temperature"):
        ghosts_at(z, a, paths, 25.0)
    assert len(ghosts_at(*pair([1, 2], [3, 3]), ghost_paths(*pair([1, 2], [3, 3]), TEMPERATURES), 1.0)) == 0


def test_paths_that_meet_part_again():
    """F = 1 + 4^(1/T) x + x^2, x = e^(t/T): two lattices on the imaginary axis at T > 2, one to each side below."""
    z, a = pair([0, math.log(4), 0], [0, 1, 2])
    zeros = ghost_paths(z, a, TEMPERATURES).zeros
    cold, hot = zeros[:, 20], zeros[:, 55]
    # x = -(w/2) ± √(w²/4 - 1), w = 4^(1/T): real below T = 2, on the unit circle above.
    temperature = TEMPERATURES[20]
    split = temperature * torch.acosh(4 ** (1 / temperature) / 2)
    torch.testing.assert_close(cold[~cold.real.isnan()].real.abs().amin(), split, rtol=1e-8, atol=0)
    assert {round(math.copysign(1, t)) for t in cold.real.tolist() if t == t} == {1, -1}
    assert hot.real.nan_to_num(0.0).abs().max() < 1e-6
    # No two known paths are the same ghost at the same temperature.
    for column in zeros.T:
        known = column[~column.real.isnan()]
        gaps = (known[:, None] - known[None, :]).abs() + torch.eye(len(known), dtype=D)
        assert not len(known) or gaps.min() > 1e-6


def test_flat_sample_has_no_paths_and_parts_pause():
    assert ghost_paths(*pair([1, 2], [3, 3]), TEMPERATURES).zeros.shape == (0, 61)
    assert sum(1 for _ in ghost_paths_in_parts(*pair([1, 2], [3, 4]), TEMPERATURES)) > 10


@pytest.mark.parametrize("wrong", [[1.0, 0.5], [0.0, 1.0], [1.0, math.inf], []])
def test_temperatures_that_cannot_be_followed(wrong):
    with pytest.raises(InvalidClasses, match="temperatures"):
        ghost_paths(*pair([1, 2], [3, 4]), torch.tensor(wrong))


def test_four_classes_cool_to_their_flip():
    """Radii found independently with forty digits, as the roots of the sum nearest to 0."""
    z, a = pair([1, 0, -1, -2], [0.8, 0, -0.7, 1.1])
    found = radii_over_temperature(z, a, torch.tensor([4, 2, 1, 0.5, 0.1, 0.02], dtype=D))
    known = [10.248077246, 5.48156466301, 3.05809856132, 1.92028051973, 1.33453802318, 1.25250839751]
    torch.testing.assert_close(found.exact, torch.tensor(known, dtype=D), rtol=1e-11, atol=0)
    assert flip_distance(z, a).item() == pytest.approx(1.25, rel=1e-12)
