"""Singular values by two roads, and how small a value each of them can still see."""

import torch
from torch import Tensor

from .errors import InvalidMatrix

METHODS = ("svd", "gram")


def checked_matrix(X: Tensor, name: str = "X") -> Tensor:
    """X as a tensor (..., rows, columns) of finite real numbers; lists and NumPy arrays are taken.

    Raises:
        InvalidMatrix: naming what is wrong.
    """
    X = X.detach() if isinstance(X, Tensor) else torch.as_tensor(X, dtype=torch.float64)
    if X.ndim < 2 or 0 in X.shape[-2:]:
        raise InvalidMatrix(f"{name} has shape {tuple(X.shape)}: (..., rows, columns), none empty, is needed")
    if X.is_complex() or X.layout != torch.strided:
        raise InvalidMatrix(f"{name} is {X.dtype}, {X.layout}: a dense matrix of real numbers is needed")
    if not bool(torch.isfinite(X).all()):
        what = "NaN" if bool(torch.isnan(X).any()) else "an infinite entry"
        raise InvalidMatrix(f"{name} holds {what}: finite entries are needed")
    return X


def scaled(X: Tensor) -> tuple[Tensor, Tensor]:
    """(X/s, s) in float64, s (..., 1, 1) a power of two that brings the largest entry near one.

    Exact, so that squares neither overflow nor vanish; s = 1 for zero matrices.
    """
    X = X.to(torch.float64)
    _, exponent = torch.frexp(X.abs().amax((-2, -1), keepdim=True))
    # one factor alone may leave float64 at both ends of its range
    s = torch.exp2(exponent.clamp(-1020, 1020).to(torch.float64))
    return X / s, s


def spectrum(X: Tensor, method: str = "svd", name: str = "X") -> Tensor:
    """Singular values of every matrix, descending.

    Computed in float64 whatever X is. "svd" is exact to a few units of rounding of σ₁. "gram" takes the
    roots of the eigenvalues of XᵀX (or XXᵀ, the smaller): several times faster for oblong matrices and
    good for pictures, but everything below about 1e-8·√max(rows, columns)·σ₁ drowns; `resolution` says
    where. On a CUDA device the product is formed there and decomposed on the processor, which is faster at
    these sizes.

    Args:
        X: (..., rows, columns).
        method: "svd" or "gram".
        name: what X is called in the errors.

    Returns:
        (..., min(rows, columns)) float64, on the device of X.

    Raises:
        InvalidMatrix: on NaN, infinities, complex or sparse entries, fewer than two dimensions, an empty side.
        ValueError: on an unknown method.

    >>> spectrum(torch.tensor([[0.0, 2.0], [1.0, 0.0], [0.0, 0.0]]))
    tensor([2., 1.], dtype=torch.float64)
    """
    _check_method(method)
    matrix, scale = scaled(checked_matrix(X, name))
    if method == "svd":
        values = torch.linalg.svdvals(matrix)
    else:
        tall = matrix.shape[-2] >= matrix.shape[-1]
        gram = matrix.mT @ matrix if tall else matrix @ matrix.mT
        squares = torch.linalg.eigvalsh(gram.cpu()).to(gram.device)
        values = squares.flip(-1).clamp(min=0).sqrt()
    return values * scale.squeeze(-1)


def resolution(X: Tensor, method: str = "svd", sigma: Tensor | None = None) -> Tensor:
    """Noise floor of `spectrum(X, method)`: singular values below it are rounding errors, not values.

    With N = max(rows, columns) and ε the spacing of float64 at one: N ε σ₁ for "svd", √(N ε) σ₁ for "gram",
    where the error sits in σ² (Weyl's inequality: no eigenvalue of the Gram matrix moves further than the
    rounding errors of that matrix, in norm some ε σ₁²). X kept in a coarser dtype adds its own N ε(dtype) σ₁:
    its entries are known no better. The N is that of LAPACK and NumPy's rank, on the safe side. By
    construction "gram" is within 1 % from 7 times the floor upwards, "svd" from 100 times.

    Args:
        X: (..., rows, columns).
        method: "svd" or "gram".
        sigma: `spectrum(X, method)` where it is known already.

    Returns:
        (...,) float64, in units of X; 0 for zero matrices.

    Raises:
        InvalidMatrix, ValueError: as `spectrum`.

    >>> f"{resolution(torch.eye(100, dtype=torch.float64), 'gram').item():.1e}"
    '1.5e-07'
    """
    _check_method(method)
    X = checked_matrix(X)
    largest = (spectrum(X, method) if sigma is None else sigma)[..., 0]
    return relative_resolution(X.shape[-2], X.shape[-1], X.dtype, method) * largest


def relative_resolution(rows: int, columns: int, dtype: torch.dtype, method: str = "svd") -> float:
    """`resolution` in units of σ₁: a property of shape, dtype and method alone."""
    size = max(rows, columns)
    rounding = size * torch.finfo(torch.float64).eps
    stored = size * torch.finfo(dtype).eps if dtype.is_floating_point else 0.0
    return max(rounding if method == "svd" else rounding**0.5, stored)


def resolved(sigma: Tensor, floor: Tensor | float) -> Tensor:
    """σ with everything not above the floor set to zero: what may be believed.

    Args:
        sigma: (..., r) singular values.
        floor: (...,) noise floor, as `resolution` gives it.

    >>> resolved(torch.tensor([3.0, 1.0, 1e-9]), 1e-7)
    tensor([3., 1., 0.])
    """
    floor = torch.as_tensor(floor, dtype=sigma.dtype, device=sigma.device)
    return torch.where(sigma > floor[..., None], sigma, torch.zeros_like(sigma))


BOUNDED = ("flatness", "condition_over_median")
"""Metrics in which values below the floor count as the floor: an upper and a lower bound, where 0 would give 0 and inf."""


def believed(sigma: Tensor, floor: Tensor, metric: str) -> Tensor:
    """What a metric of `metrics` is taken of: `resolved`, or for those of `BOUNDED` nothing below the floor.

    >>> believed(torch.tensor([3.0, 1e-9]), torch.tensor(1e-7), "flatness")
    tensor([3.0000e+00, 1.0000e-07])
    """
    return torch.maximum(sigma, floor[..., None]) if metric in BOUNDED else resolved(sigma, floor)


def _check_method(method: str) -> None:
    if method not in METHODS:
        raise ValueError(f"method is {method!r}: 'svd' or 'gram' is needed")
