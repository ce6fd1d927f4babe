"""Words with numbers in them: claims, story and presets against a second computation."""

from __future__ import annotations

import itertools
import json
import math
import re
from collections import Counter
from importlib import resources
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest
import torch

from anisoscope.app import words
from anisoscope.app.control import Claim
from anisoscope.app.frame import Frame
from anisoscope.app.lenses.overlap import OverlapLens, real_data, statements
from anisoscope.app.lenses.overlap.arrays import array_of
from anisoscope.app.numbers import shown
from anisoscope.app.presets import presets
from anisoscope.engine.overlap import (
    angular_power,
    antenna_patterns,
    compress,
    dipole,
    equal_sources,
    evaluate,
    gamma_lm,
    hellings_downs,
    null_distribution,
    optimal_statistic,
    overlap_harmonics,
    pixel_directions,
    real_harmonics,
    separations,
    sigma_for_snr,
)

ORACLE = json.loads(
    (Path(__file__).parents[2] / "engine" / "overlap" / "overlap_oracle.json").read_text("utf-8")
)


@pytest.fixture(scope="module")
def lens() -> OverlapLens:
    return OverlapLens()


@pytest.fixture(scope="module")
def frame(lens: OverlapLens) -> Frame:
    return lens.compute()


@pytest.fixture(scope="module")
def nanograv() -> torch.Tensor:
    return array_of("ng15", 0, "").directions


def claim(lens: OverlapLens, frame: Frame, start: str, values: dict[str, Any] | None = None) -> Claim:
    found = [c for c in lens.claims(lens.validated(values), frame) if c.text.startswith(start)]
    assert len(found) == 1, start
    return found[0]


def test_the_error_of_the_overlaps_is_as_claimed(lens: OverlapLens, frame: Frame) -> None:
    said = claim(lens, frame, "A formula that is exact")
    assert said.ours == "2 × 10⁻¹⁵" and said.paper == "5 × 10⁻⁴ and 3 × 10⁸; 7 × 10⁻¹⁰ and 8 × 10⁻⁵"
    # stored digits are those of 40-digit arithmetic, cut at 15: propagation, complex, without prefactor
    for key, value in ORACLE["Gamma_M"].items():
        l, m, degrees = (float(part) for part in key.split(","))
        l, m = int(l), int(m)
        factor = 3 / (8 * math.pi) * (math.sqrt(2) if m else 1) * (-1) ** l
        found = gamma_lm(math.radians(degrees), l)[l * l + l + m].item()
        assert found == pytest.approx(factor * value, abs=statements.ENGINE_ERROR), key


def published(m: int, l: int, zeta: Any, real: Any) -> Any:
    """Γ_lm of propagation, complex, times 3/(8π): Gair et al. (2014), eq. E12, as libstempo (MIT) has it.

    `real` makes numbers: float, or mpmath.mpf for as many digits as are set.
    """
    c = real(mpmath.cos(zeta)) if real is mpmath.mpf else math.cos(zeta)
    log, pi = (mpmath.log, mpmath.pi) if real is mpmath.mpf else (math.log, math.pi)
    below, above, two, factorial = 1 - c, 1 + c, real(2), math.factorial

    def term(q: int, i: int, j: int, edge: Any, power: int) -> Any:
        top = factorial(q) * factorial(l + j) * (two**power - edge**power)
        bottom = factorial(i) * factorial(q - i) * factorial(j) * factorial(l - j) * factorial(j - m) * power
        return two ** (i - j) * (-1) ** (q - i + j) * top / bottom

    def minus(q: int, shift: int) -> Any:
        places = itertools.product(range(q + 1), range(m, l + 1))
        return sum((-1) ** m * term(q, i, j, above, q - i + j - m + 1 + shift) for i, j in places)

    def plus(q: int, shift: int) -> Any:
        places = itertools.product(range(q + 1), range(m, l + 1))
        found = [(i, j, q - i + j - m + 1 - shift) for i, j in places]
        total = sum((-1) ** l * term(q, i, j, below, power) for i, j, power in found if power)
        if shift:
            pole = (-1) ** (l + m) * two ** (q - m) * factorial(l + m) * log(2 / below)
            total += pole / (factorial(m) * factorial(l - m))
        return total

    scale = 3 / (16 * pi) * (real(2 * l + 1) * pi * factorial(l - m) / factorial(l + m)) ** real(0.5)
    if m == 0:
        start = [1 + c / 3, -above / 3, 2 * c / 15][l] if l <= 2 else 0
        return scale * (start - above * minus(0, 0) - below * plus(1, 1))
    sine, tangent = (above * below) ** real(0.5), (below / above) ** real(0.5)
    if m == 1:
        start = [2 * sine / 3, -2 * sine / 5][l - 1] if l <= 2 else 0
        return scale / 2 * (start - above / tangent * minus(1, 0) - below * tangent * plus(2, 1))
    near = above * minus(m, 0) - below * minus(m - 1, 1)
    far = below * plus(m + 1, 1) - above * plus(m, 0)
    return -scale / 2 * (near * tangent**-m + far * tangent**m)


@pytest.mark.parametrize("zeta", [0.02, 0.3, 1.0, 3.1])
def test_the_published_form_is_ours_on_paper_and_fails_in_double_precision(zeta: float) -> None:
    errors = []
    for l in (1, 2, 3, 6, 10):
        ours = gamma_lm(zeta, l)[l * l + l :].tolist()
        factors = [(-1) ** l * (math.sqrt(2) if m else 1) for m in range(l + 1)]
        with mpmath.workdps(80):
            exact = [float(published(m, l, mpmath.mpf(zeta), mpmath.mpf)) for m in range(l + 1)]
        for m, factor in enumerate(factors):
            assert ours[m] == pytest.approx(factor * exact[m], abs=statements.ENGINE_ERROR)
        double = [published(m, l, zeta, float) for m in range(l + 1)]
        errors.append(max(abs(f * (a - b)) for f, a, b in zip(factors, double, exact, strict=True)))
    for claimed, found in zip(statements.CLOSED_FORM_ERROR.get(zeta, ()), errors[-2:], strict=False):
        # rounding errors: their size is reproducible, their digits depend on the order of the sum
        assert claimed / 5 < found < claimed * 5, errors


def test_the_pixel_error_is_as_claimed(lens: OverlapLens, frame: Frame, nanograv: torch.Tensor) -> None:
    points = pixel_directions(32)
    harmonics = real_harmonics(points, 10)
    plus, cross = antenna_patterns(nanograv, points)
    first, second = torch.triu_indices(len(nanograv), len(nanograv), 1)
    worst = 0.0
    for part, exact in zip(
        torch.arange(len(first)).split(400), overlap_harmonics(nanograv, 10).split(400), strict=True
    ):
        a, b = first[part], second[part]
        summed = (plus[a] * plus[b] + cross[a] * cross[b]) @ harmonics * (1.5 / len(points))
        worst = max(worst, (summed - exact).abs().max().item())
    assert worst == pytest.approx(statements.PIXEL_ERROR, rel=0.03)
    said = claim(lens, frame, "A sum over HEALPix")
    assert "1.5 × 10⁻⁴" in said.paper and said.ours.startswith(shown(frame.facts["pixel_error"]))


def test_the_dipole_is_measured_against_the_limit(lens: OverlapLens, frame: Frame) -> None:
    said = claim(lens, frame, "Dipole of the sky")
    assert said.standing == "disagrees" and said.ours == "27.6 %, above it"
    weak = {"fraction": 0.3}
    assert claim(lens, lens.compute(weak), "Dipole of the sky", weak).standing == "agrees"


def test_no_dipole_alone_passes_one_ninth() -> None:
    north = torch.tensor([0.0, 0.0, 1.0])
    strongest = dipole(north, 1.0)
    power = angular_power(strongest)
    assert (power[1] / power[0]).item() == pytest.approx(1 / 9, abs=1e-15)
    assert evaluate(strongest, -north[None]).item() == pytest.approx(0, abs=1e-15)
    assert evaluate(dipole(north, 1.01), -north[None]).item() < 0


@pytest.mark.parametrize("row", statements.NULL, ids=lambda row: f"snr-{row[0]}")
def test_the_null_distribution_is_as_claimed_and_no_chi(
    row: tuple[int, float, float], nanograv: torch.Tensor
) -> None:
    snr, median, top = row
    sigma = sigma_for_snr(hellings_downs(separations(nanograv)), 1.0)
    compressed = compress(overlap_harmonics(nanograv, 6), sigma)
    generator = torch.Generator().manual_seed(1)
    null = null_distribution(compressed, 6, float(snr), 1000, generator).anisotropic
    assert null.median().item() == pytest.approx(median, abs=0.06)
    assert torch.quantile(null, 0.9973).item() == pytest.approx(top, abs=0.06)
    draws = torch.randn(20000, 48, generator=generator, dtype=torch.float64).square().sum(1).sqrt()
    levels = torch.tensor([0.5, 0.9973], dtype=torch.float64)
    expected = torch.quantile(draws, levels).tolist()
    assert expected == pytest.approx(statements.CHI, abs=0.1)
    assert top < expected[0], "99.7 % of the null lie below the median of that χ²"


def test_equal_sources_have_the_power_that_is_said(lens: OverlapLens) -> None:
    generator = torch.Generator().manual_seed(5)
    power = torch.stack([angular_power(equal_sources(20, 4, generator)) for _ in range(1500)])
    ratio = (power / power[:, :1]).mean(0)[1:]
    assert ratio.tolist() == pytest.approx([1 / 20] * 4, rel=0.06)
    values = {"sky": "sources", "sources": 20}
    said = claim(lens, lens.compute(values), "Anisotropy of equal sources", values)
    assert said.paper == "1/N = 5.00 %"
    texts = [c.text for c in lens.claims(lens.validated({}), lens.compute())]
    assert not any("equal sources" in text for text in texts)


def test_a_pulsar_with_itself_is_one_only_on_an_even_sky(lens: OverlapLens, frame: Frame) -> None:
    assert claim(lens, frame, "A pulsar with itself").ours == "0.416 to 1.98"
    even = {"fraction": 0.0}
    assert claim(lens, lens.compute(even), "A pulsar with itself", even).ours == "1.00 to 1.00"


def test_directions_and_unread_sources_are_said(lens: OverlapLens, frame: Frame) -> None:
    values = {"orientation": "propagation"}
    assert claim(lens, frame, "A map of where", values).ours == "Γₗₘ by propagation"
    assert claim(lens, frame, "The printed functions").paper == "not read"
    source = str(resources.files("anisoscope.engine.overlap").joinpath("square_root.py").read_text("utf-8"))
    minima = claim(lens, frame, "The best positive sky").ours
    plain = re.sub(r"\s+", " ", source)
    assert minima == "64 % and 95 %; 3 % and 33 %"
    assert (
        "64 % of isotropic data sets at an HD SNR of 3 and 95 % at 10" in plain and "in 3 % and 33 %" in plain
    )


def test_what_the_series_leaves_out(lens: OverlapLens) -> None:
    values = {"sky": "point", "fraction": 1.0, "l_max": 3}
    said = claim(lens, lens.compute(values), "A series in harmonics", values)
    assert re.fullmatch(r"\d\.\d\d above l = 3; its power falls to −\d\.\d+", said.ours)


def test_a_coarse_frame_makes_no_claim_on_what_is_not_computed(lens: OverlapLens) -> None:
    request = lens.validated({})
    first = next(step for step in lens.frames(request) if step is not None)
    assert first.stage[0] == 1
    texts = " ".join(c.text for c in lens.claims(request, first))
    assert "HEALPix" not in texts and "A series" not in texts
    assert len(lens.readouts(request, first)) == 5


def test_the_card_names_the_pair(lens: OverlapLens, frame: Frame) -> None:
    card = lens.card(lens.validated({}), frame)
    assert card is not None and card.title == "J1909-3744 × J1713+0747"
    assert card.text.startswith("53.0° apart: Γ = −0.156; under an even sky −0.0315")
    assert "J1909-3744" in words.card(card)
    assert lens.card(lens.validated({}), Frame({})) is None


def test_readouts_show_what_the_frame_holds(lens: OverlapLens, frame: Frame) -> None:
    rows = {row.label: (row.value, row.beside) for row in lens.readouts(lens.validated({}), frame)}
    assert rows["pulsars, pairs"] == ("67", "2211")
    assert rows["dipole C₁/C₀, limit"] == ("27.6 %", "27 %")
    assert rows["left out above l = 8"][0] == "0.00128"


def closed_forms(zeta: float) -> dict[int, float]:
    """Γ_l0 in the pair frame by direction of propagation, without prefactor, l ≤ 3."""
    c = math.cos(zeta)
    y_log = (1 - c) * math.log((1 - c) / 2)
    return {
        0: math.sqrt(math.pi) / 2 * (2 * y_log + (c + 3) / 3),
        1: math.sqrt(3 * math.pi) / 2 * (-2 * y_log - (1 + c) * (4 - 3 * c) / 3),
        2: math.sqrt(5 * math.pi) / 2 * (2 * y_log - (15 * c**3 + 45 * c**2 - 19 * c - 45) / 30),
        3: math.sqrt(7 * math.pi) / 2 * (-2 * y_log - (1 - c * c) * (5 * c * c + 10 * c + 17) / 12),
    }


def test_the_presets_of_the_first_degrees_follow_the_closed_forms(nanograv: torch.Tensor) -> None:
    zeta = separations(nanograv[[45, 29]]).item()
    # by source, normalised to 1/2 at 0⁺, times the coefficient of a sky that is symmetric about the first pulsar
    part = {
        l: (-1) ** l * 3 / (8 * math.pi) * math.sqrt(4 * math.pi / (2 * l + 1)) * value
        for l, value in closed_forms(zeta).items()
    }
    expected = {
        "dipole": part[0] + part[1],
        "quadrupole": part[0] + part[2],
        "octupole": sum((2 * l + 1) * value for l, value in part.items()),
    }
    found = {p.name: p.expect["pair_gamma"][0] for p in presets("overlap") if p.name in expected}
    assert found == pytest.approx(expected, abs=1e-12)


def test_the_presets_keep_the_rules_of_the_house() -> None:
    every = presets("overlap")
    assert len(every) >= 8 and max(Counter(p.name for p in every).values()) == 1
    assert 3 <= sum(p.attempt for p in every) <= 4
    counts = {p.name: len([w for w in p.reason.split() if any(c.isalnum() for c in w)]) for p in every}
    assert {name: n for name, n in counts.items() if not 2 <= n <= 6} == {}
    assert all(p.expect and p.source for p in every)
    cited = [p for p in every if re.match(r"arXiv:1306\.539[45], ", p.source)]
    assert len(cited) >= 6


def test_the_presets_cover_what_the_papers_show() -> None:
    names = {p.name for p in presets("overlap")}
    figures = {"even", "dipole", "quadrupole", "octupole", "near", "limit", "injection"}
    assert names >= {*figures, "layout", "layout-even", "real", "point"}
    expected = {p.name: p.expect for p in presets("overlap")}
    assert expected["layout"]["condition"][0] > 6 * expected["layout-even"]["condition"][0]
    assert expected["layout"]["map_correlation"][0] < expected["layout-even"]["map_correlation"][0]
    assert expected["limit"]["dipole_ratio"][0] == pytest.approx(statements.DIPOLE_LIMIT, abs=5e-4)


def test_the_story_says_what_we_measure() -> None:
    text = resources.files("anisoscope.assets").joinpath("overlap", "story.md").read_text(encoding="utf-8")
    see, rest = text.split("## What we could not reproduce")
    assert len(see.split("## What you see")[1].split()) <= 90
    table = real_data.published("ng12p5_pairs")
    array = array_of("ng12p5", 0, "")
    place = {name: index for index, name in enumerate(array.names)}
    pairs = [[place[name] for name in row.split(" × ")] for row in table.names]
    on_the_sky = torch.stack([separations(array.directions[pair])[0] for pair in pairs])
    published = torch.from_numpy(table.zeta)
    rho, sigma = torch.from_numpy(table.rho), torch.from_numpy(table.sigma)
    here, there = (
        optimal_statistic(rho, hellings_downs(zeta), sigma).snr.item() for zeta in (on_the_sky, published)
    )
    assert f"the SNR is {here:.3f} instead of {there:.3f}" in rest
    moved = (on_the_sky - published).abs()
    touched = [name for name, far in zip(table.names, moved.tolist(), strict=True) if far > 1e-5]
    assert all("B1" in name for name in touched) and len(touched) > 100
    bins = real_data.published("ng15_bins")
    values = (torch.from_numpy(np.asarray(v)) for v in (bins.rho, bins.zeta, bins.sigma))
    gamma, zeta, spread = values
    snr = optimal_statistic(gamma, hellings_downs(zeta), spread).snr.item()
    assert f"SNR is {snr:.2f}" in rest
