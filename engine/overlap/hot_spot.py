"""A hot spot: a von Mises–Fisher peak of power on an isotropic background, in closed form.

The coefficients are ratios of Bessel functions times harmonics; nothing is integrated on a grid.
"""

from typing import Any

import numpy as np
import torch
from scipy.special import ive
from torch import Tensor

from .harmonics import real_harmonics, unit_vectors


def hot_spot(direction: Tensor, kappa: Tensor | float, fraction: Tensor | float, l_max: int) -> Tensor:
    """Coefficients of P(n) = (1 - f) + f κ exp(κ n·μ)/sinh κ, whose mean over the sky is 1.

    c_lm = 4π f I_{l+½}(κ)/I_{½}(κ) Y_lm(μ) for l >= 1, c_00 = √4π. The exact P is never negative; cut at l_max
    it may be (`positivity.minimum_power` tells). Differentiable in all three, κ = 0 included.

    Args:
        direction: (..., 3) the centre μ, where the waves come from.
        kappa: (...) concentration, 0 … 1e6; the spot is about 1/√κ rad wide (81°/√κ at half power, large κ).
        fraction: (...) share f of the power in the spot, 0 … 1.
        l_max: 0 or more.

    Returns:
        float64 (..., (l_max + 1)²) over the common shape of the three.

    Raises:
        ValueError: naming direction, kappa, fraction or l_max.

    >>> c = hot_spot(torch.tensor([1.0, 1.0, 1.0]), 8.0, 0.5, 1)
    >>> [round(value, 6) for value in c.tolist()]
    [3.544908, -1.550898, 1.550898, -1.550898]
    """
    harmonics = real_harmonics(direction, l_max)
    kappa, fraction = _checked(kappa, fraction, harmonics.device)
    weights = torch.cat(
        [
            torch.ones_like(kappa + fraction).unsqueeze(-1),
            fraction.unsqueeze(-1) * bessel_ratios(kappa, l_max),
        ],
        -1,
    )
    degree = torch.arange(l_max + 1, device=harmonics.device)
    # entry 0 is the monopole, which has all the power whatever the fraction; degree l stands at l + 1
    column = torch.where(degree == 0, 0, degree + 1).repeat_interleave(2 * degree + 1)
    return 4 * torch.pi * weights[..., column] * harmonics


def hot_spot_power(
    points: Tensor, direction: Tensor, kappa: Tensor | float, fraction: Tensor | float
) -> Tensor:
    """The same hot spot as an exact density, with every degree l.

    Args:
        points: (points, 3) where to evaluate.
        direction: (..., 3) centre; kappa, fraction: (...) as for `hot_spot`.

    Returns:
        float64 (..., points), mean 1 over the sphere.

    Raises:
        ValueError: naming the first of points, direction, kappa or fraction that will not do.

    >>> north = torch.tensor([[0.0, 0.0, 1.0]])
    >>> round(hot_spot_power(north, north[0], 8.0, 0.5).item(), 6)
    8.500001
    """
    here, centre = unit_vectors(points), unit_vectors(direction)
    kappa, fraction = _checked(kappa, fraction, centre.device)
    # n·μ - 1 without cancellation
    behind = -0.5 * (here - centre.unsqueeze(-2)).square().sum(-1)
    small = kappa < 1e-3
    safe = torch.where(small, 1.0, kappa)
    series = 1 + kappa + kappa**2 / 3 - kappa**4 / 45
    peak = torch.where(small, series, -2 * safe / torch.expm1(-2 * safe))
    spot = peak.unsqueeze(-1) * torch.exp(kappa.unsqueeze(-1) * behind)
    return (1 - fraction).unsqueeze(-1) + fraction.unsqueeze(-1) * spot


def bessel_ratios(kappa: Tensor, l_max: int) -> Tensor:
    """A_l = I_{l+½}(κ)/I_{½}(κ) for l = 0 … l_max: how much of degree l a spot of concentration κ holds.

    From SciPy's exponentially scaled Bessel functions, so that nothing overflows. Derivative (ours, from
    I_ν' = I_{ν+1} + ν I_ν/κ and the recurrence): A_l' = [l A_{l-1} + (l + 1) A_{l+1}]/(2l + 1) - A_1 A_l, regular
    at κ = 0.

    Args:
        kappa: (...) 0 … 1e6, float64.

    Returns:
        (..., l_max + 1); A_0 = 1.
    """
    ratios: Any = _BesselRatios.apply(kappa, l_max)
    return ratios


class _BesselRatios(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, kappa: Tensor, l_max: int) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx.save_for_backward(kappa)
        ctx.l_max = l_max
        values = kappa.detach().cpu().numpy()[..., None]
        # 0/0 at κ = 0, where the limits are 1, 0, 0, …
        safe = np.maximum(values, 1e-200)
        ratios = ive(np.arange(l_max + 1) + 0.5, safe) / ive(0.5, safe)
        ratios = np.where(values == 0, np.arange(l_max + 1) == 0, ratios)
        return torch.as_tensor(ratios, dtype=torch.float64, device=kappa.device)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (kappa,) = ctx.saved_tensors
        l_max: int = ctx.l_max
        # one degree more, by the function itself: so it may be differentiated again
        ratios = bessel_ratios(kappa, l_max + 1)
        degree = torch.arange(l_max + 1, dtype=torch.float64, device=kappa.device)
        below = torch.nn.functional.pad(ratios[..., :l_max], (1, 0))
        slope = (degree * below + (degree + 1) * ratios[..., 1:]) / (2 * degree + 1)
        slope = slope - ratios[..., 1:2] * ratios[..., :-1]
        return (gradients[0] * slope).sum(-1), None


def _checked(kappa: Tensor | float, fraction: Tensor | float, device: torch.device) -> tuple[Tensor, Tensor]:
    kappa = torch.as_tensor(kappa, dtype=torch.float64, device=device)
    fraction = torch.as_tensor(fraction, dtype=torch.float64, device=device)
    for name, value, top in (("kappa", kappa, 1e6), ("fraction", fraction, 1.0)):
        bad = ~((value >= 0) & (value <= top))
        if bool(bad.any()):
            raise ValueError(f"{name} is {value[bad][0].item():g}: 0 … {top:g} is allowed")
    return kappa, fraction
