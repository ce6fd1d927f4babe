"""Maps against dense linear algebra, in simulations, and on the NANOGrav 12.5-year pairs."""

import csv
import math

import pytest
import torch
from checkout import ROOT
from torch import Tensor

from anisoscope.engine.overlap.compression import compress, leftover, log_likelihood, project
from anisoscope.engine.overlap.harmonics import real_harmonics, unit_vectors
from anisoscope.engine.overlap.healpix import pixel_directions
from anisoscope.engine.overlap.maps import (
    dirty_map,
    fisher_matrix,
    fisher_spectrum,
    maximum_likelihood,
    pixel_response,
    principal_maps,
    radiometer,
)
from anisoscope.engine.overlap.pixel_map import overlap_from_map
from anisoscope.engine.overlap.sky_frame import overlap_harmonics


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def some_pulsars(count: int = 20) -> Tensor:
    return unit_vectors(torch.randn(count, 3, generator=seeded(3), dtype=torch.float64))


def some_data(response: Tensor, sets: int = 3) -> tuple[Tensor, Tensor]:
    sigma = 0.5 + torch.rand(len(response), generator=seeded(4), dtype=torch.float64)
    return torch.randn(sets, len(response), generator=seeded(5), dtype=torch.float64), sigma


@pytest.fixture(scope="module")
def gamma() -> Tensor:
    return overlap_harmonics(some_pulsars(), 3)


def test_pixels_and_harmonics_are_one_response() -> None:
    pulsars = some_pulsars(8)
    response = pixel_response(pulsars, 16)
    sky = torch.rand(3072, generator=seeded(), dtype=torch.float64)
    torch.testing.assert_close(response @ sky, overlap_from_map(pulsars, sky))
    harmonics = real_harmonics(pixel_directions(16), 3)
    # to the error of the pixels, about nside⁻²
    torch.testing.assert_close(response @ harmonics, overlap_harmonics(pulsars, 3), rtol=0, atol=3e-3)


def test_dirty_map_and_fisher_matrix_are_the_dense_products(gamma: Tensor) -> None:
    rho, sigma = some_data(gamma)
    inverse = torch.diag(sigma**-2)
    torch.testing.assert_close(dirty_map(rho, gamma, sigma), rho @ inverse @ gamma)
    torch.testing.assert_close(fisher_matrix(gamma, sigma), gamma.T @ inverse @ gamma)
    # one data set gives what it gives in a batch
    torch.testing.assert_close(dirty_map(rho[1], gamma, sigma), dirty_map(rho, gamma, sigma)[1])


def test_radiometer_fits_every_element_alone(gamma: Tensor) -> None:
    rho, sigma = some_data(gamma)
    found = radiometer(rho, gamma, sigma)
    fisher = fisher_matrix(gamma, sigma)
    torch.testing.assert_close(found.power, dirty_map(rho, gamma, sigma) / fisher.diagonal())
    torch.testing.assert_close(found.sigma, fisher.diagonal().rsqrt())
    torch.testing.assert_close(found.snr, found.power / found.sigma)
    noise = torch.randn(20_000, len(sigma), generator=seeded(), dtype=torch.float64) * sigma
    torch.testing.assert_close(radiometer(noise, gamma, sigma).power.std(0), found.sigma, rtol=0.03, atol=0)


def test_an_element_nobody_sees(gamma: Tensor) -> None:
    blind = gamma.clone()
    blind[:, 5] = 0
    rho, sigma = some_data(gamma)
    found = radiometer(rho, blind, sigma)
    assert found.power[:, 5].tolist() == found.snr[:, 5].tolist() == [0, 0, 0]
    assert found.sigma[5].item() == math.inf
    together = maximum_likelihood(rho, blind, sigma)
    assert together.condition == math.inf
    assert together.kept == gamma.shape[1] - 1
    assert bool(together.power.isfinite().all())
    assert together.power[:, 5].abs().max() < 1e-12


def test_maximum_likelihood_is_least_squares(gamma: Tensor) -> None:
    rho, sigma = some_data(gamma)
    found = maximum_likelihood(rho, gamma, sigma)
    fisher = fisher_matrix(gamma, sigma)
    torch.testing.assert_close(found.power, torch.linalg.solve(fisher, dirty_map(rho, gamma, sigma).T).T)
    torch.testing.assert_close(found.covariance, torch.linalg.inv(fisher))
    torch.testing.assert_close(found.resolution, torch.eye(len(fisher), dtype=torch.float64))
    assert found.condition == pytest.approx(float(torch.linalg.cond(fisher)), rel=1e-6)
    assert found.regularised_condition == pytest.approx(found.condition)
    sky = torch.randn(gamma.shape[1], generator=seeded(), dtype=torch.float64)
    torch.testing.assert_close(maximum_likelihood(gamma @ sky, gamma, sigma).power, sky)


def test_ridge_solves_the_penalised_equations(gamma: Tensor) -> None:
    rho, sigma = some_data(gamma)
    fisher = fisher_matrix(gamma, sigma)
    ridge = 0.01 * torch.linalg.eigvalsh(fisher)[-1]
    inverse = torch.linalg.inv(fisher + ridge * torch.eye(len(fisher)))
    found = maximum_likelihood(rho, gamma, sigma, 0.01)
    torch.testing.assert_close(found.power, dirty_map(rho, gamma, sigma) @ inverse)
    torch.testing.assert_close(found.covariance, inverse @ fisher @ inverse)
    torch.testing.assert_close(found.resolution, inverse @ fisher)
    assert found.regularised_condition < found.condition


def test_truncation_keeps_the_best_modes(gamma: Tensor) -> None:
    rho, sigma = some_data(gamma)
    fisher = fisher_matrix(gamma, sigma)
    values, vectors = torch.linalg.eigh(fisher)
    keep = values >= 0.15 * values[-1]
    assert 0 < keep.sum() < len(values)
    inverse = (vectors[:, keep] / values[keep]) @ vectors[:, keep].T
    found = maximum_likelihood(rho, gamma, sigma, 0.15, "truncated")
    torch.testing.assert_close(found.power, dirty_map(rho, gamma, sigma) @ inverse)
    assert found.kept == int(keep.sum())
    assert found.regularised_condition <= 1 / 0.15
    torch.testing.assert_close(found.resolution @ found.resolution, found.resolution)


def test_fewer_pairs_than_coefficients() -> None:
    gamma = overlap_harmonics(some_pulsars(3), 3)
    rho, sigma = some_data(gamma)
    found = maximum_likelihood(rho, gamma, sigma)
    assert found.condition == math.inf
    assert found.kept == 3
    torch.testing.assert_close(found.power @ gamma.T, rho)  # all data explained, by the smallest map


def test_principal_maps_have_independent_errors(gamma: Tensor) -> None:
    fisher = fisher_matrix(gamma, some_data(gamma)[1])
    found = principal_maps(fisher)
    assert bool((found.information.diff() <= 0).all())
    torch.testing.assert_close(found.maps @ found.maps.T, torch.eye(len(fisher), dtype=torch.float64))
    torch.testing.assert_close(found.maps @ fisher @ found.maps.T, torch.diag(found.information))
    peaks = found.maps.gather(1, found.maps.abs().argmax(1, keepdim=True))
    assert bool((peaks > 0).all())


def test_fisher_spectrum_by_degree(gamma: Tensor) -> None:
    fisher = fisher_matrix(gamma, some_data(gamma)[1])
    found = fisher_spectrum(fisher)
    assert found.information.shape == found.independent.shape == found.condition.shape == (4,)
    torch.testing.assert_close(found.information[1], fisher.diagonal()[1:4].mean())
    torch.testing.assert_close(found.independent[3], 1 / torch.linalg.inv(fisher).diagonal()[9:].mean())
    assert bool((found.independent <= found.information + 1e-12).all())
    assert found.condition[0] == 1
    assert bool((found.condition.diff() >= 0).all())
    singular = fisher_spectrum(torch.zeros(4, 4))
    assert singular.independent.tolist() == [0, 0]
    assert singular.condition.tolist() == [math.inf, math.inf]


def test_compression_keeps_the_whole_likelihood(gamma: Tensor) -> None:
    rho, sigma = some_data(gamma)
    compressed = compress(gamma, sigma)
    assert compressed.r.shape == (16, 16)
    sky = torch.randn(3, 16, generator=seeded(), dtype=torch.float64)
    whole = -0.5 * ((rho - sky @ gamma.T) / sigma).square().sum(-1)
    data = project(compressed, rho)
    found = log_likelihood(compressed, data, sky) - 0.5 * leftover(compressed, rho)
    torch.testing.assert_close(found, whole)
    few = overlap_harmonics(some_pulsars(4), 3)
    rho, sigma = some_data(few)
    compressed = compress(few, sigma)
    assert compressed.r.shape == (6, 16)
    assert leftover(compressed, rho).max() < 1e-20


@pytest.fixture(scope="module")
def nanograv() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Positions, pair index of every row, correlations and σ; positions of the 15-year table."""
    folder = ROOT / "assets" / "overlap" / "data"
    pairs, places = (
        list(
            csv.DictReader(line for line in path.read_text("utf-8").splitlines() if not line.startswith("#"))
        )
        for path in (folder / "ng12p5_pairs.csv", folder / "pulsars_ng15.csv")
    )
    names = sorted({row[key] for row in pairs for key in ("psr1", "psr2")})
    table = {row["name"]: (float(row["ra_deg"]), float(row["dec_deg"])) for row in places}
    right_ascension, declination = (
        torch.tensor([table[name] for name in names], dtype=torch.float64).deg2rad().T
    )
    across = declination.cos()
    pulsars = torch.stack(
        [across * right_ascension.cos(), across * right_ascension.sin(), declination.sin()], -1
    )
    order = {pair: i for i, pair in enumerate(map(tuple, torch.triu_indices(45, 45, 1).T.tolist()))}
    which = [order[tuple(sorted((names.index(row["psr1"]), names.index(row["psr2"]))))] for row in pairs]
    numbers = torch.tensor(
        [[float(row["A2gamma"]), float(row["sigma"])] for row in pairs], dtype=torch.float64
    )
    return pulsars, torch.tensor(which), numbers[:, 0], numbers[:, 1]


def test_the_brightest_pixel_of_nanograv(nanograv: tuple[Tensor, Tensor, Tensor, Tensor]) -> None:
    """MAPS finds a largest radiometer SNR of 3.77 at nside 8 in the 12.5-year pairs; units do not matter."""
    pulsars, which, rho, sigma = nanograv
    response = pixel_response(pulsars, 8)[which]
    found = radiometer(rho, response, sigma)
    assert found.snr.max().item() == pytest.approx(3.77, abs=0.005)
    torch.testing.assert_close(radiometer(1e30 * rho, response, 1e30 * sigma).snr, found.snr)


def test_refusals(gamma: Tensor) -> None:
    rho, sigma = some_data(gamma)
    with pytest.raises(ValueError, match="kind is 'lasso'"):
        maximum_likelihood(rho, gamma, sigma, 0.1, "lasso")
    with pytest.raises(ValueError, match="regularisation is 2"):
        maximum_likelihood(rho, gamma, sigma, 2.0)
    with pytest.raises(ValueError, match="response has shape"):
        radiometer(rho, gamma[0], sigma)
    with pytest.raises(ValueError, match="sigma has shape"):
        dirty_map(rho, gamma, sigma[1:])
    with pytest.raises(ValueError, match="fisher has 5 rows"):
        fisher_spectrum(torch.eye(5))
    with pytest.raises(ValueError, match="symmetric"):
        principal_maps(torch.tensor([[1.0, 2.0], [0.0, 1.0]]))
    with pytest.raises(ValueError, match="fisher has shape"):
        principal_maps(torch.ones(3))
    for pairs, columns in ((0, 3), (3, 0)):
        with pytest.raises(ValueError, match=rf"response has shape \({pairs}, {columns}\): at least one"):
            maximum_likelihood(torch.ones(pairs), torch.ones(pairs, columns), torch.ones(pairs))
    for use in (principal_maps, fisher_spectrum):
        with pytest.raises(ValueError, match=r"fisher has shape \(0, 0\)"):
            use(torch.zeros(0, 0))


def test_a_likelihood_takes_single_precision_and_no_other_shape(gamma: Tensor) -> None:
    rho, sigma = some_data(gamma)
    compressed = compress(gamma, sigma)
    data = project(compressed, rho).float()
    sky = torch.ones(gamma.shape[1])
    found = log_likelihood(compressed, data, sky)
    assert found.dtype == torch.float64
    torch.testing.assert_close(found, log_likelihood(compressed, data.double(), sky.double()))
    with pytest.raises(ValueError, match="data has shape"):
        log_likelihood(compressed, data[..., :1], sky)
    with pytest.raises(ValueError, match="coefficients"):
        log_likelihood(compressed, data, sky[1:])
