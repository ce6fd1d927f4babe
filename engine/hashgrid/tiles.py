"""Profiles of one dimension that overwrite their argument: the fewest passes over a tile in the cache.

Each is given u plus its shift, and times its weight is what `kernels` states.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor


class Shape(NamedTuple):
    """A profile as one of `FORMS`.

    form: its name; number: what it takes beside u + shift; weight: what its value is still to be multiplied with;
    reach: of u + shift, outside which it is zero.
    """

    form: str
    number: float
    weight: float
    reach: tuple[float, float]
    shift: float = 0.0


def _clipped(u: Tensor, top: float) -> Tensor:
    """clip(top - |u|, 0, 1): the tent has top 1, the trapezoid 3/2."""
    u.abs_()
    return torch.sub(top, u, out=u).clamp_(0, 1)


def _cubic(u: Tensor, _: float) -> Tensor:
    """4 b3(u): far³ - 4 near³."""
    u.abs_()
    far = torch.sub(2, u, out=u).clamp_min_(0)
    near = (far - 1).clamp_min_(0)
    square = near * near
    near.mul_(square)
    torch.mul(far, far, out=square)
    return far.mul_(square).sub_(near, alpha=4)


def _sign_descent(u: Tensor, _: float) -> Tensor:
    """2 s(u): far² - 2 near²."""
    u.abs_()
    far = torch.sub(2, u, out=u).clamp_min_(0)
    near = (far - 1).clamp_min_(0)
    near.mul_(near)
    return far.mul_(far).sub_(near, alpha=2)


def _cell(t: Tensor, fraction: float) -> Tensor:
    """(1 - f) hat(t) + f hat(t - 1), t = u + f."""
    upper = (t - 1).abs_()
    torch.sub(1, upper, out=upper).clamp_min_(0)
    t.abs_()
    lower = torch.sub(1, t, out=t).clamp_min_(0)
    return lower.mul_(1 - fraction).add_(upper, alpha=fraction)


FORMS: dict[str, Callable[[Tensor, float], Tensor]] = {
    "clipped": _clipped,
    "cubic": _cubic,
    "sign descent": _sign_descent,
    "cell": _cell,
}

_TENT, _TRAPEZOID = (-1.0, 1.0), (-1.5, 1.5)

# By kernel, from the fraction of x0 within its cell. Both corners of a cell, equally: a trapezoid about its middle.
SHAPES: dict[str, Callable[[float], Shape]] = {
    "node": lambda _: Shape("clipped", 1.0, 1.0, _TENT),
    "mid_cell": lambda _: Shape("clipped", 1.5, 0.5, _TRAPEZOID),
    "averaged": lambda _: Shape("cubic", 0.0, 1 / 6, (-2.0, 2.0)),
    "adam": lambda _: Shape("sign descent", 0.0, 0.5, (-2.0, 2.0)),
    "cell": lambda f: Shape("cell", f, 1.0, (-1.0, 2.0), f),
    "adam_cell": lambda f: (
        Shape("clipped", 1.5, 1.0, _TRAPEZOID, f - 0.5) if f > 0 else Shape("clipped", 1.0, 1.0, _TENT)
    ),
}
