"""Overlap functions of all pairs of an array, in sky coordinates: one product with the pair table, one turn.

Everything is written in the components of the second pulsar in the frame at the first. The phase e^{imγ} of the
pair comes as (sin ζ e^{iγ})^p times a power of e^{2iγ}, p ≤ 2, so that no gradient is infinite where γ means
nothing: for coincident and antipodal pairs.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from .harmonics import unit_vectors
from .pair_table import azimuthal_orders, checked_degree, pair_features, pair_table
from .rotation import Frames, frames_at, multiples, to_frames, to_sky

# Rows of one block-diagonal rotation; larger ones multiply more zeros, smaller ones call more often.
_BAND = 64
# Entries of all rotations held at a time: 32 MB.
_ROTATIONS = 1 << 22


class _Block(NamedTuple):
    """The pairs of the first pulsars start … stop - 1."""

    start: int
    stop: int
    bounds: list[int]
    """Where each first pulsar's pairs begin within the block, and the end."""
    gap: Tensor
    """(pairs,) 1 - cos ζ."""
    phases: Tensor
    """(2 l_max + 1, pairs), row l_max + m: sin^p ζ cos mγ, for m < 0 sin^p ζ sin |m|γ."""


def separations(directions: Tensor) -> Tensor:
    """Angle between the pulsars of every pair, accurate near 0 and near π.

    Args:
        directions: (N, 3); only the direction counts.

    Returns:
        (pairs,) in radians, in the order of torch.triu_indices(N, N, 1).

    Raises:
        ValueError: as for `overlap_harmonics`.

    >>> axes = torch.eye(3, dtype=torch.float64)
    >>> [round(value, 6) for value in separations(axes).tolist()]
    [1.570796, 1.570796, 1.570796]
    """
    pulsars = checked_pulsars(directions)
    first, second = torch.triu_indices(len(pulsars), len(pulsars), 1, device=pulsars.device)
    apart, together = (pulsars[first] + sign * pulsars[second] for sign in (-1, 1))
    norm = torch.linalg.vector_norm
    return 2 * torch.atan2(norm(apart, dim=1), norm(together, dim=1))


def overlap_harmonics(directions: Tensor, l_max: int, chunk: int = 8192) -> Tensor:
    """Γ_lm of every pair of pulsars in sky coordinates, exact for every l and m.

    Γ_ab = Σ_lm c_lm Γ_lm for a sky P(n) = Σ_lm c_lm Y_lm(n): convention E, SOURCE direction, real harmonics with
    the Condon–Shortley phase, c_00 = √4π for mean power 1. Pulsars at one place count as distinct pulsars: their
    pair gets the limit ζ → 0, without pulsar term. Mingarelli et al. (2013), arXiv:1306.5394; Gair et al.
    (2014), arXiv:1406.4664. Differentiable in the positions.

    Args:
        directions: (N, 3) vectors to the pulsars, ICRS; only the direction counts.
        l_max: from 0 to 32.
        chunk: pairs worked on at a time; sets memory and speed, not the result.

    Returns:
        float64 (pairs, (l_max + 1)²), pairs in the order of torch.triu_indices(N, N, 1), index l² + l + m.

    Raises:
        ValueError: on fewer than two pulsars, a wrong shape, a zero or non-finite vector, l_max outside 0 … 32.

    >>> pair = torch.tensor([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]], dtype=torch.float64)
    >>> [round(value, 6) for value in overlap_harmonics(pair, 1)[0].tolist()]
    [-0.040864, 0.0, -0.009704, 0.009704]
    """
    checked_degree(l_max)
    pulsars = checked_pulsars(directions)
    frames = frames_at(pulsars)
    table = pair_table(l_max, pulsars.device)
    rows = l_max + azimuthal_orders(l_max, pulsars.device)
    bands = _bands(l_max)
    most = max(1, _ROTATIONS // max(band.stop**2 - band.start**2 for band in bands) ** 2)
    found: list[Tensor] = []
    for block in _blocks(pulsars, frames, l_max, chunk, most):
        values = table.coefficients.T @ pair_features(block.gap, table) * block.phases[rows]
        here = Frames(*(part[block.start : block.stop] for part in frames))
        turned = [_turned(values[band.start**2 : band.stop**2], to_sky(here, band), block) for band in bands]
        found.append(torch.cat(turned, 1) if len(turned) > 1 else turned[0])
    return torch.cat(found)


def overlap_from_coefficients(directions: Tensor, coefficients: Tensor, chunk: int = 8192) -> Tensor:
    """Correlations Γ_ab = Σ_lm c_lm Γ_lm of every pair under one sky, without ever holding Γ_lm.

    The coefficients are turned into each pulsar's frame and contracted with the table, so the work for a pair
    is about that of 2 l_max + 1 numbers. Differentiable in positions and coefficients.

    Args:
        directions: (N, 3) vectors to the pulsars; only the direction counts.
        coefficients: ((l_max + 1)²,) c_lm, real harmonics, SOURCE direction; √4π first for mean power 1.
        chunk: pairs worked on at a time.

    Returns:
        (pairs,) in the order of torch.triu_indices(N, N, 1), without pulsar term.

    Raises:
        ValueError: as for `overlap_harmonics`, and on a number of coefficients that is not a square up to 33²
            or on coefficients that are not finite.

    >>> sky = torch.tensor([math.sqrt(4 * math.pi)])
    >>> north_and_east = torch.tensor([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
    >>> round(overlap_from_coefficients(north_and_east, sky).item(), 6)
    -0.14486
    """
    pulsars = checked_pulsars(directions)
    sky, l_max = checked_coefficients(coefficients)
    sky = sky.to(pulsars.device)
    frames = frames_at(pulsars)
    table = pair_table(l_max, pulsars.device)
    orders = azimuthal_orders(l_max, pulsars.device)
    gather = torch.nn.functional.one_hot(l_max + orders, 2 * l_max + 1).to(torch.float64)
    found: list[Tensor] = []
    most = max(1, _ROTATIONS // table.coefficients.numel())
    for block in _blocks(pulsars, frames, l_max, chunk, most):
        here = Frames(*(part[block.start : block.stop] for part in frames))
        weighted = to_frames(sky, here, l_max)[:, None, :] * table.coefficients
        contracted = (weighted @ gather).transpose(1, 2)
        features = pair_features(block.gap, table)
        found.append((_by_first(contracted, features, block) * block.phases).sum(0))
    return torch.cat(found)


def checked_pulsars(directions: Tensor) -> Tensor:
    """Unit vectors (N, 3), float64.

    Raises:
        ValueError: on fewer than two pulsars, a wrong shape, a zero or non-finite vector.
    """
    pulsars = torch.as_tensor(directions, dtype=torch.float64)
    if pulsars.ndim != 2 or pulsars.shape[1] != 3:
        raise ValueError(f"directions has shape {tuple(pulsars.shape)}: (N, 3) is needed")
    if len(pulsars) < 2:
        raise ValueError(f"directions holds {len(pulsars)} pulsars: a correlation needs two or more")
    return unit_vectors(pulsars)


def checked_coefficients(coefficients: Tensor) -> tuple[Tensor, int]:
    """Coefficients as float64 and their l_max.

    Raises:
        ValueError: unless they are a vector of (l_max + 1)² finite numbers, l_max within the table's limit.
    """
    values = torch.as_tensor(coefficients, dtype=torch.float64)
    side = math.isqrt(values.numel())
    if values.ndim != 1 or side == 0 or side * side != values.numel():
        raise ValueError(f"coefficients has shape {tuple(values.shape)}: ((l_max + 1)²,) is needed")
    bad = ~torch.isfinite(values.detach())
    if bool(bad.any()):
        index = int(bad.nonzero()[0])
        raise ValueError(f"coefficients: number {index} is {values[index].item()}; finite ones are needed")
    return values, checked_degree(side - 1, "l_max of the coefficients")


def _blocks(pulsars: Tensor, frames: Frames, l_max: int, chunk: int, most: int) -> Iterator[_Block]:
    """All pairs in order, about `chunk` at a time, always all pairs of a first pulsar, at most `most` of those."""
    if chunk < 1:
        raise ValueError(f"chunk is {chunk}: 1 or more pairs is needed")
    count, start = len(pulsars), 0
    while start < count - 1:
        stop, bounds = start + 1, [0, count - 1 - start]
        while stop < count - 1 and stop - start < most and bounds[-1] + count - 1 - stop <= chunk:
            bounds.append(bounds[-1] + count - 1 - stop)
            stop += 1
        first = torch.repeat_interleave(
            torch.arange(start, stop, device=pulsars.device),
            torch.arange(count - 1 - start, count - 1 - stop, -1, device=pulsars.device),
        )
        second = torch.cat([torch.arange(a + 1, count, device=pulsars.device) for a in range(start, stop)])
        # the difference keeps the digits of close pairs; the first pulsar itself is normal to both axes
        offset = pulsars[second] - pulsars[first]
        across = (frames.axes[:, :, :2][first] * offset[:, :, None]).sum(1)
        yield _Block(start, stop, bounds, (offset * offset).sum(1) / 2, _phases(across, l_max))
        start = stop


def _phases(across: Tensor, l_max: int) -> Tensor:
    """sin^p ζ (cos mγ, sin mγ) from sin ζ (cos γ, sin γ), (pairs, 2): p = 0, 1, 2 for m = 0, odd, even."""
    x, y = across.unbind(1)
    square = torch.stack([x * x - y * y, 2 * x * y], 1)
    # far below any difference of two unit vectors, far above underflow
    double = square / ((x * x + y * y)[:, None] + 1e-60)
    cosines, sines = multiples(double, max(0, (l_max - 1) // 2))
    real, imaginary = [torch.ones_like(x)], [torch.zeros_like(x)]
    for m in range(1, l_max + 1):
        u, v = (x, y) if m % 2 else square.unbind(1)
        c, s = cosines[:, (m - 1) // 2], sines[:, (m - 1) // 2]
        real.append(u * c - v * s)
        imaginary.append(u * s + v * c)
    return torch.stack(imaginary[:0:-1] + real)


def _bands(l_max: int) -> list[range]:
    """Consecutive degrees, together at most _BAND functions (or one degree alone)."""
    bands, start = [], 0
    for l in range(1, l_max + 2):
        if l == l_max + 1 or (l + 1) ** 2 - start**2 > _BAND:
            bands.append(range(start, l))
            start = l
    return bands


def _by_first(matrices: Tensor, values: Tensor, block: _Block) -> Tensor:
    """Each first pulsar's matrix times the columns of its pairs: (rows, pairs)."""
    spans = zip(block.bounds, block.bounds[1:], matrices, strict=False)
    return torch.cat([matrix @ values[:, low:high] for low, high, matrix in spans], 1)


def _turned(values: Tensor, rotations: Tensor, block: _Block) -> Tensor:
    """(functions, pairs) in each first pulsar's frame → (pairs, functions) on the sky."""
    return torch.cat(
        [
            values[:, low:high].T @ rotation.T
            for low, high, rotation in zip(block.bounds, block.bounds[1:], rotations, strict=False)
        ]
    )
