"""Maps from pair correlations: dirty map, Fisher matrix, radiometer, maximum likelihood, principal maps.

The response R is (pairs, k): columns are Γ_lm for a map of c_lm, or responses of pixels for a map of P. Units of
a map are those of ρ: A² is in it. Pol, Taylor & Romano (2022), arXiv:2206.09936 (MAPS); the Fisher formalism and
its principal maps: Ali-Haïmoud, Smith & Mingarelli (2020, 2021), arXiv:2006.14570 and 2010.13958.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from .healpix import pixel_directions
from .pixel_map import antenna_patterns
from .whitening import float64, whiten, whiten_response


class RadiometerMap(NamedTuple):
    """Each element fitted as if it were alone: power (..., k), sigma (k,), snr (..., k)."""

    power: Tensor
    sigma: Tensor
    snr: Tensor


class MaximumLikelihoodMap(NamedTuple):
    """All elements fitted together.

    power: (..., k) estimates.
    covariance: (k, k) of the estimates under pure noise.
    resolution: (k, k) matrix that turns the true sky into the mean estimate; the identity without
        regularisation.
    condition: of the Fisher matrix M as it is, +inf when it is singular.
    regularised_condition: of what was inverted.
    kept: number of modes that were not cut off.
    """

    power: Tensor
    covariance: Tensor
    resolution: Tensor
    condition: float
    regularised_condition: float
    kept: int


class PrincipalMaps(NamedTuple):
    """Independent skies, best measured first: information (k,), maps (k, k) with one unit vector in each row."""

    information: Tensor
    maps: Tensor


class FisherSpectrum(NamedTuple):
    """By degree l, (l_max + 1,) each.

    information: mean of the diagonal M_lm,lm over m.
    independent: the same after all other coefficients up to l_max were fitted too, 1 / mean (M⁻¹)_lm,lm; 0
        where M is singular.
    condition: condition number of the block of all degrees up to l.
    """

    information: Tensor
    independent: Tensor
    condition: Tensor


def pixel_response(directions: Tensor, nside: int) -> Tensor:
    """Overlaps of unit power in single HEALPix pixels: R_ab,k = (3/2) ΣFF(n_k) / pixels, convention E.

    Summed over a map of mean power 1 it is the overlap of that map.

    Args:
        directions: (N, 3) pulsars.
        nside: of the ring-ordered map.

    Returns:
        float64 (pairs, 12 nside²).
    """
    points = pixel_directions(nside).to(float64(directions).device)
    plus, cross = antenna_patterns(directions, points)
    first, second = torch.triu_indices(len(plus), len(plus), 1, device=plus.device)
    return (plus[first] * plus[second] + cross[first] * cross[second]) * (1.5 / len(points))


def dirty_map(rho: Tensor, response: Tensor, sigma: Tensor) -> Tensor:
    """X = Rᵀ Σ⁻¹ ρ, shape (..., k), in units of one over ρ.

    Args:
        rho: (..., pairs) correlations.
        response: (pairs, k).
        sigma: (pairs,) standard deviations.
    """
    return whiten(rho, sigma) @ whiten_response(response, sigma, "response")


def fisher_matrix(response: Tensor, sigma: Tensor) -> Tensor:
    """M = Rᵀ Σ⁻¹ R, (k, k): the inverse covariance of the map, and what turns a sky into its mean dirty map."""
    white = whiten_response(response, sigma, "response")
    return white.mT @ white


def radiometer(rho: Tensor, response: Tensor, sigma: Tensor) -> RadiometerMap:
    """X / diag M with σ = diag(M)^-1/2: each pixel or coefficient alone explains all correlations.

    Args:
        rho: (..., pairs) correlations.
        response: (pairs, k), from `pixel_response` or `overlap_harmonics`.
        sigma: (pairs,) standard deviations.

    Returns:
        RadiometerMap. Where no pair responds: power 0, σ +inf, snr 0.

    Raises:
        ValueError: on shapes that disagree or numbers that are not finite.
    """
    white = whiten_response(response, sigma, "response")
    information = white.square().sum(0)
    dirty = whiten(rho, sigma) @ white
    seen = information > 0
    safe = torch.where(seen, information, 1.0)
    return RadiometerMap(dirty / safe, information.rsqrt(), torch.where(seen, dirty * safe.rsqrt(), 0.0))


def maximum_likelihood(
    rho: Tensor, response: Tensor, sigma: Tensor, regularisation: float = 0.0, kind: str = "ridge"
) -> MaximumLikelihoodMap:
    """The map of greatest likelihood, M⁺X, or a regularised one.

    Works on the singular values of the whitened response, whose condition is the square root of that of M.

    Args:
        rho: (..., pairs) correlations.
        response: (pairs, k).
        sigma: (pairs,) standard deviations.
        regularisation: in units of the largest eigenvalue of M, 0 … 1. "ridge" adds it to all eigenvalues;
            "truncated" leaves out modes of smaller ones. Modes without any information are always left out.
        kind: "ridge" or "truncated".

    Returns:
        MaximumLikelihoodMap.

    Raises:
        ValueError: on shapes that disagree, no pair or no column, an unknown kind, a regularisation outside 0 … 1.
    """
    if kind not in ("ridge", "truncated"):
        raise ValueError(f"kind is {kind!r}: 'ridge' or 'truncated' is needed")
    if not 0 <= regularisation <= 1:
        raise ValueError(f"regularisation is {regularisation}: 0 … 1 is allowed")
    white = whiten_response(response, sigma, "response")
    if white.numel() == 0:
        raise ValueError(
            f"response has shape {tuple(white.shape)}: at least one pair and one column are needed"
        )
    u, s, vh = torch.linalg.svd(white, full_matrices=False)
    relative = (s / s[0].clamp(min=torch.finfo(s.dtype).tiny)).square()
    floor = (torch.finfo(s.dtype).eps * max(white.shape)) ** 2
    live = relative > floor
    if kind == "truncated":
        live = live & (relative >= regularisation)
    ridge = regularisation if kind == "ridge" else 0.0
    gain = torch.where(live, relative / (relative + ridge).clamp(min=floor), 0.0)
    inverse = torch.where(live, gain / torch.where(live, s, 1.0), 0.0)
    power = ((whiten(rho, sigma) @ u) * inverse) @ vh
    inverted = relative[live] + ridge
    return MaximumLikelihoodMap(
        power,
        (vh.mT * inverse.square()) @ vh,
        (vh.mT * gain) @ vh,
        _condition(relative, white.shape[1], floor),
        float(inverted.amax() / inverted.amin()) if len(inverted) else float("inf"),
        int(live.sum()),
    )


def principal_maps(fisher: Tensor) -> PrincipalMaps:
    """Eigenvectors of M: skies whose powers have independent errors, information^-1/2 each.

    Args:
        fisher: (k, k) symmetric.

    Returns:
        PrincipalMaps, largest eigenvalue first, rounding below zero set to 0. Signs are ours: the largest
        entry of each map is positive.

    Raises:
        ValueError: when fisher is not a symmetric square matrix.
    """
    values, vectors = torch.linalg.eigh(_checked_fisher(fisher))
    maps = vectors.mT.flip(0)
    largest = maps.gather(1, maps.abs().argmax(1, keepdim=True))
    return PrincipalMaps(values.flip(0).clamp(min=0), maps * torch.where(largest < 0, -1.0, 1.0))


def fisher_spectrum(fisher: Tensor) -> FisherSpectrum:
    """What an array knows of each degree l of the sky, alone and after all else was fitted.

    Args:
        fisher: ((l_max + 1)²,) squared, in harmonics of index l² + l + m.

    Returns:
        FisherSpectrum.

    Raises:
        ValueError: when fisher is not symmetric or its size is not a square number.
    """
    fisher = _checked_fisher(fisher)
    degrees = round(len(fisher) ** 0.5)
    if degrees**2 != len(fisher):
        raise ValueError(f"fisher has {len(fisher)} rows: a square number, (l_max + 1)², is needed")
    orders = [2 * degree + 1 for degree in range(degrees)]
    blocks = [torch.linalg.eigvalsh(fisher[: n * n, : n * n]) for n in range(1, degrees + 1)]
    floor = torch.finfo(fisher.dtype).eps * len(fisher)
    condition = torch.stack([_eigenvalue_condition(values, floor) for values in blocks])
    if bool(torch.isfinite(condition[-1])):
        variances = torch.linalg.inv(fisher).diagonal()
        independent = torch.stack([1 / part.mean() for part in variances.split(orders)])
    else:
        independent = torch.zeros_like(condition)
    information = torch.stack([part.mean() for part in fisher.diagonal().split(orders)])
    return FisherSpectrum(information, independent, condition)


def _checked_fisher(fisher: Tensor) -> Tensor:
    fisher = float64(fisher)
    if fisher.ndim != 2 or fisher.shape[0] != fisher.shape[1] or len(fisher) == 0:
        raise ValueError(f"fisher has shape {tuple(fisher.shape)}: (k, k), k at least 1, is needed")
    size = fisher.abs().amax()
    if not bool(torch.isfinite(size)) or bool((fisher - fisher.mT).abs().amax() > 1e-9 * size):
        raise ValueError("fisher is not a finite symmetric matrix")
    return (fisher + fisher.mT) / 2


def _condition(relative: Tensor, columns: int, floor: float) -> float:
    """Condition of M from its eigenvalues over the largest; fewer pairs than columns make it singular."""
    if len(relative) < columns or bool(relative[-1] <= floor):
        return float("inf")
    return float(relative[0] / relative[-1])


def _eigenvalue_condition(values: Tensor, floor: float) -> Tensor:
    smallest, largest = values[0], values[-1]
    return torch.where(smallest > floor * largest, largest / smallest, torch.inf)
