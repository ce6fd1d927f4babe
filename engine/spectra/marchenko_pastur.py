"""Where the singular values of pure noise end, and how many of a spectrum lie beyond."""

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from .metrics import checked_spectrum


class MarchenkoPasturEdge(NamedTuple):
    """Singular values of noise lie in [lower, upper]; above outlier_above they are not noise.

    Tensors in the shape of the variance, in units of the matrix.
    """

    lower: Tensor
    upper: Tensor
    outlier_above: Tensor


def marchenko_pastur_edge(rows: int, columns: int, variance: Tensor | float) -> MarchenkoPasturEdge:
    """Edges s|√rows ∓ √columns| for independent entries of variance s².

    Marchenko & Pastur (1967). Finite matrices spill over by a share of order columns^(−2/3) (Tracy & Widom),
    hence outlier_above = upper (1 + columns^(−2/3)).

    Args:
        rows, columns: of the matrix.
        variance: (...,) of its entries; `torch.nn.Linear` starts with 1/(3 columns), see `bulk_variance`.

    Raises:
        ValueError: on an empty side, or a variance that is negative or not finite.

    >>> [round(edge.item(), 4) for edge in marchenko_pastur_edge(256, 512, 1 / (3 * 512))]
    [0.1691, 0.9856, 1.001]
    """
    _check_shape(rows, columns)
    variance = torch.as_tensor(variance, dtype=torch.float64)
    if not bool(((variance >= 0) & torch.isfinite(variance)).all()):
        raise ValueError(f"variance is {variance.tolist()}: finite numbers ≥ 0 are needed")
    s = variance.sqrt()
    upper = s * (math.sqrt(rows) + math.sqrt(columns))
    lower = s * abs(math.sqrt(rows) - math.sqrt(columns))
    return MarchenkoPasturEdge(lower, upper, upper * (1 + columns ** (-2 / 3)))


def bulk_variance(sigma: Tensor, rows: int, columns: int) -> Tensor:
    """Variance of the noise in which a few large singular values stand, from the median of σ².

    Gavish & Donoho (2014), section III.E: the median hardly feels a few outliers. It is the variance of the
    entries when the matrix is noise, and of little meaning when half of the spectrum is signal.

    Args:
        sigma: (..., min(rows, columns)) singular values, descending.

    Returns:
        (...,) in squared units of the matrix.

    Raises:
        InvalidSpectrum: as `checked_spectrum`.
        ValueError: when sigma is not as long as the shape says.
    """
    _check_shape(rows, columns)
    sigma = checked_spectrum(sigma)
    r, size = min(rows, columns), max(rows, columns)
    if sigma.shape[-1] != r:
        raise ValueError(f"sigma has {sigma.shape[-1]} values: min(rows, columns) = {r} are needed")
    return sigma.square().quantile(0.5, dim=-1) / (size * _median(r / size))


def outlier_count(sigma: Tensor, rows: int, columns: int, variance: Tensor | float | None = None) -> Tensor:
    """How many singular values lie above the noise: `marchenko_pastur_edge(...).outlier_above`.

    Args:
        sigma: (..., min(rows, columns)) singular values, descending.
        variance: (...,) of the noise; None: `bulk_variance`.

    Returns:
        (...,) int64.

    >>> outlier_count(torch.tensor([9.0, 1.1, 1.0, 0.9]), 4, 100, variance=0.01).item()
    1
    """
    sigma = checked_spectrum(sigma)
    if variance is None:
        variance = bulk_variance(sigma, rows, columns)
    threshold = marchenko_pastur_edge(rows, columns, variance).outlier_above.to(sigma.device)
    return (sigma > threshold[..., None]).sum(-1)


@lru_cache(maxsize=256)
def _median(ratio: float) -> float:
    """Median of the eigenvalues of XXᵀ/N for unit variance, ratio = r/N ≤ 1.

    With x = 1 + q − 2√q cos θ the density becomes (2/π) sin²θ/x dθ, smooth on [0, π]: midpoints do.
    """
    points = 1 << 14
    theta = (np.arange(points) + 0.5) * (math.pi / points)
    x = (1 - math.sqrt(ratio)) ** 2 + 4 * math.sqrt(ratio) * np.sin(theta / 2) ** 2
    mass = np.cumsum(2 / points * np.sin(theta) ** 2 / x)
    middle = np.interp(0.5 * mass[-1], mass, theta + math.pi / (2 * points))
    return float((1 - math.sqrt(ratio)) ** 2 + 4 * math.sqrt(ratio) * math.sin(middle / 2) ** 2)


def _check_shape(rows: int, columns: int) -> None:
    if rows < 1 or columns < 1:
        raise ValueError(f"rows, columns are {rows}, {columns}: both must be at least 1")
