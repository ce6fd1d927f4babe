"""Where a band-limited sky is darkest, and whether it is a sky at all: power cannot be negative."""

import math
from functools import lru_cache

import torch
from scipy.spatial import KDTree
from torch import Tensor

from .harmonics import real_harmonics
from .healpix import pixel_directions
from .skies import degree_of, evaluate

CANDIDATES, NEWTON_STEPS = 16, 20
ROUNDING = 1e-9
"""How far below 0, in units of the mean power, rounding may carry a sky that touches 0."""

DIFFERENCE = 1e-4  # rad; the truncation error of the slope moves the minimum by about its square


class NegativeSkyError(ValueError):
    """A physical sky was required and the power is negative somewhere.

    Attributes:
        minimum: the lowest power, in units of the coefficients (mean 1 for c_00 = √4π).
        right_ascension_degrees, declination_degrees: where, ICRS.
    """

    def __init__(self, minimum: float, right_ascension_degrees: float, declination_degrees: float) -> None:
        self.minimum = minimum
        self.right_ascension_degrees = right_ascension_degrees
        self.declination_degrees = declination_degrees
        super().__init__(
            f"coefficients: the power falls to {minimum:.4g} at right ascension {right_ascension_degrees:.2f}°, "
            f"declination {declination_degrees:+.2f}°; 0 or more is allowed everywhere"
        )


def minimum_power(coefficients: Tensor) -> tuple[Tensor, Tensor]:
    """The lowest power of the sky and where it is.

    The sky is evaluated on a grid of nside 2 l_max, good for four times the band limit; the lowest dips of the
    grid (at most 16) are then followed to their bottoms by Newton steps that never climb.

    Args:
        coefficients: ((l_max + 1)²,), finite.

    Returns:
        The value (), differentiable in the coefficients (the place moves only at second order), and its
        direction (3,), which carries no gradient.

    Raises:
        ValueError: on a wrong length or a coefficient that is not finite.

    >>> from anisoscope.engine.overlap.skies import dipole
    >>> value, place = minimum_power(dipole(torch.tensor([0.0, 0.0, 1.0]), 1.5))
    >>> round(value.item(), 9), round(place[2].item(), 6)
    (-0.5, -1.0)
    """
    coefficients = torch.as_tensor(coefficients, dtype=torch.float64)
    l_max = degree_of(coefficients)
    if coefficients.ndim != 1 or not bool(torch.isfinite(coefficients).all()):
        raise ValueError(
            f"coefficients of shape {tuple(coefficients.shape)}: one vector of finite numbers is needed"
        )
    # in units of their own, for the search to know what is small: A² c_lm are 1e-30
    fixed = coefficients.detach().cpu()
    fixed = fixed / (fixed.abs().max() or 1.0)
    points, harmonics, neighbours = _grid(l_max)
    power = harmonics @ fixed
    dips = (power <= power[neighbours].amin(-1)).nonzero()[:, 0]
    lowest = dips[power[dips].argsort()[:CANDIDATES]]
    bottoms = _follow(fixed, points[lowest], spacing=1 / (2 * max(l_max, 1)))
    place = bottoms[int(evaluate(fixed, bottoms).argmin())].to(coefficients.device)
    return evaluate(coefficients, place.unsqueeze(0))[0], place


def require_physical(coefficients: Tensor) -> None:
    """Do nothing for a sky that is positive everywhere, and raise for any other.

    Args:
        coefficients: ((l_max + 1)²,).

    Raises:
        NegativeSkyError: with the lowest power and its right ascension and declination.
        ValueError: on a wrong length or a coefficient that is not finite.
    """
    value, place = minimum_power(coefficients)
    mean = abs(float(torch.as_tensor(coefficients)[0])) / math.sqrt(4 * math.pi)
    if value.item() < -ROUNDING * mean or (mean == 0 and value.item() < 0):
        x, y, z = place.tolist()
        raise NegativeSkyError(
            value.item(),
            math.degrees(math.atan2(y, x)) % 360,
            math.degrees(math.atan2(z, math.hypot(x, y))),
        )


@lru_cache(maxsize=4)
def _grid(l_max: int) -> tuple[Tensor, Tensor, Tensor]:
    """Points, harmonics there and the eight nearest others of each point."""
    points = pixel_directions(2 * max(l_max, 1))
    _, nearest = KDTree(points.numpy()).query(points.numpy(), k=9)
    return points, real_harmonics(points, l_max), torch.as_tensor(nearest)


def _follow(coefficients: Tensor, start: Tensor, spacing: float) -> Tensor:
    """Newton on the tangent plane of each place; a step that climbs is taken back and the next made shorter."""
    places, values = start, evaluate(coefficients, start)
    reach = torch.full_like(values, spacing)
    scale = torch.linalg.vector_norm(coefficients)
    for _ in range(NEWTON_STEPS):
        slope, curvature, frame = _slope_and_curvature(coefficients, places)
        bends, axes = torch.linalg.eigh(curvature)
        along = (axes.mT @ slope.unsqueeze(-1)).squeeze(-1)
        step = -(axes @ (along / bends.abs().clamp(min=1e-12)).unsqueeze(-1)).squeeze(-1)
        length = torch.linalg.vector_norm(step, dim=-1)
        step = step * (reach / length.clamp(min=1e-300)).clamp(max=1).unsqueeze(-1)
        tried = torch.nn.functional.normalize(places + (step.unsqueeze(-2) @ frame).squeeze(-2), dim=-1)
        new_values = evaluate(coefficients, tried)
        better = new_values < values
        places = torch.where(better.unsqueeze(-1), tried, places)
        values = torch.where(better, new_values, values)
        reach = torch.where(better, reach, reach / 4)
        gain = torch.linalg.vector_norm(slope, dim=-1) * length
        if bool(((gain < 1e-13 * scale) | (reach < 1e-7)).all()):
            break
    return places


def _slope_and_curvature(coefficients: Tensor, places: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(candidates, 2), (candidates, 2, 2) by central differences, and the tangent frames (candidates, 2, 3)."""
    smallest = places.abs().argmin(-1)
    helper = torch.nn.functional.one_hot(smallest, 3).to(places.dtype)
    first = torch.nn.functional.normalize(torch.linalg.cross(places, helper), dim=-1)
    frame = torch.stack([first, torch.linalg.cross(places, first)], -2)
    offsets = torch.cartesian_prod(*[torch.tensor([-1.0, 0.0, 1.0], dtype=torch.float64)] * 2) * DIFFERENCE
    around = places.unsqueeze(-2) + offsets @ frame
    power = evaluate(coefficients, around.flatten(0, 1)).reshape(-1, 3, 3)
    slope = torch.stack([power[:, 2, 1] - power[:, 0, 1], power[:, 1, 2] - power[:, 1, 0]], -1)
    centre = 2 * power[:, 1, 1]
    uu = power[:, 2, 1] + power[:, 0, 1] - centre
    vv = power[:, 1, 2] + power[:, 1, 0] - centre
    uv = (power[:, 2, 2] - power[:, 2, 0] - power[:, 0, 2] + power[:, 0, 0]) / 4
    curvature = torch.stack([torch.stack([uu, uv], -1), torch.stack([uv, vv], -1)], -2)
    return slope / (2 * DIFFERENCE), curvature / DIFFERENCE**2, frame
