"""Γ_lm of the selected pair, and of a whole array, as other codes write them."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from anisoscope.engine.overlap.autocorrelation import autocorrelation
from anisoscope.engine.overlap.conventions import convert
from anisoscope.engine.overlap.skies import degree_of
from anisoscope.engine.overlap.sky_frame import overlap_harmonics, separations

from ...numbers import true_minus

COLUMNS = (
    ("anisoscope", "ours", "source direction, real harmonics, Γ₀₀√4π = 1/2 at 0⁺"),
    ("enterprise", "enterprise, MAPS, defiant, pta_replicator", "propagation direction: × (−1)^l"),
    ("hasasia", "hasasia", "source direction, × √4π, no Condon–Shortley phase"),
    ("fastpta", "fastPTA", "propagation direction, × 4π, no Condon–Shortley phase, m < 0 reversed"),
    ("mingarelli", "Mingarelli et al. 2013, pyORFs", "propagation direction, × 8π/3, complex harmonics"),
    ("allen", "Allen 2023", "propagation direction, × 2/3"),
)
"""Convention of the engine, whose it is, and what it does to ours."""

HEADINGS = ("l", "m", *(title for _, title, _ in COLUMNS))
DIGITS = 9


def convention_rows(values: Tensor, l_max: int) -> tuple[tuple[str, ...], ...]:
    """A pair's Γ_lm in every convention, as text under `HEADINGS`; one row for each l and m.

    Args:
        values: (…,) Γ_lm of the pair, ours, at least (l_max + 1)² of them.
        l_max: the last degree shown.

    Raises:
        ValueError: there are fewer values, or their number is no square.
    """
    columns = convention_columns(values, l_max)
    text = [[_number(value) for value in columns[name].tolist()] for name, _, _ in COLUMNS]
    degrees = zip(columns["l"].tolist(), columns["m"].tolist(), strict=True)
    return tuple((str(l), true_minus(str(m)), *cells) for (l, m), *cells in zip(degrees, *text, strict=True))


def convention_columns(values: Tensor, l_max: int) -> dict[str, np.ndarray]:
    """The same as numbers: l, m, and one column for each convention, that of the paper complex."""
    ours = _up_to(values, l_max)
    index = np.arange(len(ours))
    l = np.sqrt(index).astype(np.int64)
    found = {"l": l, "m": index - l * l - l}
    return {**found, **{name: convert(ours, name).numpy() for name, _, _ in COLUMNS}}


def as_csv(values: Tensor, l_max: int, pair: Sequence[str] = ()) -> str:
    """The table at full precision, the conventions in comments; complex numbers in two columns."""
    columns = convention_columns(values, l_max)
    out = io.StringIO()
    if pair:
        out.write(f"# overlap reduction functions of {' and '.join(pair)}, sky coordinates, ICRS\n")
    for name, title, words in COLUMNS:
        out.write(f"# {name}: {title}; {words}\n")
    flat: dict[str, np.ndarray] = {}
    for name, column in columns.items():
        if np.iscomplexobj(column):
            flat |= {f"{name}_re": np.real(column), f"{name}_im": np.imag(column)}
        else:
            flat[name] = column
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(flat)
    writer.writerows(zip(*(column.tolist() for column in flat.values()), strict=True))
    return out.getvalue()


def export_arrays(directions: Tensor, l_max: int, names: Sequence[str] = ()) -> dict[str, np.ndarray]:
    """Γ_lm of every pair, ready for np.savez: each array stands beside a word on its convention.

    Args:
        directions: (N, 3) vectors to the pulsars, ICRS.
        l_max: 0 … 32.
        names: of the pulsars, written along.

    Returns:
        enterprise: ((l_max + 1)², N, N), the form of `anis_basis`: the diagonal has the pulsar term;
        enterprise_locations: (N, 2) [phi, theta], its argument; hasasia: (pairs, (l_max + 1)²), with first and
        second the pulsars of each pair; anisoscope likewise; separation in radians; l, m of each column.

    Raises:
        ValueError: as for `overlap_harmonics`.
    """
    directions = torch.as_tensor(directions, dtype=torch.float64)
    ours = overlap_harmonics(directions, l_max)
    count = len(directions)
    first, second = torch.triu_indices(count, count, 1)
    matrices = ours.new_zeros((l_max + 1) ** 2, count, count)
    matrices[:, first, second] = ours.T
    matrices = matrices + matrices.mT + torch.diag_embed(_diagonal(directions, l_max))
    x, y, z = directions.unbind(-1)
    locations = torch.stack([torch.atan2(y, x) % (2 * torch.pi), torch.atan2(torch.hypot(x, y), z)], -1)
    columns = convention_columns(ours[0], l_max)
    arrays = {
        "enterprise": convert(matrices.movedim(0, -1), "enterprise").movedim(-1, 0).contiguous(),
        "enterprise_locations": locations,
        "hasasia": convert(ours, "hasasia"),
        "anisoscope": ours,
        "separation": separations(directions),
        "first": first,
        "second": second,
    }
    words = {name: f"{title}; {change}; index l² + l + m" for name, title, change in COLUMNS}
    found = {name: array.numpy() for name, array in arrays.items()}
    written = {f"{name}_convention": np.array(words[name]) for name in arrays if name in words}
    named = np.array(list(names), dtype=np.str_)
    return {**found, **written, "l": columns["l"], "m": columns["m"], "names": named}


def _diagonal(directions: Tensor, l_max: int) -> Tensor:
    """Γ_aa,lm with the pulsar term, ((l_max + 1)², N): zero for l > 2."""
    units = torch.eye((l_max + 1) ** 2, dtype=torch.float64)
    return torch.stack([autocorrelation(directions, unit) for unit in units])


def _up_to(values: Tensor, l_max: int) -> Tensor:
    ours = torch.as_tensor(values, dtype=torch.float64)
    if ours.ndim != 1 or degree_of(ours) < l_max:
        raise ValueError(f"values has shape {tuple(ours.shape)}: {(l_max + 1) ** 2} or more are needed")
    return ours[: (l_max + 1) ** 2]


def _number(value: complex) -> str:
    if isinstance(value, complex):
        if value.imag == 0:
            return _number(value.real)
        sign = "−" if value.imag < 0 else "+"
        return f"{_number(value.real)} {sign} {_number(abs(value.imag))}i"
    return true_minus(f"{value + 0.0:.{DIGITS}f}")
