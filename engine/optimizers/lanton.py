"""LANTON: Muon whose layers slow down with their gradient noise. arXiv:2510.14009; our reading."""

from typing import Any

import torch
from torch import Tensor

from ..polar import polar
from . import foreach
from .matrix_optimizer import MatrixOptimizer, move
from .muon import SCALES, muon_scale
from .options import require_choice, require_fractions, require_positive


class Lanton(MatrixOptimizer):
    """W_l ← (1 − η_l λ)W_l − η_l s polar(B_l), B ← β₁B + (1−β₁)G, η_l = η √(α_l/max_j α_j).

    α_l = α/√(α² + H_l), H ← β₂H + (1−β₂)‖G_t − G_{t−1}‖_*²: the noise of a layer in the dual norm, here from
    successive gradients (the paper's option I). OUR READING: B and H follow excerpts of arXiv:2510.14009; the two rate
    lines, that λ is taken at η_l, and all default values could not be confirmed. The maximum is over the matrices of
    one group that have a gradient; the first gradient of a layer has no predecessor and leaves H at zero.
    `state[p]["noise"]` is H_l and `state[p]["rate"]` η_l.

    Args:
        params: matrices, or groups; groups with matrix=False are AdamW's.
        lr: η ≥ 0, the rate of the quietest layer.
        betas: β₁ of the momentum, β₂ of the noise.
        alpha: α > 0, in units of the gradient's nuclear norm.
        scale: s, as `muon_scale`.
        weight_decay: λ ≥ 0.
    """

    def __init__(
        self,
        params: Any,
        lr: float,
        betas: tuple[float, float] = (0.95, 0.9),
        alpha: float = 1.0,
        scale: str = "original",
        weight_decay: float = 0.0,
    ):
        defaults = {"lr": lr, "betas": betas, "alpha": alpha, "scale": scale, "weight_decay": weight_decay}
        super().__init__(params, defaults)

    def _check_options(self, group: dict[str, Any]) -> None:
        require_fractions(group, "betas")
        require_positive(group, "alpha")
        require_choice(group, "scale", SCALES)

    def _new_state(self, group: dict[str, Any], p: Tensor) -> dict[str, Any]:
        noise = torch.zeros((), dtype=torch.float64, device=p.device)
        return {"momentum_buffer": torch.zeros_like(p), "noise": noise}

    def _update_group(self, group: dict[str, Any]) -> None:
        batches = list(self._batches(group, self._new_state))
        for batch in batches:
            self._listen(group["betas"][1], batch.parameters, batch.gradients)
        moving = [p for batch in batches for p in batch.parameters]
        if not moving:
            return
        # one device holds the maximum: layers may live on several
        alphas = [
            group["alpha"] / float((group["alpha"] ** 2 + self.state[p]["noise"]) ** 0.5) for p in moving
        ]
        for p, alpha in zip(moving, alphas, strict=True):
            self.state[p]["rate"] = float(group["lr"]) * (alpha / max(alphas)) ** 0.5
        for batch in batches:
            buffers = [self.state[p]["momentum_buffer"] for p in batch.parameters]
            foreach.lerp_(buffers, batch.gradients, 1 - group["betas"][0])
            rows, columns = batch.parameters[0].shape
            scale = muon_scale(rows, columns, group["scale"])
            for p, update in zip(batch.parameters, polar(torch.stack(buffers)), strict=True):
                move({**group, "lr": self.state[p]["rate"]}, [p], update[None], scale)

    def _listen(self, beta: float, parameters: list[Tensor], gradients: list[Tensor]) -> None:
        """H and the gradient it will next be compared with."""
        for p, gradient in zip(parameters, gradients, strict=True):
            state = self.state[p]
            if "previous" in state:
                change = torch.linalg.matrix_norm((gradient - state["previous"]).double(), "nuc")
                state["noise"].lerp_(change.square(), 1 - beta)
            state["previous"] = gradient.clone()
