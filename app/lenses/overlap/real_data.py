"""Published pair correlations beside the simulated ones, in units where Hellings–Downs begins at 1/2."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from typing import Any

import numpy as np
import torch

from anisoscope.engine.overlap.isotropic import hellings_downs
from anisoscope.engine.overlap.optimal import optimal_statistic

from ...frame import Columns

DATA = resources.files("anisoscope.assets") / "overlap" / "data"


@dataclass(frozen=True)
class Published:
    """A table of correlations as it stands in its file.

    Attributes:
        zeta: separations in radians.
        rho, sigma: correlations and their standard deviations, A² Γ where `absolute`, else Γ.
        names: of each row.
        absolute: whether A² is in the numbers and has to be divided out.
    """

    zeta: np.ndarray
    rho: np.ndarray
    sigma: np.ndarray
    names: list[str] = field(default_factory=list)
    absolute: bool = False


_FILES = {
    "ng12p5_pairs": ("ng12p5_pairs.csv", "NANOGrav 12.5-yr, pair by pair"),
    "ng15_bins": ("hd_points_ng15.csv", "NANOGrav 15-yr, binned"),
    "cpta_bins": ("hd_points_cpta.csv", "Chinese PTA DR1, binned"),
    "ng12p5_bins": ("hd_points_ng12p5.csv", "NANOGrav 12.5-yr, binned"),
}
KINDS = ("none", *_FILES)


@lru_cache(maxsize=len(KINDS))
def points(kind: str) -> tuple[dict[str, Columns], dict[str, Any]]:
    """Table and facts of one published set.

    Where the file gives A² Γ it is divided by the Hellings–Downs optimal statistic A² of its own rows; a file
    of Γ is shown as it is, and its "A²" is the factor by which its rows differ from the curve. Bins are taken as
    independent, which they are not: their SNR is lower than the one published from all pairs.

    Args:
        kind: one of KINDS.

    Returns:
        real_points with x (degrees), y (Γ), x0, y0, x1, y1 (one standard deviation either way, nothing for
        single pairs), names; and facts real_amplitude ± real_uncertainty, real_hd_snr, real_monopole_snr
        (each pattern fitted alone), real_count, real_unit and real_title.

    Raises:
        ValueError: on another kind.
    """
    if kind not in KINDS:
        raise ValueError(f"data is {kind!r}: one of {', '.join(KINDS)} is allowed")
    if kind == "none":
        empty = np.empty(0)
        names: list[str] = []
        columns = dict.fromkeys(("x", "y", "x0", "y0", "x1", "y1"), empty)
        return {"real_points": {**columns, "names": names}}, {"real_count": 0, "real_title": ""}
    table = published(kind)
    facts = _statistics(table)
    unit = facts["real_amplitude"] if table.absolute else 1.0
    x, y, error = np.degrees(table.zeta), table.rho / unit, table.sigma / abs(unit)
    # The errors of single pairs, several times the height of the figure, would be all that is seen of it.
    bar = 0.0 if kind == "ng12p5_pairs" else error
    columns = {"x": x, "y": y, "x0": x, "y0": y - bar, "x1": x, "y1": y + bar}
    return {"real_points": {**columns, "names": table.names}}, {**facts, "real_title": _FILES[kind][1]}


@lru_cache(maxsize=4)
def published(kind: str) -> Published:
    """The rows of a file: separations in radians or degrees, correlations with A² or without, as its columns say."""
    rows = _rows(_FILES[kind][0])
    absolute = "A2gamma" in rows[0]
    pairs = "psr1" in rows[0]
    zeta = _numbers(rows, "zeta_rad") if pairs else np.radians(_numbers(rows, "zeta_deg"))
    names = [f"{row['psr1']} × {row['psr2']}" if pairs else f"bin {n}" for n, row in enumerate(rows, 1)]
    rho = _numbers(rows, "A2gamma" if absolute else "gamma")
    return Published(zeta, rho, _numbers(rows, "sigma"), names, absolute)


def _rows(file: str) -> list[dict[str, str]]:
    lines = (DATA / file).read_text(encoding="utf-8").splitlines()
    return list(csv.DictReader(line for line in lines if not line.startswith("#")))


def _numbers(rows: list[dict[str, str]], column: str) -> np.ndarray:
    return np.array([float(row[column]) for row in rows])


def _statistics(table: Published) -> dict[str, Any]:
    zeta, rho, sigma = (torch.from_numpy(values) for values in (table.zeta, table.rho, table.sigma))
    found = optimal_statistic(rho, hellings_downs(zeta), sigma)
    even = optimal_statistic(rho, torch.ones_like(zeta), sigma)
    facts = {
        "real_amplitude": float(found.amplitude),
        "real_uncertainty": float(found.uncertainty),
        "real_hd_snr": float(found.snr),
        "real_monopole_snr": float(even.snr),
        "real_count": len(table.zeta),
        "real_unit": "A²" if table.absolute else "of the published A²",
    }
    # log10 A at one per year, as amplitudes are quoted; a ratio has none.
    return (
        {**facts, "real_log10_amplitude": 0.5 * math.log10(facts["real_amplitude"])}
        if table.absolute
        else facts
    )
