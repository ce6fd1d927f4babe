"""SOAP: Adam in the eigenframe of Shampoo. Vyas et al. (2024), arXiv:2409.11321; nikhilvyas/SOAP (MIT licence)."""

from typing import Any

import torch
from torch import Tensor

from .errors import InvalidGradient
from .matrix_optimizer import Batch, MatrixOptimizer
from .options import require_count, require_fractions, require_positive


class Soap(MatrixOptimizer):
    """Adam on Q_LᵀGQ_R, turned back; Q_L, Q_R are eigenvectors of the averages of GGᵀ and GᵀG.

    Vyas et al. (2024), algorithm 3, with the semantics of their code: the first step only initialises the frame and
    moves nothing; both averages use β₂; after every precondition_frequency-th update one QR power step follows the
    frame, and the momentum, stored rotated, turns with it; weight decay comes after the update. Eigenvectors are taken
    in float64 and everything is kept in the parameter's dtype, at least float32.

    Not reproducible where the rotated gradient is rounding noise: there Adam divides noise by noise, for gradients
    of tall matrices in float32 above all. Two honest implementations differ by 12 % in such entries.

    Args:
        params: matrices, or groups; groups with matrix=False are AdamW's.
        lr: η ≥ 0.
        betas: of the momentum, and of second moments and the two averages.
        eps: > 0, in units of the gradient.
        weight_decay: λ ≥ 0.
        precondition_frequency: updates between two power steps.

    Raises:
        InvalidOption, InvalidParameter, InvalidGradient: (ValueErrors) naming what is wrong; a gradient whose square
            is beyond the dtype of the averages among them.

    >>> W = torch.nn.Parameter(torch.ones(2, 2).double())
    >>> soap = Soap([W], lr=0.1, weight_decay=0.0)
    >>> W.grad = torch.tensor([[2.0, 0.0], [0.0, -5.0]], dtype=torch.float64)
    >>> soap.step(), W.tolist()
    (None, [[1.0, 1.0], [1.0, 1.0]])
    >>> soap.step(), [[round(value, 6) for value in row] for row in W.tolist()]
    (None, [[0.9, 1.0], [1.0, 1.1]])
    """

    def __init__(
        self,
        params: Any,
        lr: float = 3e-3,
        betas: tuple[float, float] = (0.95, 0.95),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
        precondition_frequency: int = 10,
    ):
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "precondition_frequency": precondition_frequency,
        }
        super().__init__(params, defaults)

    def _check_options(self, group: dict[str, Any]) -> None:
        require_fractions(group, "betas")
        require_positive(group, "eps")
        require_count(group, "precondition_frequency")

    def _refuse_bad_gradients(self) -> None:
        super()._refuse_bad_gradients()
        for index, group in enumerate(self.param_groups):
            for position, p in enumerate(group["params"]):
                if p.grad is None or not group["matrix"]:
                    continue
                work = torch.promote_types(p.dtype, torch.float32)
                # the square of the norm bounds every entry of the averages; half leaves room for rounding
                most = 0.5 * torch.finfo(work).max ** 0.5
                size = float(torch.linalg.vector_norm(p.grad, dtype=torch.float64))
                if size > most:
                    raise InvalidGradient(
                        f"the gradient of {self._name(index, position)} has norm {size:.3g}: at most {most:.3g} is"
                        f" allowed, as its square is averaged in {work}; nothing has been changed"
                    )

    def _new_state(self, group: dict[str, Any], p: Tensor) -> dict[str, Any]:
        work = torch.promote_types(p.dtype, torch.float32)
        rows, columns = (torch.zeros(count, count, dtype=work, device=p.device) for count in p.shape)
        return {
            "exp_avg": torch.zeros_like(p, dtype=work),
            "exp_avg_sq": torch.zeros_like(p, dtype=work),
            "rows": rows,
            "columns": columns,
            "rows_frame": torch.zeros_like(rows),
            "columns_frame": torch.zeros_like(columns),
        }

    def _update(self, group: dict[str, Any], batch: Batch) -> None:
        for p, gradient in zip(batch.parameters, batch.gradients, strict=True):
            state = self.state[p]
            G = gradient.to(state["exp_avg"].dtype)
            if batch.step == 1:
                _average(state, G, group["betas"][1])
                state["rows_frame"], state["columns_frame"] = (
                    _eigenvectors(state[s]) for s in ("rows", "columns")
                )
                continue
            _adam(p, G, state, group, batch.step - 1)
            _average(state, G, group["betas"][1])
            if (batch.step - 1) % group["precondition_frequency"] == 0:
                _turn(state)


def _average(state: dict[str, Any], G: Tensor, beta: float) -> None:
    state["rows"].lerp_(G @ G.mT, 1 - beta)
    state["columns"].lerp_(G.mT @ G, 1 - beta)


def _adam(p: Tensor, G: Tensor, state: dict[str, Any], group: dict[str, Any], step: int) -> None:
    beta1, beta2 = group["betas"]
    left, right, lr = state["rows_frame"], state["columns_frame"], float(group["lr"])
    rotated = left.mT @ G @ right
    state["exp_avg"].lerp_(rotated, 1 - beta1)
    state["exp_avg_sq"].mul_(beta2).addcmul_(rotated, rotated, value=1 - beta2)
    update = left @ (state["exp_avg"] / (state["exp_avg_sq"].sqrt() + group["eps"])) @ right.mT
    p.add_(update.to(p.dtype), alpha=-lr * (1 - beta2**step) ** 0.5 / (1 - beta1**step))
    if group["weight_decay"]:
        p.mul_(1 - lr * group["weight_decay"])


def _eigenvectors(A: Tensor) -> Tensor:
    """Descending."""
    return torch.linalg.eigh(A.double())[1].flip(-1).to(A.dtype)


def _turn(state: dict[str, Any]) -> None:
    """One power step of each frame; second moments follow the order of the columns, the momentum the rotation."""
    momentum = state["rows_frame"] @ state["exp_avg"] @ state["columns_frame"].mT
    for axis, side in enumerate(("rows", "columns")):
        frame = state[f"{side}_frame"]
        order = (frame * (state[side] @ frame)).sum(0).argsort(descending=True)
        state["exp_avg_sq"] = state["exp_avg_sq"].index_select(axis, order)
        state[f"{side}_frame"] = torch.linalg.qr(state[side] @ frame[:, order])[0]
    state["exp_avg"] = state["rows_frame"].mT @ momentum @ state["columns_frame"]
