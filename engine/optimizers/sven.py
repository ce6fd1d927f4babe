"""Sven: each step solves for the residuals of a batch. Sven (2026), arXiv:2604.01279."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable
from contextlib import nullcontext
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import torch
from scipy.linalg.lapack import dsyevr  # pyright: ignore[reportAttributeAccessIssue]
from torch import Tensor, nn
from torch.optim import Optimizer

from . import foreach
from .errors import InvalidLoss, InvalidOption, InvalidParameter
from .layer_gram import LayerGram, linear_layers
from .options import require_at_least_zero, require_count, require_fraction, require_positive
from .sample_gradients import SampleGradients

# the rounding of float64, in which the Gram matrix is
EPS = float(np.finfo(np.float64).eps)


class SvenStep(NamedTuple):
    """What the last step saw."""

    squares: np.ndarray
    """(B,) eigenvalues of the Gram matrix of the Jacobian of the residuals, ascending"""
    kept: int
    """how many of them were inverted, the largest"""

    @property
    def singular_values(self) -> Tensor:
        """(B,) of that Jacobian, descending; below about 1e-8 of the first they are rounding noise."""
        return torch.from_numpy(np.sqrt(np.maximum(self.squares[::-1], 0)))


class Sven(Optimizer):
    """θ ← θ − η J⁺ R with R_i = ℓ_i^(κ/2) per sample, J = ∂R/∂θ (B, P), J⁺ cut at k and at rtol σ₁.

    arXiv:2604.01279. The SVD is taken through the Gram matrix K = JJᵀ = U S² Uᵀ in float64: J⁺R = JᵀU_k S_k⁻² U_kᵀR,
    one eigenvalue problem of size B and one weighted backward pass. With a model of linear layers
    K = Σ_layers (g gᵀ)∘(x xᵀ + 1), no Jacobian is ever formed. Gram values below B·eps·σ₁² are noise and cut too.
    κ = 2 takes the losses themselves as residuals: half the rate of κ = 1 on squared losses, where R = |residual|.

    A parameter that the loss does not reach stays. Losses of zero have no direction for κ < 2 and count as solved.

    Args:
        params: the parameters, or groups that differ in lr alone.
        lr: η ≥ 0; 1 solves a linear model with κ = 1 in one step.
        k: at most so many singular values; None keeps all above rtol.
        rtol: in [0, 1), relative to the largest singular value.
        kappa: κ > 0.
        model: layers `nn.Linear`, each called once in the closure on (B, features) inputs, owning all parameters here.

    Raises:
        InvalidOption, InvalidParameter, InvalidLoss: (ValueErrors) naming what is wrong.

    >>> theta = torch.nn.Parameter(torch.zeros(2, dtype=torch.float64))
    >>> sven = Sven([theta], lr=1.0, kappa=1.0)
    >>> losses = sven.step(lambda: (torch.eye(2).double() @ theta - torch.tensor([1.0, 3.0])).square())
    >>> [round(value, 12) for value in theta.tolist()]
    [1.0, 3.0]
    """

    def __init__(
        self,
        params: Any,
        lr: float,
        k: int | None = None,
        rtol: float = 1e-3,
        kappa: float = 2.0,
        model: nn.Module | None = None,
    ):
        super().__init__(params, {"lr": lr, "k": k, "rtol": rtol, "kappa": kappa})
        self._layers = None if model is None else LayerGram(linear_layers(model, self._parameters()))
        self.last_step: SvenStep | None = None

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group with its own lr; refused whole if it asks for another k, rtol or kappa."""
        super().add_param_group(param_group)
        try:
            self._check_group(self.param_groups[-1])
        except ValueError:
            self.param_groups.pop()
            raise

    @torch.no_grad()
    def step(self, closure: Callable[[], Tensor] | None = None) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        """One step; the closure returns the losses (B,) of the samples, with graph, and calls no backward."""
        if closure is None:
            raise InvalidLoss(
                "closure is None: a closure that returns the losses (B,) of the samples is needed"
            )
        group = self.param_groups[0]
        parameters = [p for p in self._parameters() if p.requires_grad]
        layers = self._layers
        with torch.enable_grad(), nullcontext() if layers is None else layers:
            losses = _checked(closure())
        chain = _chain(losses, group["kappa"])
        if layers is None:
            jacobian = SampleGradients(losses, parameters, chain)
        else:
            layers.backward(losses, chain, parameters)
            jacobian = layers
        residuals = _residuals(losses, group["kappa"])
        K = jacobian.gram().cpu().numpy()
        weights, self.last_step = _solve(K, residuals, group["k"], group["rtol"])
        self._move(jacobian.transposed(torch.from_numpy(weights)))
        return losses.detach()

    def _move(self, directions: list[Tensor]) -> None:
        """θ ← θ − η direction; one direction for each parameter that moves, in the order of the groups."""
        start = 0
        for group in self.param_groups:
            moving = [p for p in group["params"] if p.requires_grad]
            if moving:
                foreach.add_(moving, directions[start : start + len(moving)], alpha=-float(group["lr"]))
            start += len(moving)

    def _parameters(self) -> list[Tensor]:
        return [p for group in self.param_groups for p in group["params"]]

    def _check_group(self, group: dict[str, Any]) -> None:
        require_at_least_zero(group, "lr")
        require_fraction(group, "rtol")
        require_positive(group, "kappa")
        if group["k"] is not None:
            require_count(group, "k")
        for name in ("k", "rtol", "kappa"):
            if group[name] != self.param_groups[0][name]:
                raise InvalidOption(
                    f"{name} is {group[name]!r} in a later group: {self.param_groups[0][name]!r}, as in the first,"
                    " is needed; one Gram matrix serves all groups"
                )
        for p in group["params"]:
            if not p.is_floating_point():
                raise InvalidParameter(f"a parameter is {p.dtype}: real numbers are needed")


def _checked(losses: Tensor) -> Tensor:
    if not isinstance(losses, Tensor) or losses.ndim != 1 or losses.shape[0] == 0:
        shape = tuple(losses.shape) if isinstance(losses, Tensor) else type(losses).__name__
        raise InvalidLoss(
            f"the closure returned {shape}: the losses (B,) of the samples, a tensor, are needed"
        )
    if losses.grad_fn is None:
        raise InvalidLoss(
            "the closure returned losses without a graph: losses that depend on the parameters are needed"
        )
    return losses


def _chain(losses: Tensor, kappa: float) -> Tensor:
    """∂R_i/∂ℓ_i = κ/2 ℓ_i^(κ/2 − 1), zero where the loss is: 0^(negative) would be infinite times zero."""
    if kappa == 2:
        return _ones(len(losses), losses.dtype, losses.device)
    losses = losses.detach()
    positive = torch.where(losses > 0, losses, 1)
    return torch.where(losses > 0, kappa / 2 * positive ** (kappa / 2 - 1), 0)


@lru_cache
def _ones(count: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    return torch.ones(count, dtype=dtype, device=device)


def _residuals(losses: Tensor, kappa: float) -> np.ndarray:
    """ℓ^(κ/2) in float64 on the host, of finite losses."""
    values = losses.tolist()
    # one sum tells, unless finite losses overflow together
    if not math.isfinite(sum(values)) and not all(map(math.isfinite, values)):
        count = sum(not math.isfinite(value) for value in values)
        raise InvalidLoss(
            f"{count} losses are NaN or infinite: finite ones are needed; nothing has been changed"
        )
    if kappa == 2:
        return np.array(values)
    if min(values) < 0:
        raise InvalidLoss(f"the smallest loss is {min(values)}: kappa={kappa} needs losses of at least 0")
    return np.array(values) ** (kappa / 2)


def _solve(K: np.ndarray, residuals: np.ndarray, k: int | None, rtol: float) -> tuple[np.ndarray, SvenStep]:
    """w = U_k S_k⁻² U_kᵀ R, so that J⁺R = Jᵀw; on the host, where a problem this small is soonest solved."""
    # a positive semidefinite matrix is finite where its diagonal is
    if not math.isfinite(sum(K.diagonal().tolist())):
        raise InvalidLoss(
            "the Gram matrix of the Jacobian is not finite: finite slopes are needed; nothing has been changed"
        )
    squares, U = _eigenvectors(K)
    # of a list, as a few dozen numbers are compared sooner one by one than as an array
    values = squares.tolist()
    cut = bisect_right(values, max(rtol**2, len(K) * EPS) * max(values[-1], 0.0))
    if k is not None:
        cut = max(cut, len(K) - k)
    kept = U[:, cut:]
    weights = kept.dot(residuals.dot(kept) / squares[cut:])
    return weights, SvenStep(squares, len(K) - cut)


def _eigenvectors(K: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Ascending; up to 64 by LAPACK without its wrappers, by its method that is soonest done where a spectrum decays."""
    if len(K) > 64:
        return np.linalg.eigh(K)
    squares, U, _, _, info = dsyevr(K)
    if info:
        raise np.linalg.LinAlgError(
            f"the eigenvalues of the Gram matrix did not converge: dsyevr returned {info}"
        )
    return squares, U
