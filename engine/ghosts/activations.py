"""Where along a step the argument of an activation or the variance of a LayerNorm meets a singularity.

Sao (2026), arXiv:2603.13552, appendix 2: ρ = min |s - h|/|ḣ| over the singularities s of the function, for an
argument h that changes at the rate ḣ. The poles of the tanh form of GELU and all of LayerNorm are ours.
"""

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

Nearest = Callable[[Tensor], Tensor]
"""Real arguments -> the singularity of the function nearest to each, upper half plane; infinite where there is none."""

NOWHERE = complex(math.inf, 0.0)
UNKNOWN = complex(math.nan, math.nan)

_POLE_ROWS = 48
_BEYOND_POLES = 14.0


def kink(h: Tensor) -> Tensor:
    """0: a kink on the real line, where the function has no continuation at all.

    >>> kink(torch.tensor([-2.0, 0.5])).tolist()
    [0j, 0j]
    """
    return _constant(h, 0.0)


def tanh_pole(h: Tensor) -> Tensor:
    """iπ/2, nearest of i(π/2 + πk).

    >>> round(tanh_pole(torch.tensor(0.0)).imag.item(), 4)
    1.5708
    """
    return _constant(h, 1j * math.pi / 2)


def logistic_pole(h: Tensor) -> Tensor:
    """iπ, nearest of iπ(2k + 1): poles of the sigmoid, and with it of SiLU; branch points of softplus, there over β.

    >>> round(logistic_pole(torch.tensor(0.0)).imag.item(), 4)
    3.1416
    """
    return _constant(h, 1j * math.pi)


def nowhere(h: Tensor) -> Tensor:
    """The exact GELU x Φ(x) is entire: it has no singularity, but grows as exp(y²/2) off the real line.

    An infinite radius here does not mean that arbitrarily large steps are safe (Sao 2026, appendix 2.3).

    >>> nowhere(torch.tensor(1.0)).real.item()
    inf
    """
    return _constant(h, NOWHERE)


def _constant(h: Tensor, place: complex) -> Tensor:
    return torch.full(h.shape, place, dtype=torch.complex128, device=h.device)


@cache
def tanh_gelu_poles() -> tuple[complex, ...]:
    """Poles of the tanh form of GELU with Re ≥ 0 and Im > 0, nearest first; mirrored in both axes there are all.

    √(2/π)(x + 0.044715 x³) = iπ(k + ½). The nearest are ±0.634 ± 2.755i; Sao (2026), appendix 2, prints π/2,
    which is where the argument of the tanh inside has them.

    >>> [round(part, 5) for part in (tanh_gelu_poles()[0].real, tanh_gelu_poles()[0].imag)]
    [0.63437, 2.75477]
    """
    scale = math.sqrt(2 / math.pi)
    found = []
    for row in range(_POLE_ROWS):
        roots = np.roots([0.044715, 0.0, 1.0, -1j * math.pi * (row + 0.5) / scale])
        found += [complex(abs(root.real), abs(root.imag)) for root in roots]
    # Each row has a pair that mirrors itself and one root on the imaginary axis.
    distinct = {(round(p.real, 9), round(p.imag, 9)): p for p in found}
    return tuple(sorted(distinct.values(), key=abs))


def tanh_gelu_pole(h: Tensor) -> Tensor:
    """Nearest pole of the tanh form of GELU; beyond |h| = 14 a point that is nearer than any, |h|/2 away.

    The poles lie above the line at 30° to the real axis, from which h is |h|/2 away.

    >>> round(tanh_gelu_pole(torch.tensor(0.0)).abs().item(), 5)
    2.82687
    """
    poles = torch.tensor(tanh_gelu_poles(), dtype=torch.complex128, device=h.device)
    nearest = poles[(poles - h.abs()[..., None]).abs().argmin(-1)]
    far = torch.polar(h.abs().double() * math.sqrt(0.75), torch.full_like(h.double(), math.pi / 6))
    nearest = torch.where(h.abs() > _BEYOND_POLES, far, nearest)
    return torch.where(h < 0, -nearest.conj(), nearest)


def gelu_pole(h: Tensor, approximate: str = "none") -> Tensor:
    """That of the form which the network uses."""
    return tanh_gelu_pole(h) if approximate == "tanh" else nowhere(h)


def singular_steps(h: Tensor, rate: Tensor, nearest: Nearest) -> Tensor:
    """Steps t, upper half plane, at which the line h + t ḣ meets the singularity nearest to h.

    Args:
        h: arguments of the activation, any shape.
        rate: their derivatives along the step, alike.
        nearest: one of the functions above.

    Returns:
        complex128; infinite where the argument does not move, NaN where it or its rate is not finite. The
        modulus is the radius of appendix 2.

    >>> singular_steps(torch.tensor([2.0, 1.0]), torch.tensor([-4.0, 0.0]), kink).abs().tolist()
    [0.5, inf]
    """
    gap = nearest(h) - h
    rate = rate.double()
    t = torch.complex(gap.real / rate, (gap.imag / rate).abs())
    t = torch.where((rate == 0) | gap.real.isinf(), NOWHERE, t)
    return torch.where(h.isfinite() & rate.isfinite(), t, UNKNOWN)


def variance_steps(h: Tensor, rate: Tensor, eps: float, dims: tuple[int, ...] = (-1,)) -> Tensor:
    """Where the variance under the root of a LayerNorm vanishes, upper half plane (ours).

    var(h + tḣ) + ε is a real quadratic in t without real zeros; the modulus of its zeros is
    √((var h + ε)/var ḣ).

    Args:
        h: (...) arguments; the variance is taken over `dims`.
        rate: their derivatives along the step.
        eps: added to the variance.
        dims: dimensions that are normalised.

    Returns:
        complex128, one step for each vector; infinite where the rates agree, NaN where a value is not finite.

    >>> h, rate = torch.tensor([1.0, -1.0]), torch.tensor([1.0, 1.0])
    >>> variance_steps(h, rate, 0.0).abs().item(), variance_steps(h, 4 * h, 0.0).abs().item()
    (inf, 0.25)
    """
    h, rate = (values.double() - values.double().mean(dims, keepdim=True) for values in (h, rate))
    constant, middle = h.square().mean(dims) + eps, (h * rate).mean(dims)
    leading = rate.square().mean(dims)
    height = (constant * leading - middle.square()).clamp(min=0).sqrt()
    t = torch.complex(-middle / leading, height / leading)
    t = torch.where(leading == 0, NOWHERE, t)
    return torch.where(constant.isfinite() & leading.isfinite(), t, UNKNOWN)


ACTIVATIONS: dict[Any, Callable[..., Tensor]] = {
    **dict.fromkeys((F.relu, torch.relu, Tensor.relu, F.leaky_relu, F.elu), kink),
    **dict.fromkeys((F.tanh, torch.tanh, Tensor.tanh), tanh_pole),
    **dict.fromkeys((F.sigmoid, torch.sigmoid, Tensor.sigmoid, F.silu, F.softplus), logistic_pole),
    F.gelu: gelu_pole,
}
"""The activation functions whose singularities are known, by what a forward pass calls."""
