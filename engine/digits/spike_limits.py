"""What holds back the steps of the four lanes of the spike lab; every limit acts on the optimiser's actual step."""

import statistics
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ..ghosts import convergence_radius, logit_jvp

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
    """Lets the optimiser step, measures the step at the weights it starts from, and shortens it.

    Sao (2026), arXiv:2603.13552, proposition 5.2 for "radius"; the running median is our baseline: the norm of a step is at
    most the median of all norms this lane has taken before, after `FREE_STEPS` free ones.

    Args:
        limit: one of `LIMITS`.
        target: largest r of the lane "radius".
    """

    def __init__(self, model: nn.Module, optimizer: torch.optim.Optimizer, limit: str, target: float):
        self.model, self.optimizer, self.limit, self.target = model, optimizer, limit, target
        self._named = [(name, p) for name, p in model.named_parameters() if p.requires_grad]

    def step(self, images: Tensor, norms: Sequence[float]) -> TakenStep:
        """One step from the gradients at hand.

        Args:
            images: (batch, 64), over which ρ_a is the smallest.
            norms: of the steps taken before.

        Raises:
            ArithmeticError: the step is not finite; the weights are then as they were.
            InvalidModelOutput: as `logit_jvp`.
        """
        if self.limit == "gradient_norm":
            nn.utils.clip_grad_norm_([p for _, p in self._named], GRADIENT_NORM)
        before = [p.detach().clone() for _, p in self._named]
        self.optimizer.step()
        step = [p.detach() - old for (_, p), old in zip(self._named, before, strict=True)]
        proposed = _norm(step)
        self._place(before, step, 0.0)
        if not proposed < float("inf"):
            raise ArithmeticError(f"the step has norm {proposed}; a finite one is needed")
        radius = self._radius(images, step, proposed)
        factor = self._factor(proposed, radius, norms)
        self._place(before, step, factor)
        return TakenStep(proposed, factor * proposed, radius)

    def _radius(self, images: Tensor, step: list[Tensor], norm: float) -> float:
        if norm == 0:
            return float("inf")
        direction = {name: part / norm for (name, _), part in zip(self._named, step, strict=True)}
        z, a, _ = logit_jvp(self.model, images, direction, "jvp")
        return float(convergence_radius(z, a).min())

    def _factor(self, proposed: float, radius: float, norms: Sequence[float]) -> float:
        if proposed == 0:
            return 1.0
        if self.limit == "radius":
            return min(1.0, self.target * radius / proposed)
        if self.limit == "step_norm" and len(norms) >= FREE_STEPS:
            return min(1.0, statistics.median(norms) / proposed)
        return 1.0

    @torch.no_grad()
    def _place(self, before: list[Tensor], step: list[Tensor], factor: float) -> None:
        for (_, p), old, part in zip(self._named, before, step, strict=True):
            p.copy_(old + factor * part if factor else old)


def _norm(parts: Sequence[Tensor]) -> float:
    """Over all parameters together, summed in float64: a spiked step may overflow the squares of float32."""
    return float(torch.stack([part.double().square().sum() for part in parts]).sum().sqrt())
