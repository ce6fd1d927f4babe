"""ARO: an element-wise method in a frame that turns with the momentum. arXiv:2602.09006; our reading."""

from typing import Any

import torch
from torch import Tensor

from . import foreach
from .matrix_optimizer import Batch, MatrixOptimizer, move
from .options import require_choice, require_count, require_fraction, require_positive
from .symmetric import identities

BASES = ("sinkhorn", "row", "sign")


class Aro(MatrixOptimizer):
    """W ← (1 − ηλ)W − η s R f(RᵀM), R ← QR(M f(RᵀM)ᵀ), M ← βM + (1−β)G; R starts at I.

    arXiv:2602.09006. f is "sign"; "row", each row brought to norm √n; or "sinkhorn", five rounds of rows to √n, then
    columns to √m. QR is taken by Householder reflections with a positive diagonal in float64, which is what the
    shifted Cholesky of the paper tends to; the signs of the columns do not change W. OUR READING: the scale s = 0.2,
    as f has entries of root mean square 1 already (a published fork multiplies by √max(m, n) once more), and that the
    new R is used in the same step.
    Not orthogonally equivariant at finite steps: R starts at I. A tall matrix fixes n columns of R alone; the others
    are the completion that the reflections give, and the rows of RᵀM that belong to them are zero. Where M itself is
    rank-deficient the frame follows rounding noise, as it does in the paper's form.

    Args:
        params: matrices, or groups; groups with matrix=False are AdamW's.
        lr: η ≥ 0.
        momentum: β in [0, 1).
        base: f, one of "sinkhorn", "row", "sign".
        rounds: of "sinkhorn".
        scale: s > 0.
        weight_decay: λ ≥ 0.
    """

    def __init__(
        self,
        params: Any,
        lr: float,
        momentum: float = 0.95,
        base: str = "sinkhorn",
        rounds: int = 5,
        scale: float = 0.2,
        weight_decay: float = 0.0,
    ):
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "base": base,
            "rounds": rounds,
            "scale": scale,
            "weight_decay": weight_decay,
        }
        super().__init__(params, defaults)

    def _check_options(self, group: dict[str, Any]) -> None:
        require_fraction(group, "momentum")
        require_choice(group, "base", BASES)
        require_count(group, "rounds")
        require_positive(group, "scale")

    def _new_state(self, group: dict[str, Any], p: Tensor) -> dict[str, Any]:
        return {"momentum_buffer": torch.zeros_like(p), "rotation": identities(p.shape[0], p)}

    def _update(self, group: dict[str, Any], batch: Batch) -> None:
        states = [self.state[p] for p in batch.parameters]
        buffers = [state["momentum_buffer"] for state in states]
        foreach.lerp_(buffers, batch.gradients, 1 - group["momentum"])
        M = torch.stack(buffers).double()
        R = torch.stack([state["rotation"] for state in states])
        rank = min(M.shape[-2:])
        R = _positive_qr(M @ _base(R.mT @ M, group).mT, rank)
        for state, rotation in zip(states, R, strict=True):
            state["rotation"] = rotation.clone()
        rotated = R.mT @ M
        # zero but for rounding, which f would bring to size 1
        rotated[..., rank:, :] = 0
        move(group, batch.parameters, R @ _base(rotated, group), group["scale"])


def _base(X: Tensor, group: dict[str, Any]) -> Tensor:
    """f, its entries of root mean square 1."""
    if group["base"] == "sign":
        return X.sign()
    if group["base"] == "row":
        return _scaled_to_one(X, -1)
    for _ in range(group["rounds"]):
        X = _scaled_to_one(_scaled_to_one(X, -1), -2)
    return X


def _scaled_to_one(X: Tensor, axis: int) -> Tensor:
    """Root mean square 1 along an axis; zeros stay."""
    largest = X.abs().amax(axis, keepdim=True)
    X = X / torch.where(largest > 0, largest, 1)
    size = X.square().mean(axis, keepdim=True).sqrt()
    return X / torch.where(size > 0, size, 1)


def _positive_qr(A: Tensor, rank: int) -> Tensor:
    """A full Q from the first `rank` columns of A, R with no negative diagonal entry: unique for full rank."""
    Q, R = torch.linalg.qr(A[..., :rank], mode="complete")
    signs = torch.ones(Q.shape[:-1], dtype=Q.dtype, device=Q.device)
    signs[..., :rank] = torch.where(R.diagonal(dim1=-2, dim2=-1) < 0, -1.0, 1.0)
    return Q * signs[..., None, :]
