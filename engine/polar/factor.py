"""polar(G): one door to four ways."""

import torch
from torch import Tensor

from .errors import InvalidMatrix
from .polynomial import odd_polynomials, odd_steps
from .presets import preset_named
from .qdwh import halley_steps, polished, qdwh

METHODS = ("svd", "qdwh", "polar_express", "newton_schulz")
_PRESETS = {"polar_express": "polar_express", "newton_schulz": "jordan"}
_FULL = (torch.float32, torch.float64)
_ALL = (*_FULL, torch.bfloat16, torch.float16)


def polar(
    G: Tensor,
    method: str = "svd",
    steps: int | None = None,
    dtype: torch.dtype | None = None,
    preset: str | None = None,
) -> Tensor:
    """The orthogonal polar factor UVᵀ of G = U diag(σ) Vᵀ, or what an optimiser takes for it.

    | method | full rank | rank-deficient |
    |-|-|-|
    | svd | exact | the partial isometry, σ ≤ max(m, n) eps σ₁ taken for zero |
    | qdwh | exact after six steps (error eps κ); fewer leave large σ short | null directions: rounding noise in [0, 1] |
    | polar_express | 8 steps: exact for σ ≥ 1e-3 ‖G‖_F; 5 steps: σ in [.84, 1.13] | zeros stay near zero |
    | newton_schulz | never exact: σ in [.6818, 1.2024] after 5 steps for σ ≥ 1.505e-3 ‖G‖_F | zeros stay near zero |

    Nakatsukasa & Higham (2013); Jordan et al. (2024); Amsel et al. (2025), arXiv:2505.16932. Each matrix is scaled by
    a power of two first, so entries near the ends of the number range do no harm. A zero matrix gives zero.

    Args:
        G: (..., m, n) real, finite.
        method: one of `METHODS`.
        steps: None takes 6 (float32: 5 or 6) of qdwh, 8 of polar_express, 5 of newton_schulz; svd takes only None.
        dtype: computes in it. None: the dtype of G; float32 for half precisions, float64 for integers. svd and qdwh
            need float32 or float64.
        preset: coefficients by name, one of `PRESETS`, for polar_express and newton_schulz.

    Returns:
        (..., m, n) in the dtype of G (float64 for integers).

    Raises:
        InvalidMatrix: (a ValueError) on NaN, infinities, complex numbers, fewer than two axes.
        ValueError: on an unknown method or preset, steps below one or with svd, a dtype the method cannot work in.

    >>> polar(torch.tensor([[0.0, -2.0], [0.5, 0.0]]))
    tensor([[ 0., -1.],
            [ 1.,  0.]])
    """
    check_options(method, steps, dtype, preset)
    G = _as_matrix(G)
    if G.numel() == 0:
        return G.clone()
    X = _scaled(G).to(working_dtype(G, dtype))
    if method == "svd":
        result = _by_svd(X)
    elif method == "qdwh":
        result = qdwh(X, steps)
    else:
        chosen = preset_named(preset or _PRESETS[method])
        result = odd_polynomials(_normalised(X, chosen.margin), chosen.coefficients(steps or chosen.steps))
    return result.to(G.dtype)


def polar_iterates(
    G: Tensor,
    method: str,
    steps: int,
    dtype: torch.dtype | None = None,
    preset: str | None = None,
) -> Tensor:
    """polar(G, method, k) for every k = 1 … steps in one pass, and before them the scaled G where it starts.

    Args:
        G, dtype, preset: as `polar` takes them.
        method: "qdwh", "polar_express" or "newton_schulz"; "svd" has no steps.
        steps: the last k, at least 1.

    Returns:
        (steps + 1, ..., m, n) in the dtype it was worked in.

    >>> polar_iterates(torch.eye(2, dtype=torch.float64), "newton_schulz", 2)[:, 0, 0]
    tensor([0.7071, 1.1065, 0.7121], dtype=torch.float64)
    """
    check_options(method, steps, dtype, preset)
    G = _as_matrix(G)
    X = _scaled(G).to(working_dtype(G, dtype)) if G.numel() else G
    if method == "qdwh":
        start, *later = halley_steps(X, steps)
        return torch.stack([start, *polished(torch.stack(later))])
    chosen = preset_named(preset or _PRESETS[method])
    X = _normalised(X, chosen.margin)
    iterates = X.new_empty(steps + 1, *X.shape)
    iterates[0] = X
    for place, iterate in zip(iterates[1:], odd_steps(X, chosen.coefficients(steps)), strict=True):
        place.copy_(iterate)
    return iterates


def check_options(
    method: str, steps: int | None, dtype: torch.dtype | None, preset: str | None = None
) -> None:
    """Raise the ValueError that `polar` would raise for these options, before there is a matrix."""
    if method not in METHODS:
        raise ValueError(f"method is {method!r}: one of {', '.join(METHODS)} is needed")
    if steps is not None and (isinstance(steps, bool) or not isinstance(steps, int) or steps < 1):
        raise ValueError(f"steps is {steps!r}: an integer of at least 1, or None, is needed")
    if method == "svd" and steps is not None:
        raise ValueError(f"steps is {steps!r}: method 'svd' has no steps, None is needed; qdwh counts steps")
    allowed = _FULL if method in ("svd", "qdwh") else _ALL
    if dtype is not None and dtype not in allowed:
        raise ValueError(f"dtype is {dtype!r}: {method} works in {', '.join(map(str, allowed))}")
    if preset is not None and method not in _PRESETS:
        raise ValueError(f"preset is {preset!r}: method {method!r} has no coefficients")
    if method in _PRESETS:
        chosen = preset_named(preset or _PRESETS[method])
        chosen.coefficients(steps or chosen.steps)


def _as_matrix(G: Tensor) -> Tensor:
    G = torch.as_tensor(G)
    if G.is_complex():
        raise InvalidMatrix(f"G is {G.dtype}: real numbers are needed")
    if G.ndim < 2:
        raise InvalidMatrix(f"G has shape {tuple(G.shape)}: (..., m, n) is needed")
    return G if G.is_floating_point() else G.double()


def working_dtype(G: Tensor, dtype: torch.dtype | None) -> torch.dtype:
    """What `polar` works in."""
    return dtype or (G.dtype if G.dtype in _FULL else torch.float32)


def _scaled(G: Tensor) -> Tensor:
    """Each matrix over the power of two next to its largest entry: exact, and squares neither over- nor underflow."""
    largest = G.detach().abs().amax((-2, -1), keepdim=True)
    # a largest entry that is finite vouches for all; only where it is not are they counted
    if not torch.isfinite(largest).all():
        raise InvalidMatrix(
            f"G has {int((~torch.isfinite(G)).sum())} entries that are NaN or infinite: finite ones are needed"
        )
    return G / torch.where(largest > 0, largest.log2().floor().exp2(), 1)


def _normalised(X: Tensor, margin: float) -> Tensor:
    norm = torch.linalg.matrix_norm(X, keepdim=True)
    return X / torch.where(norm > 0, margin * norm, 1)


def _by_svd(X: Tensor) -> Tensor:
    U, sigma, Vh = torch.linalg.svd(X, full_matrices=False)
    smallest = max(X.shape[-2:]) * torch.finfo(X.dtype).eps * sigma[..., :1]
    return (U * (sigma > smallest)[..., None, :]) @ Vh
