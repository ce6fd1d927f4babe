"""Optimal statistics against plain weighted least squares, in simulations, and on the NANOGrav 12.5-year pairs."""

import csv
import math

import pytest
import torch
from checkout import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from anisoscope.engine.overlap.isotropic import hellings_downs
from anisoscope.engine.overlap.optimal import binned, multi_component, optimal_statistic

PAIRS = 60


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def some_pairs(seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Separations, σ, and four sets of correlations."""
    generator = seeded(seed)
    zeta = math.pi * torch.rand(PAIRS, generator=generator, dtype=torch.float64)
    sigma = 0.5 + torch.rand(PAIRS, generator=generator, dtype=torch.float64)
    return zeta, sigma, torch.randn(4, PAIRS, generator=generator, dtype=torch.float64)


@pytest.fixture(scope="module")
def nanograv() -> tuple[Tensor, Tensor, Tensor]:
    path = ROOT / "assets" / "overlap" / "data" / "ng12p5_pairs.csv"
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    rows = list(csv.DictReader(lines))
    columns = ([float(row[name]) for row in rows] for name in ("zeta_rad", "A2gamma", "sigma"))
    zeta, rho, sigma = (torch.tensor(column, dtype=torch.float64) for column in columns)
    return zeta, rho, sigma


def test_the_990_pairs_of_nanograv(nanograv: tuple[Tensor, Tensor, Tensor]) -> None:
    """As published with the data: A² = 4.1e-30 ± 1.5e-30, SNR 2.69; the monopole is stronger, SNR 3.20."""
    zeta, rho, sigma = nanograv
    assert len(zeta) == 990
    quadrupolar = optimal_statistic(rho, hellings_downs(zeta), sigma)
    assert quadrupolar.amplitude.item() == pytest.approx(4.13e-30, abs=0.01e-30)
    assert quadrupolar.uncertainty.item() == pytest.approx(1.54e-30, abs=0.01e-30)
    assert quadrupolar.snr.item() == pytest.approx(2.69, abs=0.005)
    assert optimal_statistic(rho, torch.ones_like(zeta), sigma).snr.item() == pytest.approx(3.20, abs=0.005)


def test_the_three_patterns_share_what_nanograv_saw(nanograv: tuple[Tensor, Tensor, Tensor]) -> None:
    zeta, rho, sigma = nanograv
    together = multi_component(rho, sigma, zeta)
    assert bool((together.snrs.abs() < 3.2).all())
    assert 1 < together.condition < 20
    # Units are no argument: the same in units of 1e-30.
    scaled = multi_component(rho * 1e30, sigma * 1e30, zeta)
    torch.testing.assert_close(scaled.snrs, together.snrs, rtol=1e-9, atol=0)
    assert scaled.condition == pytest.approx(together.condition, rel=1e-9)


def test_one_pattern_is_weighted_least_squares() -> None:
    zeta, sigma, rho = some_pairs()
    pattern = hellings_downs(zeta)
    found = optimal_statistic(rho, pattern, sigma)
    for row, amplitude, uncertainty in zip(rho, found.amplitude, found.uncertainty, strict=True):
        weights = torch.diag(sigma**-2)
        information = pattern @ weights @ pattern
        torch.testing.assert_close(amplitude, pattern @ weights @ row / information)
        torch.testing.assert_close(uncertainty, information**-0.5)
    torch.testing.assert_close(found.snr, found.amplitude / found.uncertainty)


@settings(max_examples=30, deadline=None)
@given(st.floats(1e-30, 1e30), st.floats(-5, 5))
def test_scales_and_shifts(factor: float, amplitude: float) -> None:
    zeta, sigma, rho = some_pairs()
    pattern = hellings_downs(zeta)
    before = optimal_statistic(rho, pattern, sigma)
    after = optimal_statistic(factor * (rho + amplitude * pattern), pattern, factor * sigma)
    torch.testing.assert_close(after.amplitude / factor, before.amplitude + amplitude, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(after.uncertainty / factor, before.uncertainty, rtol=1e-9, atol=0)


def test_pairs_without_information_drop_out() -> None:
    zeta, sigma, rho = some_pairs()
    pattern = hellings_downs(zeta)
    deaf = sigma.clone()
    deaf[::3] = torch.inf
    keep = torch.isfinite(deaf)
    some = optimal_statistic(rho[:, keep], pattern[keep], sigma[keep])
    for found, wanted in zip(optimal_statistic(rho, pattern, deaf), some, strict=True):
        torch.testing.assert_close(found, wanted)


def test_multi_component_against_the_normal_equations() -> None:
    zeta, sigma, rho = some_pairs()
    design = torch.stack([torch.ones_like(zeta), zeta.cos(), hellings_downs(zeta)], -1)
    weights = torch.diag(sigma**-2)
    covariance = torch.linalg.inv(design.T @ weights @ design)
    found = multi_component(rho, sigma, zeta)
    torch.testing.assert_close(found.covariance, covariance)
    torch.testing.assert_close(found.amplitudes, rho @ weights @ design @ covariance)
    torch.testing.assert_close(found.snrs, found.amplitudes / covariance.diagonal().sqrt())


def test_multi_component_finds_what_was_put_in() -> None:
    zeta, sigma, rho = some_pairs()
    truth = torch.tensor([0.3, -1.0, 2.0], dtype=torch.float64)
    clean = truth[0] + truth[1] * zeta.cos() + truth[2] * hellings_downs(zeta)
    torch.testing.assert_close(multi_component(clean, sigma, zeta).amplitudes, truth)
    draws = clean + sigma * torch.randn(20_000, PAIRS, generator=seeded(), dtype=torch.float64)
    found = multi_component(draws, sigma, zeta)
    torch.testing.assert_close(torch.cov(found.amplitudes.T), found.covariance, rtol=0.06, atol=2e-3)
    one = multi_component(rho, sigma, zeta, hellings_downs(zeta).unsqueeze(-1))
    torch.testing.assert_close(
        one.amplitudes[:, 0], optimal_statistic(rho, hellings_downs(zeta), sigma).amplitude
    )
    assert one.condition == pytest.approx(1)


def test_float32_separations_up_to_pi_are_taken() -> None:
    _, sigma, rho = some_pairs()
    zeta = torch.linspace(0.1, math.pi, PAIRS)
    found = multi_component(rho, sigma, zeta)
    torch.testing.assert_close(
        found.amplitudes, multi_component(rho, sigma, zeta.double().clamp(max=math.pi)).amplitudes
    )


def test_bins_are_weighted_means() -> None:
    zeta, sigma, rho = some_pairs()
    edges = torch.linspace(0, math.pi, 5, dtype=torch.float64)
    found = binned(zeta, rho, sigma, edges)
    assert found.pairs.sum() == PAIRS
    for i in range(4):
        inside = (zeta >= edges[i]) & (zeta < edges[i + 1])
        weights = sigma[inside] ** -2
        torch.testing.assert_close(found.mean[:, i], rho[:, inside] @ weights / weights.sum())
        torch.testing.assert_close(found.uncertainty[i], weights.sum() ** -0.5)
        torch.testing.assert_close(found.separation[i], zeta[inside] @ weights / weights.sum())
        assert found.pairs[i] == inside.sum()


def test_edges_of_bins_and_empty_ones() -> None:
    zeta = torch.tensor([0.0, 1.0, 3.0, 4.0], dtype=torch.float64)
    edges = torch.tensor([0.0, 1.0, 2.0, 3.0], dtype=torch.float64)
    found = binned(zeta, torch.arange(4.0), torch.ones(4), edges)
    assert found.pairs.tolist() == [1, 1, 1]  # 1.0 belongs to the right, 3.0 to the last, 4.0 to none
    assert found.mean.tolist() == [0, 1, 2]
    empty = binned(zeta[:1], torch.ones(1), torch.ones(1), edges)
    assert empty.pairs.tolist() == [1, 0, 0]
    assert empty.mean.tolist() == [1, 0, 0]
    assert empty.separation.tolist() == [0, 1.5, 2.5]
    assert empty.uncertainty[1].item() == math.inf


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_bins_name_the_pair_that_is_no_number(bad: float) -> None:
    edges, good = torch.tensor([0.0, 1.5, 3.2]), torch.ones(2, 3)
    wrong = good.clone()
    wrong[1, 2] = bad
    with pytest.raises(ValueError, match=f"separations of pair 2 is {bad}: finite"):
        binned(wrong[1], good, good[0], edges)
    with pytest.raises(ValueError, match=f"rho of pair 2 is {bad}: finite"):
        binned(good[0], wrong, good[0], edges)
    if bad != math.inf:  # which switches a pair off
        with pytest.raises(ValueError, match=f"sigma of pair 2 is {bad}"):
            binned(good[0], good, wrong[1], edges)


def test_refusals() -> None:
    zeta, sigma, rho = some_pairs()
    with pytest.raises(ValueError, match="zero for every pair"):
        optimal_statistic(rho, torch.zeros(PAIRS), sigma)
    with pytest.raises(ValueError, match="sigma has shape"):
        optimal_statistic(rho, hellings_downs(zeta), sigma[1:])
    with pytest.raises(ValueError, match="rho holds numbers that are not finite"):
        optimal_statistic(rho.fill_(torch.nan), hellings_downs(zeta), sigma)
    with pytest.raises(ValueError, match="cannot be told apart"):
        multi_component(torch.ones(2), torch.ones(2), zeta[:2])
    with pytest.raises(ValueError, match="cannot be told apart"):
        multi_component(torch.ones(PAIRS), sigma, torch.ones(PAIRS))
    with pytest.raises(ValueError, match="edges has shape"):
        binned(zeta, torch.ones(PAIRS), sigma, torch.tensor([1.0, 1.0]))
    with pytest.raises(ValueError, match="separations has shape"):
        binned(zeta[1:], torch.ones(PAIRS), sigma, torch.tensor([0.0, 1.0]))
