"""The weights around one optimizer step: where it began, where it ended, and any point between or beyond."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ..optimizers import foreach

_FLOAT64_FREE = ("mps",)


class StepWeights:
    """Start, end and displacement of a step, in buffers that are made once; all weights move in one call.

    Three copies of the optimizer's weights, in float32 where the weights are of half precision.
    """

    def __init__(self, parameters: Sequence[nn.Parameter]):
        self._parameters = list(parameters)
        self._start = [
            p.detach().to(torch.promote_types(p.dtype, torch.float32), copy=True) for p in self._parameters
        ]
        self._end = [torch.empty_like(p) for p in self._start]
        self._change = [torch.zeros_like(p) for p in self._start]
        self.device = self._start[0].device
        # Weights of half precision cannot follow a small displacement; they are lifted instead.
        self.are_lifted = any(p.dtype != s.dtype for p, s in zip(self._parameters, self._start, strict=True))

    def take(self, step: Callable[[], Any]) -> Any:
        """Runs the step and keeps both ends of it; returns what the step returned."""
        with torch.no_grad():
            foreach.copy_(self._start, self._parameters)
        found = step()
        with torch.no_grad():
            foreach.copy_(self._end, self._parameters)
            foreach.copy_(self._change, self._end)
            foreach.add_(self._change, self._start, alpha=-1)
        return found

    def norm(self) -> float:
        """‖p‖ of the step; NaN or +inf where it is not finite."""
        return _norm(self._change)

    def size(self) -> float:
        """‖θ‖ of the weights before the step."""
        return _norm(self._start)

    def direction(self, norm: float) -> list[Tensor]:
        """p/‖p‖, for a norm above 0."""
        return foreach.div(self._change, norm)

    @torch.no_grad()
    def to_start(self) -> None:
        """Weights bit by bit as before the step."""
        foreach.copy_(self._parameters, self._start)

    @torch.no_grad()
    def to_end(self) -> None:
        """Weights bit by bit as the optimizer left them."""
        foreach.copy_(self._parameters, self._end)

    @torch.no_grad()
    def to_fraction(self, scale: float) -> None:
        """Weights at start + scale · step, in their own precision."""
        if self.are_lifted:
            foreach.copy_(self._parameters, self.at_fraction(scale))
        else:
            foreach.copy_(self._parameters, self._start)
            foreach.add_(self._parameters, self._change, alpha=scale)

    def at_fraction(self, scale: float) -> list[Tensor]:
        """Start + scale · step in copies of at least float32; the weights stay where they are."""
        return foreach.add(self._start, self._change, alpha=scale)


def _norm(tensors: list[Tensor]) -> float:
    plain = any(tensor.device.type in _FLOAT64_FREE for tensor in tensors)
    # In float64 neither the squares of tiny entries vanish nor those of large float32 overflow.
    norms = foreach.norm(tensors, 2, dtype=None if plain else torch.float64)
    return float(torch.linalg.vector_norm(torch.stack([n.to(norms[0].device) for n in norms])))
