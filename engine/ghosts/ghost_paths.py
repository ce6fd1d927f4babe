"""The ways of ghosts through the complex step plane while the temperature changes."""

import math
from collections.abc import Generator
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor

from .classes import apply_temperature, merge_equal_slopes, one_sample
from .errors import InvalidClasses
from .exact import exact_radius
from .partition import newton, partition_ratio
from .zeros import partition_zeros

ANCHORS = 10
"""Every how many temperatures the nearest ghost is found anew, so that no path misses it for long."""

_PAUSE = 6
_SAME = 1e-4


class GhostPaths(NamedTuple):
    """temperatures: (temperatures,) increasing. zeros: complex (paths, temperatures), upper half plane.

    NaN where a path is not known: it ends where its ghost meets another, which only symmetric samples do.
    """

    temperatures: Tensor
    zeros: Tensor


def ghost_paths(z: Tensor, a: Tensor, temperatures: Tensor, count: int = 8) -> GhostPaths:
    """Ghosts of Σ_k exp((z_k + a_k t)/T), followed by Newton's iteration from temperature to temperature.

    Ours, for Sao (2026), arXiv:2603.13552, section 6.4. Followed are the `count` ghosts nearest to 0 at the temperature
    nearest to 1, and those which are nearest at one of every ten temperatures. With two classes a path is a
    vertical line; as T -> 0 every path ends on the real line, where the prediction flips.

    Args:
        z: (classes,) logits at T = 1. a: (classes,) slopes per unit step. temperatures: (temperatures,) increasing.
        count: at least 1.

    Raises:
        InvalidClasses: on logits or slopes of no softmax, on temperatures that are not positive and increasing.

    >>> z, a = torch.tensor([[2.0, 0.0], [0.0, 1.0]], dtype=torch.float64)
    >>> paths = ghost_paths(z, a, torch.tensor([0.5, 1.0], dtype=torch.float64), count=1)
    >>> [complex(round(t.real, 6), round(t.imag / math.pi, 6)) for t in paths.zeros[0].tolist()]
    [(2+0.5j), (2+1j)]
    """
    parts = ghost_paths_in_parts(z, a, temperatures, count)
    while True:
        try:
            next(parts)
        except StopIteration as end:
            return end.value


def ghost_paths_in_parts(
    z: Tensor, a: Tensor, temperatures: Tensor, count: int = 8
) -> Generator[None, None, GhostPaths]:
    """`ghost_paths` with a pause after every few milliseconds of work; returns what that returns."""
    z, a = (values.detach().double() for values in one_sample(z, a))
    temperatures = _checked(temperatures).to(z)
    z, a = merge_equal_slopes(z, a)
    live = z > -torch.inf
    z, a = z[live], a[live]
    lines = torch.empty((0, len(temperatures)), dtype=torch.complex128, device=z.device)
    if float(a.amax() - a.amin()) == 0:
        return GhostPaths(temperatures, lines)
    middle = int(temperatures.log().abs().argmin())
    seeds = [(middle, _nearest(z, a, float(temperatures[middle]), count))]
    yield None
    anchors = list(range(0, len(temperatures), ANCHORS))
    nearest = exact_radius(*apply_temperature(z, a, temperatures[anchors, None]))
    yield None
    certified = zip(anchors, nearest.ghost, nearest.certified, strict=True)
    seeds += [(place, ghost[None]) for place, ghost, sure in certified if bool(sure)]
    spread = float(a.amax() - a.amin())
    for place, ghosts in seeds:
        known = lines[:, place][:, None]
        new = ~((known - ghosts).abs() < _SAME * float(temperatures[place]) / spread).any(0)
        if bool(new.any()):
            up = yield from _followed(z, a, ghosts[new], temperatures[place:])
            down = yield from _followed(z, a, ghosts[new], temperatures[: place + 1].flip(0))
            found = torch.cat((down.flip(1), up[:, 1:]), 1)
            lines = torch.cat((lines, _without(found, lines, _SAME * temperatures / spread)))
    return GhostPaths(temperatures, lines)


def ghosts_at(z: Tensor, a: Tensor, paths: GhostPaths, temperature: float) -> Tensor:
    """The followed ghosts at one temperature: between two of the paths' own, and from there to the ghost itself.

    Args:
        z, a: as the paths were found for. paths: of these. temperature: within those of the paths.

    Returns:
        complex (ghosts,), upper half plane; without those whose path is not known there.

    Raises:
        InvalidClasses: when the temperature is not one of the paths' range.

    >>> z, a = torch.tensor([[2.0, 0.0], [0.0, 1.0]], dtype=torch.float64)
    >>> paths = ghost_paths(z, a, torch.tensor([0.5, 1.0], dtype=torch.float64), count=1)
    >>> [complex(round(t.real, 6), round(t.imag / math.pi, 6)) for t in ghosts_at(z, a, paths, 0.8).tolist()]
    [(2+0.8j)]
    """
    grid, zeros = paths
    if not float(grid[0]) <= temperature <= float(grid[-1]):
        reach = f"{float(grid[0])} to {float(grid[-1])}"
        raise InvalidClasses(f"temperature={temperature!r} is not within that of the paths; allowed: {reach}")
    if not zeros.numel():
        return zeros.new_zeros(0)
    z, a = (values.detach().double() for values in one_sample(z, a))
    high = min(max(int(torch.searchsorted(grid, temperature, right=True)), 1), len(grid) - 1)
    low = max(high - 1, 0)
    share = math.log(temperature / grid[low]) / math.log(grid[high] / grid[low]) if high > low else 0.0
    guess = zeros[:, low] + share * (zeros[:, high] - zeros[:, low])
    guess = guess[~guess.real.isnan()]
    reach = temperature / (a.amax() - a.amin())
    z, a = apply_temperature(z, a, temperature)
    z, a = z.expand(len(guess), -1), a.expand(len(guess), -1)
    found = newton(z, a, guess, reach, 8)
    sure = (partition_ratio(z, a, found)[0].abs() < 1e-9) & ((found - guess).abs() < 2 * reach)
    return found[sure]


def _checked(temperatures: Tensor) -> Tensor:
    values = torch.as_tensor(temperatures, dtype=torch.float64)
    increasing = values.ndim == 1 and len(values) > 0 and bool((values.diff() > 0).all())
    if not increasing or not bool(((values > 0) & values.isfinite()).all()):
        raise InvalidClasses(f"temperatures must be positive, finite and increasing, not {temperatures}")
    return values


def _nearest(z: Tensor, a: Tensor, temperature: float, count: int) -> Tensor:
    """The ghosts nearest to 0 at one temperature, each once, in the upper half plane."""
    z, a = apply_temperature(z, a, temperature)
    radius = float(exact_radius(z[None], a[None]).radius)
    spread = float(a.amax() - a.amin())
    reach = radius + 2 * math.pi * count / spread
    zeros = partition_zeros(z, a, (-reach, reach, 0.0, reach)).zeros
    return zeros[zeros.abs() <= reach][:count]


def _followed(z: Tensor, a: Tensor, ghosts: Tensor, temperatures: Tensor) -> Generator[None, None, Tensor]:
    """(ghosts, temperatures) from the first temperature on, where they are known; NaN once a path is lost."""
    spread = a.amax() - a.amin()
    found, here = [ghosts], ghosts
    for step, (last, now) in enumerate(pairwise(temperatures)):
        guess = here + _slope(z / last, a / last, here, last) * (now / last).log()
        lost = here.isnan()
        guess = torch.where(lost, 1j, guess)
        reach = now / spread
        here = newton(z / now, a / now, guess, reach, 8)
        residual = partition_ratio(z / now, a / now, here)[0].abs()
        lost |= (residual > 1e-9) | ((here - guess).abs() > 1.5 * reach) | _met(here, lost, _SAME * reach)
        here = torch.where(lost, complex(math.nan, math.nan), here)
        found.append(here)
        if step % _PAUSE == _PAUSE - 1:
            yield None
    return torch.stack(found, 1)


def _without(found: Tensor, known: Tensor, distance: Tensor) -> Tensor:
    """Paths where they are not those already known: beyond a meeting a new path can be an old one."""
    if not len(known):
        return found
    repeated = ((found[:, None] - known[None]).abs() < distance).any(1)
    return torch.where(repeated, complex(math.nan, math.nan), found)


def _slope(z: Tensor, a: Tensor, t: Tensor, temperature: Tensor) -> Tensor:
    """dt/d log T = t + Σ z w/Σ a w at a ghost, w its terms, from F(t, T) = 0; 0 where two ghosts meet."""
    terms = torch.softmax(z + a * t.real[:, None], -1) * torch.exp(1j * a * t.imag[:, None])
    moving = (a * terms).sum(-1)
    slope = t + (z * terms).sum(-1) / torch.where(moving == 0, torch.ones_like(moving), moving)
    # At a multiple ghost the derivative is infinite; no step of the predictor is longer than its height.
    length = slope.abs()
    return torch.where((moving == 0) | (length > 10 * t.abs()), torch.zeros_like(slope), slope)


def _met(t: Tensor, lost: Tensor, distance: Tensor) -> Tensor:
    """Which ghosts now stand where one before them in the row stands."""
    close = (t[:, None] - t[None, :]).abs() < distance
    close &= ~(lost[:, None] | lost[None, :])
    return close.tril(-1).any(1)
