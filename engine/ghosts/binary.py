"""Two classes: everything in closed form."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from .errors import InvalidClasses


def binary_zeros(delta: Tensor | float, slope_gap: Tensor | float, m: Tensor | Sequence[int]) -> Tensor:
    """The ghosts of two classes, a vertical lattice above the decision flip: t_m = (-δ + iπ(2m + 1))/s.

    Sao (2026), arXiv:2603.13552, theorem 4.3. Its eq. 13 prints the real part with the other sign; the
    modulus is the same, the place is not.

    Args:
        delta: (...) margin δ = z_1 - z_2.
        slope_gap: (...) s = a_1 - a_2, not zero.
        m: (ghosts,) integers; m and -1 - m are conjugates.

    Returns:
        complex (..., ghosts), in units of the step.

    Raises:
        InvalidClasses: (a ValueError) where slope_gap is zero, for there is no ghost; on values of m that are no
            integers; on a margin that is NaN, a slope that is not finite.

    >>> t = binary_zeros(torch.tensor(2.0), torch.tensor(-1.0), torch.tensor([-1]))
    >>> round(t.real.item(), 4), round(t.imag.item(), 4)
    (2.0, 3.1416)
    """
    delta, slope_gap = _checked(delta, slope_gap)
    if bool((slope_gap == 0).any()):
        raise InvalidClasses("slope_gap must not be 0: two classes of one slope have no ghost")
    count = _as_real("m", m)
    # NaN is not equal to itself, infinity not finite
    if not bool(((count == count.round()) & count.isfinite()).all()):
        raise InvalidClasses(f"m must be integers, not {count.tolist()}")
    height = math.pi * (2 * count.to(delta.dtype) + 1) / slope_gap.unsqueeze(-1)
    return torch.complex((-delta / slope_gap).unsqueeze(-1).expand(height.shape).contiguous(), height)


def binary_radius(
    delta: Tensor | float, slope_gap: Tensor | float, temperature: float | Tensor = 1.0
) -> Tensor:
    """√(δ² + π²T²)/|s|, the exact radius for two classes; +inf where s = 0.

    Sao (2026), arXiv:2603.13552, theorem 4.3; with temperature ours: the ghost's real part does not move.

    Args:
        delta: (...) margin z_1 - z_2.
        slope_gap: (...) a_1 - a_2.
        temperature: positive and finite.

    Returns:
        (...) in units of the step; float64 for integers and plain numbers.

    Raises:
        InvalidClasses: (a ValueError) on a temperature that is not positive and finite; on a margin that is NaN, a
            slope that is not finite.

    >>> round(binary_radius(torch.tensor(0.0), torch.tensor(1.0)).item(), 4)
    3.1416
    """
    delta, slope_gap = _checked(delta, slope_gap)
    value = torch.as_tensor(temperature, dtype=delta.dtype, device=delta.device)
    if not bool(((value > 0) & value.isfinite()).all()):
        raise InvalidClasses(f"temperature must be positive and finite, not {temperature}")
    height = math.pi * value
    return torch.where(
        slope_gap == 0, torch.inf, torch.hypot(delta, height.expand_as(delta)) / slope_gap.abs()
    )


def _checked(delta: Tensor | float, slope_gap: Tensor | float) -> tuple[Tensor, Tensor]:
    """Both in floating point. A margin may be infinite, for a masked class: its ghost is infinitely far."""
    margin, gap = _as_real("delta", delta), _as_real("slope_gap", slope_gap)
    if bool(margin.isnan().any()):
        raise InvalidClasses(
            f"delta holds {int(margin.isnan().sum())} NaN; allowed are numbers, or ±inf to mask"
        )
    if not bool(gap.isfinite().all()):
        raise InvalidClasses(f"slope_gap holds {gap[~gap.isfinite()][0].item()}; allowed are finite values")
    dtype = torch.result_type(margin, gap)
    margin, gap = torch.broadcast_tensors(margin.to(dtype), gap.to(dtype))
    return margin, gap


def _as_real(name: str, values: Tensor | Sequence[int] | float) -> Tensor:
    found = values if isinstance(values, Tensor) else torch.as_tensor(values, dtype=torch.float64)
    if found.is_complex() or found.dtype == torch.bool:
        raise InvalidClasses(f"{name} is {found.dtype}; allowed are real numbers")
    return found if found.is_floating_point() else found.double()
