"""What the temperature of a softmax does to its radii: only the bound is proportional to it."""

from typing import NamedTuple

import torch
from torch import Tensor

from .classes import apply_temperature, live_classes, merge_equal_slopes, one_sample
from .exact import exact_radius
from .margin import margin_radius, slope_spread


class TemperatureRadii(NamedTuple):
    """Radii in units of the step, each (..., temperatures); certified: whether `exact` is proven.

    Where it is not, the margin bound stands in its place.
    """

    bound: Tensor
    margin: Tensor
    exact: Tensor
    certified: Tensor


def radii_over_temperature(z: Tensor, a: Tensor, temperatures: Tensor) -> TemperatureRadii:
    """Bound, margin bound and exact radius of softmax(z/T) at each T.

    The bound is π T/Δ_a (Sao 2026, arXiv:2603.13552, section 6.4). The exact radius is not: it falls to
    `flip_distance` as T -> 0, and for two classes is √(δ² + π²T²)/Δ_a (ours).

    Args:
        z: (..., classes) logits at T = 1. a: their slopes per unit step. temperatures: (temperatures,) positive.

    Raises:
        InvalidClasses: on logits or slopes of no softmax, and on a temperature that is not positive and finite.

    >>> z, a = torch.tensor([[5.0, 0.0], [1.0, -1.0]], dtype=torch.float64)
    >>> radii = radii_over_temperature(z, a, torch.tensor([1.0, 0.01], dtype=torch.float64))
    >>> [round(v, 4) for v in (*radii.bound.tolist(), *radii.exact.tolist())]
    [1.5708, 0.0157, 2.9525, 2.5]
    """
    z, a = live_classes(z, a)
    values = torch.as_tensor(temperatures, dtype=z.dtype, device=z.device)[:, None]
    z, a = apply_temperature(z.unsqueeze(-2), a.unsqueeze(-2), values)
    found = exact_radius(z, a)
    margin = margin_radius(z, a)
    exact = torch.where(found.certified, found.radius, margin)
    return TemperatureRadii(torch.pi / slope_spread(z, a), margin, exact, found.certified)


def flip_distance(z: Tensor, a: Tensor) -> Tensor:
    """min |u| at which the largest of the logits z + a u is another class: where ρ* ends as T -> 0 (ours).

    Args:
        z: (..., classes) logits; -inf masks a class. a: their slopes per unit step.

    Returns:
        (...), at least 0; 0 on a tie that a step would break, +inf where the prediction never flips.

    Raises:
        InvalidClasses: as `convergence_radius`.

    >>> flip_distance(torch.tensor([5.0, 0.0]), torch.tensor([1.0, -1.0])).item()
    2.5
    """
    z, a = live_classes(z, a)
    height, top = z.max(-1, keepdim=True)
    slopes = (a - a.gather(-1, top)).abs()
    moving = (slopes > 0) & (z > -torch.inf)
    crossings = (height - z) / torch.where(moving, slopes, torch.ones_like(slopes))
    return torch.where(moving, crossings, torch.inf).amin(-1)


def flip_points(z: Tensor, a: Tensor) -> Tensor:
    """All real u at which the largest of the logits z + a u becomes another class, in order (ours).

    As T -> 0 ghosts pinch the real line at these points and nowhere else: elsewhere one term outgrows all others.

    Args:
        z: (classes,) logits of one sample; -inf masks a class. a: (classes,) slopes per unit step.

    Returns:
        (flips,), at most one fewer than there are classes.

    Raises:
        InvalidClasses: as `partition_zeros`.

    >>> flip_points(torch.tensor([0.0, 1.0, 0.0]), torch.tensor([-1.0, 0.0, 1.0])).tolist()
    [-1.0, 1.0]
    """
    z, a = one_sample(z, a)
    z, a = merge_equal_slopes(z, a)
    order = a[z > -torch.inf].argsort()
    z, a = z[z > -torch.inf][order], a[z > -torch.inf][order]
    found, here = [], 0
    # Along growing u the largest logit climbs from slope to slope: the upper hull of the lines.
    while here < len(a) - 1:
        crossings = (z[here] - z[here + 1 :]) / (a[here + 1 :] - a[here])
        first = crossings.amin()
        found.append(first)
        # Where several meet in one point the steepest goes on.
        here += 1 + int((crossings == first).nonzero().amax())
    return torch.stack(found) if found else z.new_zeros(0)
