"""Slopes along a step that has been taken, seen from where it began: cheap differences, or verified ones."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call

from .clip_weights import StepWeights
from .jvp import LogitJvp, as_arguments, checked_logits, logit_jvp
from .probe import cast_floats, untouched

# Nats by which the fastest log-odds move over the difference: far above the rounding of float32, and little
# enough for curvature and kinks to stay below a percent. Accepted between the two limits.
_CHANGE, _LEAST, _MOST = 0.05, 0.005, 0.5
# A difference reaches no further than this part of the weights' length.
_REACH = 0.1


class SlopeProbe:
    """Logits before a step and their slopes along it; remembers the scale of the slopes between calls.

    "forward_difference" costs two passes forward, one where the logits are handed in, in the precision of
    the weights; its error is about 1e-3 of the slopes. The first call, and one whose slopes are of another
    scale than those before, are verified by `logit_jvp`.
    """

    def __init__(self, model: nn.Module, names: Sequence[str], backend: str):
        self._model, self._names, self._backend = model, list(names), backend
        self._steepest, self._limit = 0.0, 0.0

    @torch.no_grad()
    def __call__(self, inputs: object, weights: StepWeights, norm: float, logits: Tensor | None) -> LogitJvp:
        """Slopes per unit of ‖p‖; norm is ‖p‖, above 0. Leaves the weights anywhere along the step."""
        if self._backend in ("jvp", "finite_difference"):
            return self._verified(inputs, weights, norm, self._backend)
        for _ in range(2 if self._steepest else 0):
            distance = min(_CHANGE / self._steepest, self._limit)
            found = self._difference(inputs, weights, norm, distance, logits)
            steepest = _steepest(found.a)
            if not 0 < steepest < float("inf"):
                break
            self._steepest = steepest
            if _LEAST <= steepest * distance <= _MOST:
                return found
        return self._verified(inputs, weights, norm, "auto")

    def _verified(self, inputs: object, weights: StepWeights, norm: float, backend: str) -> LogitJvp:
        weights.to_start()
        direction = dict(zip(self._names, weights.direction(norm), strict=True))
        found = logit_jvp(self._model, inputs, direction, backend)
        self._steepest, self._limit = _steepest(found.a), _REACH * (weights.size() or 1.0)
        return found

    def _difference(
        self, inputs: object, weights: StepWeights, norm: float, distance: float, logits: Tensor | None
    ) -> LogitJvp:
        with untouched(self._model):
            low = logits if logits is not None else self._logits(inputs, weights, 0.0)
            high = self._logits(inputs, weights, distance / norm)
        slopes = (high - low) / distance
        if bool((low == -torch.inf).any()):
            # A class masked on both sides does not move; -inf minus -inf would be NaN.
            slopes = torch.where(high == low, 0.0, slopes)
        return LogitJvp(low, slopes, "forward_difference")

    def _logits(self, inputs: object, weights: StepWeights, scale: float) -> Tensor:
        positional, keywords = as_arguments(cast_floats(inputs, None))
        if weights.in_working_precision():
            weights.to_fraction(scale) if scale else weights.to_start()
            return checked_logits(self._model, self._model(*positional, **keywords))
        lifted = {
            name: cast_floats(value.detach(), None)
            for name, value in (*self._model.named_parameters(), *self._model.named_buffers())
        }
        lifted.update(zip(self._names, weights.at_fraction(scale), strict=True))
        return checked_logits(self._model, functional_call(self._model, lifted, positional, keywords))


def _steepest(a: Tensor) -> float:
    return float((a.amax(-1) - a.amin(-1)).amax())
