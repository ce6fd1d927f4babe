"""The exponent of a spectrum that falls like a power of its index."""

import torch
from torch import Tensor

from .metrics import checked_spectrum


def alpha_req(eigenvalues: Tensor, first: int = 11, last: int | None = None) -> Tensor:
    """α of λ_i ∝ i^−α: minus the least-squares slope of ln λ_i against ln i over i = first … last.

    Agrawal et al. (2022), who apply it to the covariance of features: α near 1 goes with good ones.
    The answer depends on the window, so a figure has to state it.

    Args:
        eigenvalues: (..., r) of the covariance, descending: `spectrum(features).square()` up to a factor.
        first: index from one, included.
        last: index from one, included; None: r // 2.

    Returns:
        (...,); +inf where the window reaches a zero.

    Raises:
        InvalidSpectrum: as `checked_spectrum`.
        ValueError: on a window with fewer than two values, or outside 1 … r.

    >>> round(alpha_req(torch.arange(1.0, 129.0, dtype=torch.float64) ** -1.3).item(), 12)
    1.3
    """
    values = checked_spectrum(eigenvalues, "eigenvalues")
    r = values.shape[-1]
    last = r // 2 if last is None else last
    if not 1 <= first < last <= r:
        raise ValueError(f"first, last are {first}, {last}: 1 ≤ first < last ≤ r = {r} is needed")
    window = values[..., first - 1 : last]
    index = torch.arange(first, last + 1, dtype=torch.float64, device=values.device).log()
    centred = index - index.mean()
    # relative to the window's first value: ln λ of huge or tiny units would lose digits
    top = window[..., :1]
    logarithms = (window / torch.where(top > 0, top, torch.ones_like(top))).clamp(min=1e-320).log()
    slope = (logarithms * centred).sum(-1) / centred.square().sum()
    return torch.where(window[..., -1] > 0, -slope, torch.inf)
