"""Two classes: everything in closed form."""

import math

import torch
from torch import Tensor


def binary_zeros(delta: Tensor, slope_gap: Tensor, m: Tensor) -> Tensor:
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
        ValueError: where slope_gap is zero: there is no ghost.

    >>> t = binary_zeros(torch.tensor(2.0), torch.tensor(-1.0), torch.tensor([-1]))
    >>> round(t.real.item(), 4), round(t.imag.item(), 4)
    (2.0, 3.1416)
    """
    if bool((slope_gap == 0).any()):
        raise ValueError("slope_gap must not be 0: two classes of one slope have no ghost")
    height = math.pi * (2 * m.to(delta.dtype) + 1) / slope_gap.unsqueeze(-1)
    return torch.complex((-delta / slope_gap).unsqueeze(-1).expand(height.shape).contiguous(), height)


def binary_radius(delta: Tensor, slope_gap: Tensor, temperature: float | Tensor = 1.0) -> Tensor:
    """√(δ² + π²T²)/|s|, the exact radius for two classes; +inf where s = 0.

    Sao (2026), arXiv:2603.13552, theorem 4.3; with temperature ours: the ghost's real part does not move.

    Args:
        delta: (...) margin z_1 - z_2.
        slope_gap: (...) a_1 - a_2.
        temperature: positive.

    Returns:
        (...) in units of the step.

    >>> round(binary_radius(torch.tensor(0.0), torch.tensor(1.0)).item(), 4)
    3.1416
    """
    height = math.pi * torch.as_tensor(temperature, dtype=delta.dtype, device=delta.device)
    return torch.where(
        slope_gap == 0, torch.inf, torch.hypot(delta, height.expand_as(delta)) / slope_gap.abs()
    )
