"""The recovered skies: against what was injected, against the engine's plain form, at their edges, by their seed."""

from __future__ import annotations

import csv
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from anisoscope.app.lenses.overlap import detection_curve, mollweide, real_data
from anisoscope.app.lenses.overlap.detection_curve import detection
from anisoscope.app.lenses.overlap.placement_sky import placement
from anisoscope.app.lenses.overlap.posterior_bars import posterior
from anisoscope.app.lenses.overlap.radiometer_sky import radiometer_map
from anisoscope.app.lenses.overlap.recovered_sky import METHODS
from anisoscope.app.lenses.overlap.recovery import Setup, recover, simulated
from anisoscope.engine.overlap.healpix import pixel_directions
from anisoscope.engine.overlap.maps import pixel_response, radiometer
from anisoscope.engine.overlap.placement import fisher_figure
from anisoscope.engine.overlap.pulsars import read_csv, uniform
from anisoscope.engine.overlap.simulate import sigma_for_snr
from anisoscope.engine.overlap.skies import hot_spot, isotropic
from anisoscope.engine.overlap.sky_frame import overlap_harmonics

SPOT = mollweide.direction(271.0, -8.0)


def nanograv() -> Tensor:
    return read_csv((real_data.DATA / "pulsars_ng15.csv").read_text(encoding="utf-8")).directions


def setup_for(directions: Tensor, injected: Tensor, **more: object) -> Setup:
    l_max = math.isqrt(len(injected)) - 1
    even = torch.ones(len(directions), dtype=torch.float64)
    plain: dict[str, object] = {"weights": even, "snr": 20.0, "noise_seed": 1, "fit_l_max": 4}
    return Setup(
        directions=directions,
        gamma=overlap_harmonics(directions, l_max),
        injected=injected,
        **{**plain, **more},
    )  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def spot() -> Setup:
    """A hot spot seen by the 67 pulsars of NANOGrav 15."""
    return setup_for(nanograv(), hot_spot(SPOT, 8.0, 0.6, 8))


@pytest.fixture(scope="module")
def within() -> Setup:
    """The same, ending at the degree of the fit."""
    return setup_for(nanograv(), hot_spot(SPOT, 8.0, 0.6, 4))


def test_without_noise_the_likelihood_gives_back_what_was_injected(within: Setup) -> None:
    tables, facts = recover(replace(within, snr=1e4, ridge=-6.0))
    assert facts["map_correlation"] > 0.999
    assert facts["hd_snr"] > 1e3
    assert facts["residual_high"] < 0.02 * facts["injected_high"]
    np.testing.assert_allclose(
        tables["recovered_bars"]["top"], tables["injected_bars"]["top"], rtol=0.02, atol=1e-3
    )


@pytest.mark.parametrize("method", ["likelihood", "square_root"])
def test_noise_shrinks_the_likeness(within: Setup, method: str) -> None:
    likeness = [recover(replace(within, method=method, snr=snr))[1]["map_correlation"] for snr in (2.0, 50.0)]
    assert likeness[0] < likeness[1]


def test_the_radiometer_points_at_a_small_hot_spot() -> None:
    directions = uniform(60).directions
    for ra, dec in ((271.0, -8.0), (40.0, 60.0)):
        place = mollweide.direction(ra, dec)
        _, facts = recover(
            setup_for(directions, hot_spot(place, 60.0, 0.9, 10), method="radiometer", snr=30.0)
        )
        found = pixel_directions(8)[facts["highest_pixel"]]
        assert math.degrees(math.acos(float(found @ place))) < 20
        assert facts["recovered_unit"] == "SNR" and "nearest pixel" in facts["drawn"]


def test_the_radiometer_is_the_engine_s(spot: Setup) -> None:
    """Without a response matrix, for σ that differ from pair to pair, and a pair that is switched off."""
    pairs = simulated(spot)
    sigma = pairs.sigma * (0.5 + torch.rand(len(pairs.sigma), generator=torch.Generator().manual_seed(3)))
    sigma[5] = math.inf
    found = radiometer_map(spot.key, pairs.rho, sigma, 4)
    expected = radiometer(pairs.rho, pixel_response(spot.directions, 4), sigma)
    torch.testing.assert_close(found.snr, expected.snr, rtol=1e-9, atol=1e-10)
    torch.testing.assert_close(found.power, expected.power, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(found.sigma, expected.sigma, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("snr", [1.0, 20.0, 100.0])
def test_squares_are_never_negative_and_linear_skies_may_be(spot: Setup, snr: float) -> None:
    _, squares = recover(replace(spot, method="square_root", snr=snr))
    assert (
        squares["physical"]
        and squares["minimum_power"] >= 0
        and squares["recovered_low"] == min(0.0, squares["injected_low"])
    )
    _, linear = recover(replace(spot, snr=snr))
    assert linear["physical"] == (linear["minimum_power"] >= 0)
    assert linear["recovered_low"] <= 0


@pytest.mark.parametrize("method", METHODS)
def test_same_seed_same_sky(spot: Setup, method: str) -> None:
    (first, facts), (second, again), (other, _) = (
        recover(replace(spot, method=method, noise_seed=seed), 60) for seed in (1, 1, 2)
    )
    assert facts == again
    for table in first:
        for column in first[table]:
            np.testing.assert_array_equal(first[table][column], second[table][column])
    assert (first["recovered_map"]["image"] != other["recovered_map"]["image"]).any()
    assert (first["injected_map"]["image"] == other["injected_map"]["image"]).mean() > 0.2


def test_noise_scales_with_snr_and_keeps_its_pattern(spot: Setup) -> None:
    low, high = simulated(spot), simulated(replace(spot, snr=40.0))
    torch.testing.assert_close(high.sigma * 2, low.sigma)
    torch.testing.assert_close((high.rho - high.expected) * 2, low.rho - low.expected)
    assert bool((low.sigma == low.sigma[0]).all())


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("count", [2, 3, 5])
@pytest.mark.parametrize("fit_l_max", [1, 6])
def test_few_pulsars_give_finite_pictures(count: int, fit_l_max: int, method: str) -> None:
    """A table of a lower degree than the fit, and a sky without any unevenness, among them."""
    tables, facts = recover(
        setup_for(uniform(count).directions, isotropic(3), method=method, fit_l_max=fit_l_max), 40
    )
    for columns in tables.values():
        assert all(np.isfinite(values).all() for values in columns.values())
    assert facts["map_correlation"] == pytest.approx(0.0, abs=1e-12)
    assert facts["condition"] == math.inf or facts["condition"] >= 1
    assert math.isnan(facts["dipole_snr"]) == (count < 5)  # of three, two separations agree
    if fit_l_max == 1:
        assert facts["anisotropic_snr"] < 1e-3


def test_the_principal_map_is_measured_best(spot: Setup) -> None:
    _, facts = recover(replace(spot, method="principal"))
    assert facts["principal_snr"] >= 0.9 * facts["hd_snr"]
    assert 0 < facts["principal_share"] < 1


def test_what_a_setup_refuses(spot: Setup) -> None:
    for wrong, word in (({"method": "eye"}, "method"), ({"fit_l_max": 7}, "fit_l_max")):
        with pytest.raises(ValueError, match=word):
            replace(spot, **wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="injected"):
        replace(spot, injected=isotropic(9))


def finished(setup: Setup, **more: object) -> tuple[dict, dict]:
    return [part for part in detection(setup, **more) if part is not None][-1]  # type: ignore[arg-type]


def test_detection_grows_with_snr(within: Setup) -> None:
    tables, facts = finished(replace(within, snr=6.0), rounds=2)
    y = tables["detection"]["y"]
    assert y[0] < 0.2 and y[-1] > 0.95
    assert (np.diff(y) > -0.06).all()
    band = tables["detection_band"]
    assert ((band["y2"] <= y + 1e-12) & (y <= band["y"] + 1e-12)).all()
    assert tables["detection_now"]["x"].tolist() == [6.0]
    assert facts["null_draws"] == 320 and facts["injections"] == 80
    assert 0 < facts["null_median"] < facts["null_threshold"]
    assert 4 < facts["snr_of_half"] < 10


def test_an_even_sky_is_hardly_ever_detected() -> None:
    _, facts = finished(setup_for(uniform(30).directions, isotropic(4), snr=10.0, fit_l_max=2), snrs=(10.0,))
    assert facts["detection_probability"] < 0.03
    assert facts["snr_of_half"] == math.inf


def test_a_degree_without_unevenness_detects_none(within: Setup) -> None:
    tables, facts = finished(replace(within, fit_l_max=1), rounds=1)
    assert (tables["detection"]["y"] == 0).all() and facts["root_degree"] == 0


def test_detection_keeps_what_it_drew(within: Setup) -> None:
    first = finished(within, rounds=1, snrs=(5.0,))
    kept = detection_curve._draws.cache_info().misses
    again = finished(replace(within, noise_seed=9, method="radiometer"), rounds=1, snrs=(5.0,))
    assert detection_curve._draws.cache_info().misses == kept
    assert first[1] == again[1]


@pytest.mark.slow
def test_posteriors_hold_the_truth() -> None:
    tables, facts = list(
        posterior(setup_for(uniform(40).directions, hot_spot(SPOT, 2.0, 0.6, 2), fit_l_max=2))
    )[-1]  # type: ignore[misc]
    for name in ("linear", "root"):
        table = tables[f"posterior_{name}"]
        assert (table["y0"] < table["y"]).all() and (table["y"] < table["y1"]).all()
        assert len(table["y"]) == 2
        assert 0.1 < facts[f"acceptance_{name}"] <= 1
        assert facts[f"ess_{name}"] > 100 and facts[f"r_hat_{name}"] < 1.1
    truth = recover(setup_for(uniform(40).directions, hot_spot(SPOT, 2.0, 0.6, 2), fit_l_max=2))[0]
    dipole = truth["injected_bars"]["top"][0]
    root = tables["posterior_root"]
    assert root["y0"][0] / 2 < dipole < root["y1"][0] * 2


def test_a_single_degree_has_no_square_root_posterior() -> None:
    parts = list(posterior(setup_for(uniform(20).directions, isotropic(1), fit_l_max=1)))
    assert parts[0] is None
    tables, facts = parts[-1]  # type: ignore[misc]
    assert len(tables["posterior_linear"]["y"]) == 1 and len(tables["posterior_root"]["y"]) == 0
    assert "r_hat_root" not in facts


def test_the_best_place_for_one_more_pulsar_is_the_best() -> None:
    directions = uniform(12).directions
    setup = setup_for(directions, isotropic(2), fit_l_max=2)
    tables, facts = placement(setup, columns=80)
    best = mollweide.direction(facts["placement_ra"], facts["placement_dec"])
    sigma = sigma_for_snr(_hellings_downs(directions), setup.snr)
    more = fisher_figure(torch.cat([directions, best[None]]), math.sqrt(float(sigma[0])), 2, "anisotropy")
    assert float(more) - facts["placement_base"] == pytest.approx(facts["placement_gain"], rel=1e-9)
    x, y = mollweide.project(best[None])
    np.testing.assert_allclose(
        [tables["placement_best"]["x"], tables["placement_best"]["y"]], [x, y], atol=1e-9
    )
    arrows = tables["placement_gradient"]
    assert 15 < len(arrows["x0"]) <= 24
    assert all(((arrows[f"x{n}"] / 2) ** 2 + arrows[f"y{n}"] ** 2 <= 1 + 1e-9).all() for n in (0, 1))


def test_weights_set_the_noise_of_pairs_and_of_every_figure() -> None:
    """Good pulsars are worth more: a light pulsar tells little, and the best new place is next to where it was."""
    directions = uniform(12).directions
    weights = torch.tensor([4.0, 0.01] + [1.0] * 10, dtype=torch.float64)
    even = setup_for(directions, hot_spot(SPOT, 4.0, 0.6, 2), fit_l_max=2)
    uneven = replace(even, weights=weights)
    first, second = torch.triu_indices(12, 12, 1)
    product = uneven.sigma.square() * weights[first] * weights[second]
    torch.testing.assert_close(product, product[:1].expand(66))
    hd = _hellings_downs(directions)
    assert float((hd / uneven.sigma).norm()) == pytest.approx(even.snr)
    noise = (uneven.sigma[0] * 2 * 0.1 / weights).sqrt()
    base = fisher_figure(directions, noise, 2, "anisotropy")
    assert placement(uneven, columns=40)[1]["placement_base"] == pytest.approx(float(base), rel=1e-12)
    # What is kept for one array must not be found for another that differs in its weights alone.
    for figure in (detection, posterior):
        told = [next(part for part in figure(each) if part)[0] for each in (even, uneven)]  # type: ignore[operator]
        assert any(
            not np.array_equal(told[0][name][c], told[1][name][c]) for name in told[0] for c in told[0][name]
        )


def test_arrows_point_to_larger_gain() -> None:
    """From each tail to each head the figure grows, where the arrow is not at its shortest."""
    directions = nanograv()[:20]
    setup = setup_for(directions, isotropic(2), fit_l_max=2)
    arrows = placement(setup, columns=40)[0]["placement_gradient"]
    noise = math.sqrt(float(sigma_for_snr(_hellings_downs(directions), setup.snr)[0]))
    grown = []
    for n in range(len(arrows["x0"])):
        ends = []
        for share in (0.0, 0.1):
            x, y = ((1 - share) * arrows[f"{axis}0"][n] + share * arrows[f"{axis}1"][n] for axis in "xy")
            place, _ = mollweide.unproject(np.array([x]), np.array([y]))
            added = torch.cat([directions, torch.from_numpy(place)])
            ends.append(float(fisher_figure(added, noise, 2, "anisotropy")))
        grown.append(ends[1] > ends[0])
    assert sum(grown) >= len(grown) - 1


def _hellings_downs(directions: Tensor) -> Tensor:
    return overlap_harmonics(directions, 0)[:, 0] * math.sqrt(4 * math.pi)


def test_the_990_pairs_of_nanograv() -> None:
    """As published with the data: A² = 4.1e-30 ± 1.5e-30, SNR 2.69, monopole SNR 3.20."""
    tables, facts = real_data.points("ng12p5_pairs")
    assert facts["real_amplitude"] == pytest.approx(4.13e-30, abs=0.01e-30)
    assert facts["real_uncertainty"] == pytest.approx(1.54e-30, abs=0.01e-30)
    assert facts["real_hd_snr"] == pytest.approx(2.69, abs=0.005)
    assert facts["real_monopole_snr"] == pytest.approx(3.20, abs=0.005)
    shown = tables["real_points"]
    assert facts["real_count"] == len(shown["x"]) == len(shown["names"]) == len(set(shown["names"])) == 990
    assert shown["names"][0] == "J1910+1256 × J1911+1347"
    assert shown["x"][0] == pytest.approx(math.degrees(0.016645893))
    assert shown["y"][0] == pytest.approx(2.284918e-29 / facts["real_amplitude"])
    # In these units the Hellings–Downs curve itself, 1/2 at 0, fits with amplitude 1.
    weight = real_data.published("ng12p5_pairs").sigma ** -2.0
    curve = real_data.hellings_downs(torch.from_numpy(np.radians(shown["x"]))).numpy()
    assert (shown["y"] * curve * weight).sum() / (curve**2 * weight).sum() == pytest.approx(1.0)


def test_pairs_lie_where_their_pulsars_stand() -> None:
    """Degrees, not radians; the B-named pulsars were published at places up to 0.6° away."""
    lines = (real_data.DATA / "pulsars_ng12p5.csv").read_text(encoding="utf-8").splitlines()
    array = read_csv("\n".join(lines))
    where = dict(zip(array.names, array.directions, strict=True))
    shown = real_data.points("ng12p5_pairs")[0]["real_points"]
    for name, x in list(zip(shown["names"], shown["x"], strict=True))[::37]:
        first, second = (where[part] for part in name.split(" × "))
        apart = math.degrees(2 * math.asin(float((first - second).norm()) / 2))
        assert apart == pytest.approx(x, abs=1.3 if "B" in name else 1e-3)


@pytest.mark.parametrize(("kind", "count", "first"), [("ng15_bins", 15, 0.435), ("cpta_bins", 13, 0.29)])
def test_binned_points_are_shown_as_published(kind: str, count: int, first: float) -> None:
    tables, facts = real_data.points(kind)
    shown = tables["real_points"]
    assert facts["real_count"] == len(shown["y"]) == count and shown["y"][0] == first
    assert facts["real_amplitude"] == pytest.approx(1.0, abs=2 * facts["real_uncertainty"])
    np.testing.assert_allclose((shown["y0"] + shown["y1"]) / 2, shown["y"])


def test_bins_and_pairs_of_nanograv_12_5_agree() -> None:
    """The same data twice: the bins carry A² Γ in the same unit, and weighted means of the pairs."""
    pairs, bins = (real_data.points(f"ng12p5_{form}") for form in ("pairs", "bins"))
    assert bins[1]["real_amplitude"] == pytest.approx(pairs[1]["real_amplitude"], rel=0.03)
    assert bins[1]["real_hd_snr"] == pytest.approx(pairs[1]["real_hd_snr"], abs=0.02)


def test_no_data_is_an_empty_table() -> None:
    tables, facts = real_data.points("none")
    assert facts["real_count"] == 0 and all(len(values) == 0 for values in tables["real_points"].values())
    with pytest.raises(ValueError, match="data"):
        real_data.points("ng20")


def test_files_have_no_stray_rows() -> None:
    for kind in real_data.KINDS[1:]:
        table = real_data.published(kind)
        assert (table.sigma > 0).all() and ((table.zeta > 0) & (table.zeta < math.pi)).all()
    raw = (real_data.DATA / "ng12p5_pairs.csv").read_text(encoding="utf-8").splitlines()
    assert len(list(csv.DictReader(line for line in raw if not line.startswith("#")))) == 990
