"""The isotropic sky: Hellings–Downs curve, its Legendre series, and its variance from one sky to the next."""

import torch
from torch import Tensor

from .pair_frame import checked_separations


def hellings_downs(zeta: Tensor | float) -> Tensor:
    """Expected correlation of two pulsars ζ apart under an isotropic sky, without pulsar term: 1/2 at 0+.

    Γ = 3/2 x ln x - x/4 + 1/2, x = sin²(ζ/2). Hellings & Downs (1983), ApJ 265, L39, normalised as in the
    pulsar-timing literature (convention E). Differentiable, the slope at 0 included.

    Args:
        zeta: (...) separations in radians, from 0 to π.

    Returns:
        float64 (...).

    Raises:
        ValueError: on a separation that is NaN or outside [0, π].

    >>> hellings_downs([0.0, torch.pi]).tolist()
    [0.5, 0.25]
    """
    x = torch.sin(checked_separations(zeta) / 2) ** 2
    return 1.5 * x * _logarithm(x) - x / 4 + 0.5


def hellings_downs_legendre(l_max: int) -> Tensor:
    """a_l of Γ(ζ) = Σ_l a_l P_l(cos ζ): a_l = 3/2 (2l + 1)/[(l + 2)(l + 1) l (l - 1)], zero for l < 2.

    Gair et al. (2014), arXiv:1406.4664, in convention E.

    Args:
        l_max: 0 or more; the tail falls as l_max⁻².

    Returns:
        float64 (l_max + 1,).

    Raises:
        ValueError: on an l_max that is negative or no whole number.

    >>> hellings_downs_legendre(3).tolist()
    [0.0, 0.0, 0.3125, 0.0875]
    """
    if not isinstance(l_max, int) or isinstance(l_max, bool) or l_max < 0:
        raise ValueError(f"l_max is {l_max!r}: a whole number, 0 or more, is needed")
    l = torch.arange(l_max + 1, dtype=torch.float64)
    below = l < 2
    product = torch.where(below, 1.0, (l + 2) * (l + 1) * l * (l - 1))
    return torch.where(below, 0.0, 1.5 * (2 * l + 1) / product)


def cosmic_variance(zeta: Tensor | float, realisations: float = 1) -> Tensor:
    """Variance of the pulsar-averaged correlation about the Hellings–Downs curve, from one sky to the next.

    Σ_l 2 a_l² P_l(cos ζ)²/(2l + 1) in closed form: 9/2 of the squared two-point function of Allen (2023),
    arXiv:2205.05637, for one real Gaussian amplitude per direction and polarisation. An
    average over more of them divides it: 2 for one complex Fourier bin. Symmetric about 90°; 1/24 at 0 and π.

    Args:
        zeta: (...) separations in radians, from 0 to π.
        realisations: independent real amplitudes averaged, positive.

    Returns:
        float64 (...).

    Raises:
        ValueError: on a separation that is NaN or outside [0, π]; on realisations ≤ 0.

    >>> round(cosmic_variance(torch.pi / 2).item(), 12)
    0.009811874944
    """
    if not realisations > 0:
        raise ValueError(f"realisations is {realisations!r}: a positive number is needed")
    zeta = checked_separations(zeta)
    near, far = torch.sin(zeta / 2) ** 2, torch.cos(zeta / 2) ** 2
    c = torch.cos(zeta)
    log_near, log_far = _logarithm(near), _logarithm(far)
    # (c - 3)(c + 1)/12 = -(1 + near) far/3 and its mirror: each factor that vanishes stands by its logarithm
    squared = (
        -5 / 48
        + 49 / 432 * c * c
        - (c * c + 3) * log_near * log_far / 6
        - (1 + near) * far * log_far / 3
        - (1 + far) * near * log_near / 3
    )
    return 4.5 * squared / realisations


def _logarithm(x: Tensor) -> Tensor:
    """ln x, held at ln 1e-300: what multiplies it vanishes there."""
    return x.clamp_min(1e-300).log()
