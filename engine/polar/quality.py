"""How far an approximate polar factor is from the true one: flat singular values alone prove nothing."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from .errors import InvalidMatrix
from .factor import polar, polar_iterates, working_dtype


class PolarError(NamedTuple):
    """One number for each step count and each matrix of a batch."""

    orthogonality: Tensor
    """‖UᵀU − I‖_F/√r, on the smaller side, r = min(m, n)"""
    error: Tensor
    """‖U − polar(G)‖_F/‖polar(G)‖_F"""
    nuclear_error: Tensor
    """⟨U, G⟩/‖G‖_* − 1, of the nuclear norm that PolarGrad scales by"""


class PolarQuality(NamedTuple):
    """One number for each matrix of a batch."""

    orthogonality: Tensor
    """‖UᵀU − I‖_F/√r, on the smaller side, r = min(m, n)"""
    error: Tensor
    """‖U − polar(G)‖_F/‖polar(G)‖_F"""
    asymmetry: Tensor
    """‖UᵀG − GᵀU‖_F/‖G‖_F; zero for the true factor, whose UᵀG is symmetric"""
    nuclear_ratio: Tensor
    """⟨U, G⟩/‖G‖_*, one for the true factor"""


def polar_quality(G: Tensor, U: Tensor) -> PolarQuality:
    """U against the exact polar factor of G, in float64.

    Args:
        G: (..., m, n) real, finite, not zero.
        U: (..., m, n) what stands for its polar factor.

    Raises:
        InvalidMatrix: (a ValueError) on a matrix that is zero or has no entries: nothing there to be a fraction of.

    >>> quality = polar_quality(torch.eye(3), torch.eye(3))
    >>> [float(value) for value in quality]
    [0.0, 0.0, 0.0, 1.0]
    """
    G, U = torch.as_tensor(G).double(), torch.as_tensor(U).double()
    if G.shape != U.shape:
        raise ValueError(f"U has shape {tuple(U.shape)}: the shape {tuple(G.shape)} of G is needed")
    errors, product = _errors(G, U, polar(G)), U.mT @ G
    asymmetry = torch.linalg.matrix_norm(product - product.mT) / torch.linalg.matrix_norm(G)
    return PolarQuality(errors.orthogonality, errors.error, asymmetry, 1 + errors.nuclear_error)


def polar_error(
    G: Tensor,
    method: str = "svd",
    steps: int | Sequence[int] | None = None,
    dtype: torch.dtype | None = None,
    preset: str | None = None,
    exact: Tensor | None = None,
) -> PolarError:
    """What `polar(G, method, steps, dtype, preset)` lacks of the exact factor, for one or for many step counts.

    Many step counts cost one pass of the largest. Step 0 is the scaled G from which the method starts.

    Args:
        G: (..., m, n) real, finite, not zero; measured in float64 whatever the method works in.
        method, dtype, preset: as `polar` takes them; "svd" takes steps=None alone.
        steps: one count, or a sequence of counts, each at least 0; None is the method's own.
        exact: (..., m, n) float64 polar(G), if it is at hand: several methods can share it.

    Returns:
        Fields (...) for one count, (counts, ...) for a sequence.

    Raises:
        InvalidMatrix: (a ValueError) as `polar_quality`.

    >>> [round(value, 4) for value in polar_error(torch.eye(3), "newton_schulz", steps=[0, 4, 5]).error.tolist()]
    [0.4226, 0.028, 0.3142]
    """
    G = torch.as_tensor(G)
    full = G.double()
    exact = polar(full) if exact is None else exact
    if steps is None:
        # of float64 G, or its result would be rounded to the dtype of G once more
        U = polar(full, method, None, working_dtype(G, dtype), preset)
        return _errors(full, U, exact)
    counts = [_count(step) for step in (steps if isinstance(steps, Sequence) else [steps])]
    if not counts:
        raise ValueError("steps is empty: at least one count of steps is needed")
    iterates = polar_iterates(G, method, max(1, *counts), dtype, preset)
    U = iterates[counts if isinstance(steps, Sequence) else counts[0]]
    return _errors(full, U.double(), exact)


def _count(step: int) -> int:
    if isinstance(step, bool) or not isinstance(step, int) or step < 0:
        raise ValueError(f"steps holds {step!r}: integers of at least 0 are needed")
    return step


def _errors(G: Tensor, U: Tensor, exact: Tensor) -> PolarError:
    """float64; U may have axes before those of G."""
    norm = torch.linalg.matrix_norm
    size = norm(exact)
    if bool((size == 0).any()):
        raise InvalidMatrix(
            "G holds a matrix that is zero or empty: its polar factor has no size to compare with"
        )
    side = U if U.shape[-2] >= U.shape[-1] else U.mT
    gram = side.mT @ side
    gram.diagonal(dim1=-2, dim2=-1).sub_(1)
    nuclear = (exact * G).sum((-2, -1))
    return PolarError(
        norm(gram) / gram.shape[-1] ** 0.5,
        norm(U - exact) / size,
        (U * G).sum((-2, -1)) / nuclear - 1,
    )
