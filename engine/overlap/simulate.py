"""Simulated pair correlations: ρ = A²Γ + noise, and the covariance of real estimates beyond weak signals."""

import torch
from torch import Tensor

from .whitening import checked_sigma, float64


def simulate_pairs(
    expected: Tensor,
    sigma: Tensor,
    amplitude: float = 1.0,
    generator: torch.Generator | None = None,
    count: int = 1,
    covariance: Tensor | None = None,
) -> Tensor:
    """Draws of ρ = amplitude · expected + Gaussian noise.

    The pair likelihood of Pol, Taylor & Romano (2022), arXiv:2206.09936: estimates of different pairs are
    taken as independent, which holds for weak signals; `covariance` lifts that.

    Args:
        expected: (pairs,) overlaps Γ_ab of the sky, convention E.
        sigma: (pairs,) standard deviations of ρ, in its units; ignored when a covariance is given.
        amplitude: A², in the units of sigma.
        generator: source of randomness, on the device of expected.
        count: number of draws.
        covariance: (pairs, pairs) of ρ, for example from `pair_covariance`.

    Returns:
        float64 (count, pairs).

    Raises:
        ValueError: on shapes that disagree, a count below 1, a covariance that is not positive.
    """
    expected = float64(expected)
    if expected.ndim != 1:
        raise ValueError(f"expected has shape {tuple(expected.shape)}: (pairs,) is needed")
    if count < 1:
        raise ValueError(f"count is {count}: at least 1 draw is needed")
    shape = (count, len(expected))
    noise = torch.randn(shape, generator=generator, dtype=torch.float64, device=expected.device)
    if covariance is None:
        sigma = checked_sigma(sigma, len(expected))
        if bool(torch.isinf(sigma).any()):
            raise ValueError("sigma holds +inf: a pair of infinite noise cannot be drawn")
        return amplitude * expected + noise * sigma
    return amplitude * expected + noise @ _square_root(float64(covariance), len(expected)).mT


def sigma_for_snr(expected: Tensor, snr: float) -> Tensor:
    """The one σ, equal for all pairs, at which a signal A² = 1 has optimal-statistic SNR `snr` on average.

    SNR² = Σ Γ_ab²/σ² (Chamberlin et al. 2015, arXiv:1410.8256).

    Args:
        expected: (pairs,) overlaps of the signal; the Hellings–Downs values for "HD SNR".
        snr: positive.

    Returns:
        float64 (pairs,), all equal.

    Raises:
        ValueError: when snr is not positive and finite, or the overlaps are all zero.

    >>> sigma_for_snr(torch.tensor([3.0, 4.0]), 10.0).tolist()
    [0.5, 0.5]
    """
    expected = float64(expected)
    if not 0 < snr < float("inf"):
        raise ValueError(f"snr is {snr}: a positive number is needed")
    size = torch.linalg.vector_norm(expected)
    if not bool((size > 0) & torch.isfinite(size)):
        raise ValueError(
            f"expected has length {size.item()}: overlaps that are finite and not all zero are needed"
        )
    return (size / snr).expand(expected.shape).clone()


def pair_covariance(overlap_matrix: Tensor, amplitude: float, noise: Tensor, samples: float = 1.0) -> Tensor:
    """Covariance of the estimates ρ_ab = z_a z_b of Gaussian pulsar data, exact for any signal strength.

    With S = A²Γ + diag(noise) the covariance of z, Cov(ρ_ab, ρ_cd) = S_ac S_bd + S_ad S_bc (Isserlis), the
    form of Allen & Romano (2023), arXiv:2208.07230; noise² alone remains for weak signals. Ours: one real
    Gaussian amplitude for each pulsar and sample; one complex Fourier bin counts as two samples.

    Args:
        overlap_matrix: (N, N) symmetric Γ, its diagonal with the pulsar term where wanted.
        amplitude: A² ≥ 0, in units of ρ.
        noise: (N,) variance of each pulsar's data, in units of ρ, at least 0.
        samples: how many independent amplitudes are averaged.

    Returns:
        float64 (pairs, pairs), pairs in the order of torch.triu_indices(N, N, 1).

    Raises:
        ValueError: on shapes that disagree, a matrix not symmetric, negative amplitude, noise or samples.
    """
    matrix, noise = float64(overlap_matrix), float64(noise)
    pulsars = len(noise)
    if matrix.shape != (pulsars, pulsars):
        raise ValueError(
            f"overlap_matrix has shape {tuple(matrix.shape)}, noise {tuple(noise.shape)}: (N, N) and (N,)"
        )
    if not torch.allclose(matrix, matrix.mT, rtol=1e-9, atol=1e-12):
        raise ValueError("overlap_matrix is not symmetric")
    if amplitude < 0 or not samples > 0 or bool((noise < 0).any()):
        raise ValueError(
            f"amplitude {amplitude}, noise and samples {samples} must not be negative, samples not 0"
        )
    total = amplitude * matrix + torch.diag(noise)
    first, second = torch.triu_indices(pulsars, pulsars, 1, device=matrix.device)
    same = total[first][:, first] * total[second][:, second]
    crossed = total[first][:, second] * total[second][:, first]
    return (same + crossed) / samples


def _square_root(covariance: Tensor, pairs: int) -> Tensor:
    """A matrix S with S Sᵀ = covariance; by eigenvectors, since a noise-free covariance may be singular."""
    if covariance.shape != (pairs, pairs):
        raise ValueError(f"covariance has shape {tuple(covariance.shape)}: ({pairs}, {pairs}) is needed")
    values, vectors = torch.linalg.eigh(covariance)
    if bool(values[0] < -1e-9 * values[-1].abs()):
        raise ValueError(f"covariance has the eigenvalue {values[0].item()}: none may be negative")
    return vectors * values.clamp(min=0).sqrt()
