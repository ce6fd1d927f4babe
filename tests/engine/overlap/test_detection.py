"""Anisotropy SNR: identities, its null distribution, calibration, and the detection curve."""

import math

import pytest
import torch
from scipy import stats
from torch import Tensor

from anisoscope.engine.overlap.compression import Compressed, compress, project
from anisoscope.engine.overlap.detection import (
    anisotropy_snr,
    detected_share,
    detection_probability,
    detection_threshold,
    null_distribution,
    simulate_compressed,
    threshold_interval,
    wilson_interval,
)
from anisoscope.engine.overlap.harmonics import unit_vectors
from anisoscope.engine.overlap.healpix import pixel_directions
from anisoscope.engine.overlap.pixel_map import overlap_from_map
from anisoscope.engine.overlap.simulate import sigma_for_snr, simulate_pairs
from anisoscope.engine.overlap.sky_frame import overlap_harmonics


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def uniform_pulsars(count: int) -> Tensor:
    """A Fibonacci lattice."""
    i = torch.arange(count, dtype=torch.float64)
    z, phi = 1 - (2 * i + 1) / count, i * math.pi * (3 - math.sqrt(5))
    return torch.stack([(1 - z * z).sqrt() * phi.cos(), (1 - z * z).sqrt() * phi.sin(), z], -1)


def hot_spot(fraction: float, kappa: float = 8.0) -> Tensor:
    """A von Mises–Fisher spot that carries a fraction of the power, nside 16, mean power 1."""
    centre = unit_vectors(torch.tensor([0.3, -0.5, 0.4]))
    spot = (kappa * (pixel_directions(16) @ centre - 1)).exp()
    return 1 - fraction + fraction * spot / spot.mean()


@pytest.fixture(scope="module")
def pulsars() -> Tensor:
    return uniform_pulsars(67)


@pytest.fixture(scope="module")
def array(pulsars: Tensor) -> Compressed:
    """67 uniform pulsars, l ≤ 6, in units where A² = 1 is an HD SNR of 1."""
    gamma = overlap_harmonics(pulsars, 6)
    return compress(gamma, sigma_for_snr(math.sqrt(4 * math.pi) * gamma[:, 0], 1.0))


def test_squares_add_up(array: Compressed) -> None:
    data = simulate_compressed(array, 5 * math.sqrt(4 * math.pi) * array.r[:, 0], 40, seeded())
    found = anisotropy_snr(array, data, 6)
    torch.testing.assert_close(found.total.square(), found.anisotropic.square() + found.isotropic.square())
    lnl = -0.5 * (data - found.fit.coefficients @ array.r.T).square().sum(-1)
    torch.testing.assert_close(found.total.square(), 2 * (lnl + 0.5 * data.square().sum(-1)))
    assert abs(found.isotropic.mean() - 5) < 5 / 40**0.5
    nothing = anisotropy_snr(array, -data, 6)
    assert bool((nothing.isotropic == 0).all())
    assert bool(nothing.anisotropic.isfinite().all())


def test_compressed_draws_are_draws_of_pairs(array: Compressed, pulsars: Tensor) -> None:
    expected = overlap_from_map(pulsars, hot_spot(0.5))
    pairs = project(array, simulate_pairs(expected, array.sigma, 4.0, seeded(), 3000))
    short = simulate_compressed(array, 4 * project(array, expected), 3000, seeded(1))
    for draws in (pairs, short):
        assert (draws.mean(0) - 4 * project(array, expected)).abs().max() < 5 / 3000**0.5
        assert (torch.cov(draws.T) - torch.eye(49)).abs().max() < 0.12


def test_null_distribution_at_high_snr(array: Compressed) -> None:
    """67 pulsars, high HD SNR: median near 3.7, 99.7 % near 5.9; χ² with any single number of freedoms fails."""
    null = null_distribution(array, 6, 20.0, 1000, seeded())
    assert bool(null.fit.converged.all())
    median, tail = null.anisotropic.quantile(torch.tensor([0.5, 0.9973], dtype=torch.float64)).tolist()
    assert median == pytest.approx(3.75, abs=0.15)
    assert tail == pytest.approx(5.9, abs=0.35)
    square = null.anisotropic.square()
    assert stats.kstest(square.numpy(), "chi2", args=(48,)).pvalue < 1e-6
    again = null_distribution(array, 6, 20.0, 1000, seeded())
    assert torch.equal(again.anisotropic, null.anisotropic)


def test_the_null_depends_on_the_strength_of_the_background(array: Compressed) -> None:
    weak, strong = (null_distribution(array, 6, a, 400, seeded()).anisotropic for a in (1.0, 10.0))
    assert weak.median() < strong.median() - 0.3


def test_false_alarms_come_at_the_chosen_rate(array: Compressed) -> None:
    threshold = detection_threshold(null_distribution(array, 6, 5.0, 2000, seeded()).anisotropic, 0.1)
    fresh = null_distribution(array, 6, 5.0, 2000, seeded(1)).anisotropic
    rate = (fresh > threshold).double().mean().item()
    assert abs(rate - 0.1) < 5 * math.sqrt(2 * 0.1 * 0.9 / 2000)


def test_threshold_is_a_quantile() -> None:
    assert detection_threshold(torch.arange(1001.0), 0.1).item() == pytest.approx(900)
    assert detection_threshold(torch.ones(1)).item() == 1


def test_detection_curve_of_a_hot_spot(array: Compressed, pulsars: Tensor) -> None:
    """An independent small Monte Carlo (60 injections, 200 null draws) gave .28, 1, 1 for a fraction of 0.6."""
    snrs = torch.tensor([5.0, 10.0, 20.0])
    expected = overlap_from_map(pulsars, hot_spot(0.6))
    curve = detection_probability(array, expected, snrs, 6, generator=seeded())
    assert curve.lower[0] < 0.30 < curve.upper[0]
    assert curve.upper[0] - curve.lower[0] < 0.25
    assert bool((curve.lower <= curve.probability).all() & (curve.probability <= curve.upper).all())
    assert bool((curve.probability[1:] > 0.95).all())
    assert bool((curve.unconverged == 0).all())
    assert bool((curve.threshold > 4.9).all() & (curve.threshold < 6.4).all())


def test_a_whole_hot_spot_and_a_faint_one(array: Compressed, pulsars: Tensor) -> None:
    """The same source: .97 for a fraction of 1 at an HD SNR of 5, .02, .33 and 1 for 0.3 at 5, 10 and 20."""
    whole = overlap_from_map(pulsars, hot_spot(1.0))
    strong = detection_probability(array, whole, torch.tensor([5.0]), 6, generator=seeded())
    assert strong.probability.item() > 0.88
    faint = overlap_from_map(pulsars, hot_spot(0.3))
    curve = detection_probability(array, faint, torch.tensor([5.0, 10.0, 20.0]), 6, generator=seeded())
    assert curve.probability[0] < 0.1
    assert 0.15 < curve.probability[1] < 0.45
    assert curve.probability[2] > 0.9


def test_threshold_interval_covers_one_standard_deviation() -> None:
    """The 90 % point of uniform numbers lies inside for about 68 % of all sets of 2000."""
    inside = 0
    for seed in range(300):
        low, high = threshold_interval(torch.rand(2000, generator=seeded(seed), dtype=torch.float64), 0.1)
        inside += int(low < 0.9 < high)
    assert abs(inside / 300 - 0.683) < 5 * math.sqrt(0.683 * 0.317 / 300)
    low, high = threshold_interval(torch.arange(10.0), 0.001)
    assert low < high == 9


def test_an_isotropic_sky_is_not_detected(array: Compressed, pulsars: Tensor) -> None:
    isotropic = overlap_from_map(pulsars, torch.ones(3072))
    curve = detection_probability(array, isotropic, torch.tensor([10.0]), 6, 200, 800, generator=seeded())
    assert curve.probability.item() <= 0.03
    assert curve.upper.item() > 0


def test_units_do_not_matter(array: Compressed, pulsars: Tensor) -> None:
    expected = overlap_from_map(pulsars, hot_spot(0.6))
    rescaled = Compressed(array.q, array.r * 1e30, array.sigma * 1e-30)
    arguments = (expected, torch.tensor([5.0]), 6, 50, 100)
    first = detection_probability(array, *arguments, generator=seeded())
    second = detection_probability(rescaled, *arguments, generator=seeded())
    torch.testing.assert_close(first.probability, second.probability)
    torch.testing.assert_close(first.threshold, second.threshold, rtol=1e-6, atol=0)


@pytest.mark.parametrize(("hits", "trials"), [(0, 10), (3, 10), (10, 10), (120, 200)])
def test_wilson_interval(hits: int, trials: int) -> None:
    """The p at which hits lies one standard deviation sqrt(p(1−p)/n) off: what the interval is defined by."""
    lower, upper = (bound.item() for bound in wilson_interval(torch.tensor(float(hits)), trials))
    found = stats.binomtest(hits, trials).proportion_ci(math.erf(math.sqrt(0.5)), "wilson")
    assert lower == pytest.approx(found.low, abs=1e-12)
    assert upper == pytest.approx(found.high, abs=1e-12)


def test_refusals(array: Compressed) -> None:
    with pytest.raises(ValueError, match="count is 0"):
        null_distribution(array, 6, 1.0, 0)
    with pytest.raises(ValueError, match="snrs is"):
        detection_probability(array, torch.ones(2211), torch.tensor([-1.0]), 6)
    with pytest.raises(ValueError, match="sigma has shape"):
        detection_probability(array, torch.ones(3), torch.tensor([1.0]), 6)
    with pytest.raises(ValueError, match="false_alarm is 1"):
        detection_threshold(torch.ones(3), 1.0)
    with pytest.raises(ValueError, match="null has shape"):
        detection_threshold(torch.ones(0))
    for bad in (math.nan, math.inf, -math.inf):
        for estimate in (detection_threshold, threshold_interval):
            with pytest.raises(ValueError, match=f"null: draw 1 is {bad}: finite"):
                estimate(torch.tensor([1.0, bad, 2.0]))
    for snrs in ([], [1.0, math.inf], [math.nan]):
        with pytest.raises(ValueError, match="snrs is"):
            detection_probability(array, torch.ones(2211), torch.tensor(snrs), 6)


@pytest.mark.parametrize("trials", [0, -3])
def test_an_interval_needs_trials(trials: int) -> None:
    with pytest.raises(ValueError, match=f"trials is {trials}: at least 1"):
        wilson_interval(torch.tensor(0.0), trials)


@pytest.mark.parametrize("hits", [-1.0, 3.5, math.nan])
def test_hits_beyond_the_trials_are_refused(hits: float) -> None:
    with pytest.raises(ValueError, match=f"hits holds {hits}: 0 to trials, 3"):
        wilson_interval(torch.tensor([1.0, hits]), 3)
    assert wilson_interval(torch.tensor([0.0, 3.0]), 3)[1][1] == 1


def test_the_share_counts_what_passes_the_threshold_and_its_interval_holds_it() -> None:
    null = torch.linspace(0, 1, 1001, dtype=torch.float64)
    found = torch.linspace(0.5, 1.5, 1000, dtype=torch.float64)
    share = detected_share(null, found, 0.1)
    assert share.threshold == pytest.approx(0.9, abs=2e-3)
    assert share.probability == pytest.approx(0.6, abs=3e-3)
    assert share.lower < share.probability < share.upper
    # nothing below `least` is a detection, however low the threshold is
    assert detected_share(0 * null, found, 0.1, least=1.0).probability == pytest.approx(0.5, abs=2e-3)
    assert detected_share(0 * null, 0 * found, 0.1, least=1e-3).probability == 0
