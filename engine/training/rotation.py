"""How far the leading left singular directions turn from record to record, by a warm-started block iteration."""

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
        self._firsts: dict[Hashable, Tensor] = {}

    def look(self, matrices: Mapping[Key, Tensor]) -> dict[Key, Overlap]:
        """Overlaps by key; zero matrices have no directions, are left out and leave their basis as it is.

        Args:
            matrices: (rows, columns) each, finite, of one shape for one key at all looks.
        """
        found: dict[Key, Overlap] = {}
        alike: dict[torch.Size, list[Key]] = defaultdict(list)
        for key, X in matrices.items():
            alike[X.shape].append(key)
        for shape, keys in alike.items():
            X = torch.stack([matrices[key] for key in keys]).double()
            size = X.abs().amax((-2, -1), keepdim=True)
            present = (size > 0).flatten().tolist()
            X = X / size
            moving = [place for place, some in enumerate(present) if some and keys[place] in self._bases]
            if moving:
                known = [keys[place] for place in moving]
                X_moving = X if len(moving) == len(keys) else X[moving]
                found.update(self._followed(known, X_moving, min(self.k, *shape)))
            for place, some in enumerate(present):
                if some and keys[place] not in self._bases:
                    self.start(keys[place], X[place])
                    found[keys[place]] = Overlap(torch.nan, torch.nan)
        return found

    def start(self, key: Hashable, X: Tensor, first: Tensor | None = None) -> None:
        """Sets the last look at a matrix, exactly; the first look is this one unless its basis is given."""
        self._bases[key] = top_subspace(X, min(self.k + SPARE, *X.shape))
        self._firsts[key] = self.basis(key) if first is None else first

    def basis(self, key: Hashable) -> Tensor:
        """(rows, k) float64, of the last look, the leading direction first."""
        basis = self._bases[key]
        return basis[:, : min(self.k, basis.shape[1])]

    def first(self, key: Hashable) -> Tensor | None:
        """(rows, k) float64, of the first look."""
        return self._firsts.get(key)

    def _followed(self, keys: list[Key], X: Tensor, k: int) -> dict[Key, Overlap]:
        old = torch.stack([self._bases[key] for key in keys])
        first = torch.stack([self._firsts[key] for key in keys])
        new = _iterated(X, old)
        self._bases.update(zip(keys, new, strict=True))
        leading = new[..., :k].mT
        overlaps = torch.stack(
            [(leading @ basis).square().sum((-2, -1)) / k for basis in (old[..., :k], first)]
        )
        return {key: Overlap(*pair) for key, pair in zip(keys, overlaps.clamp(max=1).T.tolist(), strict=True)}


def _iterated(X: Tensor, basis: Tensor) -> Tensor:
    """Orthonormal (b, rows, wide), best directions first."""
    Q = basis
    for _ in range(ROUNDS):
        Q = torch.linalg.qr(X @ (X.mT @ Q))[0]
    seen = X.mT @ Q
    _, turn = torch.linalg.eigh(seen.mT @ seen)
    return Q @ turn.flip(-1)
