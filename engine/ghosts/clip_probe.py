"""Slopes along a step that has been taken, seen from where it began: cheap differences, or verified ones."""

import math
from collections.abc import Sequence
from contextlib import nullcontext
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call

from .clip_weights import StepWeights
from .errors import InvalidModelOutput
from .jvp import as_arguments, checked_table, logit_jvp
from .probe import cast_floats, untouched
from .radius import convergence_radius

# Nats by which the fastest log-odds move over the difference, accepted between the two limits: above the
# rounding of float32; curvature and kinks cost 2e-4 to 2e-3 of the radius in the middle, 0.05 nats five times that.
_CHANGE, _LEAST, _MOST = 0.01, 0.001, 0.1
# A difference reaches no further than this part of the weights' length.
_REACH = 0.1
# Up to so many classes one pass for both extremes is faster than two, which are vectorised along the classes.
_FEW_CLASSES = 32
# Logits that are handed in may differ by so many nats from those of evaluation mode.
_AGREE = 1e-4


class StepRadii(NamedTuple):
    """radii: (batch,) along p/‖p‖, in the unit of ‖p‖. backend: how the slopes were found."""

    radii: Tensor
    backend: str


class RadiusProbe:
    """Radii along a step at its start; remembers the scale of the slopes from one call to the next.

    "forward_difference" costs two passes forward, one where the logits are handed in, in the precision of
    the weights. Its error is near 1e-3 of the radius, a few percent at worst where ReLUs switch. The first
    call, and one whose slopes are of another scale than those before, are verified by `logit_jvp`.
    """

    def __init__(self, model: nn.Module, names: Sequence[str], kind: str, backend: str):
        self._model, self._names, self._kind, self._backend = model, list(names), kind, backend
        self._steepest, self._limit = 0.0, 0.0
        self._compared = False
        # Compiled parts would be compiled anew for evaluation mode, and have no forward-mode derivative.
        compiled = any(m._compiled_call_impl or hasattr(m, "_orig_mod") for m in model.modules())
        self._eagerly = partial(torch.compiler.set_stance, "force_eager") if compiled else nullcontext

    def __call__(
        self, inputs: object, weights: StepWeights, norm: float, logits: Tensor | None = None
    ) -> StepRadii:
        """Radii along the step; norm is ‖p‖, above 0. Leaves the weights anywhere along the step."""
        with torch.no_grad(), self._eagerly():
            return self._radii(inputs, weights, norm, logits)

    def _radii(self, inputs: object, weights: StepWeights, norm: float, logits: Tensor | None) -> StepRadii:
        if self._backend in ("jvp", "finite_difference"):
            return self._verified(inputs, weights, norm, self._backend, logits)
        for _ in range(2 if self._steepest else 0):
            distance = min(_CHANGE / self._steepest, self._limit)
            low, high = self._ends(inputs, weights, norm, distance, logits)
            change = high - low
            spread = _spread(change)
            largest = float(spread.max())
            # Not finite where a logit is NaN, infinite or masked: the bound needs no check of its own.
            if not 0 < largest < math.inf:
                break
            self._steepest = largest / distance
            if _LEAST <= largest <= _MOST:
                if self._kind == "bound":
                    return StepRadii(math.pi * distance / spread, "forward_difference")
                return StepRadii(convergence_radius(low, change / distance, self._kind), "forward_difference")
        return self._verified(inputs, weights, norm, "auto", logits)

    def _verified(
        self, inputs: object, weights: StepWeights, norm: float, backend: str, logits: Tensor | None
    ) -> StepRadii:
        weights.to_start()
        direction = dict(zip(self._names, weights.direction(norm), strict=True))
        z, a, used = logit_jvp(self._model, inputs, direction, backend)
        if logits is not None and not self._compared:
            _compare(logits, z)
            self._compared = True
        bound = convergence_radius(z, a)
        self._steepest, self._limit = math.pi / float(bound.min()), _REACH * (weights.size() or 1.0)
        return StepRadii(bound if self._kind == "bound" else convergence_radius(z, a, self._kind), used)

    def _ends(
        self, inputs: object, weights: StepWeights, norm: float, distance: float, logits: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Logits at the start of the step and at a distance along it."""
        with untouched(self._model):
            low = logits if logits is not None else self._logits(inputs, weights, 0.0)
            high = self._logits(inputs, weights, distance / norm)
        if low.shape != high.shape:
            raise InvalidModelOutput(f"logits must have shape {tuple(high.shape)}, not {tuple(low.shape)}")
        return low.to(high), high

    def _logits(self, inputs: object, weights: StepWeights, scale: float) -> Tensor:
        positional, keywords = as_arguments(cast_floats(inputs, None))
        if not weights.are_lifted:
            weights.to_fraction(scale) if scale else weights.to_start()
            return checked_table(self._model(*positional, **keywords))
        lifted = {
            name: cast_floats(value.detach(), None)
            for name, value in (*self._model.named_parameters(), *self._model.named_buffers())
        }
        lifted.update(zip(self._names, weights.at_fraction(scale), strict=True))
        return checked_table(functional_call(self._model, lifted, positional, keywords))


def _spread(change: Tensor) -> Tensor:
    if change.shape[-1] > _FEW_CLASSES:
        return change.amax(-1) - change.amin(-1)
    least, most = change.aminmax(dim=-1)
    return most - least


def _compare(logits: Tensor, z: Tensor) -> None:
    """Refuses logits that are not those the probe would find itself."""
    if logits.shape != z.shape:
        raise InvalidModelOutput(f"logits must have shape {tuple(z.shape)}, not {tuple(logits.shape)}")
    apart = torch.where(logits == z, 0.0, logits.to(z) - z).abs().max()
    if not apart <= _AGREE:
        raise InvalidModelOutput(
            f"logits: they differ by up to {float(apart):.3g} from the network's in evaluation mode and full "
            f"precision; allowed is {_AGREE:g}. Leave them out under dropout, batch normalisation or autocast"
        )
