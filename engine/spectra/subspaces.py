"""Directions rather than sizes: how far leading subspaces turn, how an update lies to its gradient."""

from typing import NamedTuple

import torch
from torch import Tensor

from .errors import InvalidMatrix
from .spectrum import checked_matrix, relative_resolution, resolved, scaled


class Alignment(NamedTuple):
    """An update U against its gradient G, each (...,); 0 where U or G is zero.

    cosine: ⟨U, G⟩/(‖U‖_F ‖G‖_F). nuclear: ⟨U, G⟩/‖G‖_*, 1 for the polar factor. dual: that over σ₁(U), at
    most 1, and 1 exactly for positive multiples of a polar factor of G.
    """

    cosine: Tensor
    nuclear: Tensor
    dual: Tensor


def top_subspace(X: Tensor, k: int = 8, side: str = "left", name: str = "X") -> Tensor:
    """Orthonormal basis of the k leading singular directions.

    Args:
        X: (..., rows, columns).
        k: number of directions, 1 … min(rows, columns).
        side: "left" (rows, outputs) or "right" (columns, inputs).

    Returns:
        (..., rows or columns, k) float64. Columns whose singular value is below the noise floor are zero:
        there is no such direction. Where σ_k = σ_{k+1} the subspace is one of many.

    Raises:
        InvalidMatrix: as `spectrum`.
        ValueError: on k out of range, an unknown side.
    """
    X = checked_matrix(X, name)
    limit = min(X.shape[-2:])
    if not 1 <= k <= limit:
        raise ValueError(f"k is {k}: 1 … min(rows, columns) = {limit} is needed")
    if side not in ("left", "right"):
        raise ValueError(f"side is {side!r}: 'left' or 'right' is needed")
    left, sigma, right = torch.linalg.svd(scaled(X)[0], full_matrices=False)
    basis = left if side == "left" else right.mT
    floor = relative_resolution(X.shape[-2], X.shape[-1], X.dtype) * sigma[..., 0]
    present = resolved(sigma, floor) > 0
    return (basis * present[..., None, :])[..., :k]


def basis_overlap(first: Tensor, second: Tensor) -> Tensor:
    """Mean cos² of the principal angles between two subspaces: ‖PᵀQ‖_F²/k.

    Args:
        first, second: (..., n, k) bases as `top_subspace` gives them; zero columns do not count, the larger
            of the two remaining dimensions does.

    Returns:
        (...,) from 0 (orthogonal) to 1 (equal); k/n on average for random ones; 0 where both are empty.

    Raises:
        InvalidMatrix: on NaN, or bases of different spaces.
    """
    first, second = (checked_matrix(basis, "basis").to(torch.float64) for basis in (first, second))
    if first.shape[-2] != second.shape[-2]:
        raise InvalidMatrix(
            f"bases have {first.shape[-2]} and {second.shape[-2]} rows: equal ones are needed"
        )
    dimension = torch.maximum((first != 0).any(-2).sum(-1), (second != 0).any(-2).sum(-1))
    return ((first.mT @ second).square().sum((-2, -1)) / dimension.clamp(min=1)).clamp(max=1)


def subspace_overlap(X: Tensor, Y: Tensor, k: int = 8, side: str = "left") -> Tensor:
    """Mean cos² between the k leading singular directions of X and of Y, (...,): `basis_overlap` of the two.

    >>> X = torch.diag(torch.tensor([3.0, 2.0, 1.0]))
    >>> subspace_overlap(X, X.flip(0, 1), k=2).item()  # the leading two share one axis
    0.5
    """
    return basis_overlap(top_subspace(X, k, side, "X"), top_subspace(Y, k, side, "Y"))


def alignment(update: Tensor, gradient: Tensor) -> Alignment:
    """How an update lies to its gradient; U as in W ← W − ηU, so that descent is positive.

    Args:
        update, gradient: (..., rows, columns) of equal shape.

    Raises:
        InvalidMatrix: on NaN or infinities, naming which, and on shapes that differ.

    >>> alignment(torch.eye(2), torch.diag(torch.tensor([3.0, 1.0]))).dual.item()
    1.0
    """
    update, gradient = checked_matrix(update, "update"), checked_matrix(gradient, "gradient")
    if update.shape != gradient.shape:
        raise InvalidMatrix(
            f"update is {tuple(update.shape)}, gradient {tuple(gradient.shape)}: equal is needed"
        )
    (update, unit), (gradient, _) = scaled(update), scaled(gradient)
    inner = (update * gradient).sum((-2, -1))
    nuclear = _ratio(inner, torch.linalg.svdvals(gradient).sum(-1))
    frobenius = torch.linalg.matrix_norm(update) * torch.linalg.matrix_norm(gradient)
    largest = torch.linalg.svdvals(update)[..., 0]
    return Alignment(_ratio(inner, frobenius), nuclear * unit[..., 0, 0], _ratio(nuclear, largest))


def _ratio(above: Tensor, below: Tensor) -> Tensor:
    """above/below, 0 where below is zero: the numerator then is as well."""
    return torch.where(below > 0, above / torch.where(below > 0, below, torch.ones_like(below)), 0.0)
