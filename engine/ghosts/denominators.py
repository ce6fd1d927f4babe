"""Logarithms of what the functions of a network divide by: their zeros are where the network is singular."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from .continuation import SOFTMAX, attention_scores

# Each is positive at real arguments, so that its phase turns only around zeros. Imaginary parts are up to 2π.


def log_one_plus_exp(x: Tensor) -> Tensor:
    """log(1 + exp(x)) without overflow; -∞ at iπ(2k + 1).

    >>> log_one_plus_exp(torch.tensor([1000.0 + 0.5j])).tolist()
    [(1000+0.5j)]
    """
    right = x.real > 0
    return torch.where(right, x, 0.0) + torch.log(1 + torch.exp(torch.where(right, -x, x)))


def log_cosh(x: Tensor, *_: Any) -> Tensor:
    """log 2cosh(x), zero where tanh has its poles.

    >>> log_cosh(torch.tensor([0j])).real.exp().tolist()
    [2.0]
    """
    return log_one_plus_exp(2 * x) - x


def log_logistic(x: Tensor, *_: Any, **__: Any) -> Tensor:
    """log(1 + exp(-x)) of sigmoid and SiLU."""
    return log_one_plus_exp(-x)


def log_softplus(x: Tensor, beta: float = 1.0, *_: Any, **__: Any) -> Tensor:
    """log(1 + exp(βx)): softplus is its logarithm, with branch points at its zeros."""
    return log_one_plus_exp(beta * x)


def log_gelu(x: Tensor, approximate: str = "none") -> Tensor | None:
    """log 2cosh of the argument inside the tanh form; None for the exact form, which is entire."""
    return log_cosh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)) if approximate == "tanh" else None


def log_variance(
    x: Tensor, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Tensor:
    """log(var + ε) of what a LayerNorm with the same arguments divides by, squared."""
    del weight, bias
    over = tuple(range(-len(normalized_shape), 0))
    centred = x - x.mean(over, keepdim=True)
    return torch.log((centred * centred).mean(over) + eps)


def log_softmax_sum(x: Tensor, dim: int | None = None, *_: Any, **__: Any) -> Tensor:
    """log Σ exp(x) of what a softmax with the same arguments divides by."""
    if dim is None:
        raise ValueError("dim=None of softmax; allowed: the dimension it is taken over")
    height = x.real.amax(dim, keepdim=True)
    return torch.log(torch.exp(x - height).sum(dim)) + height.squeeze(dim)


def log_attention_sum(query: Tensor, key: Tensor, value: Tensor, *args: Any, **more: Any) -> Tensor:
    """That of the softmax inside a fused attention."""
    del value
    return log_softmax_sum(attention_scores(query, key, *args[:1], **more), -1)


DENOMINATORS: dict[Any, tuple[str, Callable[..., Tensor | None]]] = {
    **dict.fromkeys(SOFTMAX, ("attention", log_softmax_sum)),
    F.scaled_dot_product_attention: ("attention", log_attention_sum),
    F.layer_norm: ("normalisation", log_variance),
    **dict.fromkeys((torch.tanh, Tensor.tanh, F.tanh), ("feed-forward", log_cosh)),
    **dict.fromkeys((torch.sigmoid, Tensor.sigmoid, F.sigmoid, F.silu), ("feed-forward", log_logistic)),
    F.softplus: ("feed-forward", log_softplus),
    F.gelu: ("feed-forward", log_gelu),
}
"""By what a forward pass calls: the part of the network it belongs to, and the logarithm."""
