"""Odd quintic iterations: matrix products alone, the singular values move as numbers do."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from .presets import Triple, preset_named


def odd_polynomials(X: Tensor, coefficients: Sequence[Triple]) -> Tensor:
    """X ← aX + (bA + cA²)X with A = XXᵀ, for each triple in turn; a tall X is turned on its side meanwhile.

    Jordan et al. (2024). Each step maps every singular value s to as + bs³ + cs⁵ and leaves singular vectors alone.

    Args:
        X: (..., m, n), spectral norm at most about 1.
        coefficients: (a, b, c) of each step.

    Returns:
        (..., m, n), in the dtype of X.
    """
    for iterate in odd_steps(X, coefficients):
        X = iterate
    return X


def odd_steps(X: Tensor, coefficients: Sequence[Triple]) -> Iterator[Tensor]:
    """What `odd_polynomials` passes through, one after each step; the second next overwrites it."""
    tall = X.shape[-2] > X.shape[-1]
    if tall:
        X = X.mT
    shape = X.shape
    # two axes take addmm and more take baddbmm: one fused product where a sum of two would be three passes
    flat = X.ndim == 2
    multiply, multiply_add = (torch.mm, torch.addmm) if flat else (torch.bmm, torch.baddbmm)
    if X.ndim > 3:
        X = X.reshape(-1, *shape[-2:])
    A = B = Y = spare = None
    if not (torch.is_grad_enabled() and X.requires_grad):
        # the same four buffers at every step stay in cache; autograd would need them all
        A, Y, spare = (X.new_empty(*X.shape[:-1], n) for n in (X.shape[-2], *X.shape[-1:] * 2))
        B = torch.empty_like(A)
    for a, b, c in coefficients:
        gram = multiply(X, X.mT, out=A)
        factor = multiply_add(gram, gram, gram, beta=b, alpha=c, out=B)
        X = multiply_add(X, factor, X, beta=a, out=Y)
        Y, spare = spare, Y
        result = X.reshape(shape)
        yield result.mT if tall else result


def singular_value_map(s: Tensor, preset: str = "jordan", steps: int | None = None) -> Tensor:
    """Where the iteration takes a singular value s = σ/‖G‖_F: the orbit, start included.

    Args:
        s: (...) finite, at least 0: in [0, 1] for a matrix, above it for what an iteration has reached.
        preset: one of `PRESETS`.
        steps: how many, at least 0; the preset's own number if None.

    Returns:
        (steps + 1, ...), first s/margin, where the iteration starts; float64.

    Raises:
        ValueError: on a value or number of steps outside these ranges, and on an unknown preset.

    >>> [round(value, 3) for value in singular_value_map(torch.tensor(1.0)).tolist()]
    [1.0, 0.701, 1.114, 0.721, 1.09, 0.696]
    """
    chosen = preset_named(preset)
    if steps is not None and (isinstance(steps, bool) or not isinstance(steps, int) or steps < 0):
        raise ValueError(f"steps is {steps!r}: an integer of at least 0, or None, is needed")
    s = torch.as_tensor(s, dtype=torch.float64)
    bad = ~((s >= 0) & s.isfinite())
    if bool(bad.any()):
        raise ValueError(f"s holds {s[bad][0].item()}: finite numbers of at least 0 are needed")
    s = s / chosen.margin
    orbit = [s]
    for a, b, c in chosen.coefficients(chosen.steps if steps is None else steps):
        square = s * s
        s = s * (a + square * (b + square * c))
        orbit.append(s)
    return torch.stack(orbit)


def singular_value_orbit(preset: str, s0: float, steps: int | None = None) -> Tensor:
    """(steps + 1,) the orbit of one singular value s0 = σ/‖G‖_F, start included: what a cobweb is drawn from.

    >>> [round(value, 3) for value in singular_value_orbit("polar_express", 0.01, 6).tolist()]
    [0.01, 0.081, 0.329, 1.187, 1.004, 1.054, 0.999]
    """
    if not 0 <= s0 <= 1:
        raise ValueError(
            f"s0 is {s0!r}: a number in [0, 1] is needed, a singular value over the Frobenius norm"
        )
    return singular_value_map(torch.tensor(s0, dtype=torch.float64), preset, steps)
