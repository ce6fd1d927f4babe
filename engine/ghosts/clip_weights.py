"""The weights around one optimizer step: where it began, where it ended, and any point between or beyond."""

import math
from collections.abc import Sequence
from operator import attrgetter
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from ..optimizers import foreach

# Rows of the buffers: a sum of so few squares is exact to a few 1e-7 in float32.
_ROW = 1024
# Up to so many rows the squares are summed at once, which is exact to 3e-6 and faster.
_FEW_ROWS = 16
# Norms whose squares are far from the ends of float32.
_PLAIN = (1e-10, 1e15)

_kind = attrgetter("device", "dtype")


class _Buffer(NamedTuple):
    """All weights of one device and dtype behind each other, at both ends of a step.

    between: room for the displacement, and for points along it.
    """

    start: Tensor
    end: Tensor
    between: Tensor


class StepWeights:
    """Start, end and displacement of a step, in buffers that are made once; all weights move in one call.

    Three copies of the optimizer's weights, in float32 where the weights are of half precision. To be used
    under `torch.no_grad`. Points are copied into the parameters, which keep their memory: what shares it moves
    along, and what hangs on it, as the hooks of data-parallel training do, stays.
    """

    def __init__(self, parameters: Sequence[nn.Parameter]):
        self._parameters = list(parameters)
        self._kinds = [*map(_kind, self._parameters)]
        kinds = [(device, torch.promote_types(dtype, torch.float32)) for device, dtype in self._kinds]
        self.device = kinds[0][0]
        # Weights of half precision cannot follow a small displacement; they are lifted instead.
        self.are_lifted = any(p.dtype != kind[1] for p, kind in zip(self._parameters, kinds, strict=True))
        self._buffers: list[_Buffer] = []
        views: dict[int, _Buffer] = {}
        for kind in dict.fromkeys(kinds):
            members = {i: p for i, p in enumerate(self._parameters) if kinds[i] == kind}
            buffer, parts = _laid_out(list(members.values()), *kind)
            self._buffers.append(buffer)
            views |= dict(zip(members, parts, strict=True))
        ordered = [views[index] for index in range(len(kinds))]
        self._start, self._end, self._between = (list(column) for column in zip(*ordered, strict=True))

    def __reduce__(self) -> tuple[Any, ...]:
        # Pickled one by one the places in a buffer would not be of it any more.
        return StepWeights, (self._parameters,)

    def are_of_other_kinds(self) -> bool:
        """Whether the weights have another device or dtype by now, as after `model.double()`."""
        return [*map(_kind, self._parameters)] != self._kinds

    def begin(self) -> None:
        """Keeps the weights as where the step begins."""
        foreach.copy_(self._start, self._parameters)

    def finish(self) -> float:
        """Keeps the weights as where the step ends; gives ‖p‖, NaN or +inf where it is not finite."""
        foreach.copy_(self._end, self._parameters)
        self._lay_out_change()
        return math.hypot(*[_norm(buffer.between) for buffer in self._buffers])

    def size(self) -> float:
        """‖θ‖ of the weights before the step."""
        return math.hypot(*[_norm(buffer.start) for buffer in self._buffers])

    def direction(self, norm: float) -> list[Tensor]:
        """p/‖p‖, for a norm above 0."""
        self._lay_out_change()
        return foreach.div(self._between, norm)

    def _lay_out_change(self) -> None:
        for start, end, between in self._buffers:
            torch.sub(end, start, out=between)

    def to_start(self) -> None:
        """Weights bit by bit as before the step."""
        foreach.copy_(self._parameters, self._start)

    def to_end(self) -> None:
        """Weights bit by bit as the optimizer left them."""
        foreach.copy_(self._parameters, self._end)

    def to_fraction(self, scale: float) -> None:
        """Weights at start + scale · step, in their own precision."""
        # Along the whole buffer and then to the weights: a list of small ones costs a call for each.
        for start, end, between in self._buffers:
            torch.lerp(start, end, scale, out=between)
        foreach.copy_(self._parameters, self._between)

    def at_fraction(self, scale: float) -> list[Tensor]:
        """Start + scale · step in copies of at least float32; the weights stay where they are."""
        return foreach.lerp(self._start, self._end, scale)


def _laid_out(
    parameters: list[nn.Parameter], device: torch.device, dtype: torch.dtype
) -> tuple[_Buffer, list[_Buffer]]:
    """A buffer for these parameters, as long as whole rows, and each one's place in it."""
    sizes = [parameter.numel() for parameter in parameters]
    total = sum(sizes)
    length = _ROW * max(1, math.ceil(total / _ROW))
    buffer = _Buffer(*(torch.zeros(length, device=device, dtype=dtype) for _ in range(3)))
    places = [flat[:total].split(sizes) for flat in buffer]
    parts = [
        _Buffer(*(column[index].view(parameter.shape) for column in places))
        for index, parameter in enumerate(parameters)
    ]
    return buffer, parts


def _norm(flat: Tensor) -> float:
    norm = _plain_norm(flat)
    if _PLAIN[0] < norm < _PLAIN[1]:
        return norm
    largest = float(flat.abs().max())
    if not 0 < largest < math.inf:
        return largest
    return largest * _plain_norm(flat / largest)


def _plain_norm(flat: Tensor) -> float:
    if flat.numel() <= _ROW * _FEW_ROWS:
        return float(torch.linalg.vector_norm(flat))
    norms = torch.linalg.vector_norm(flat.view(-1, _ROW), dim=1)
    precision = None if norms.device.type == "mps" else torch.float64
    return float(torch.linalg.vector_norm(norms, dtype=precision))
