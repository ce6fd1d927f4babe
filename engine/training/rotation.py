"""How far the leading left singular directions turn from record to record, by a warm-started block iteration."""

import math
from collections import defaultdict
from collections.abc import Hashable, Mapping
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor

from ..spectra import top_subspace

DIRECTIONS = 4
SPARE = 4
ROUNDS = 2

Key = TypeVar("Key", bound=Hashable)


class Overlap(NamedTuple):
    """Mean cos² of the principal angles with the last look and with the first; NaN at the first."""

    last: float
    first: float


class SubspaceTracker:
    """Follows the k leading left singular directions of matrices that change little from look to look.

    An ITERATION, not a decomposition: each look applies X Xᵀ twice to the last basis, kept four columns wider than k,
    orthonormalises by QR, and takes the best k directions in its span (Rayleigh–Ritz). The first look at a matrix is
    exact. What is missing of the true subspace shrinks by (σ_(k+5)/σ_k)⁴ a look; where no gap separates σ_k from what
    follows (the flat update of Muon, noise) there is no subspace to follow, and the iteration lingers near the
    last one: an overlap then says more than it should, and the ratio of the singular values is to be looked at.

    Args:
        k: directions; fewer where a matrix has fewer rows or columns.
    """

    def __init__(self, k: int = DIRECTIONS):
        self.k = k
        self._bases: dict[Hashable, Tensor] = {}
        self._lasts: dict[Hashable, Tensor] = {}
        self._firsts: dict[Hashable, Tensor] = {}
        self._counts: dict[Hashable, tuple[int, int]] = {}

    def look(
        self, matrices: Mapping[Key, Tensor], floors: Mapping[Key, float] | None = None
    ) -> dict[Key, Overlap]:
        """Overlaps by key; matrices without a direction are left out and leave what is known of them as it is.

        Args:
            matrices: (rows, columns) each, finite, of one shape for one key at all looks.
            floors: noise floors in the units of the matrices: a direction whose singular value is not above it is
                none, and the larger of two numbers of directions divides an overlap, as in `basis_overlap`. None: 0.
        """
        found: dict[Key, Overlap] = {}
        alike: dict[torch.Size, list[Key]] = defaultdict(list)
        for key, X in matrices.items():
            floor = floors[key] if floors else 0.0
            if key in self._bases:
                alike[X.shape].append(key)
            elif self.start(key, X, floor):
                found[key] = Overlap(math.nan, math.nan)
        for keys in alike.values():
            X = torch.stack([matrices[key] for key in keys]).double()
            size = X.abs().amax((-2, -1))
            lowest = torch.tensor([floors[key] if floors else 0.0 for key in keys], dtype=torch.float64)
            # a zero matrix has no directions in whatever units
            unit = torch.where(size > 0, size, 1)
            found.update(self._followed(keys, X / unit[:, None, None], lowest / unit))
        return found

    def start(self, key: Hashable, X: Tensor, floor: float = 0.0, first: Tensor | None = None) -> bool:
        """Sets the last look at a matrix, exactly; False, and nothing set, when it has no direction.

        The first look is this one unless its basis is given.
        """
        basis = top_subspace(X, min(self.k + SPARE, *X.shape))
        present = torch.linalg.vector_norm(X.mT.double() @ basis, dim=0) > floor
        if not bool(present[0]):
            return False
        self._bases[key] = basis
        self._lasts[key] = (basis * present)[:, : self.k]
        self._firsts[key] = self._lasts[key] if first is None else first
        self._counts[key] = _directions(self._lasts[key]), _directions(self._firsts[key])
        return True

    def basis(self, key: Hashable) -> Tensor:
        """(rows, k) float64, of the last look, the leading direction first, zero where there is none."""
        return self._lasts[key]

    def first(self, key: Hashable) -> Tensor | None:
        """(rows, k) float64, of the first look."""
        return self._firsts.get(key)

    def _followed(self, keys: list[Key], X: Tensor, floor: Tensor) -> dict[Key, Overlap]:
        # one product for both: at these sizes the calls take the time
        known = torch.stack([torch.cat((self._lasts[key], self._firsts[key]), 1) for key in keys])
        wide, values = _iterated(X, torch.stack([self._bases[key] for key in keys]))
        present = values[:, : self.k] > floor[:, None]
        new = wide[..., : self.k] * present[:, None]
        shared = (new.mT @ known).square().sum(-2).unflatten(-1, (2, -1)).sum(-1).tolist()
        found: dict[Key, Overlap] = {}
        for place, (key, count) in enumerate(zip(keys, present.sum(-1).tolist(), strict=True)):
            if count:
                last, first = self._counts[key]
                self._bases[key], self._lasts[key] = wide[place], new[place]
                self._counts[key] = count, first
                overlaps = (shared[place][0] / max(count, last), shared[place][1] / max(count, first))
                found[key] = Overlap(*(min(1.0, overlap) for overlap in overlaps))
        return found


def _iterated(X: Tensor, basis: Tensor) -> tuple[Tensor, Tensor]:
    """Orthonormal (b, rows, wide), best directions first, and (b, wide), the singular values they show."""
    Q = basis
    for _ in range(ROUNDS):
        Q = torch.linalg.qr(X @ (X.mT @ Q))[0]
    seen = X.mT @ Q
    squares, turn = torch.linalg.eigh(seen.mT @ seen)
    return Q @ turn.flip(-1), squares.flip(-1).clamp(min=0).sqrt()


def _directions(basis: Tensor) -> int:
    return int(basis.any(0).sum())
