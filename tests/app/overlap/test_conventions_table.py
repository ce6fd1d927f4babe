"""The table of one pair and the arrays of all pairs say what the engine converts, and say which convention."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from anisoscope.app.lenses.overlap import conventions
from anisoscope.app.lenses.overlap.arrays import array_of
from anisoscope.engine.overlap import (
    CONVENTIONS,
    convert,
    hellings_downs,
    isotropic,
    overlap_harmonics,
    overlap_matrix,
    random_from_spectrum,
    separations,
)

DIRECTIONS = array_of("ng15", 0, "").directions[:9]
L_MAX = 4


@pytest.fixture(scope="module")
def pair() -> Tensor:
    return overlap_harmonics(DIRECTIONS[:2], 8)[0]


def number(cell: str) -> complex:
    plain = cell.replace("−", "-").replace("i", "j").replace(" ", "")
    return complex(plain)


@pytest.mark.parametrize("l_max", [0, 2, 8])
def test_every_cell_is_the_engines(pair: Tensor, l_max: int) -> None:
    rows = conventions.convention_rows(pair, l_max)
    assert len(rows) == (l_max + 1) ** 2 and {len(row) for row in rows} == {len(conventions.HEADINGS)}
    for column, (name, _, _) in enumerate(conventions.COLUMNS, start=2):
        expected = convert(pair[: (l_max + 1) ** 2], name).tolist()
        found = [number(row[column]) for row in rows]
        assert found == pytest.approx(expected, abs=6e-10), name
    assert [(int(row[0]), int(row[1].replace("−", "-"))) for row in rows] == [
        (l, m) for l in range(l_max + 1) for m in range(-l, l + 1)
    ]


def test_every_convention_of_the_engine_has_a_column() -> None:
    said = " ".join(title.lower() for _, title, _ in conventions.COLUMNS)
    for name in CONVENTIONS:
        own = name in {column for column, _, _ in conventions.COLUMNS}
        assert own or name in said, name
    # one column for those that agree
    values = torch.arange(1, 26, dtype=torch.float64)
    for twin in ("maps", "defiant", "pta_replicator"):
        assert torch.equal(convert(values, twin), convert(values, "enterprise"))
    assert torch.equal(convert(values, "pyorfs"), convert(values, "mingarelli"))


def test_too_few_values_are_refused(pair: Tensor) -> None:
    with pytest.raises(ValueError, match=r"shape \(81,\): 100 or more are needed"):
        conventions.convention_rows(pair, 9)
    with pytest.raises(ValueError, match="81 or more"):
        conventions.convention_rows(pair.reshape(1, -1), 8)


def test_the_csv_reads_back_exactly_and_names_its_conventions(pair: Tensor) -> None:
    text = conventions.as_csv(pair, 3, ("J0023+0923", "J0030+0451"))
    comments = [line for line in text.splitlines() if line.startswith("#")]
    assert "J0023+0923 and J0030+0451" in comments[0]
    assert len(comments) == 1 + len(conventions.COLUMNS)
    rows = list(csv.DictReader(io.StringIO("\n".join(text.splitlines()[len(comments) :]))))
    for name, _, words in conventions.COLUMNS:
        assert any(line.startswith(f"# {name}:") and line.endswith(words) for line in comments)
        expected = convert(pair[:16], name).numpy()
        if name == "mingarelli":
            found = np.array([complex(float(r[f"{name}_re"]), float(r[f"{name}_im"])) for r in rows])
        else:
            found = np.array([float(r[name]) for r in rows])
        np.testing.assert_array_equal(found, expected)


def test_arrays_have_the_form_of_the_codes_and_their_convention_inside(tmp_path: Path) -> None:
    names = tuple("abcdefghi")
    written: dict[str, Any] = {**conventions.export_arrays(DIRECTIONS, L_MAX, names)}
    np.savez(tmp_path / "all.npz", **written)
    with np.load(tmp_path / "all.npz", allow_pickle=False) as kept:
        arrays = dict(kept)
    assert arrays["enterprise"].shape == (25, 9, 9) and arrays["hasasia"].shape == (36, 25)
    assert "propagation direction" in str(arrays["enterprise_convention"])
    assert "source direction" in str(arrays["hasasia_convention"])
    assert tuple(arrays["names"]) == names
    np.testing.assert_array_equal(arrays["l"] ** 2 + arrays["l"] + arrays["m"], np.arange(25))
    ours = overlap_harmonics(DIRECTIONS, L_MAX)
    first, second = arrays["first"], arrays["second"]
    np.testing.assert_array_equal(arrays["enterprise"][:, first, second].T, convert(ours, "enterprise"))
    np.testing.assert_array_equal(arrays["hasasia"], convert(ours, "hasasia"))
    np.testing.assert_array_equal(arrays["enterprise"], arrays["enterprise"].transpose(0, 2, 1))


def test_the_matrices_of_any_sky_are_the_engines_with_the_pulsar_term() -> None:
    spectrum = 4 * torch.pi * torch.tensor([1.0, 0.2, 0.1, 0.05, 0.02], dtype=torch.float64)
    sky = random_from_spectrum(spectrum, torch.Generator().manual_seed(3))
    theirs = convert(sky, "enterprise", kind="coefficients").numpy()
    found = np.einsum("k,kab->ab", theirs, conventions.export_arrays(DIRECTIONS, L_MAX)["enterprise"])
    np.testing.assert_allclose(found, overlap_matrix(DIRECTIONS, sky), rtol=0, atol=1e-13)
    even = conventions.export_arrays(DIRECTIONS, 0)["enterprise"][0] * isotropic(0).item()
    np.testing.assert_allclose(np.diagonal(even), 1, atol=1e-14)
    assert even[0, 1] == pytest.approx(hellings_downs(separations(DIRECTIONS[:2])).item(), abs=1e-14)


def test_locations_are_the_angles_that_enterprise_takes() -> None:
    phi, theta = conventions.export_arrays(DIRECTIONS, 1)["enterprise_locations"].T
    again = np.stack([np.cos(phi) * np.sin(theta), np.sin(phi) * np.sin(theta), np.cos(theta)], 1)
    np.testing.assert_allclose(again, DIRECTIONS, rtol=0, atol=1e-15)
    assert phi.min() >= 0 and phi.max() < 2 * np.pi
