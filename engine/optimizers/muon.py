"""Muon: momentum, orthogonalised. Jordan et al. (2024); Liu et al. (2025), arXiv:2502.16982, for its RMS scale."""

import math
from typing import Any

import torch
from torch import Tensor

from ..polar import PRESETS, odd_polynomials, polar
from ..polar.factor import METHODS, check_options
from . import foreach
from .matrix_optimizer import Batch, MatrixOptimizer, move
from .options import require_choice, require_count, require_flag, require_fraction

SCALES = ("original", "match_rms_adamw", "spectral", "none")


def muon_scale(rows: int, columns: int, scale: str = "original") -> float:
    """The factor on the orthogonalised update of a (rows, columns) = (out, in) matrix.

    "original" √max(1, rows/columns) (KellerJordan/Muon, torch); "match_rms_adamw" 0.2 √max(rows, columns) (Moonlight);
    "spectral" √(rows/columns), no max (dion); "none" 1. optax reads the array as (in, out).

    >>> muon_scale(400, 100), muon_scale(100, 400), muon_scale(100, 400, "spectral")
    (2.0, 1.0, 0.5)
    """
    require_choice({"scale": scale}, "scale", SCALES)
    return {
        "original": math.sqrt(max(1, rows / columns)),
        "match_rms_adamw": 0.2 * math.sqrt(max(rows, columns)),
        "spectral": math.sqrt(rows / columns),
        "none": 1.0,
    }[scale]


class Muon(MatrixOptimizer):
    """W ← (1 − ηλ)W − η s(m, n) O(u), u = (1−β)G + βM (Nesterov) or M, M ← βM + (1−β)G.

    Jordan et al. (2024). O is five Newton–Schulz steps in the parameter's own dtype: float64 and float32 are exact
    to their rounding. dtype=torch.bfloat16 is the peers' arithmetic, equal to torch.optim.Muon, not to the last
    digits of anything else. Momentum lives in state[p]["momentum_buffer"] in the parameter's dtype and is not
    normalised in place, so bfloat16 without Nesterov is sound here.

    Args:
        params: matrices, or groups; groups with matrix=False are AdamW's.
        lr: η > 0 in units of the update, whose singular values are near 1 times the scale.
        momentum: β in [0, 1).
        nesterov: mix the gradient in once more.
        weight_decay: λ ≥ 0, at the unscaled learning rate.
        scale: s, see `muon_scale`.
        orthogonalizer: a method of `polar`; "svd" and "qdwh" give the exact factor.
        steps: of the orthogonaliser; "svd" has none and leaves it aside, since 5 is the default here.
        dtype: of the orthogonaliser; None is the parameter's.
        bias_correction: optax's: M/(1−β^t), with Nesterov βM/(1−β^(t+1)) + (1−β)G/(1−β^t).
        preset: coefficients by name (`polar.PRESETS`); None is the orthogonaliser's own.

    Raises:
        InvalidOption, InvalidParameter, InvalidGradient: (ValueErrors) naming what is wrong.

    >>> W = torch.nn.Parameter(torch.eye(2))
    >>> W.grad = torch.tensor([[2.0, 0.0], [0.0, -5.0]])
    >>> Muon([W], lr=0.5, orthogonalizer="svd").step()
    >>> W.tolist()
    [[0.5, 0.0], [0.0, 1.5]]
    """

    def __init__(
        self,
        params: Any,
        lr: float,
        momentum: float = 0.95,
        nesterov: bool = True,
        weight_decay: float = 0.0,
        scale: str = "original",
        orthogonalizer: str = "newton_schulz",
        steps: int = 5,
        dtype: torch.dtype | None = None,
        bias_correction: bool = False,
        preset: str | None = None,
    ):
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "nesterov": nesterov,
            "weight_decay": weight_decay,
            "scale": scale,
            "orthogonalizer": orthogonalizer,
            "steps": steps,
            "dtype": dtype,
            "bias_correction": bias_correction,
            "preset": preset,
        }
        super().__init__(params, defaults)

    def _check_options(self, group: dict[str, Any]) -> None:
        require_fraction(group, "momentum")
        require_flag(group, "nesterov", "bias_correction")
        require_choice(group, "scale", SCALES)
        require_choice(group, "orthogonalizer", METHODS)
        require_count(group, "steps")
        check_options(group["orthogonalizer"], _steps(group), group["dtype"], group["preset"])

    def _new_state(self, group: dict[str, Any], p: Tensor) -> dict[str, Any]:
        return {"momentum_buffer": torch.zeros_like(p)}

    def _update(self, group: dict[str, Any], batch: Batch) -> None:
        buffers = [self.state[p]["momentum_buffer"] for p in batch.parameters]
        foreach.lerp_(buffers, batch.gradients, 1 - group["momentum"])
        update = _orthogonalised(_directions(group, batch, buffers), group)
        rows, columns = batch.parameters[0].shape
        move(group, batch.parameters, update, muon_scale(rows, columns, group["scale"]))


def _directions(group: dict[str, Any], batch: Batch, buffers: list[Tensor]) -> Tensor:
    """(count, m, n), a fresh stack: what follows may write into it."""
    beta, step = group["momentum"], batch.step
    if not group["nesterov"]:
        stacked = torch.stack(buffers)
        return stacked.div_(1 - beta**step) if group["bias_correction"] else stacked
    stacked = torch.stack(batch.gradients)
    mixed = list(stacked.unbind())
    if not group["bias_correction"]:
        foreach.lerp_(mixed, buffers, beta)
        return stacked
    stacked.mul_((1 - beta) / (1 - beta**step))
    foreach.add_(mixed, buffers, alpha=beta / (1 - beta ** (step + 1)))
    return stacked


def _steps(group: dict[str, Any]) -> int | None:
    return None if group["orthogonalizer"] == "svd" else group["steps"]


def _orthogonalised(stacked: Tensor, group: dict[str, Any]) -> Tensor:
    method, steps, dtype = group["orthogonalizer"], _steps(group), group["dtype"]
    if method in ("svd", "qdwh"):
        return polar(stacked, method, steps, dtype)
    dtype = dtype or stacked.dtype
    if dtype == torch.bfloat16 and method == "newton_schulz" and group["preset"] in (None, "jordan"):
        return _as_torch_muon(stacked, group["steps"])
    return polar(stacked, method, steps, dtype, group["preset"])


def _as_torch_muon(stacked: Tensor, steps: int) -> Tensor:
    """The arithmetic of torch.optim.Muon, its smallest norm of 1e-7 included."""
    X = stacked.bfloat16()
    X.div_(torch.linalg.vector_norm(X, dim=(-2, -1), keepdim=True).clamp_(min=1e-7))
    return odd_polynomials(X, PRESETS["jordan"].coefficients(steps))
