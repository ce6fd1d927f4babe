"""Skies of gravitational-wave power as coefficients of real harmonics, P(n) = Σ c_lm Y_lm(n).

n points to where the waves come from. Unless said otherwise the mean power is 1, so c_00 = √4π.
"""

import math
from functools import lru_cache

import torch
from torch import Generator, Tensor

from .harmonics import real_harmonics, unit_vectors
from .healpix import nside_of, pixel_directions
from .hot_spot import hot_spot, hot_spot_power

__all__ = [
    "angular_power",
    "dipole",
    "equal_sources",
    "evaluate",
    "from_map",
    "hot_spot",
    "hot_spot_power",
    "isotropic",
    "point_sources",
    "quadrupole",
    "random_from_spectrum",
]


def isotropic(l_max: int) -> Tensor:
    """The same power from everywhere: c_00 = √4π and zeros, float64 ((l_max + 1)²,).

    >>> round(isotropic(2)[0].item(), 6)
    3.544908
    """
    if not isinstance(l_max, int) or isinstance(l_max, bool) or l_max < 0:
        raise ValueError(f"l_max is {l_max!r}: a whole number, 0 or more, is needed")
    coefficients = torch.zeros((l_max + 1) ** 2, dtype=torch.float64)
    coefficients[0] = math.sqrt(4 * math.pi)
    return coefficients


def point_sources(directions: Tensor, weights: Tensor, l_max: int) -> Tensor:
    """Sources without extent: c_lm = 4π Σ w_i Y_lm(n_i)/Σ w_i, exact for every l <= l_max.

    Args:
        directions: (sources, 3).
        weights: (sources,) powers, not negative, not all zero; their unit cancels.
        l_max: 0 or more.

    Returns:
        float64 ((l_max + 1)²,).

    Raises:
        ValueError: on shapes that do not match, or naming the first weight that will not do.

    >>> c = point_sources(torch.tensor([[0.0, 0.0, 2.0]]), torch.tensor([5.0]), 1)
    >>> [round(value, 6) for value in c.tolist()]
    [3.544908, 0.0, 6.13996, 0.0]
    """
    harmonics = real_harmonics(directions, l_max)
    weights = torch.as_tensor(weights, dtype=torch.float64, device=harmonics.device)
    if harmonics.ndim != 2 or weights.shape != harmonics.shape[:1]:
        raise ValueError(
            f"weights has shape {tuple(weights.shape)}, directions {tuple(harmonics.shape[:-1])} + (3,): "
            "(sources,) and (sources, 3) are needed"
        )
    return 4 * math.pi * (_shares(weights, "weights", "source") @ harmonics)


def dipole(direction: Tensor, amplitude: Tensor | float, l_max: int = 1) -> Tensor:
    """P(n) = 1 + a n·μ; positive everywhere while |a| <= 1, which is not demanded here.

    Args:
        direction: (..., 3) μ.
        amplitude: (...) a.
        l_max: 1 or more; the degrees above 1 are zeros.

    Returns:
        float64 (..., (l_max + 1)²).

    Raises:
        ValueError: naming direction, amplitude or l_max.

    >>> [round(value, 6) for value in dipole(torch.tensor([0.0, 0.0, 1.0]), 1.0).tolist()]
    [3.544908, 0.0, 2.046653, 0.0]
    """
    return _single_degree(direction, amplitude, 1, l_max)


def quadrupole(direction: Tensor, amplitude: Tensor | float, l_max: int = 2) -> Tensor:
    """P(n) = 1 + a (3 (n·μ)² - 1)/2, symmetric about μ; positive everywhere for -1 <= a <= 2.

    Args:
        direction: (..., 3) μ.
        amplitude: (...) a.
        l_max: 2 or more; all other degrees are zeros.

    Returns:
        float64 (..., (l_max + 1)²).

    Raises:
        ValueError: naming direction, amplitude or l_max.
    """
    return _single_degree(direction, amplitude, 2, l_max)


def random_from_spectrum(spectrum: Tensor, generator: Generator) -> Tensor:
    """One Gaussian sky with the angular power C_l on average: c_lm ~ N(0, C_l) for l >= 1, c_00 = √C_0.

    Such a sky may be negative somewhere; `positivity.require_physical` refuses it then.

    Args:
        spectrum: (l_max + 1,) C_l, not negative; C_0 = 4π for mean power 1.
        generator: on the device of the spectrum.

    Returns:
        float64 ((l_max + 1)²,).

    Raises:
        ValueError: naming the first C_l that will not do.
    """
    spectrum = torch.as_tensor(spectrum, dtype=torch.float64)
    if spectrum.ndim != 1 or len(spectrum) == 0:
        raise ValueError(f"spectrum has shape {tuple(spectrum.shape)}: (l_max + 1,) is needed")
    _refuse_bad(spectrum, "spectrum", "degree")
    degree = torch.arange(len(spectrum), device=spectrum.device)
    spread = spectrum.sqrt().repeat_interleave(2 * degree + 1)
    noise = torch.randn(len(spread), generator=generator, dtype=torch.float64, device=spectrum.device)
    return torch.cat([spread[:1], (spread * noise)[1:]])


def equal_sources(count: int, l_max: int, generator: Generator) -> Tensor:
    """A sky of `count` equally bright sources at random places.

    Our addition to the papers' skies: with N sources C_l/C_0 = 1/N on average for every l >= 1, because only a
    source with itself survives the mean of Σ_ij P_l(n_i·n_j)/N².

    Args:
        count: N, 1 or more.
        l_max: 0 or more.
        generator: on the CPU.

    Returns:
        float64 ((l_max + 1)²,).

    Raises:
        ValueError: when count is not a positive whole number.
    """
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        raise ValueError(f"count is {count!r}: a positive whole number is needed")
    directions = torch.randn(count, 3, generator=generator, dtype=torch.float64)
    return point_sources(directions, torch.ones(count, dtype=torch.float64), l_max)


def from_map(sky: Tensor, l_max: int) -> Tensor:
    """Coefficients of a HEALPix map in ring order, c_lm = 4π Σ P_k Y_lm(n_k)/Σ P_k.

    Exact for a sky of points at the pixel centres; for the smooth sky behind the map it is a quadrature, good
    below l of about 2 nside and meaningless above 3 nside.

    Args:
        sky: (12 nside²,) power, any unit, not negative; the mean is divided out.
        l_max: 0 or more.

    Returns:
        float64 ((l_max + 1)²,), mean power 1.

    Raises:
        ValueError: on a wrong length, naming the first pixel that is NaN, infinite or negative, or on a sky
            without power.
    """
    sky = torch.as_tensor(sky, dtype=torch.float64)
    if sky.ndim != 1:
        raise ValueError(f"sky has shape {tuple(sky.shape)}: (12 nside²,) is needed")
    try:
        nside = nside_of(len(sky))
    except ValueError as error:
        raise ValueError(f"sky: {error}") from error
    shares = _shares(sky, "sky", "pixel")
    return 4 * math.pi * (shares @ _pixel_harmonics(nside, l_max).to(sky.device))


def evaluate(coefficients: Tensor, points: Tensor) -> Tensor:
    """P at the points.

    Args:
        coefficients: (..., (l_max + 1)²).
        points: (points, 3).

    Returns:
        float64 (..., points).

    Raises:
        ValueError: when the last length is no square, or on bad points.

    >>> round(evaluate(isotropic(3), torch.tensor([[1.0, 2.0, 3.0]])).item(), 12)
    1.0
    """
    coefficients = torch.as_tensor(coefficients, dtype=torch.float64)
    return coefficients @ real_harmonics(unit_vectors(points), degree_of(coefficients)).mT


def angular_power(coefficients: Tensor) -> Tensor:
    """C_l = Σ_m c_lm²/(2l + 1), the power per degree, the same in every frame.

    Args:
        coefficients: (..., (l_max + 1)²).

    Returns:
        float64 (..., l_max + 1).

    >>> [round(value, 6) for value in angular_power(isotropic(2)).tolist()]
    [12.566371, 0.0, 0.0]
    """
    coefficients = torch.as_tensor(coefficients, dtype=torch.float64)
    degrees = range(degree_of(coefficients) + 1)
    squares = coefficients.square()
    return torch.stack([squares[..., d * d : (d + 1) ** 2].mean(-1) for d in degrees], -1)


def degree_of(coefficients: Tensor) -> int:
    """l_max of coefficients (..., (l_max + 1)²); ValueError when the last length is no square."""
    count = coefficients.shape[-1] if coefficients.ndim else 0
    if count == 0 or math.isqrt(count) ** 2 != count:
        raise ValueError(
            f"coefficients has shape {tuple(coefficients.shape)}: the last length must be (l_max + 1)²"
        )
    return math.isqrt(count) - 1


def _single_degree(direction: Tensor, amplitude: Tensor | float, degree: int, l_max: int) -> Tensor:
    """1 + a P_degree(n·μ), by the addition theorem."""
    if not isinstance(l_max, int) or l_max < degree:
        raise ValueError(f"l_max is {l_max!r}: {degree} or more is needed")
    harmonics = real_harmonics(direction, degree)
    amplitude = torch.as_tensor(amplitude, dtype=torch.float64, device=harmonics.device)
    if not bool(torch.isfinite(amplitude).all()):
        raise ValueError(f"amplitude is {amplitude.tolist()}: finite numbers are needed")
    part = amplitude.unsqueeze(-1) * harmonics[..., degree**2 :] * (4 * math.pi / (2 * degree + 1))
    above = (l_max + 1) ** 2 - (degree + 1) ** 2
    padded = torch.nn.functional.pad(part, (degree**2, above))
    return padded + isotropic(l_max).to(padded.device)


def _shares(power: Tensor, name: str, item: str) -> Tensor:
    """Parts of the whole."""
    _refuse_bad(power, name, item)
    # the largest goes first: neither a sum of huge numbers nor one of tiny numbers is lost
    largest = power.detach().amax() if power.numel() else power.new_zeros(())
    if not bool(largest > 0):
        raise ValueError(f"{name} has no power at all: at least one {item} above 0 is needed")
    scaled = power / largest
    return scaled / scaled.sum()


def _refuse_bad(values: Tensor, name: str, item: str) -> None:
    bad = ~(torch.isfinite(values) & (values >= 0))
    if bool(bad.any()):
        first = int(bad.nonzero()[0])
        raise ValueError(
            f"{name}: {item} {first} is {values[first].item():g} ({int(bad.sum())} such); "
            "finite numbers, 0 or more, are allowed"
        )


@lru_cache(maxsize=2)
def _pixel_harmonics(nside: int, l_max: int) -> Tensor:
    return real_harmonics(pixel_directions(nside), l_max)
