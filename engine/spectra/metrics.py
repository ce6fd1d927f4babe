"""Numbers that sum up a spectrum. All are functions of the singular values σ₁ ≥ … ≥ σ_r ≥ 0, per matrix.

Scaling a matrix changes none of them. Where σ is zero altogether every rank, the entropy and the flatness are
zero. Values below the noise floor weigh nothing except in `flatness`: pass `resolved(sigma, floor)`.
"""

import math

import torch
from torch import Tensor

from .errors import InvalidSpectrum


def checked_spectrum(sigma: Tensor, name: str = "sigma") -> Tensor:
    """σ (..., r) in float64, r ≥ 1.

    Raises:
        InvalidSpectrum: on NaN, infinities, negative values or values that do not descend: a matrix in
            place of its spectrum is seen here.
    """
    sigma = torch.as_tensor(sigma).detach().to(torch.float64)
    if sigma.ndim == 0 or sigma.shape[-1] == 0:
        raise InvalidSpectrum(f"{name} has shape {tuple(sigma.shape)}: (..., r) with r ≥ 1 is needed")
    if not bool(torch.isfinite(sigma).all()):
        what = "NaN" if bool(torch.isnan(sigma).any()) else "infinity"
        raise InvalidSpectrum(f"{name} holds {what}: finite values are needed")
    if bool((sigma < 0).any()) or bool((sigma.diff(dim=-1) > 0).any()):
        raise InvalidSpectrum(
            f"{name} is no spectrum: values ≥ 0 in descending order, as spectrum(X) gives, are needed"
        )
    return sigma


def _relative(sigma: Tensor) -> Tensor:
    """σ/σ₁, zero where σ₁ is; squares of it neither overflow nor vanish wrongly."""
    sigma = checked_spectrum(sigma)
    largest = sigma[..., :1]
    return sigma / torch.where(largest > 0, largest, torch.ones_like(largest))


def _share(weights: Tensor) -> Tensor:
    """Non-negative weights (..., r) as shares of their sum; all zero where the sum is."""
    total = weights.sum(-1, keepdim=True)
    return weights / torch.where(total > 0, total, torch.ones_like(total))


def _entropy(p: Tensor) -> Tensor:
    return -torch.xlogy(p, p).sum(-1)


def stable_rank(sigma: Tensor) -> Tensor:
    """‖X‖_F²/σ₁²: between 1 and r. Rudelson & Vershynin (2007).

    Args:
        sigma: (..., r) singular values, descending.

    Returns:
        (...,), 0 for zero matrices.

    Raises:
        InvalidSpectrum: as `checked_spectrum`; so do all functions here.

    >>> stable_rank(torch.tensor([2.0, 1.0, 1.0])).item()
    1.5
    """
    return _relative(sigma).square().sum(-1)


def nuclear_rank(sigma: Tensor) -> Tensor:
    """‖X‖_*/σ₁ = Σσ/σ₁: between 1 and r; (...,), 0 for zero matrices."""
    return _relative(sigma).sum(-1)


def effective_rank(sigma: Tensor) -> Tensor:
    """exp(−Σ p ln p) with p = σ/Σσ and 0 ln 0 = 0: between 1 and r; (...,), 0 for zero matrices.

    Roy & Vetterli (2007), definition 1.

    >>> round(effective_rank(torch.ones(4)).item(), 12)
    4.0
    """
    x = _relative(sigma)
    return torch.where(x[..., 0] > 0, _entropy(_share(x)).exp(), 0.0)


def rankme(sigma: Tensor, epsilon: float = 1e-7) -> Tensor:
    """exp(−Σ p ln p) with p = σ/Σσ + ε: the effective rank with the ε of Garrido et al. (2023), eq. 1-2.

    Its authors mean σ of an embedding matrix with at least some thousand rows. (...,), 0 for zero matrices.
    """
    if not (math.isfinite(epsilon) and epsilon >= 0):
        raise ValueError(f"epsilon is {epsilon}: a finite number ≥ 0 is needed")
    x = _relative(sigma)
    return torch.where(x[..., 0] > 0, _entropy(_share(x) + epsilon).exp(), 0.0)


def svd_entropy(sigma: Tensor) -> Tensor:
    """−Σ q ln q / ln r with q = σ²/Σσ²: 0 for rank one, 1 for a flat spectrum; r counts zeros too.

    Alter, Brown & Botstein (2000). (...,); 1 where r = 1 (a single value is flat), 0 for zero matrices.
    """
    x = _relative(sigma)
    if x.shape[-1] == 1:
        return x[..., 0]
    return _entropy(_share(x.square())) / math.log(x.shape[-1])


def participation_ratio(sigma: Tensor) -> Tensor:
    """(Σσ²)²/Σσ⁴: between 1 and r; (...,), 0 for zero matrices.

    >>> participation_ratio(torch.tensor([1.0, 1.0, 0.0])).item()
    2.0
    """
    squares = _relative(sigma).square()
    fourth = squares.square().sum(-1)
    return squares.sum(-1).square() / torch.where(fourth > 0, fourth, torch.ones_like(fourth))


def flatness(sigma: Tensor) -> Tensor:
    """Geometric over arithmetic mean of σ: 1 when all are equal, 0 with a zero among them; (...,)."""
    x = _relative(sigma)
    mean = x.mean(-1)
    # the logarithm of zero is −inf, and its exponential the zero that is wanted
    geometric = x.log().mean(-1).exp()
    return geometric / torch.where(mean > 0, mean, torch.ones_like(mean))


def condition_over_median(sigma: Tensor) -> Tensor:
    """σ₁/σ_⌈r/2⌉, counted from one: a condition number that the rounding noise of the smallest σ leaves alone.

    (...,) ≥ 1; +inf where the median value is zero, zero matrices included.
    """
    x = _relative(sigma)
    return 1 / x[..., (x.shape[-1] + 1) // 2 - 1]
