"""Roots of many falling functions at once."""

from collections.abc import Callable

import torch
from torch import Tensor

STEPS_MAX = 100
RESOLUTION = 4e-16


def falling_root(function: Callable[[Tensor], Tensor], low: Tensor, high: Tensor) -> Tensor:
    """Where each function passes from above 0 to 0 or below, between low and high.

    Chandrupatla's method (1997), Adv. Eng. Softw. 28, 145: inverse quadratic steps where they can be trusted,
    halving where not, for all functions in one evaluation. Where a function is 0 or below at its low end
    already the answer is that end's neighbourhood, not an error: callers choose safe ends.

    Args:
        function: (n,) positions -> (n,) values, each value a function of its own position alone.
        low: (n,) where the functions are positive.
        high: (n,) where they are 0 or below.

    Returns:
        (n,), the last point seen to be 0 or below, to 4e-16 of the larger end.
    """
    b, a = low.clone(), high.clone()
    f_b, f_a = function(b), function(a)
    c, f_c = a.clone(), f_a.clone()
    t = torch.full_like(a, 0.5)
    for _ in range(STEPS_MAX):
        x = a + t * (b - a)
        f_x = function(x)
        same = (f_x > 0) == (f_a > 0)
        c, f_c = torch.where(same, a, b), torch.where(same, f_a, f_b)
        b, f_b = torch.where(same, b, a), torch.where(same, f_b, f_a)
        a, f_a = x, f_x
        tolerance = RESOLUTION * torch.maximum(a.abs(), b.abs()) / (b - a).abs().clamp_min(1e-300)
        if bool((tolerance >= 0.5).all()):
            break
        t = _next_step(a, b, c, f_a, f_b, f_c).clamp(min=tolerance.clamp_max(0.5))
        t = torch.minimum(t, 1 - tolerance.clamp_max(0.5))
    return torch.where(f_a > 0, b, a)


def _next_step(a: Tensor, b: Tensor, c: Tensor, f_a: Tensor, f_b: Tensor, f_c: Tensor) -> Tensor:
    """Fraction of the way from a to b: inverse quadratic interpolation inside Chandrupatla's region, else half."""
    xi, phi = (a - b) / (c - b), (f_a - f_b) / (f_c - f_b)
    trusted = (phi * phi < xi) & ((1 - phi) ** 2 < 1 - xi)
    quadratic = f_a / (f_b - f_a) * f_c / (f_b - f_c) + (c - a) / (b - a) * f_a / (f_c - f_a) * f_b / (
        f_c - f_b
    )
    # equal values give NaN or infinity, which the comparison has sorted out
    return torch.where(trusted & quadratic.isfinite(), quadratic, 0.5)
