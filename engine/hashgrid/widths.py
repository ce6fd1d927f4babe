"""How wide the point-spread function is along each direction, and how far from round."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from .closed_form import raw_levels
from .errors import InvalidGrid
from .geometry import CellGeometry, cell_geometry, checked_vector
from .grid import HashGrid
from .kernels import EXACT, KERNELS, PROFILES, SIGN_DESCENT
from .log_profile import unit_vectors
from .roots import falling_root

# The addend makes a stretch at exactly one half count as below
HALF = 0.5 + 4e-16
RAY_SAMPLES = 512
ANGLES = 1440
SPHERE_POINTS = 4000


class Anisotropy(NamedTuple):
    """Widths over all directions.

    directions: (n, D) unit vectors. fwhm: (n,). beta: (n,), fwhm times N_avg. ratio: largest over smallest.
    spread: population standard deviation over mean.
    """

    directions: Tensor
    fwhm: Tensor
    beta: Tensor
    ratio: float
    spread: float


def half_width(
    grid_or_levels: Any,
    directions: Tensor,
    kernel: str = "averaged",
    rotation: Tensor | None = None,
    x0: Tensor | None = None,
) -> Tensor:
    """Distance from x0 at which the point-spread function first falls to half its value at x0.

    Tables count as unlimited: collisions add speckle, which has no width. The cell kernel alone may rise along
    a ray; its first crossing is looked for at 512 distances, 2 % apart.

    Args:
        grid_or_levels: HashGrid, level table, or (L,) resolutions.
        directions: (n, D) vectors of any length but 0.
        kernel: as for `point_spread_function`.
        rotation: as for `point_spread_function`.
        x0: (D,), needed by "cell" and "adam_cell" alone.

    Returns:
        float64 (n,).

    Raises:
        InvalidGrid: on shapes or values that do not fit.
    """
    units = unit_vectors(directions)
    dim = units.shape[1]
    geometry = cell_geometry(grid_or_levels, dim, rotation)
    source = _source(kernel, x0, dim).to(units.device)
    low, high = _search_range(geometry, dim, kernel)
    nearest, farthest = torch.full_like(units[:, 0], low), torch.full_like(units[:, 0], high)
    if kernel in PROFILES:
        excess = _profile_excess(geometry, units, kernel)
    else:
        excess = _exact_excess(geometry, units, kernel, source)
    if kernel == "cell":
        samples = torch.linspace(low, high, RAY_SAMPLES, dtype=torch.float64, device=units.device)
        first = (excess(samples[:, None]) <= 0).to(torch.int8).argmax(0)
        nearest, farthest = samples[(first - 1).clamp_min(0)], samples[first]
    return falling_root(excess, nearest, farthest).exp()


def fwhm(
    grid_or_levels: Any,
    direction: Tensor,
    kernel: str = "averaged",
    rotation: Tensor | None = None,
    x0: Tensor | None = None,
) -> Tensor:
    """Full width at half maximum along a line through x0: the half widths on both sides.

    Args:
        grid_or_levels: HashGrid, level table, or (L,) resolutions.
        direction: (D,), or (n, D) for many; any length but 0.
        kernel: as for `point_spread_function`.
        rotation: as for `point_spread_function`.
        x0: (D,), needed by "cell" and "adam_cell" alone.

    Returns:
        float64 () or (n,), in units of length; its product with N_avg is β.

    Raises:
        InvalidGrid: on shapes or values that do not fit.

    >>> round(fwhm([4.0], [1.0, 0.0], "node").item(), 12)
    0.25
    """
    given = torch.as_tensor(direction, dtype=torch.float64)
    lines = given[None] if given.ndim == 1 else given
    widths = half_width(grid_or_levels, lines, kernel, rotation, x0)
    if kernel in EXACT:
        widths = widths + half_width(grid_or_levels, -lines, kernel, rotation, x0)
    else:  # even in the displacement
        widths = 2 * widths
    return widths[0] if given.ndim == 1 else widths


def anisotropy(
    grid_or_levels: Any,
    kernel: str = "node",
    rotation: Tensor | None = None,
    x0: Tensor | None = None,
    dim: int = 2,
    directions: Tensor | None = None,
) -> Anisotropy:
    """Widths over the circle or the sphere.

    Args:
        grid_or_levels: HashGrid, level table, or (L,) resolutions.
        kernel: as for `point_spread_function`.
        rotation: as for `point_spread_function`.
        x0: (D,), needed by "cell" and "adam_cell" alone.
        dim: 2 or 3; a grid, x0 or directions speak for themselves.
        directions: (n, D) of any length but 0; None: 1440 angles from axis 0 on, or 4000 points of a Fibonacci
            sphere and the 26 axes and diagonals of the cube.

    Raises:
        InvalidGrid: on shapes or values that do not fit.
    """
    if directions is None:
        dim = len(x0) if x0 is not None else dim
        directions = all_directions(grid_or_levels.dim if isinstance(grid_or_levels, HashGrid) else dim)
    units = unit_vectors(directions)
    if len(units) == 0:
        raise InvalidGrid("directions are none: one at least has a width")
    widths = fwhm(grid_or_levels, units, kernel, rotation, x0)
    scale = cell_geometry(grid_or_levels, units.shape[1], rotation).average_resolution
    return Anisotropy(
        units,
        widths,
        widths * scale,
        (widths.max() / widths.min()).item(),
        (widths.std(correction=0) / widths.mean()).item(),
    )


def all_directions(dim: int) -> Tensor:
    """Unit vectors all round: (1440, 2) from axis 0 on, or (4026, 3).

    Raises:
        InvalidGrid: unless dim is 2 or 3.
    """
    if dim == 2:
        phi = torch.arange(ANGLES, dtype=torch.float64) * (2 * math.pi / ANGLES)
        return torch.stack([phi.cos(), phi.sin()], 1)
    if dim != 3:
        raise InvalidGrid(f"dim is {dim!r}: 2 or 3 is needed")
    place = torch.arange(SPHERE_POINTS, dtype=torch.float64) + 0.5
    height, azimuth = 1 - 2 * place / SPHERE_POINTS, math.pi * (1 + math.sqrt(5)) * place
    ring = (1 - height * height).sqrt()
    spiral = torch.stack([ring * azimuth.cos(), ring * azimuth.sin(), height], 1)
    signs = torch.tensor([-1.0, 0.0, 1.0], dtype=torch.float64)
    symmetric = torch.cartesian_prod(signs, signs, signs)
    return unit_vectors(torch.cat([spiral, symmetric[symmetric.abs().sum(1) > 0]]))


def _source(kernel: str, x0: Tensor | None, dim: int) -> Tensor:
    if kernel not in KERNELS:
        raise InvalidGrid(f"kernel is {kernel!r}: one of {', '.join(KERNELS)} is needed")
    if kernel in PROFILES:  # the place of x0 does not matter; at 0 displacements keep all their digits
        return torch.zeros(dim, dtype=torch.float64)
    if x0 is None:
        raise InvalidGrid(f"x0 is None: kernel {kernel!r} depends on it")
    source = checked_vector(x0, "x0")
    if len(source) != dim:
        raise InvalidGrid(f"x0 has {len(source)} dimensions: {dim} are needed")
    return source


def _profile_excess(geometry: CellGeometry, units: Tensor, kernel: str) -> Callable[[Tensor], Tensor]:
    """What the kernel has above 1/2, as a function of ln r along each direction, (n,) -> (n,)."""
    shape = PROFILES[kernel]
    slopes = geometry.displacements(units).movedim(-1, 0).contiguous()
    shares = geometry.shares(kernel in SIGN_DESCENT)
    weights = torch.ones_like(geometry.scales) if shares is None else shares
    weights = weights / weights.sum()

    def excess(log_radius: Tensor) -> Tensor:
        factors = shape.value(log_radius.exp() * slopes)
        product = factors[0]
        for factor in factors[1:]:
            product = product * factor
        return weights @ product - HALF

    return excess


def _exact_excess(
    geometry: CellGeometry, units: Tensor, kernel: str, source: Tensor
) -> Callable[[Tensor], Tensor]:
    """The same for a kernel that depends on x0; (n,) -> (n,), or (m, 1) -> (m, n) for all at all radii."""
    peak = raw_levels(geometry, source, source[None], kernel).sum()

    def excess(log_radius: Tensor) -> Tensor:
        points = source + log_radius.exp()[..., None] * units
        raw = raw_levels(geometry, source, points.reshape(-1, len(source)), kernel).sum(0)
        return raw.reshape(points.shape[:-1]) / peak - HALF

    return excess


def _search_range(geometry: CellGeometry, dim: int, kernel: str) -> tuple[float, float]:
    """Logarithms of a radius that is surely inside the half width, and of one where all levels vanish."""
    # the tent is the narrowest of all and above 1/2 at 0.2 cells in each of 3 dimensions; the cell kernel may
    # start from 1/4 of a level's share at twice the slope
    inside = 0.01 if kernel == "cell" else 0.2
    scales = geometry.checked_scales()
    beyond = 2.01 * math.sqrt(dim) / scales.min().item()
    return math.log(inside / scales.max().item()), math.log(beyond)
