"""Rows of spectra as the browser gets them: codes for lines and colours, one number for traces."""

from __future__ import annotations

import numpy as np
import torch

from anisoscope.engine import spectra
from anisoscope.engine.spectra import metrics

from .codes import encoded, logarithm
from .lane_record import LaneRecord, Matrix

ALPHA_FIRST = 11
"""First index of the fit of α; the last is the middle one."""


class SpectrumRows:
    """One matrix and kind of one lane, taken over row by row as they are recorded.

    codes: (n, r) uint16 of log10 σ. colours: (n, r) uint8 of log10 σ/σ₁, 1 to 255, 0 for no value. top, floor, edge,
    number: (n,) float32: log10 of σ₁, of the noise floor and of the upper edge of Marchenko and Pastur; the metric.
    """

    def __init__(self, matrix: int, kind: str, metric: str) -> None:
        self._matrix, self._kind, self._metric = matrix, kind, metric
        self.codes = np.zeros((0, 1), np.uint16)
        self.colours = np.zeros((0, 1), np.uint8)
        self.top = self.floor = self.number = self.edge = np.zeros(0, np.float32)
        self._rows = np.zeros(0, np.int64)

    def take(self, lane: LaneRecord, rows: np.ndarray) -> None:
        """Hold exactly these rows of the lane, ascending; only those not held yet are computed."""
        most = min(len(self._rows), len(rows))
        other = np.flatnonzero(self._rows[:most] != rows[:most])
        kept = int(other[0]) if len(other) else most
        new = rows[kept:]
        if not len(new) and kept == len(self._rows):
            return
        sigma = lane.sigma(self._matrix, self._kind)[new]
        floor = lane.floor(self._matrix, self._kind)[new]
        codes, colours, top = encoded(sigma, floor)
        number = measured(sigma, floor, self._metric, lane.matrices[self._matrix])
        self.codes = np.concatenate([self.codes[:kept].reshape(kept, codes.shape[1]), codes])
        self.colours = np.concatenate([self.colours[:kept].reshape(kept, codes.shape[1]), colours])
        self.top = np.concatenate([self.top[:kept], top])
        self.floor = np.concatenate([self.floor[:kept], logarithm(floor)])
        edge = marchenko_pastur(sigma, lane.matrices[self._matrix])
        self.edge = np.concatenate([self.edge[:kept], edge])
        self.number = np.concatenate([self.number[:kept], number])
        self._rows = rows.copy()


def marchenko_pastur(sigma: np.ndarray, matrix: Matrix) -> np.ndarray:
    """(n,) log10 of the upper edge of a noise whose variance is that of the bulk, from the median of σ²."""
    there = np.isfinite(sigma[:, 0]) & (sigma[:, 0] > 0)
    found = np.full(len(sigma), np.nan, np.float32)
    if there.any():
        rows = torch.as_tensor(sigma[there], dtype=torch.float64)
        variance = spectra.bulk_variance(rows, matrix.rows, matrix.kept)
        found[there] = logarithm(
            spectra.marchenko_pastur_edge(matrix.rows, matrix.kept, variance).upper.numpy()
        )
    return found


def measured(sigma: np.ndarray, floor: np.ndarray, metric: str, matrix: Matrix) -> np.ndarray:
    """(n,) float32: one number of each spectrum; NaN where there is no spectrum, or no such number of it.

    Values below the noise floor count as zero; in the flatness and in σ₁ over the median they count as the floor, which
    makes the first an upper and the second a lower bound.
    """
    there = np.isfinite(sigma[:, 0]) & (sigma[:, 0] > 0)
    found = np.full(len(sigma), np.nan, np.float32)
    if there.any():
        rows = torch.as_tensor(sigma[there], dtype=torch.float64)
        noise = torch.as_tensor(floor[there], dtype=torch.float64)
        number = _number(spectra.believed(rows, noise, metric), metric, matrix).numpy()
        found[there] = np.where(np.isfinite(number), number, np.nan)
    return found


def _number(sigma: torch.Tensor, metric: str, matrix: Matrix) -> torch.Tensor:
    match metric:
        case "largest":
            return sigma[:, 0]
        case "outliers":
            return spectra.outlier_count(sigma, matrix.rows, matrix.kept).double()
        case "alpha_req":
            values = sigma.shape[-1]
            first = ALPHA_FIRST if values > 2 * ALPHA_FIRST + 2 else 1
            return (
                spectra.alpha_req(sigma.square(), first)
                if values >= 4
                else torch.full_like(sigma[:, 0], torch.nan)
            )
    return getattr(metrics, metric)(sigma)
