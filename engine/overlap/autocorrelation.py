"""A pulsar with itself, and the whole correlation matrix of an array, with or without pulsar terms."""

import math

import torch
from torch import Tensor

from .harmonics import real_harmonics, unit_vectors
from .pixel_map import checked_map, map_matrix
from .sky_frame import checked_coefficients, checked_pulsars, overlap_from_coefficients


def autocorrelation(directions: Tensor, power: Tensor, pulsar_term: bool = True) -> Tensor:
    """Γ_aa of every pulsar: 1 under an isotropic sky of mean power 1, and not 1 under any other.

    ΣF_aF_a = (1 + A)²/4 = 1/3 + A/2 + P_2(A)/6, A = n·p, so only the power's degrees 0, 1 and 2 count:
    Γ_aa = ½ S_0 + ¼ S_1 + S_2/20, S_l = Σ_m c_lm Y_lm(p). The pulsar term, uncorrelated between pulsars and in
    the short-wavelength limit as strong as the Earth term, doubles it. (1 + δ_ab in Mingarelli et al. 2013,
    arXiv:1306.5394.)

    Args:
        directions: (N, 3) vectors to the pulsars, N ≥ 1; only the direction counts.
        power: ((l_max + 1)²,) coefficients c_lm, or a (12 NSIDE²,) HEALPix map in ring order, by SOURCE
            direction. No length is both. A map is summed over its pixels, not projected.
        pulsar_term: whether it is included.

    Returns:
        float64 (N,).

    Raises:
        ValueError: on bad vectors, on coefficients or pixels that are not finite or of another number.

    >>> pulsar = torch.tensor([[0.0, 0.0, 1.0]])
    >>> round(autocorrelation(pulsar, torch.tensor([math.sqrt(4 * math.pi)])).item(), 6)
    1.0
    """
    pulsars = torch.as_tensor(directions, dtype=torch.float64)
    if pulsars.ndim != 2:
        raise ValueError(f"directions has shape {tuple(pulsars.shape)}: (N, 3) is needed")
    pulsars = unit_vectors(pulsars)
    power = torch.as_tensor(power, dtype=torch.float64, device=pulsars.device)
    terms = 2.0 if pulsar_term else 1.0
    if _is_map(power):
        weights, points, _, _ = checked_map(power)
        return terms * 0.375 * ((1 + pulsars @ points.T) ** 2 @ weights)
    sky, l_max = checked_coefficients(power)
    degree = min(l_max, 2)
    factors = torch.cat([sky.new_full((2 * l + 1,), (0.5, 0.25, 0.05)[l]) for l in range(degree + 1)])
    return terms * (real_harmonics(pulsars, degree) @ (factors * sky[: len(factors)]))


def overlap_matrix(directions: Tensor, power: Tensor, pulsar_term: bool = True) -> Tensor:
    """Γ_ab of all pulsars with all, `autocorrelation` on the diagonal; positive semidefinite where P ≥ 0.

    Pulsars at one place are distinct pulsars: their pair has no pulsar term.

    Args:
        directions: (N, 3) vectors to the pulsars, N ≥ 2.
        power: coefficients or a ring-order map, as for `autocorrelation`.
        pulsar_term: whether the diagonal has it.

    Returns:
        float64 (N, N), symmetric.

    Raises:
        ValueError: as for `autocorrelation`, and on fewer than two pulsars.

    >>> matrix = overlap_matrix(torch.eye(3), torch.tensor([math.sqrt(4 * math.pi)]))
    >>> [round(value, 6) for value in matrix[0].tolist()]
    [1.0, -0.14486, -0.14486]
    """
    pulsars = checked_pulsars(directions)
    power = torch.as_tensor(power, dtype=torch.float64, device=pulsars.device)
    diagonal = autocorrelation(pulsars, power, pulsar_term).diag_embed()
    if _is_map(power):
        upper = map_matrix(pulsars, *checked_map(power)).triu(1)
    else:
        first, second = torch.triu_indices(len(pulsars), len(pulsars), 1, device=pulsars.device)
        pairs = overlap_from_coefficients(pulsars, power)
        upper = torch.zeros_like(diagonal).index_put((first, second), pairs)
    return upper + upper.T + diagonal


def _is_map(power: Tensor) -> bool:
    """12 NSIDE² is never a square, so the number of values tells coefficients from pixels."""
    if power.ndim != 1 or power.numel() == 0:
        raise ValueError(
            f"power has shape {tuple(power.shape)}: a vector of (l_max + 1)² coefficients or 12 NSIDE² pixels "
            "is needed"
        )
    count = power.numel()
    if math.isqrt(count) ** 2 == count:
        return False
    if count % 12 == 0 and math.isqrt(count // 12) ** 2 * 12 == count:
        return True
    raise ValueError(f"power has {count} values: (l_max + 1)² coefficients or 12 NSIDE² pixels are needed")
