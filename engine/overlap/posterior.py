"""Posterior skies: linear c_lm under the physical prior, and the square-root basis, by plain Markov chains.

Taylor & Gair (2013), arXiv:1306.5395: c_00 = √(4π) is fixed, A² carries the power, and coefficients of a sky that is
negative anywhere are refused. Which sampler, and the prior of the square-root basis, is ours.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from .chains import effective_sample_size, potential_scale_reduction
from .compression import Compressed
from .random_walk import RootChains
from .reflection import ReflectedChains
from .whitening import float64


class Posterior(NamedTuple):
    """Draws after warm-up, and how far to trust them.

    coefficients: (chains, draws, (l_max + 1)²) c_lm at mean power 1, c_00 = √(4π).
    amplitude: (chains, draws) A².
    acceptance: fraction of proposed moves that were taken.
    effective_sample_size: ((l_max + 1)²,) of each c_lm, all chains together; that of c_00 is the one of A².
    scale_reduction: ((l_max + 1)²,) split R̂, in the same order.
    """

    coefficients: Tensor
    amplitude: Tensor
    acceptance: float
    effective_sample_size: Tensor
    scale_reduction: Tensor


def linear_posterior(
    compressed: Compressed,
    data: Tensor,
    l_max: int,
    amplitude: float | None = None,
    chains: int = 32,
    draws: int = 50,
    warm_up: int = 40,
    generator: torch.Generator | None = None,
) -> Posterior:
    """Posterior of c_lm, l ≥ 1, uniform wherever P ≥ 0, by Hamiltonian flights that bounce off the wall.

    P ≥ 0 is tested on a HEALPix grid of nside 2 l_max, which resolves four times the band limit and more. The shape
    of the flights follows the chains during the warm-up and is then fixed.

    Args:
        compressed: of a design in all harmonics up to l_max, from `compress`.
        data: (j,) from `project`.
        l_max: 1 or more.
        amplitude: A² where it is known; otherwise it is drawn too, uniform over A² ≥ 0.
        chains: run side by side, all from the isotropic sky.
        draws: kept for each chain, one a flight.
        warm_up: flights before.
        generator: source of randomness, on the CPU.

    Returns:
        Posterior.

    Raises:
        ValueError: on shapes that disagree or counts that are too small.
    """
    data = _checked(compressed, data, l_max, chains, draws, warm_up)
    walk = ReflectedChains(compressed, data, l_max, amplitude, chains, generator)
    history: list[Tensor] = []
    for step in range(warm_up):
        walk.move()
        history.append(walk.free)
        if step == warm_up // 2:
            walk.follow(torch.stack(history[warm_up // 8 :]))
    kept = torch.empty(chains, draws, (l_max + 1) ** 2, dtype=torch.float64, device=data.device)
    kept[..., 0] = math.sqrt(4 * math.pi)
    amplitudes = torch.empty(chains, draws, dtype=torch.float64, device=data.device)
    walk.taken = walk.proposed = 0
    for step in range(draws):
        walk.move()
        kept[:, step, 1:], amplitudes[:, step] = walk.free, walk.amplitude
    return _summary(kept, amplitudes, walk.taken / walk.proposed)


def square_root_posterior(
    compressed: Compressed,
    data: Tensor,
    l_max: int,
    amplitude: float | None = None,
    chains: int = 8,
    draws: int = 1000,
    warm_up: int = 1000,
    thin: int = 10,
    generator: torch.Generator | None = None,
) -> Posterior:
    """Posterior of the sky P ∝ (Σ b_LM Y_LM)², L ≤ l_max // 2, by random-walk Metropolis.

    The prior is ours: b is isotropic in its space (a unit Gaussian, whose length drops out of the normalised sky),
    which no rotation of the sky changes; Taylor, van Haasteren & Sesana (2020) take b_00 = 1 and boxes instead. A²
    is uniform over A² ≥ 0, integrated out and drawn afterwards. Proposals follow the covariance within the chains,
    scaled for an acceptance of 0.234; both are fixed when the warm-up ends.

    Args and returns as `linear_posterior`; l_max is 2 or more, and draws of b give c_lm.
    """
    data = _checked(compressed, data, l_max, chains, draws, warm_up)
    if l_max < 2:
        raise ValueError(
            f"l_max is {l_max}: the square-root basis needs 2 or more to have a free coefficient"
        )
    walk = RootChains(compressed, data, l_max, amplitude, chains, generator)
    rounds = 5
    for _ in range(rounds):
        history = [walk.move(thin, adapt=True) for _ in range(max(warm_up // rounds, 2))]
        walk.follow(torch.stack(history))
    walk.move(thin * max(warm_up // rounds, 2), adapt=True)
    walk.taken = walk.proposed = 0
    roots = torch.stack([walk.move(thin) for _ in range(draws)], 1)
    amplitudes = walk.draw_amplitude(roots)
    return _summary(walk.coefficients(roots), amplitudes, walk.taken / walk.proposed)


def _checked(
    compressed: Compressed, data: Tensor, l_max: int, chains: int, draws: int, warm_up: int
) -> Tensor:
    rows, columns = compressed.r.shape
    data = float64(data)
    if l_max < 1 or columns != (l_max + 1) ** 2:
        raise ValueError(f"l_max is {l_max}, but compressed holds {columns} coefficients, not (l_max + 1)²")
    if data.shape != (rows,) or not bool(torch.isfinite(data).all()):
        raise ValueError(f"data has shape {tuple(data.shape)}: ({rows},) finite numbers are needed")
    if chains < 1 or draws < 4 or warm_up < 8:
        raise ValueError(f"chains {chains}, draws {draws}, warm_up {warm_up}: at least 1, 4 and 8 are needed")
    return data


def _summary(coefficients: Tensor, amplitude: Tensor, acceptance: float) -> Posterior:
    watched = torch.cat([amplitude.unsqueeze(-1), coefficients[..., 1:]], -1)
    size, reduction = effective_sample_size(watched), potential_scale_reduction(watched)
    return Posterior(coefficients, amplitude, acceptance, size, reduction)
