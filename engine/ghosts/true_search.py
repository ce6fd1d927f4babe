"""The search for the singularity nearest to 0: circles around which functions turn, smaller and smaller."""

import math
from collections.abc import Generator, Mapping
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from .complex_step import complex_forward
from .phase_turns import half_circle, pairs_inside, polished, unwrapped, zeros_inside

_POINTS = (96, 384)
"""Of a half circle: first, and where the phase could not be followed."""

_INSIDE = 1 - 1e-3
_RETREAT = (0.97, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2)
_HALVINGS = 3
_SMALL_STEP = 1.06
_MOST_PAIRS = 12
_MOST_STARTS = 24
_TRIES = 10
_AT_ONCE = 49
"""Steps evaluated between two places to stop."""


def log_partition(logits: Tensor) -> Tensor:
    """log Σ_k exp z_k of complex logits (..., classes), without overflow."""
    height = logits.real.amax(-1, keepdim=True)
    return torch.log(torch.exp(logits - height).sum(-1)) + height.squeeze(-1)


class _Turning(NamedTuple):
    """Functions of one place of the network that have zeros inside a circle: columns, pairs of zeros, logarithms.

    Empty where something could not be followed.
    """

    columns: list[int]
    pairs: list[int]
    logs: np.ndarray


class TrueSearch:
    """Functions of the step whose zeros end the series, in the order of the forward pass: the last is F.

    Args:
        model, inputs, direction, temperature: as for `true_radius`.
        scale: length over which they change, ρ_a.
    """

    def __init__(
        self,
        model: nn.Module,
        inputs: Tensor,
        direction: Mapping[str, Tensor],
        scale: float,
        temperature: float,
    ):
        self._network, self._inputs, self._direction = model, inputs, direction
        self._scale, self._temperature = scale, temperature
        _, parts = complex_forward(model, inputs, direction, torch.zeros(1, dtype=torch.complex128))
        widths = [*(part.logs.shape[1] for part in parts), 1]
        self.names = [(p.part, p.module) for p in parts for _ in range(p.logs.shape[1])] + [("output", "")]
        self._places = np.repeat(np.arange(len(widths)), widths)
        self.output = len(self.names) - 1

    def logs(self, t: Tensor) -> Tensor:
        """(n, columns) logarithms."""
        inputs = self._inputs.expand(len(t), *self._inputs.shape[1:])
        z, parts = complex_forward(self._network, inputs, self._direction, t.to(inputs.device))
        last = log_partition(z / self._temperature)[:, None]
        return torch.cat([*(p.logs for p in parts), last], -1).cpu()

    def polish(self, starts: list[complex], columns: list[int]) -> complex:
        """The zero nearest to 0 that Newton's iteration reaches, each start on its own function; NaN if none."""
        return self._polish(starts, columns)[0]

    def _polish(self, starts: list[complex], columns: list[int]) -> tuple[complex, int]:
        own = torch.tensor(columns)

        def log(t: Tensor) -> Tensor:
            return self.logs(t).gather(1, own.repeat(len(t) // len(own))[:, None]).squeeze(1)

        t = polished(log, torch.tensor(starts), self._scale).tolist()
        arrived = [pair for pair in zip(t, columns, strict=True) if math.isfinite(pair[0].real)]
        return min(arrived, key=lambda pair: abs(pair[0]), default=(complex(math.nan, math.nan), columns[0]))

    def nearest(self, ghost: complex, linear: float) -> Generator[None, None, tuple[complex, int, float]]:
        """The singularity nearest to 0, the column it is a zero of, and the radius within which nothing turns."""
        found, column, clear, growth = ghost, self.output, 0.0, 1.5
        there = math.isfinite(found.real)
        reach = abs(found) if there else min(linear, 2 * self._scale)
        for _ in range(_TRIES):
            radius = reach * _INSIDE
            # Behind a denominator's zero functions turn without end: only what comes before it is followed.
            last = int(np.flatnonzero(self._places == self._places[column])[-1]) if there else self.output
            turning = yield from self._turning(radius, found if there else None, column, last)
            if turning is None and not there:
                clear, reach = radius, growth * reach
                continue
            if turning is None and column == self.output:
                clear = radius
                break
            if not (turning and turning.columns):
                radius, turning = yield from self._retreat(reach)
                if turning is None:
                    clear = max(clear, radius)
                    if there:
                        break
                    # Nothing found yet, and the circle beyond could not be counted: outwards in small steps.
                    growth, reach = _SMALL_STEP, _SMALL_STEP * clear if clear else _RETREAT[-1] * reach
                    continue
            nearer, its = self._inside(turning, radius)
            if abs(nearer) < radius:
                found, column, reach, there = nearer, its, abs(nearer), True
            else:
                reach = 0.8 * radius
        return found, column, min(clear, abs(found)) if there else clear

    def _inside(self, turning: _Turning, radius: float) -> tuple[complex, int]:
        """The nearest of the zeros that turn."""
        starts = [
            (zero, column)
            for k, column in enumerate(turning.columns)
            for zero in zeros_inside(turning.logs[:, k], radius, turning.pairs[k])
        ]
        starts = sorted(starts, key=lambda pair: abs(pair[0]))[:_MOST_STARTS]
        if not starts:
            return complex(math.nan, math.nan), turning.columns[0]
        return self._polish([zero for zero, _ in starts], [column for _, column in starts])

    def _retreat(self, reach: float) -> Generator[None, None, tuple[float, _Turning | None]]:
        """Smaller circles, all functions, until nothing turns or what turns can be counted.

        Where nothing turns, the gap to the circle that could not be counted is halved in search of one that can.
        """
        clear, open_end = 0.0, reach
        for share in _RETREAT:
            turning = yield from self._turning(reach * share, None, 0, self.output)
            if turning and turning.columns:
                return reach * share, turning
            if turning is None:
                clear = reach * share
                break
            open_end = reach * share
        for _ in range(_HALVINGS if clear else 0):
            middle = (clear + open_end) / 2
            turning = yield from self._turning(middle, None, 0, self.output)
            if turning and turning.columns:
                return middle, turning
            clear, open_end = (middle, open_end) if turning is None else (clear, middle)
        return clear, None

    def _turning(
        self, radius: float, known: complex | None, column: int, last: int
    ) -> Generator[None, None, _Turning | None]:
        """The functions, up to `last`, of the first place that turns around the circle; None if none does.

        The known pair of zeros, just outside, is divided out of its own function: that turns fast beside it,
        what is left does not, and neither turns nor power sums of the zeros inside change.
        """
        found = None
        for points in _POINTS:
            t = half_circle(radius, points)
            parts = []
            for some in t.split(_AT_ONCE):
                parts.append(self.logs(some)[:, : last + 1])
                yield None
            values = torch.cat(parts)
            if known is not None:
                values[:, column] -= torch.log(1 - t / known) + torch.log(1 - t / known.conjugate())
            logs = unwrapped(values)
            pairs = pairs_inside(logs)
            turning = np.flatnonzero(pairs != 0)
            if not len(turning) and self._branch_kept(logs):
                return None
            found, followed = self._first_place(logs, pairs, turning)
            if found.columns and followed:
                break
        return found

    def _first_place(self, logs: np.ndarray, pairs: np.ndarray, turning: np.ndarray) -> tuple[_Turning, bool]:
        """What turns in the first place of the forward pass that has something turning, and whether all of it is known."""
        if not len(turning):
            return _Turning([], [], logs[:, :0]), False
        first = turning[self._places[turning] == self._places[turning[0]]]
        counted = first[(pairs[first] > 0) & (pairs[first] <= _MOST_PAIRS)]
        return _Turning(counted.tolist(), [int(n) for n in pairs[counted]], logs[:, counted]), len(
            counted
        ) == len(first)

    def _branch_kept(self, logs: np.ndarray) -> bool:
        """Whether no variance crosses the negative axis, where its principal root is another branch."""
        roots = [k for k in range(logs.shape[1]) if self.names[k][0] == "normalisation"]
        return not roots or float(np.abs(np.imag(logs[:, roots])).max()) < math.pi
