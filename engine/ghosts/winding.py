"""Counting ghosts by the argument principle: how often the phase of F turns along a closed path."""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

from .partition import partition_ratio

_MOST_PIECES = 400_000
_DEPTH = 46
_CIRCLE_POINTS = 128
_PIECES, _PARTS, _CUTS = 24, 4, 9
"""Pieces of a half circle at first, of a piece that is cut, and how often."""


def phase_along(z: Tensor, a: Tensor, corners: Sequence[complex]) -> float:
    """Change of arg F along straight lines from corner to corner, or NaN when a ghost lies on them.

    With slopes centred, |F'(t)| ≤ (Δ/2) F(Re t). Around the middle m of a piece of length h, F therefore
    stays within (hΔ/4) exp(hΔ/4) F(Re m) of F(m); where |F(m)| is larger, the phase changes by less than π
    and its principal value is the change. Other pieces are halved (ours; rigorous up to rounding).

    Args:
        z: (classes,) live logits, float64.
        a: (classes,) slopes.
        corners: of the path, two at least.
    """
    offset = (a.amax() + a.amin()) / 2
    a = a - offset
    spread = (a.amax() - a.amin()).item()
    counts = [max(4, math.ceil(abs(last - first) * spread)) for first, last in pairwise(corners)]
    if sum(counts) > _MOST_PIECES:
        return math.nan
    lines = [
        first + (last - first) * torch.linspace(0, 1, count + 1, dtype=z.dtype, device=z.device)
        for (first, last), count in zip(pairwise(corners), counts, strict=True)
    ]
    start, end = torch.cat([line[:-1] for line in lines]), torch.cat([line[1:] for line in lines])
    total = offset.item() * (corners[-1].imag - corners[0].imag)
    for _ in range(_DEPTH):
        middle = (start + end) / 2
        reach = (end - start).abs() * (spread / 4)
        held = partition_ratio(z, a, middle)[0].abs() > reach * reach.exp()
        first, last = partition_ratio(z, a, torch.stack((start[held], end[held])))[0]
        total += (last * first.conj()).angle().sum().item()
        if held.all():
            return total
        start, middle, end = start[~held], middle[~held], end[~held]
        start, end = torch.cat((start, middle)), torch.cat((middle, end))
        if len(start) > _MOST_PIECES:
            return math.nan
    return math.nan


def circle_count(z: Tensor, a: Tensor, centre: complex, radius: float) -> float:
    """Zeros of F inside a small circle, with multiplicity; NaN when one lies too near to it.

    Sampled, not proven: next to a multiple zero F is too small for the bound of `phase_along`. Whoever counts
    several circles holds the sum against `rectangle_count`, which is.
    """
    angle = torch.linspace(0, 2 * math.pi, _CIRCLE_POINTS + 1, dtype=z.dtype, device=z.device)
    phase = partition_ratio(z, a, centre + radius * torch.polar(torch.ones_like(angle), angle))[0].angle()
    turn = phase.diff() - 2 * math.pi * torch.round(phase.diff() / (2 * math.pi))
    return math.nan if turn.abs().max().item() > 1.5 else _turns(turn.sum().item())


def rectangle_count(z: Tensor, a: Tensor, low: complex, high: complex) -> float:
    """Zeros of F inside a rectangle of lower left and upper right corner; NaN when one lies on its edge."""
    corners = [low, complex(high.real, low.imag), high, complex(low.real, high.imag), low]
    return _turns(phase_along(z, a, corners))


def _turns(phase: float) -> float:
    return phase if math.isnan(phase) else float(round(phase / (2 * math.pi)))


def half_disc_is_empty(z: Tensor, a: Tensor, radius: Tensor, known: Tensor) -> Tensor:
    """Whether no ghost lies in |t| < radius, for a batch; False also means "not decided with pieces so short".

    The phase is followed over the upper half circle, whose ends are real, where F > 0. Between two points
    that one class dominates with more than half the probability, it dominates throughout (such places form
    one interval of Re t), so the change is known exactly. Elsewhere the known ghosts, all on or outside the
    circle, are divided out, and what is left may turn by at most one radian on a piece no longer than 2/Δ.
    Pieces of which neither holds are cut, again and again: at low temperature nearly all of the circle is
    dominated, and only the stretch next to the ghost needs short ones.

    Args:
        z: (batch, classes) live logits.
        a: (batch, classes) slopes.
        radius: (batch,) positive.
        known: complex (batch, ghosts), |known| > radius; infinite entries are ignored.

    Returns:
        (batch,) bool.
    """
    total = torch.zeros_like(radius)
    rows = torch.arange(len(z), device=z.device)
    angles = torch.linspace(0, math.pi, _PIECES + 1, dtype=z.dtype, device=z.device).expand(len(z), -1)
    cut = torch.linspace(0, 1, _PARTS + 1, dtype=z.dtype, device=z.device)
    for _ in range(_CUTS):
        change, decided = _phase_changes(z[rows], a[rows], radius[rows], known[rows], angles)
        total.index_add_(0, rows, torch.where(decided, change, 0.0).sum(-1))
        row, piece = (~decided).nonzero(as_tuple=True)
        low, high = angles[row, piece, None], angles[row, piece + 1, None]
        rows, angles = rows[row], low + (high - low) * cut
        if not 0 < len(rows) <= _MOST_PIECES // _PARTS:
            break
    total[rows] = math.nan
    return total.abs() < 1


def _phase_changes(
    z: Tensor, a: Tensor, radius: Tensor, known: Tensor, angles: Tensor
) -> tuple[Tensor, Tensor]:
    """(rows, pieces) change of arg F between neighbouring angles of a circle, and whether it is known."""
    t = torch.polar(radius[:, None].expand_as(angles).contiguous(), angles.contiguous())
    terms = torch.softmax(z[:, None] + a[:, None] * t.real.unsqueeze(-1), -1)
    turned = a[:, None] * t.imag.unsqueeze(-1)
    phase = torch.atan2((terms * turned.sin()).sum(-1), (terms * turned.cos()).sum(-1))
    largest, leader = terms.max(-1)
    dominated = (largest[:, 1:] > 0.5) & (largest[:, :-1] > 0.5) & (leader[:, 1:] == leader[:, :-1])
    inverse = torch.where(known.real.isfinite(), 1 / known, 0)[:, None]
    divided = ((1 - t.unsqueeze(-1) * inverse).angle() + (1 - t.unsqueeze(-1) * inverse.conj()).angle()).sum(
        -1
    )
    # The leader's own rotation is taken off first, so that the principal value is the change itself.
    drift = a.gather(1, leader)[:, :-1] * t.imag.diff() + torch.where(dominated, 0.0, divided.diff())
    rest = phase.diff() - drift
    rest = rest - 2 * math.pi * torch.round(rest / (2 * math.pi))
    spread = a.amax(-1) - a.amin(-1)
    short = (radius * spread)[:, None] * angles.diff() <= 2
    return rest + drift, dominated | (short & (rest.abs() <= 1))
