"""The kernel of many levels falls along ln r, and one constant for each direction gives its width.

For 1/N_max << r << 1/N_min the normalised kernel along the unit vector n is
P(r n) = [-ln(N_min r) + ln(b)/2 + C(n)]/(L ln b), C(n) = -∫ dB(u n)/du ln u du over u > 0, B one level's
kernel. Its half is reached at r = exp(C)/N_avg: full width at half maximum = β/N_avg, β(n) = 2 exp C(n).
"""

import math

import torch
from torch import Tensor

from .errors import InvalidGrid
from .geometry import checked_vectors
from .kernels import Profile, profile


def log_constant(directions: Tensor, kernel: str = "averaged") -> Tensor:
    """C(n), exact: one level's kernel is a piecewise polynomial of u, and ∫ uʲ ln u is elementary.

    Along an axis C is -1 ("node"), 2 ln 2 - 11/6 ("averaged") and 2 ln 2 - 3/2 ("adam").

    Args:
        directions: (n, D) vectors of any length but 0, D of 1, 2 or 3.
        kernel: "node", "mid_cell", "averaged" or "adam".

    Returns:
        float64 (n,).

    Raises:
        InvalidGrid: on another shape or kernel, or a vector without direction.

    >>> log_constant([[1.0, 0.0]], "node").tolist()
    [-1.0]
    """
    shape = profile(kernel)
    steps = unit_vectors(directions).abs()
    bounds = _bounds(steps, shape)
    coefficients = _products(steps, bounds, shape)
    power = torch.arange(1, coefficients.shape[-1], dtype=torch.float64, device=steps.device)
    u = bounds[..., None]
    primitive = torch.xlogy(u**power, u) - u**power / power
    return -(coefficients[..., 1:] * primitive.diff(dim=1)).sum((1, 2))


def asymptotic_beta(directions: Tensor, kernel: str = "averaged") -> Tensor:
    """β(n) = 2 exp C(n) = FWHM · N_avg of infinitely many levels; arguments as for `log_constant`.

    >>> round(asymptotic_beta([[1.0, 0.0]], "adam").item(), 9)  # 8 exp(-3/2)
    1.785041281
    """
    return 2 * log_constant(directions, kernel).exp()


def logarithmic_profile(
    radius: Tensor, direction: Tensor, levels: int, coarsest: float, growth: float, kernel: str = "averaged"
) -> Tensor:
    """The straight line on ln r that the kernel follows between 1/N_max and 1/N_min, slope -1/(L ln b).

    Args:
        radius: (…) distances from x0, positive.
        direction: (D,).
        levels: L, 1 or more.
        coarsest: N_min > 0.
        growth: b > 1.
        kernel: as for `log_constant`.

    Raises:
        InvalidGrid: on values outside these ranges.
    """
    r = torch.as_tensor(radius, dtype=torch.float64)
    if not (levels >= 1 and coarsest > 0 and growth > 1 and bool((r > 0).all())):
        raise InvalidGrid(
            f"levels, coarsest, growth are {levels}, {coarsest}, {growth}: at least 1, above 0, above 1, "
            "and a positive radius are needed"
        )
    constant = log_constant(torch.as_tensor(direction, dtype=torch.float64)[None], kernel)[0]
    return (-(coarsest * r).log() + math.log(growth) / 2 + constant) / (levels * math.log(growth))


def unit_vectors(directions: Tensor) -> Tensor:
    """Directions (n, D) at unit length.

    Raises:
        InvalidGrid: on another shape, more than three dimensions, or a vector without direction.
    """
    given = torch.as_tensor(directions, dtype=torch.float64)
    if given.ndim != 2 or not 1 <= given.shape[1] <= 3:
        raise InvalidGrid(f"directions have the shape {tuple(given.shape)}: (n, D), D of 1, 2 or 3 is needed")
    given = checked_vectors(given, "directions", given.shape[1])
    # by the largest part first: lengths from 1e-300 to 1e300 have a direction
    largest = given.abs().amax(1, keepdim=True)
    if not bool((largest > 0).all()):
        raise InvalidGrid("directions have a vector of length 0: a direction is needed")
    scaled = given / largest
    return scaled / scaled.norm(dim=1, keepdim=True)


def _bounds(steps: Tensor, shape: Profile) -> Tensor:
    """Ascending u at which a polynomial of any dimension ends, 0 first, none beyond the support, (n, P + 1)."""
    ends = (torch.tensor(shape.ends, dtype=torch.float64, device=steps.device) / steps[..., None]).flatten(1)
    # the largest part of a unit vector is not 0, so the support is finite
    support = shape.support / steps.amax(1, keepdim=True)
    inner = torch.minimum(ends, support).sort(1).values
    return torch.cat([torch.zeros_like(support), inner], 1)


def _products(steps: Tensor, bounds: Tensor, shape: Profile) -> Tensor:
    """Coefficients in u of the product over dimensions, on every piece, (n, P, powers)."""
    length = max(len(piece) for piece in shape.pieces)
    table = torch.tensor([[*piece, *[0.0] * (length - len(piece))] for piece in shape.pieces]).double()
    table = table.to(steps.device)
    middles = (bounds[:, 1:] + bounds[:, :-1]) / 2
    ends = torch.tensor(shape.ends, dtype=torch.float64, device=steps.device)
    total = torch.ones(*middles.shape, 1, dtype=torch.float64, device=steps.device)
    for axis in range(steps.shape[1]):
        step = steps[:, axis, None]
        # a piece of no length may have its middle on the support: any polynomial will do there
        index = torch.bucketize(step * middles, ends).clamp_max(len(ends) - 1)
        factor = table[index] * step[..., None] ** torch.arange(length, device=steps.device)
        total = _multiplied(total, factor)
    return total


def _multiplied(left: Tensor, right: Tensor) -> Tensor:
    """Product of polynomials whose coefficients run along the last dimension."""
    product = left.new_zeros(*left.shape[:-1], left.shape[-1] + right.shape[-1] - 1)
    for power in range(right.shape[-1]):
        product[..., power : power + left.shape[-1]] += left * right[..., power : power + 1]
    return product
