"""Slopes along a step that has been taken, seen from where it began: cheap differences, or verified ones."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from operator import truediv
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call

from .clip_weights import StepWeights
from .errors import InvalidModelOutput
from .jvp import as_arguments, checked_table, logit_jvp
from .probe import Parts, cast_floats, untouched
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
    """Radii of the samples along p/‖p‖, in the unit of ‖p‖.

    radii: gives all, (batch,). smallest, bottleneck: the smallest and whose it is. backend: how the slopes were
    found. reused: whether the offered logits were taken for the start.
    """

    radii: Callable[[], Tensor]
    smallest: float
    bottleneck: int
    backend: str
    reused: bool = False


class StartLogits(NamedTuple):
    """Logits at the start of a step, to save the pass that would find them.

    values: (batch, classes), without a graph. handed_in: by the user, who is told where they are not right; not
    kept by ourselves. parts: of the model, where they are known.
    """

    values: Tensor
    handed_in: bool
    parts: Parts | None = None


class RadiusProbe:
    """Radii along a step at its start; remembers the scale of the slopes from one call to the next.

    "forward_difference" costs two passes forward, one where the logits at the start are at hand, in the
    precision of the weights. Its error is near 1e-3 of the radius, a few percent at worst where ReLUs switch.
    The first call, and one whose slopes are of another scale than those before, are verified by `logit_jvp`;
    so are logits that are offered: those handed in raise where they differ, those of the training pass are
    not taken any more.
    """

    def __init__(self, model: nn.Module, names: Sequence[str], kind: str, backend: str):
        self._model, self._names, self._kind, self._backend = model, list(names), kind, backend
        self._steepest, self._limit = 0.0, 0.0
        # Offered logits by who offers them: whether they were found to be those of evaluation mode.
        self._agree: dict[bool, bool] = {}
        # Compiled parts would be compiled anew for evaluation mode, and have no forward-mode derivative.
        self._is_compiled = any(m._compiled_call_impl or hasattr(m, "_orig_mod") for m in model.modules())

    def __call__(
        self, inputs: object, weights: StepWeights, norm: float, start: StartLogits | None = None
    ) -> StepRadii:
        """Radii along the step; norm is ‖p‖, above 0. Leaves the weights anywhere along the step.

        To be called under `torch.no_grad`.
        """
        if not self._is_compiled:
            return self._radii(inputs, weights, norm, start)
        with torch.compiler.set_stance("force_eager"):
            return self._radii(inputs, weights, norm, start)

    @property
    def takes_training_logits(self) -> bool:
        """Whether logits of the training pass would be taken where they are provably the right ones."""
        forward = self._backend in ("auto", "forward_difference")
        return forward and not self._is_compiled and self._agree.get(False, True)

    def _radii(
        self, inputs: object, weights: StepWeights, norm: float, start: StartLogits | None
    ) -> StepRadii:
        if self._backend in ("jvp", "finite_difference"):
            return self._verified(inputs, weights, norm, self._backend, start)
        for _ in range(2 if self._steepest else 0):
            distance = min(_CHANGE / self._steepest, self._limit)
            reused = start is not None and self._agree.get(start.handed_in, False)
            low, high = self._ends(inputs, weights, norm, distance, start)
            change = high - low
            spread = _spread(change)
            most, index = spread.max(0)
            largest = float(most)
            # Not finite where a logit is NaN, infinite or masked: the bound needs no check of its own. Zero too
            # where the logits are a view of the weights, and moved along.
            if not 0 < largest < math.inf:
                break
            self._steepest = largest / distance
            if _LEAST <= largest <= _MOST:
                if self._kind != "bound":
                    radii = convergence_radius(low, change / distance, self._kind)
                    return _step_radii(radii, "forward_difference", reused)
                reach = math.pi * distance
                radii = partial(truediv, reach, spread)
                return StepRadii(radii, reach / largest, int(index), "forward_difference", reused)
        return self._verified(inputs, weights, norm, "auto", start)

    def _verified(
        self, inputs: object, weights: StepWeights, norm: float, backend: str, start: StartLogits | None
    ) -> StepRadii:
        weights.to_start()
        direction = dict(zip(self._names, weights.direction(norm), strict=True))
        z, a, used = logit_jvp(self._model, inputs, direction, backend)
        self._compare(start, z)
        bound = convergence_radius(z, a)
        self._steepest, self._limit = math.pi / float(bound.min()), _REACH * (weights.size() or 1.0)
        return _step_radii(bound if self._kind == "bound" else convergence_radius(z, a, self._kind), used)

    def _ends(
        self, inputs: object, weights: StepWeights, norm: float, distance: float, start: StartLogits | None
    ) -> tuple[Tensor, Tensor]:
        """Logits at the start of the step and at a distance along it."""
        with untouched(self._model, None if start is None else start.parts):
            low = self._start(inputs, weights, start)
            high = self._logits(inputs, weights, distance / norm)
        if low.shape != high.shape:
            raise InvalidModelOutput(f"logits must have shape {tuple(high.shape)}, not {tuple(low.shape)}")
        return low.to(high), high

    def _start(self, inputs: object, weights: StepWeights, start: StartLogits | None) -> Tensor:
        if start is not None and self._agree.get(start.handed_in):
            return start.values
        own = self._logits(inputs, weights, 0.0)
        if start is not None and start.handed_in not in self._agree:
            self._compare(start, own)
        return own

    def _compare(self, start: StartLogits | None, z: Tensor) -> None:
        """Are the offered logits those that the probe finds? Asked once of the user's, at every chance of ours."""
        if start is None or (start.handed_in and self._agree.get(True)):
            return
        fault = _disagreement(start.values, z)
        if fault and start.handed_in:
            raise InvalidModelOutput(fault)
        self._agree[start.handed_in] = not fault and self._agree.get(start.handed_in, True)

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


def _step_radii(radii: Tensor, backend: str, reused: bool = False) -> StepRadii:
    smallest, index = radii.min(0)
    return StepRadii(lambda: radii, float(smallest), int(index), backend, reused)


def _spread(change: Tensor) -> Tensor:
    if change.shape[-1] > _FEW_CLASSES:
        return change.amax(-1) - change.amin(-1)
    least, most = change.aminmax(dim=-1)
    return most - least


def _disagreement(logits: Tensor, z: Tensor) -> str:
    """Why these are not the logits z that the probe found itself; empty where they are."""
    if logits.shape != z.shape:
        return f"logits must have shape {tuple(z.shape)}, not {tuple(logits.shape)}"
    apart = float(torch.where(logits == z, 0.0, logits.to(z) - z).abs().max())
    if apart <= _AGREE:
        return ""
    return (
        f"logits: they differ by up to {apart:.3g} from the network's in evaluation mode and full precision; "
        f"allowed is {_AGREE:g}. Leave them out under dropout, batch normalisation or autocast"
    )
