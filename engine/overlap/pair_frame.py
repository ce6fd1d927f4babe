"""Overlap functions Γ_lm of one pair in its own frame: first pulsar at the pole, second in the x–z half-plane."""

import math

import torch
from torch import Tensor

from .pair_table import azimuthal_orders, checked_degree, pair_features, pair_table, sine_power


def gamma_lm(zeta: Tensor | float, l_max: int) -> Tensor:
    """Γ_lm(ζ) of two pulsars ζ apart, exact for every l and m, in real harmonics.

    Γ_lm = (3/8π) ∫ d²n Y_lm(n) ΣF_aF_b, convention E (Γ_00 √4π is the Hellings–Downs curve, 1/2 at 0+), n the
    SOURCE direction, Condon–Shortley phase kept; the paper's tables use the propagation direction, which is
    (-1)^l times this. Without pulsar term. Functions with m < 0 vanish in this frame.
    Mingarelli et al. (2013), arXiv:1306.5394, for l ≤ 3; every l by our tables, see `pair_table`.

    Absolute error below 2e-15 for l ≤ 10 and below 1e-12 up to the limit, against arithmetic of 220 digits, for
    ζ from 1e-3 to π - 1e-3; right limits at 0 and π. Differentiable in ζ.

    Args:
        zeta: (...) separations in radians, from 0 to π.
        l_max: from 0 to 32.

    Returns:
        float64 (..., (l_max + 1)²), index l² + l + m.

    Raises:
        ValueError: on a separation that is NaN or outside [0, π], naming it; on l_max outside 0 … 32.

    >>> right_angle = gamma_lm(math.pi / 2, 1)
    >>> [round(value, 6) for value in right_angle.tolist()]
    [-0.040864, 0.0, -0.009704, 0.009704]
    """
    checked_degree(l_max)
    zeta = checked_separations(zeta)
    flat = zeta.reshape(-1)
    table = pair_table(l_max, flat.device)
    found = pair_features(2 * torch.sin(flat / 2) ** 2, table).T @ table.coefficients
    sine = torch.sin(flat)
    powers = torch.stack([torch.ones_like(sine), sine, sine * sine], 1)[:, sine_power(l_max, flat.device)]
    # + 0.0 turns -0.0 into 0.0
    found = found * powers * (azimuthal_orders(l_max, flat.device) >= 0) + 0.0
    return found.reshape(*zeta.shape, (l_max + 1) ** 2)


def checked_separations(zeta: Tensor | float) -> Tensor:
    """Separations as float64; what π rounds up to in the dtype given, as in float32, is taken for π.

    Raises:
        ValueError: on complex or boolean ones; naming the first one that is NaN or outside [0, π].
    """
    # numbers and lists of them have no dtype: torch would round them to its default
    given = torch.as_tensor(zeta, dtype=None if hasattr(zeta, "dtype") else torch.float64)
    if given.is_complex() or given.dtype == torch.bool:
        raise ValueError(f"zeta is {given.dtype}: real separations in radians are needed")
    most = math.pi
    if given.is_floating_point():
        most = max(most, torch.tensor(math.pi, dtype=given.dtype).item())
    zeta = given.double()
    bad = ~((zeta >= 0) & (zeta <= most)).reshape(-1)
    if bool(bad.any()):
        value = zeta.detach().reshape(-1)[bad][0].item()
        raise ValueError(f"zeta: separation {int(bad.nonzero()[0])} is {value}: 0 to π radians is needed")
    # a shift and no clamp: the derivative at π stays
    return zeta - (zeta.detach() - math.pi).clamp(min=0)
