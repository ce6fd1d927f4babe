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
        ValueError: on shapes that disagree, numbers that are not finite, a count below 1, a covariance that is not
            symmetric or has a negative eigenvalue.
    """
    expected = float64(expected)
    if expected.ndim != 1:
        raise ValueError(f"expected has shape {tuple(expected.shape)}: (pairs,) is needed")
    if count < 1:
        raise ValueError(f"count is {count}: at least 1 draw is needed")
    signal = amplitude * expected
    bad = ~torch.isfinite(signal)
    if bool(bad.any()):
        first = int(bad.nonzero()[0])
        raise ValueError(
            f"amplitude · expected is {signal[first].item()} for pair {first}: it must be finite"
        )
    shape = (count, len(expected))
    noise = torch.randn(shape, generator=generator, dtype=torch.float64, device=expected.device)
    if covariance is None:
        sigma = checked_sigma(sigma, len(expected))
        if bool(torch.isinf(sigma).any()):
            raise ValueError("sigma holds +inf: a pair of infinite noise cannot be drawn")
        return signal + noise * sigma
    return signal + noise @ _square_root(float64(covariance), len(expected)).mT


def sigma_for_snr(expected: Tensor, snr: float, weights: Tensor | None = None) -> Tensor:
    """σ of all pairs at which a signal A² = 1 has optimal-statistic SNR `snr` on average.

    SNR² = Σ Γ_ab²/σ_ab² (Chamberlin et al. 2015, arXiv:1410.8256). A weight is the inverse variance of what a pulsar
    measures, up to a factor that all share; then σ_ab ∝ 1/√(w_a w_b), as for white noise above the signal there.

    Args:
        expected: (pairs,) overlaps of the signal; the Hellings–Downs values for "HD SNR".
        snr: positive.
        weights: (N,) of the pulsars, positive, pairs in the order of torch.triu_indices(N, N, 1); all alike
            when not given.

    Returns:
        float64 (pairs,).

    Raises:
        ValueError: when snr is not positive and finite, the overlaps are all zero, or weights are not positive or
            not those of so many pairs.

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
    if weights is None:
        return (size / snr).expand(expected.shape).clone()
    shape = _pair_noise(weights, len(expected))
    return shape * torch.linalg.vector_norm(expected / shape) / snr


def _pair_noise(weights: Tensor, pairs: int) -> Tensor:
    """1/√(w_a w_b) of all pairs; exactly 1 where every weight is 1."""
    weights = float64(weights)
    count = len(weights) if weights.ndim == 1 else 0
    if count * (count - 1) // 2 != pairs:
        raise ValueError(
            f"weights has shape {tuple(weights.shape)}: one for each pulsar of {pairs} pairs is needed"
        )
    bad = ~((weights > 0) & torch.isfinite(weights))
    if bool(bad.any()):
        first = int(bad.nonzero()[0])
        raise ValueError(
            f"weight of pulsar {first} is {weights[first].item()}: it must be positive and finite"
        )
    noise = weights.rsqrt()
    one, other = torch.triu_indices(count, count, 1, device=weights.device)
    return noise[one] * noise[other]


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
        ValueError: on shapes that disagree, a matrix not symmetric, negative or infinite amplitude or noise, samples
            that are not positive.
    """
    matrix, noise = float64(overlap_matrix), float64(noise)
    pulsars = len(noise)
    if matrix.shape != (pulsars, pulsars):
        raise ValueError(
            f"overlap_matrix has shape {tuple(matrix.shape)}, noise {tuple(noise.shape)}: (N, N) and (N,)"
        )
    _check_symmetric("overlap_matrix", matrix)
    if not 0 <= amplitude < float("inf"):
        raise ValueError(f"amplitude is {amplitude}: it must not be negative, and finite")
    if not samples > 0:
        raise ValueError(f"samples is {samples}: it must be positive")
    bad = ~((noise >= 0) & torch.isfinite(noise))
    if bool(bad.any()):
        first = int(bad.nonzero()[0])
        raise ValueError(
            f"noise of pulsar {first} is {noise[first].item()}: it must not be negative, and finite"
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
    _check_symmetric("covariance", covariance)
    values, vectors = torch.linalg.eigh(covariance)
    if bool(values[0] < -1e-9 * values[-1].abs()):
        raise ValueError(f"covariance has the eigenvalue {values[0].item()}: none may be negative")
    return vectors * values.clamp(min=0).sqrt()


def _check_symmetric(name: str, matrix: Tensor) -> None:
    """Raises ValueError: of a matrix that is not symmetric nobody would look at one half, and NaN looks like anything."""
    if not bool(torch.isfinite(matrix).all()):
        raise ValueError(f"{name} holds numbers that are not finite")
    size = float(torch.linalg.matrix_norm(matrix))
    if not torch.allclose(matrix, matrix.mT, rtol=1e-9, atol=1e-12 * size):
        raise ValueError(f"{name} is not symmetric")
