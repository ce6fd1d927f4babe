"""Pair correlations and responses in units of their own noise: every statistic of the package starts here."""

import torch
from torch import Tensor


def float64(values: Tensor) -> Tensor:
    """A float64 tensor on the device the values came on (lists and NumPy arrays: the CPU)."""
    return torch.as_tensor(values, dtype=torch.float64)


def checked_sigma(sigma: Tensor, pairs: int) -> Tensor:
    """Standard deviations of all pairs, (pairs,).

    A pair may have σ = +inf: it then carries no information and drops out of every sum.

    Raises:
        ValueError: on a wrong shape, or naming the first σ that is not positive.
    """
    sigma = float64(sigma)
    if sigma.shape != (pairs,):
        raise ValueError(f"sigma has shape {tuple(sigma.shape)}: ({pairs},), one for each pair, is needed")
    bad = ~(sigma > 0)
    if bool(bad.any()):
        first = int(bad.nonzero()[0])
        raise ValueError(f"sigma of pair {first} is {sigma[first].item()}: it must be positive")
    return sigma


def whiten(values: Tensor, sigma: Tensor, name: str = "rho") -> Tensor:
    """values / σ, checked.

    Args:
        values: (..., pairs).
        sigma: (pairs,) standard deviations, same units; +inf switches a pair off.
        name: what the values are called in the error.

    Raises:
        ValueError: on shapes that disagree, a σ that is not positive, values that are not finite.
    """
    values = float64(values)
    if values.ndim == 0:
        raise ValueError(f"{name} is a single number: (..., pairs) is needed")
    sigma = checked_sigma(sigma, values.shape[-1])
    if not bool(torch.isfinite(values).all()):
        raise ValueError(f"{name} holds numbers that are not finite")
    return values / sigma


def whiten_response(response: Tensor, sigma: Tensor, name: str = "gamma") -> Tensor:
    """A response (pairs, k), one row for each pair, divided by the σ of its pair."""
    response = float64(response)
    if response.ndim != 2:
        raise ValueError(f"{name} has shape {tuple(response.shape)}: (pairs, k) is needed")
    return whiten(response.mT, sigma, name).mT
