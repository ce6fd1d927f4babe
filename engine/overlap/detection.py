"""Is the sky anisotropic? Likelihood ratios against isotropy, with their null distribution by Monte Carlo.

Pol, Taylor & Romano (2022), arXiv:2206.09936: SNR² = 2 ln of the ratio of maximum likelihoods. It is no χ² of any
number of degrees of freedom, since the positive sky is a curved set with a boundary; thresholds therefore come from
simulated isotropic skies. Drawing them in the compressed space is ours and exact for independent pairs.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from .compression import Compressed, project
from .square_root import SquareRootFit, isotropic_amplitude, square_root_fit
from .whitening import float64


class AnisotropySnr(NamedTuple):
    """Signal-to-noise ratios (...) and the fit behind them.

    anisotropic: √(2(lnL_sqrt − lnL_iso)).
    total: √(2(lnL_sqrt − lnL_0)), lnL_0 that of no background at all.
    isotropic: √(2(lnL_iso − lnL_0)), the optimal-statistic SNR where that is positive.
    """

    anisotropic: Tensor
    total: Tensor
    isotropic: Tensor
    fit: SquareRootFit


class DetectionCurve(NamedTuple):
    """By HD SNR, (snrs,) each.

    probability: fraction of injections above the threshold.
    lower, upper: one standard deviation of both Monte Carlos: Wilson's binomial interval of the injections, at the
        upper and lower end of the threshold. With few null draws the threshold is the larger part.
    threshold: the anisotropic SNR that isotropic skies exceed with the chosen false-alarm probability.
    unconverged: fraction of all fits, null and injected, that did not converge.
    """

    probability: Tensor
    lower: Tensor
    upper: Tensor
    threshold: Tensor
    unconverged: Tensor


def anisotropy_snr(compressed: Compressed, data: Tensor, l_max: int, starts: int = 1) -> AnisotropySnr:
    """Likelihood ratios of the best positive sky, the best isotropic one and none, from compressed data.

    Args:
        compressed: of a design in all harmonics up to l_max, from `compress`.
        data: (..., j) from `project`.
        l_max: band limit of the sky.
        starts: of `square_root_fit`. The likelihood has several minima: compare only with a null distribution
            made with the same number.

    Returns:
        AnisotropySnr; the three satisfy total² = anisotropic² + isotropic².

    Raises:
        ValueError: as `square_root_fit`.
    """
    data = float64(data)
    fit = square_root_fit(compressed, data, l_max, starts=starts)
    amplitude, uncertainty = isotropic_amplitude(compressed, data)
    isotropic = amplitude / uncertainty
    nothing = data.square().sum(-1)
    # Both skies may vanish (A² ≥ 0); the fit itself starts above zero, so the isotropic one is a candidate too.
    total = (nothing - fit.chi_square).clamp(min=0).maximum(isotropic.square())
    anisotropic = (total - isotropic.square()).clamp(min=0).sqrt()
    return AnisotropySnr(anisotropic, total.sqrt(), isotropic, fit)


def simulate_compressed(
    compressed: Compressed, mean: Tensor, count: int, generator: torch.Generator | None = None
) -> Tensor:
    """Draws of compressed data, (count, j): the mean (j,) plus one unit Gaussian in each number.

    The same distribution as `project` of simulated pairs, since the columns of q are orthonormal.
    """
    if count < 1:
        raise ValueError(f"count is {count}: at least 1 draw is needed")
    mean = float64(mean)
    noise = torch.randn(count, len(mean), generator=generator, dtype=torch.float64, device=mean.device)
    return mean + noise


def null_distribution(
    compressed: Compressed,
    l_max: int,
    amplitude: float,
    count: int = 200,
    generator: torch.Generator | None = None,
    starts: int = 1,
) -> AnisotropySnr:
    """What anisotropy an isotropic sky shows: draws (count,) of all ratios of `anisotropy_snr`.

    Args:
        compressed: the array.
        l_max: band limit of the fitted sky.
        amplitude: A² of the isotropic background, in the units of the σ in compressed.
        count: number of draws.
        generator: source of randomness.
        starts: of `square_root_fit`.
    """
    mean = amplitude * math.sqrt(4 * math.pi) * compressed.r[:, 0]
    draws = simulate_compressed(compressed, mean, count, generator)
    return anisotropy_snr(compressed, draws, l_max, starts)


def detection_threshold(null: Tensor, false_alarm: float = 0.0027) -> Tensor:
    """The value that a fraction false_alarm of the null exceeds; 0.0027 is "3σ".

    Empirical: 1/false_alarm draws at least are needed to see that far into the tail, or the largest draw is all
    there is (it then stands for a false alarm of one in the number of draws).

    Args:
        null: (draws,) of the statistic.
        false_alarm: 0 … 1.

    Raises:
        ValueError: without draws, on one that is NaN or infinite, or a probability outside 0 … 1.
    """
    return torch.quantile(_checked_null(null, false_alarm), 1 - false_alarm)


def threshold_interval(null: Tensor, false_alarm: float = 0.0027) -> tuple[Tensor, Tensor]:
    """One standard deviation about `detection_threshold`, from the binomial scatter of its rank.

    Where that reaches past the largest draw the upper end is the largest draw, and too low.
    """
    null = _checked_null(null, false_alarm)
    scatter = math.sqrt(false_alarm * (1 - false_alarm) / len(null))
    lower = torch.quantile(null, max(1 - false_alarm - scatter, 0.0))
    return lower, torch.quantile(null, min(1 - false_alarm + scatter, 1.0))


def _checked_null(null: Tensor, false_alarm: float) -> Tensor:
    null = float64(null)
    if null.ndim != 1 or len(null) == 0 or not 0 < false_alarm < 1:
        raise ValueError(
            f"null has shape {tuple(null.shape)}, false_alarm is {false_alarm}: (draws,) and 0 … 1"
        )
    bad = ~torch.isfinite(null)
    if bool(bad.any()):
        first = int(bad.nonzero()[0])
        raise ValueError(f"null: draw {first} is {null[first].item()}: finite numbers are needed")
    return null


def detection_probability(
    compressed: Compressed,
    expected: Tensor,
    snrs: Tensor,
    l_max: int,
    injections: int = 200,
    null_draws: int = 2000,
    false_alarm: float = 0.0027,
    generator: torch.Generator | None = None,
    starts: int = 1,
) -> DetectionCurve:
    """How often a sky is told from an isotropic one, against the Hellings–Downs SNR of the background.

    The HD SNR counts what an isotropic background of the same mean power would have; it is reached by a stronger
    background, the noise stays.

    Args:
        compressed: the array, in any units.
        expected: (pairs,) overlaps of the sky at mean power 1; not limited to l_max.
        snrs: (snrs,) Hellings–Downs SNRs.
        l_max: band limit of the fitted sky.
        injections: noise draws for each SNR.
        null_draws: isotropic draws for each SNR.
        false_alarm: of one test.
        generator: source of randomness.
        starts: of `square_root_fit`.

    Returns:
        DetectionCurve.

    Raises:
        ValueError: on shapes that disagree, SNRs that are not positive and finite, or none.
    """
    snrs, signal = float64(snrs), project(compressed, expected)
    if snrs.ndim != 1 or len(snrs) == 0 or not bool(((snrs > 0) & snrs.isfinite()).all()):
        raise ValueError(f"snrs is {snrs.tolist()}: a list of positive finite numbers is needed")
    _, unit = isotropic_amplitude(compressed, signal)
    rows: list[tuple[float, ...]] = []
    for snr in snrs.tolist():
        amplitude = snr * unit
        null = null_distribution(compressed, l_max, amplitude, null_draws, generator, starts)
        draws = simulate_compressed(compressed, amplitude * signal, injections, generator)
        found = anisotropy_snr(compressed, draws, l_max, starts)
        share = detected_share(null.anisotropic, found.anisotropic, false_alarm)
        failed = torch.cat([null.fit.converged, found.fit.converged]).logical_not().double().mean()
        rows.append((*share, float(failed)))
    return DetectionCurve(*torch.tensor(rows, dtype=torch.float64).unbind(-1))


class DetectedShare(NamedTuple):
    """How many skies were told from an isotropic one: the share, its 68 % interval, and the SNR that had to be passed."""

    probability: float
    lower: float
    upper: float
    threshold: float


def detected_share(null: Tensor, found: Tensor, false_alarm: float, least: float = 0.0) -> DetectedShare:
    """The share of the found SNRs above the threshold of the null ones; its interval has the threshold's scatter too.

    Args:
        null: (draws,) anisotropic SNRs of isotropic skies.
        found: (injections,) those of the sky that is looked for.
        false_alarm: of one test.
        least: an SNR that is no detection wherever the threshold lies.

    Raises:
        ValueError: as `detection_threshold`.
    """
    threshold = detection_threshold(null, false_alarm)
    low, high = threshold_interval(null, false_alarm)
    hits, most, fewest = ((found > level.clamp(min=least)).sum() for level in (threshold, low, high))
    lower, upper = wilson_interval(fewest, len(found))[0], wilson_interval(most, len(found))[1]
    return DetectedShare(float(hits) / len(found), float(lower), float(upper), float(threshold))


def wilson_interval(hits: Tensor, trials: int) -> tuple[Tensor, Tensor]:
    """Wilson's (1927) binomial interval of one standard deviation; not empty at 0 and 1, unlike √(p(1−p)/n).

    Args:
        hits: (...) 0 … trials.
        trials: 1 or more.

    Raises:
        ValueError: on trials below 1, or hits outside 0 … trials.

    >>> [round(bound.item(), 4) for bound in wilson_interval(torch.tensor(0.0), 99)]
    [0.0, 0.01]
    """
    # written so that NaN fails
    if not trials >= 1:
        raise ValueError(f"trials is {trials}: at least 1 is needed")
    hits = float64(hits)
    bad = ~((hits >= 0) & (hits <= trials))
    if bool(bad.any()):
        raise ValueError(f"hits holds {hits[bad][0].item()}: 0 to trials, {trials}, is allowed")
    p = hits / trials
    centre = (p + 1 / (2 * trials)) / (1 + 1 / trials)
    half = (p * (1 - p) / trials + 1 / (4 * trials**2)).sqrt() / (1 + 1 / trials)
    return (centre - half).clamp(min=0), (centre + half).clamp(max=1)
