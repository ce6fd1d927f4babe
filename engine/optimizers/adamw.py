"""AdamW for what is no matrix. Loshchilov & Hutter (2019), arXiv:1711.05101; the arithmetic of torch.optim.AdamW."""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from . import foreach


def new_adamw_state(p: Tensor) -> dict[str, Any]:
    return {"exp_avg": torch.zeros_like(p), "exp_avg_sq": torch.zeros_like(p)}


def adamw_step(
    group: dict[str, Any],
    parameters: list[Tensor],
    gradients: list[Tensor],
    states: Mapping[Tensor, dict[str, Any]],
    step: int,
) -> None:
    """W ← (1 − ηλ)W − η m̂/(√v̂ + ε); parameters of one shape, `step` counted from 1."""
    beta1, beta2 = group["adamw_betas"]
    lr = float(group["lr"])
    mean = [states[p]["exp_avg"] for p in parameters]
    square = [states[p]["exp_avg_sq"] for p in parameters]
    foreach.lerp_(mean, gradients, 1 - beta1)
    foreach.mul_(square, beta2)
    foreach.addcmul_(square, gradients, gradients, 1 - beta2)
    denominator = foreach.sqrt(square)
    foreach.div_(denominator, math.sqrt(1 - beta2**step))
    foreach.add_(denominator, group["adamw_eps"])
    if group["weight_decay"]:
        foreach.mul_(parameters, 1 - lr * group["weight_decay"])
    foreach.addcdiv_(parameters, mean, denominator, -lr / (1 - beta1**step))
