"""Radii without a root in the complex plane: spread of slopes and distance to the first decision flip."""

import math

import torch
from torch import Tensor

from .classes import as_working_dtype, check_shapes, live_classes, merge_equal_slopes

_NEWTON_STEPS = 60


def slope_spread(z: Tensor, a: Tensor) -> Tensor:
    """Δ_a = max a - min a over the live classes of each sample: the fastest change of any log-odds.

    Args:
        z: (..., classes) logits; -inf masks a class.
        a: (..., classes) slopes per unit step.

    Returns:
        (...) spreads, at least 0, in units of one over the step.

    Raises:
        InvalidClasses: as for `convergence_radius`.

    >>> slope_spread(torch.tensor([0.0, 1.0, -torch.inf]), torch.tensor([1.0, 3.0, 99.0])).item()
    2.0
    """
    check_shapes(z, a)
    z, a = as_working_dtype(z), as_working_dtype(a)
    spread = a.amax(-1) - a.amin(-1)
    # One reduction sees every NaN and infinity: 0·inf and 0·NaN are NaN, so the common case needs no mask.
    if bool(torch.isfinite((z * 0).sum() + (spread * 0).sum())):
        return spread
    z, a = live_classes(z, a)
    return a.amax(-1) - a.amin(-1)


def margin_radius(z: Tensor, a: Tensor) -> Tensor:
    """ρ_m of live classes. No gradient flows back: that of the iteration would be NaN where classes rest."""
    z, a = z.detach(), a.detach()
    spread = a.amax(-1) - a.amin(-1)
    z, a = merge_equal_slopes(z, a)
    return torch.hypot(distance_to_corridor(z, a), math.pi / spread)


def distance_to_corridor(z: Tensor, a: Tensor) -> Tensor:
    """u0 = min |u| at which no class has more than half the probability; 0 if none has at u = 0, else +inf.

    Relative to the most probable class, L(u) = log Σ_{j≠top} exp(z_j + a_j u) is convex with L(0) < 0. Newton
    from the right of its zero therefore comes down monotonically and never passes it.
    Takes live classes of merged slopes.
    """
    height, top = z.max(-1, keepdim=True)
    others = (z - height).scatter(-1, top, -torch.inf)
    slopes = a - a.gather(-1, top)
    others, slopes = torch.stack((others, others)), torch.stack((slopes, -slopes))
    rising = (slopes > 0) & (others > -torch.inf)
    start = torch.where(rising, -others / slopes, torch.inf).amin(-1)
    u = torch.where(start.isfinite(), start, 0.0).unsqueeze(-1)
    for _ in range(_NEWTON_STEPS):
        terms = others + slopes * u
        value = terms.logsumexp(-1, keepdim=True)
        steepness = ((terms - value).exp() * slopes).sum(-1, keepdim=True)
        step = torch.where((value > 0) & (steepness > 0), value / steepness, 0.0)
        u = u - step
        if bool((step <= 4 * torch.finfo(u.dtype).eps * u.abs()).all()):
            break
    crossing = torch.where(start.isfinite(), u.squeeze(-1), torch.inf).amin(0)
    return torch.where(others[0].logsumexp(-1) >= 0, torch.zeros_like(crossing), crossing)
