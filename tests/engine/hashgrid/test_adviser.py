"""The adviser against a search by brute force, and the growth rule against reference values."""

import itertools
import math

import pytest
import torch

from anisoscope.engine.hashgrid.adviser import BETAS, advise, recommended_growth
from anisoscope.engine.hashgrid.speckle import speckle_snr, table_size_for_snr

from .psf_oracle import ORACLE, real_levels


@pytest.mark.parametrize("case", ORACLE["advise"]["cases"])
def test_reference_growth(case):
    growth = recommended_growth(case["beta"], case["W"], case["N_min"], case["L"])
    assert growth == pytest.approx(case["b"], rel=1e-10)


def test_betas_are_the_closed_forms():
    assert BETAS["adam"] == pytest.approx(ORACLE["asymptotic"]["beta"]["adam"]["2D axis (1,0)"], rel=1e-12)
    least = ORACLE["asymptotic"]["beta"]["averaged"]["2D axis (1,0)"]
    assert BETAS["least squares"] == pytest.approx(least, rel=1e-12)


def rows_read(levels, growth, bits, coarsest, pixels):
    """Rows read from pixel centres, and rows, in the paper's convention, one dictionary a level."""
    read = rows = 0
    for l in range(levels):
        n = math.floor(coarsest * growth**l + 1e-9)
        dense, size = (n + 1) ** 2 <= 2**bits, min((n + 1) ** 2, 2**bits)
        centres = [n * (2 * i + 1) / (2 * pixels) for i in range(pixels)]
        # the vertices with a weight along one axis; 1e-9 as rounding allows
        touched = {
            math.floor(a + c + 1e-9) if not c else math.ceil(a - 1e-9) for a in centres for c in (0, 1)
        }
        if dense:
            read += len(touched) ** 2
        else:
            read += len({(i ^ (j * 2654435761 & 0xFFFFFFFF)) % size for i in touched for j in touched})
        rows += size
    return read, rows


def brute_force(width, pixels, budget, beta, coarsest, features=2):
    """Every number of levels and every table size, from the rule as it is written."""
    allowed = [
        levels
        for levels in range(2, 33)
        if recommended_growth(beta, pixels / width, coarsest, levels) <= 1.6 * (1 + 1e-12)
    ]
    found = []
    for levels in allowed[:5]:
        growth = recommended_growth(beta, pixels / width, coarsest, levels)
        counts = [rows_read(levels, growth, bits, coarsest, pixels) for bits in range(1, 22)]
        within = [k for k, (_, rows) in enumerate(counts) if rows * features * 4 <= budget]
        most = max(counts[k][1] for k in within)
        bits = min(k for k in within if counts[k][1] == most) + 1
        read, rows = counts[bits - 1]
        found.append((levels, bits, read / rows, rows))
    enough = [candidate for candidate in found if candidate[2] >= 0.95]
    if enough:
        return enough[0]
    return next(c for c in found if c[2] >= max(other[2] for other in found) - 0.02)


@pytest.mark.parametrize(
    ("width", "pixels", "budget"), list(itertools.product([1.5, 3.0], [24, 32], [9_000, 60_000, 10_000_000]))
)
def test_advice_is_what_a_search_finds(width, pixels, budget):
    ours = advise(width, pixels, budget, regime="adam", base_resolution=8)
    levels, bits, fraction, rows = brute_force(width, pixels, budget, BETAS["adam"], 8)
    assert (ours.levels, ours.log2_table_size, ours.rows) == (levels, bits, rows)
    assert ours.utilisation == pytest.approx(fraction, abs=1e-12)
    assert ours.adequate == (fraction >= 0.95)
    assert ours.bytes == ours.rows * 8 <= budget and ours.parameters == 2 * ours.rows


def test_a_starving_growth_is_passed_over():
    # 4^(1/3) from 8 meets 128 and 512: on 32 pixels their centres lie on every 4th and 16th vertex
    growth, pixels = 4 ** (1 / 3), 32
    beta = 8 / pixels * growth ** (10 / 2)
    assert recommended_growth(beta, pixels, 8, 11) == pytest.approx(growth)
    ours = advise(1.0, pixels, 12_000, regime=beta, base_resolution=8)
    starved = rows_read(11, growth, ours.log2_table_size, 8, pixels)
    assert starved[0] / starved[1] < 0.95
    assert ours.levels == 12 and ours.adequate


def test_expectations():
    ours = advise(4.0, 256, 1_000_000, regime="least squares")
    assert 1 < ours.growth <= 1.6
    # floored levels: N_avg a little below β W/w
    assert ours.average_resolution == pytest.approx(BETAS["least squares"] * 64, rel=0.02)
    assert ours.fwhm[0] < 1 / 64 < ours.fwhm[1]
    assert ours.snr == pytest.approx(ours.levels * math.sqrt(2**ours.log2_table_size / ours.hashed_levels))
    assert len(ours.loads) == ours.levels and sum(load > 1 for load in ours.loads) == ours.hashed_levels
    assert any("levels keep the growth" in line for line in ours.reasons)
    ample = advise(4.0, 64, 10**9, regime="least squares", base_resolution=4)
    assert ample.hashed_levels == 0 and ample.snr == math.inf


def test_dense_supervision_and_space():
    ample = advise(1.0, 64, 10**6, regime="dense", base_resolution=8)
    scarce = advise(1.0, 64, 10**4, regime="dense", base_resolution=8)
    assert ample.finest == pytest.approx(2.5 * 64, abs=1) and scarce.finest == pytest.approx(64, abs=1)
    assert scarce.rows < 64**2 <= ample.rows
    space = advise(2.0, 128, 2**25, dim=3)
    assert space.utilisation is None and space.adequate and space.bytes <= 2**25
    some = advise(
        2.0, 128, 2**25, dim=3, samples=torch.rand(100, 3, generator=torch.Generator().manual_seed(0))
    )
    assert some.utilisation is not None and not some.adequate


def test_the_table_for_a_ratio():
    levels = real_levels(12, 8, 1.5)
    rows = table_size_for_snr(levels, 100.0)
    assert speckle_snr(levels, rows) >= 100 > speckle_snr(levels, rows // 2)
    assert rows == 1024


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"width": 0.0}, "width"),
        ({"pixels": -4}, "pixels"),
        ({"pixels": 64.5}, "pixels"),
        ({"features": 2.5}, "features"),
        ({"dim": 2.0}, "dim"),
        ({"width": math.nan}, "width"),
        ({"max_bytes": 0}, "max_bytes"),
        ({"max_bytes": 64}, "budget|bytes"),
        ({"regime": "hope"}, "regime"),
        ({"regime": -1.0}, "regime"),
        ({"width": 64.0}, "base_resolution"),
        ({"width": 1e-7}, "levels"),
    ],
)
def test_what_is_refused(change, words):
    arguments = {"width": 2.0, "pixels": 64, "max_bytes": 100_000, **change}
    with pytest.raises(ValueError, match=words):
        advise(**arguments)
