"""What holds back the steps of the four lanes of the spike lab; every limit acts on the optimiser's actual step."""

import statistics
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ..ghosts import RadiusClip

LIMITS = ("plain", "gradient_norm", "step_norm", "radius")
"""The lanes: no limit; ‖g‖ ≤ 1 before the optimiser; ‖p‖ at its running median; r = ‖p‖/ρ_a at the target."""

GRADIENT_NORM = 1.0

FREE_STEPS = 10
"""Steps before the running median of ‖p‖ holds anything back."""


class TakenStep(NamedTuple):
    """proposed: ‖p‖ the optimiser wanted. norm: ‖p‖ taken. radius: ρ_a over the minibatch along p/‖p‖."""

    proposed: float
    norm: float
    radius: float


class Limiter:
    """Lets the optimiser step, has `RadiusClip` measure the step at the weights it starts from, and shortens it.

    "radius" is the cap of `RadiusClip`; the others are watched by it. The running median is our baseline: a step is no
    longer than the median of all steps this lane has taken before, after `FREE_STEPS` free ones. Slopes are taken by
    forward mode, so that a step depends on nothing but weights, gradients and the optimiser's state.

    Args:
        limit: one of `LIMITS`.
        target: largest r of the lane "radius".
    """

    def __init__(self, model: nn.Module, optimizer: torch.optim.Optimizer, limit: str, target: float):
        self.limit = limit
        self._moving = [p for p in model.parameters() if p.requires_grad]
        mode = "cap" if limit == "radius" else "monitor"
        self._clip = RadiusClip(model, optimizer, target, mode=mode, backend="jvp")

    def step(self, images: Tensor, norms: Sequence[float]) -> TakenStep | None:
        """One step from the gradients at hand; None where it, or what the network makes of it, is not finite.

        Args:
            images: (batch, 64), over which ρ_a is the smallest.
            norms: of the steps taken before.
        """
        if self.limit == "gradient_norm":
            nn.utils.clip_grad_norm_(self._moving, GRADIENT_NORM)
        capped = self.limit == "step_norm" and len(norms) >= FREE_STEPS
        before = [p.detach().clone() for p in self._moving] if capped else []
        found = self._clip.step(images)
        if found.radius == 0:
            return None
        factor = found.scale
        if capped and found.step_norm > 0:
            factor = min(1.0, statistics.median(norms) / found.step_norm)
            if factor < 1:
                self._shorten(before, factor)
        return TakenStep(found.step_norm, factor * found.step_norm, found.radius)

    @torch.no_grad()
    def _shorten(self, before: list[Tensor], factor: float) -> None:
        for p, start in zip(self._moving, before, strict=True):
            p.copy_(start + factor * (p - start))
