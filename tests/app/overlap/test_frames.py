"""Frames of the uneven sky: pairs against the engine, maps against their means, refusals by name."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from anisoscope.app.errors import RequestError
from anisoscope.app.frame import Frame
from anisoscope.app.lenses.overlap import mollweide
from anisoscope.app.lenses.overlap.arrays import array_of
from anisoscope.app.lenses.overlap.lens import OverlapLens
from anisoscope.app.lenses.overlap.skies import sky_of
from anisoscope.engine.overlap import hellings_downs, overlap_from_map, overlap_harmonics, separations


def first(values: dict[str, Any] | None = None) -> Frame:
    lens = OverlapLens()
    frame = next(iter(lens.frames(lens.validated(values))))
    assert frame is not None
    return frame


def in_pair_order(frame: Frame) -> np.ndarray:
    index, dots = frame.tables["pair_index"], frame.tables["pairs"]
    count = frame.facts["pulsars"]
    matrix = np.full((count, count), np.nan)
    matrix[index["a"], index["b"]] = dots["y"]
    return matrix[np.triu_indices(count, 1)]


def test_without_power_in_the_spot_every_pair_is_on_the_curve() -> None:
    frame = first({"fraction": 0.0})
    directions = array_of("ng15", 0, "").directions
    expected = hellings_downs(separations(directions)).numpy()
    np.testing.assert_allclose(in_pair_order(frame), expected, atol=3e-15)
    assert frame.facts["rms_deviation"] < 1e-14


@pytest.mark.parametrize("kind", ["hot_spot", "point", "dipole", "quadrupole", "sources", "spectrum"])
def test_pairs_are_the_harmonics_of_the_sky(kind: str) -> None:
    lens = OverlapLens()
    asked = lens.validated({"sky": kind, "l_max": 6, "fraction": 0.5})
    gamma = overlap_harmonics(array_of("ng15", 0, "").directions, 6)
    expected = gamma @ sky_of(asked).coefficients[:49]
    np.testing.assert_allclose(in_pair_order(first(asked.as_dict())), expected.numpy(), atol=1e-13)


def test_a_painted_sky_is_the_sum_over_its_pixels() -> None:
    digits = "0" * 80 + "f3" * 10 + "1" * 92
    frame = OverlapLens().compute({"sky": "painted", "painted": digits, "l_max": 10})
    pixels = torch.tensor([int(d, 16) for d in digits], dtype=torch.float64)
    exact = overlap_from_map(array_of("ng15", 0, "").directions, pixels / pixels.mean())
    left_out = float((exact - torch.from_numpy(in_pair_order(frame))).abs().max())
    assert frame.facts["truncation_error"] == pytest.approx(left_out, rel=1e-9)
    # Pixels have edges: their power goes on far above l = 10, and the lens says how much of it is not shown.
    assert left_out > 0.01


def test_the_kernel_times_the_power_is_the_pair() -> None:
    frame, lens = first(), OverlapLens()
    directions, inside = mollweide.raster(240)
    kernel = frame.tables["kernel"]["image"]
    columns = kernel.shape[1]
    directions, inside = mollweide.raster(columns)
    levels = kernel[inside].astype(float)
    # 127.5 + 1 is the index of 0; the scale is the largest |kernel|, at most 3/2 of its bound 1 for F².
    power = sky_of(lens.request()).power(directions).numpy()
    mean = ((levels - 128) * power).mean() / 127
    partial = frame.tables["partial_kernel"]["image"][inside].astype(float)
    other = ((partial - 128) * power).mean() / 127
    assert mean == pytest.approx(other, abs=0.01)
    assert np.sign(mean) == np.sign(frame.facts["pair_gamma"])


def test_equal_areas_and_the_way_back() -> None:
    directions, inside = mollweide.raster(400)
    assert inside.mean() == pytest.approx(math.pi / 4, abs=1e-3)
    x, y = mollweide.project(directions)
    again, _ = mollweide.unproject(x, y)
    np.testing.assert_allclose(again, directions.numpy(), atol=1e-12)
    # Equal areas: the mean of z² over the picture is that over the sphere.
    assert float(directions[:, 2].square().mean()) == pytest.approx(1 / 3, abs=1e-3)
    for declination in (90.0, -90.0, 89.99999):
        px, py = mollweide.project(mollweide.direction(10.0, declination))
        assert abs(px) < 1e-3 and abs(abs(py) - 1) < 1e-6


def test_recovery_and_errors_come_at_rest_and_a_negative_sky_is_refused_there() -> None:
    lens = OverlapLens()
    frame = lens.compute()
    assert frame.facts["pixel_error"] < 0.01 and frame.facts["map_correlation"] > 0.7
    negative = lens.compute({"sky": "spectrum", "slope": 0.0, "sky_seed": 1})
    assert negative.facts["sky_minimum"] < 0 and negative.facts["simulated"] is False
    assert negative.tables["recovered_bars"]["top"].size == 0
    units = {figure.name: figure.unit for figure in lens.figures(negative)}
    assert "negative sky" in units["recovered_map"]


def test_a_point_is_a_sky_although_its_series_rings() -> None:
    frame = OverlapLens().compute({"sky": "point", "fraction": 1.0})
    assert frame.facts["shown_minimum"] < 0 <= frame.facts["sky_minimum"]
    assert frame.facts["simulated"] is True and not any("no real sky" in note for note in frame.notes)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"array": "epta", "pulsar_a": 40}, r"pulsar_a = 40: must be from 0 to 24"),
        ({"pulsar_a": 5, "pulsar_b": 5}, r"pulsar_b = 5: must be another pulsar"),
        ({"sky": "painted", "painted": "xyz"}, r"painted.*hexadecimal"),
        ({"sky": "painted", "painted": "0" * 192}, r"painted.*power somewhere"),
        ({"sky": "painted", "painted": "1" * 191}, r"painted.*192"),
        ({"array": "own"}, r"drop"),
        ({"sky": "own"}, r"drop a map"),
        ({"declination": 91.0}, r"declination = 91.0: must be a number from -90 to 90"),
    ],
)
def test_bad_values_are_refused_by_name(values: dict[str, Any], words: str) -> None:
    with pytest.raises(RequestError, match=words):
        OverlapLens().compute(values)


def test_another_array_starts_with_a_pair_it_has() -> None:
    lens = OverlapLens()
    for array in ("epta", "ppta", "ng15"):
        checked, _ = lens.check({"array": array})
        lens.param.update(**checked)
        assert first(lens.request().as_dict()).facts["pulsars"] > max(lens.pulsar_a, lens.pulsar_b)
    assert (lens.pulsar_a, lens.pulsar_b) == (45, 29)


def test_the_table_of_conventions_copies_what_convert_gives() -> None:
    from anisoscope.engine.overlap import convert

    lens = OverlapLens()
    frame = first()
    table = lens.table(lens.request(), frame)
    assert table is not None
    ours = torch.from_numpy(frame.tables["pair_values"]["gamma_lm"])[:81]
    copied = dict(zip(table.headings[2:], table.copies[2:], strict=True))
    np.testing.assert_array_equal(eval(copied["hasasia"]), convert(ours, "hasasia").numpy())
    assert len(table.rows) == 16 and table.copies[:2] == ("", "")
