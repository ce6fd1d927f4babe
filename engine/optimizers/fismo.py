"""FISMO: Muon in a Kronecker Fisher metric. Xu, Yan & Zhang (2026), arXiv:2601.21750; our reading."""

from typing import Any

import torch
from torch import Tensor

from ..polar import polar
from . import foreach
from .matrix_optimizer import Batch, MatrixOptimizer, move
from .options import require_flag, require_fraction, require_positive
from .symmetric import identities, inverse_power, symmetric, trace


class Fismo(MatrixOptimizer):
    """W ← (1 − ηλ)W − η P^(-1/2) polar(M) Q^(-1/2), M ← βM + (1−β) P^(-1/2) G Q^(-1/2).

    P ← γP + (1−γ)(GQ⁻¹Gᵀ/n + μ tr(P)/m I), normalised to trace m; then Q ← γQ + (1−γ)(GᵀP⁻¹G/m + μ tr(Q)/n I),
    normalised to trace n; both start at I. OUR READING: the method is the paper's (arXiv:2601.21750), its text could
    not be had; values of β, γ, μ, the order of the two updates and the damping are ours.

    With scale_free=False the update depends on the scale of the gradient: small gradients leave P and Q at I, plain
    Muon, and large ones blow it up. scale_free=True, also ours, normalises GQ⁻¹Gᵀ to trace m, and its partner to n,
    before they are averaged: then only the direction of the gradient counts.

    Args:
        params: matrices, or groups; groups with matrix=False are AdamW's.
        lr: η ≥ 0.
        momentum: β in [0, 1).
        gamma: in [0, 1), of the two metrics.
        damping: μ > 0.
        scale_free: see above.
        weight_decay: λ ≥ 0.
    """

    def __init__(
        self,
        params: Any,
        lr: float,
        momentum: float = 0.95,
        gamma: float = 0.95,
        damping: float = 1e-3,
        scale_free: bool = False,
        weight_decay: float = 0.0,
    ):
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "gamma": gamma,
            "damping": damping,
            "scale_free": scale_free,
            "weight_decay": weight_decay,
        }
        super().__init__(params, defaults)

    def _check_options(self, group: dict[str, Any]) -> None:
        require_fraction(group, "momentum", "gamma")
        require_positive(group, "damping")
        require_flag(group, "scale_free")

    def _new_state(self, group: dict[str, Any], p: Tensor) -> dict[str, Any]:
        rows, columns = (identities(count, p) for count in p.shape)
        momentum = torch.zeros_like(p, dtype=torch.float64)
        return {"rows_metric": rows, "columns_metric": columns, "momentum_buffer": momentum}

    def _update(self, group: dict[str, Any], batch: Batch) -> None:
        states = [self.state[p] for p in batch.parameters]
        G = torch.stack(batch.gradients).double()
        P, Q = (torch.stack([state[key] for state in states]) for key in ("rows_metric", "columns_metric"))
        P = _metric(P, G @ inverse_power(Q, 1.0) @ G.mT / G.shape[-1], group)
        Q = _metric(Q, G.mT @ inverse_power(P, 1.0) @ G / G.shape[-2], group)
        for state, rows, columns in zip(states, P, Q, strict=True):
            state["rows_metric"], state["columns_metric"] = rows.clone(), columns.clone()
        left, right = inverse_power(P, 0.5), inverse_power(Q, 0.5)
        buffers = [state["momentum_buffer"] for state in states]
        foreach.lerp_(buffers, list((left @ G @ right).unbind()), 1 - group["momentum"])
        move(group, batch.parameters, left @ polar(torch.stack(buffers)) @ right)


def _metric(old: Tensor, gram: Tensor, group: dict[str, Any]) -> Tensor:
    """The damped average of a metric with trace equal to its size."""
    size = old.shape[-1]
    identity = identities(size, old)
    if group["scale_free"]:
        total = trace(gram)
        # a zero gradient says nothing about directions: the identity
        gram = torch.where(total > 0, gram * size / torch.where(total > 0, total, 1), identity)
    target = gram + group["damping"] * trace(old) / size * identity
    mixed = symmetric(group["gamma"] * old + (1 - group["gamma"]) * target)
    return mixed * size / trace(mixed)
