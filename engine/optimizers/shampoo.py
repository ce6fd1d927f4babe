"""Shampoo: a Kronecker preconditioner. Gupta, Koren & Singer (2018), arXiv:1802.09568."""

from typing import Any

import torch
from torch import Tensor

from . import foreach
from .errors import InvalidOption
from .matrix_optimizer import Batch, MatrixOptimizer, move
from .options import require_at_least_zero, require_count, require_fraction, require_positive
from .symmetric import identities, inverse_power


class Shampoo(MatrixOptimizer):
    """W ← (1 − ηλ)W − η L^(-1/4) M R^(-1/4), L ← L + GGᵀ, R ← R + GᵀG, M ← βM + (1−β)G.

    Gupta, Koren & Singer (2018), algorithm 1, which starts L and R at epsilon I with 1e-6; here at zero, so the method
    does not see the scale of the gradient, and eigenvalues below 1e-12 of the largest are raised to that. Its first
    step is then the polar factor of G. L and R are kept, and their roots taken, in float64.

    Args:
        params: matrices, or groups; groups with matrix=False are AdamW's.
        lr: η ≥ 0 in units of the update, whose first singular values are 1.
        momentum: β in [0, 1), of the gradient.
        beta2: None adds up; otherwise L ← β₂L + (1−β₂)GGᵀ, whose first step is (1−β₂)^(-1/2) times the polar factor.
        epsilon: ≥ 0, in units of the squared gradient.
        exponent: of each side; 1/4 is the paper's, 1/2 that of pytorch_optimizer, another method.
        precondition_frequency: steps between two roots; a root taken of a zero gradient is zero.
        weight_decay: λ ≥ 0.

    >>> W = torch.nn.Parameter(torch.zeros(2, 2))
    >>> W.grad = torch.tensor([[2.0, 0.0], [0.0, -5.0]])
    >>> Shampoo([W], lr=1.0).step()
    >>> [[round(value, 5) for value in row] for row in W.tolist()]
    [[-1.0, 0.0], [0.0, 1.0]]
    """

    def __init__(
        self,
        params: Any,
        lr: float,
        momentum: float = 0.0,
        beta2: float | None = None,
        epsilon: float = 0.0,
        exponent: float = 0.25,
        precondition_frequency: int = 1,
        weight_decay: float = 0.0,
    ):
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "beta2": beta2,
            "epsilon": epsilon,
            "exponent": exponent,
            "precondition_frequency": precondition_frequency,
            "weight_decay": weight_decay,
        }
        super().__init__(params, defaults)

    def _check_options(self, group: dict[str, Any]) -> None:
        require_fraction(group, "momentum")
        if group["beta2"] is not None:
            require_fraction(group, "beta2")
        require_at_least_zero(group, "epsilon")
        require_positive(group, "exponent")
        require_count(group, "precondition_frequency")
        if group["exponent"] > 1:
            raise InvalidOption(f"exponent is {group['exponent']!r}: a number in (0, 1] is needed")

    def _new_state(self, group: dict[str, Any], p: Tensor) -> dict[str, Any]:
        rows, columns = (group["epsilon"] * identities(count, p) for count in p.shape)
        state = {"rows": rows, "columns": columns, "rows_root": rows, "columns_root": columns}
        return {**state, "momentum_buffer": torch.zeros_like(p)}

    def _update(self, group: dict[str, Any], batch: Batch) -> None:
        states = [self.state[p] for p in batch.parameters]
        foreach.lerp_([s["momentum_buffer"] for s in states], batch.gradients, 1 - group["momentum"])
        G = torch.stack(batch.gradients).double()
        self._accumulate(group, states, "rows", G @ G.mT, batch.step)
        self._accumulate(group, states, "columns", G.mT @ G, batch.step)
        M = torch.stack([state["momentum_buffer"] for state in states]).double()
        left, right = (torch.stack([state[key] for state in states]) for key in ("rows_root", "columns_root"))
        move(group, batch.parameters, left @ M @ right)

    @staticmethod
    def _accumulate(
        group: dict[str, Any], states: list[dict[str, Any]], side: str, gram: Tensor, step: int
    ) -> None:
        kept, added = (1.0, 1.0) if group["beta2"] is None else (group["beta2"], 1 - group["beta2"])
        total = kept * torch.stack([state[side] for state in states]) + added * gram
        refresh = (step - 1) % group["precondition_frequency"] == 0
        roots = inverse_power(total, group["exponent"]) if refresh else None
        for i, state in enumerate(states):
            state[side] = total[i].clone()
            if roots is not None:
                state[f"{side}_root"] = roots[i].clone()
