"""The smooth functions of a network at complex arguments: each equals the real one on the real line."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from scipy.special import erfc
from torch import Tensor
from torch.nn import functional as F


def gelu(x: Tensor, approximate: str = "none") -> Tensor:
    """x Φ(x), entire, from the complementary error function; or its tanh form, which has poles.

    Args:
        x: complex, any shape.
        approximate: "none" or "tanh", as in `torch.nn.functional.gelu`.

    >>> round(gelu(torch.tensor([1.0 + 0.0j])).real.item(), 4)
    0.8413
    """
    if approximate == "tanh":
        return x / 2 * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)))
    # Far from the real line erfc is larger than any number: the caller sees an infinity, not a warning.
    with np.errstate(over="ignore", invalid="ignore"):
        tail = erfc(-x.detach().resolve_conj().cpu().numpy() / math.sqrt(2))
    return x / 2 * torch.from_numpy(np.asarray(tail)).to(x)


def sigmoid(x: Tensor) -> Tensor:
    """1/(1 + exp(-x)), poles at iπ(2k+1); PyTorch's is NaN far to the left.

    >>> sigmoid(torch.tensor([-800.0 + 1.0j])).abs().tolist()
    [0.0]
    """
    left = x.real < 0
    small = torch.exp(torch.where(left, x, -x))
    return torch.where(left, small, 1.0) / (1 + small)


def silu(x: Tensor, inplace: bool = False) -> Tensor:
    """x/(1 + exp(-x)), poles at iπ(2k+1)."""
    return x * sigmoid(x)


def softplus(x: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """log(1 + exp(βx))/β, principal branch: cuts start at iπ(2k+1)/β and run to the right.

    Like PyTorch's, the line x itself where Re βx exceeds the threshold.
    """
    scaled = beta * x
    bent = torch.log(1 + torch.exp(torch.where(scaled.real > threshold, 0.0, scaled))) / beta
    return torch.where(scaled.real > threshold, x, bent)


def softmax(
    x: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: torch.dtype | None = None
) -> Tensor:
    """exp(x)/Σ exp(x), with poles where the sum vanishes; the largest real part is taken off first."""
    if dim is None:
        raise ValueError("dim=None of softmax; allowed: the dimension it is taken over")
    terms = torch.exp(x - x.real.amax(dim, keepdim=True))
    return terms / terms.sum(dim, keepdim=True)


def layer_norm(
    x: Tensor,
    normalized_shape: Any,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """(x - mean)/√(var + eps), var without conjugation; branch points where var + eps = 0.

    Principal root: right as long as the way from the real line to x does not run around such a point.
    """
    over = tuple(range(-len(normalized_shape), 0))
    centred = x - x.mean(over, keepdim=True)
    normal = centred / torch.sqrt((centred * centred).mean(over, keepdim=True) + eps)
    normal = normal if weight is None else normal * weight
    return normal if bias is None else normal + bias


def batch_norm(
    x: Tensor,
    running_mean: Tensor,
    running_var: Tensor,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Evaluation mode, by the running statistics: a line."""
    shape = (1, -1, *[1] * (x.ndim - 2))
    normal = (x - running_mean.view(shape)) / torch.sqrt(running_var.view(shape) + eps)
    # Weights that move have the samples as their first dimension.
    normal = normal if weight is None else normal * _over_channels(weight, x.ndim)
    return normal if bias is None else normal + _over_channels(bias, x.ndim)


def _over_channels(values: Tensor, ndim: int) -> Tensor:
    return values.reshape(-1, values.shape[-1], *[1] * (ndim - 2))


def attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    **more: Any,
) -> Tensor:
    """softmax(q kᵀ/√d) v without a mask."""
    return softmax(attention_scores(query, key, attn_mask, **more), -1) @ value


def attention_scores(query: Tensor, key: Tensor, attn_mask: Tensor | None = None, **more: Any) -> Tensor:
    """q kᵀ/√d.

    Raises:
        ValueError: on a mask, on grouped queries.
    """
    if attn_mask is not None or more.get("is_causal") or more.get("enable_gqa"):
        raise ValueError("attn_mask, is_causal or enable_gqa of scaled_dot_product_attention; allowed: none")
    scale = more.get("scale") or 1 / math.sqrt(query.shape[-1])
    return query @ key.transpose(-1, -2) * scale


def avg_pool2d(x: Tensor, *args: Any, **more: Any) -> Tensor:
    """A mean, of real and imaginary part alike."""
    return torch.complex(F.avg_pool2d(x.real, *args, **more), F.avg_pool2d(x.imag, *args, **more))


def identity(x: Tensor, *_: Any, **__: Any) -> Tensor:
    """Dropout in evaluation mode."""
    return x


SOFTMAX = (F.softmax, torch.softmax, Tensor.softmax)

CONTINUED: dict[Any, Callable[..., Tensor]] = {
    **dict.fromkeys((torch.sigmoid, Tensor.sigmoid, F.sigmoid), sigmoid),
    F.gelu: gelu,
    F.silu: silu,
    F.softplus: softplus,
    **dict.fromkeys(SOFTMAX, softmax),
    F.layer_norm: layer_norm,
    F.batch_norm: batch_norm,
    F.scaled_dot_product_attention: attention,
    F.avg_pool2d: avg_pool2d,
    F.dropout: identity,
}
"""Functions that PyTorch has for real numbers only, or, as a batch norm, with other weights for each sample."""

HOLOMORPHIC = {
    *(torch.tanh, Tensor.tanh, F.tanh),
    *(torch.exp, Tensor.exp, torch.sin, Tensor.sin, torch.cos, Tensor.cos, torch.square, Tensor.square),
    *(Tensor.add, Tensor.__add__, Tensor.__radd__, torch.add, Tensor.__iadd__),
    *(Tensor.sub, Tensor.__sub__, Tensor.__rsub__, torch.sub, Tensor.neg, Tensor.__neg__),
    *(Tensor.mul, Tensor.__mul__, Tensor.__rmul__, torch.mul),
    *(Tensor.div, Tensor.__truediv__, torch.div, Tensor.__pow__, Tensor.pow, torch.pow),
    *(Tensor.matmul, Tensor.__matmul__, torch.matmul, torch.bmm, Tensor.bmm, torch.einsum),
    *(Tensor.sum, torch.sum, Tensor.mean, torch.mean),
    *(Tensor.view, Tensor.reshape, torch.reshape, Tensor.flatten, torch.flatten, Tensor.unflatten),
    *(Tensor.permute, torch.permute, Tensor.transpose, torch.transpose, Tensor.contiguous, Tensor.expand),
    *(Tensor.squeeze, torch.squeeze, Tensor.unsqueeze, torch.unsqueeze, Tensor.__getitem__),
    *(torch.cat, torch.stack, Tensor.chunk, torch.chunk, Tensor.split, torch.split, Tensor.unbind),
}
"""Functions that PyTorch computes at complex numbers as they are meant here."""

POWERS = (Tensor.__pow__, Tensor.pow, torch.pow)
QUOTIENTS = (Tensor.div, Tensor.__truediv__, torch.div)
"""Without a singularity for whole exponents and divisors that do not move."""
