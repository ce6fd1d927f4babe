"""All ghosts in a window of the complex step plane, with their multiplicity, counted twice."""

import math
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from .classes import merge_equal_slopes, one_sample
from .errors import InvalidWindow
from .partition import newton, partition_ratio
from .phase_turns import wrapped
from .winding import circle_count, rectangle_count

_MOST_NODES = 4_000_000
_CLUSTER = 2e-3


class PartitionZeros(NamedTuple):
    """Ghosts in a window, nearest to 0 first.

    zeros: complex (ghosts,). multiplicity: (ghosts,) integers. residual: (ghosts,) |F(t)|/F(Re t).
    complete: whether the argument principle on the window's boundary counts as many.
    """

    zeros: Tensor
    multiplicity: Tensor
    residual: Tensor
    complete: bool


def partition_zeros(z: Tensor, a: Tensor, window: tuple[float, float, float, float]) -> PartitionZeros:
    """All complex zeros of F(t) = Σ_k exp(z_k + a_k t) in a window: where the loss cannot be continued.

    Phase winding of every cell of a grid, Newton's iteration from each cell that turns, multiplicity by the
    winding of a small circle, total against the winding of the window's boundary; where the two differ,
    the cells are halved and the search repeated (ours). Columns that one class dominates hold no ghost and
    are skipped. Computed in float64 where the device has it; a zero of order six or more is lost in rounding
    even there, and the count then says so. No gradient flows back.

    Args:
        z: (classes,) logits of one sample.
        a: (classes,) slopes per unit step.
        window: (re_min, re_max, im_min, im_max), edges included.

    Returns:
        PartitionZeros, sorted by modulus. complete=False means that the counts disagree: do not trust the
        list.

    Raises:
        InvalidClasses: on logits or slopes that describe no softmax.
        InvalidWindow: when the window is empty, not finite, or too large for the slopes' spread.

    >>> z, a = torch.zeros(2, dtype=torch.float64), torch.tensor([0.0, 1.0], dtype=torch.float64)
    >>> found = partition_zeros(z, a, (-1, 1, 0, 10))
    >>> [round(t.imag / math.pi, 6) for t in found.zeros.tolist()], found.complete
    ([1.0, 3.0], True)
    """
    z, a = (values.detach() for values in one_sample(z, a))
    re_min, re_max, im_min, im_max = _checked_window(window)
    work = z.dtype if z.device.type == "mps" else torch.float64
    weights, slopes = merge_equal_slopes(z.to(work), a.to(work))
    live = weights > -torch.inf
    weights, slopes = weights[live] - weights.amax(), slopes[live]
    slopes = slopes - (slopes.amax() + slopes.amin()) / 2
    low, high = (
        (0.0 if im_min <= 0 <= im_max else min(abs(im_min), abs(im_max))),
        max(abs(im_min), abs(im_max)),
    )
    zeros, multiplicity, complete = _upper_zeros(weights, slopes, (re_min, re_max, low, high))
    zeros, multiplicity = torch.cat((zeros, zeros.conj())), multiplicity.repeat(2)
    slack = 1e-9 * max(abs(edge) for edge in (re_min, re_max, im_min, im_max))
    inside = (zeros.real >= re_min - slack) & (zeros.real <= re_max + slack)
    inside &= (zeros.imag >= im_min - slack) & (zeros.imag <= im_max + slack)
    zeros, multiplicity = zeros[inside], multiplicity[inside]
    order = zeros.abs().argsort(stable=True)
    zeros, multiplicity = zeros[order], multiplicity[order]
    residual = partition_ratio(weights, slopes, zeros)[0].abs()
    single = torch.complex64 if z.dtype == torch.float32 else torch.complex128
    return PartitionZeros(zeros.to(single), multiplicity, residual.to(z.dtype), complete)


def _checked_window(window: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    edges = tuple(float(edge) for edge in window)
    if len(edges) != 4 or not all(math.isfinite(edge) for edge in edges):
        raise InvalidWindow(
            f"window must be four finite numbers (re_min, re_max, im_min, im_max), not {window}"
        )
    if edges[0] >= edges[1] or edges[2] >= edges[3]:
        raise InvalidWindow(f"window must have re_min < re_max and im_min < im_max, not {window}")
    return edges[0], edges[1], edges[2], edges[3]


def _upper_zeros(z: Tensor, a: Tensor, box: tuple[float, float, float, float]) -> tuple[Tensor, Tensor, bool]:
    """Zeros in a box of the upper half plane; a little more than the box is searched."""
    spread = (a.amax() - a.amin()).item()
    empty = torch.zeros(
        0, dtype=torch.complex128 if z.dtype == torch.float64 else torch.complex64, device=z.device
    )
    none = (empty, torch.zeros(0, dtype=torch.int64, device=z.device))
    if spread == 0 or box[3] * spread < math.pi * (1 - 1e-9):
        return *none, True
    zeros, multiplicity = none
    # Other margins and finer cells at each attempt: a ghost on an edge of one is inside the next.
    for margin, cell in ((0.0371, 0.6), (0.0617, 0.3), (0.0923, 0.15), (0.0189, 0.075)):
        pad = margin / spread
        bottom = max(box[2] - pad, 0.9 * math.pi / spread)
        low, high = complex(box[0] - pad, bottom), complex(box[1] + pad, box[3] + pad)
        starts = _turning_cells(z, a, low, high, cell / spread)
        zeros, multiplicity = _distinct_zeros(z, a, starts, spread)
        inside = (
            (zeros.real > low.real)
            & (zeros.real < high.real)
            & (zeros.imag > low.imag)
            & (zeros.imag < high.imag)
        )
        zeros, multiplicity = zeros[inside], multiplicity[inside]
        if rectangle_count(z, a, low, high) == multiplicity.sum().item():
            return zeros, multiplicity, True
    return zeros, multiplicity, False


def _turning_cells(z: Tensor, a: Tensor, low: complex, high: complex, cell: float) -> Tensor:
    """Centres of the grid cells around which the phase turns, or whose edges turn too fast to say."""
    columns = 2 + math.ceil((high.real - low.real) / cell)
    rows = 2 + math.ceil((high.imag - low.imag) / cell)
    if columns > _MOST_NODES:
        raise InvalidWindow(f"window is {columns} cells wide at this spread of slopes; at most {_MOST_NODES}")
    u = torch.linspace(low.real, high.real, columns, dtype=z.dtype, device=z.device)
    y = torch.linspace(low.imag, high.imag, rows, dtype=z.dtype, device=z.device)
    terms = torch.softmax(z[:, None] + a[:, None] * u, 0)
    largest, leader = terms.max(0)
    left = ~((largest[1:] > 0.5) & (largest[:-1] > 0.5) & (leader[1:] == leader[:-1]))
    left = left.nonzero().flatten()
    if len(left) * rows > _MOST_NODES:
        raise InvalidWindow(f"window holds {len(left) * rows} cells to search; at most {_MOST_NODES}")
    angles = y[:, None] * a
    both = torch.cat((angles.cos(), angles.sin()))
    phases = []
    for column in (left, left + 1):
        values = both @ terms[:, column]
        phases.append(torch.atan2(values[rows:], values[:rows]))
    bottom_edge = wrapped(phases[1] - phases[0])
    left_edge, right_edge = (wrapped(phase.diff(dim=0)) for phase in phases)
    turn = bottom_edge[:-1] + right_edge - bottom_edge[1:] - left_edge
    steep = torch.stack((bottom_edge[:-1], bottom_edge[1:], left_edge, right_edge)).abs().amax(0) > 1.8
    row, column = ((turn.abs() > 3) | steep).nonzero(as_tuple=True)
    half_width, half_height = (u[1] - u[0]) / 2, (y[1] - y[0]) / 2
    return torch.complex(u[left[column]] + half_width, y[row] + half_height)


def _distinct_zeros(z: Tensor, a: Tensor, starts: Tensor, spread: float) -> tuple[Tensor, Tensor]:
    """Zeros that the starts lead to, each once, with multiplicity."""
    reach = z.new_tensor(1 / spread)
    t = newton(z, a, starts, reach, steps=24, multiple=True)
    t = newton(z, a, t, reach, steps=3)
    t = t[partition_ratio(z, a, t)[0].abs() < 1e-7]
    zeros: list[complex] = []
    multiplicity: list[int] = []
    left = t.cpu().numpy()
    while len(left):
        near = np.abs(left - left[0]) < _CLUSTER / spread
        centre = complex(left[near].mean())
        left = left[~near]
        count = circle_count(z, a, centre, 1.7 * _CLUSTER / spread)
        found = [(centre, 1)] if count == 1 else _split_cluster(z, a, centre, count, spread)
        for zero, order in found:
            if all(abs(zero - other) > 1e-9 / spread for other in zeros):
                zeros.append(zero)
                multiplicity.append(order)
    values = torch.tensor(zeros, dtype=starts.dtype, device=z.device)
    return values, torch.tensor(multiplicity, dtype=torch.int64, device=z.device)


def _split_cluster(
    z: Tensor, a: Tensor, centre: complex, count: float, spread: float
) -> list[tuple[complex, int]]:
    """Zeros closer than the clustering distance: one multiple zero, or several simple ones told apart."""
    if not count >= 1:
        return []
    order = int(count)
    reach = z.new_tensor(1 / spread)
    t = torch.tensor(
        centre, dtype=torch.complex128 if z.dtype == torch.float64 else torch.complex64, device=z.device
    )
    # A zero of order m of F is a simple zero of its derivative of order m - 1, found to full precision.
    for _ in range(12):
        values = partition_ratio(z, a, t, order)
        t = t - values[order - 1] / values[order]
    series = [
        v.item() / math.factorial(n) / spread**n for n, v in enumerate(partition_ratio(z, a, t, order + 4))
    ]
    if abs(t.item() - centre) < 3 * _CLUSTER / spread and max(abs(c) for c in series[:order]) < 1e-12:
        return [(t.item(), order)]
    roots = np.roots(np.array(series[::-1]))
    nearest = sorted(roots, key=abs)[:order]
    starts = t + torch.tensor(np.array(nearest) / spread, dtype=t.dtype, device=z.device)
    return [(complex(zero), 1) for zero in newton(z, a, starts, reach, steps=8).cpu().numpy()]
