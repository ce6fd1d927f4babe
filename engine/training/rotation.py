"""How far the leading left singular directions turn from record to record, by a warm-started block iteration."""

import torch
from torch import Tensor

from ..spectra import basis_overlap, top_subspace

DIRECTIONS = 4
SPARE = 4
ROUNDS = 2


class SubspaceTracker:
    """Follows the k leading left singular directions of a stack of matrices that change little by little.

    An ITERATION, not a decomposition: each look applies X Xᵀ a few times to the last basis, kept four columns wider
    than k, orthonormalises by QR, and takes the best k directions in its span (Rayleigh–Ritz). The first look is exact.
    What is missing of the true subspace shrinks by (σ_(k+5)/σ_k)⁴ a look; where no gap separates σ_k from what
    follows (the flat update of Muon, noise) there is no subspace to follow, and the iteration lingers near the
    last one: an overlap then says more than it should, and the ratio of the singular values is to be looked at.

    Args:
        k: directions; fewer where the matrix has fewer.
    """

    def __init__(self, k: int = DIRECTIONS):
        self.k = k
        self.first: Tensor | None = None
        self.last: Tensor | None = None
        self._wide: Tensor | None = None

    def look(self, X: Tensor) -> tuple[Tensor, Tensor]:
        """Overlaps, mean cos² as `basis_overlap`, with the last look and with the first.

        Args:
            X: (b, rows, columns), finite, of the same shape at every look.

        Returns:
            two (b,) float64; NaN at the first look.
        """
        X = X.double()
        k = min(self.k, *X.shape[-2:])
        self._wide = self._started(X) if self._wide is None else _iterated(X, self._wide)
        basis = self._wide[..., :k]
        if self.last is None or self.first is None:
            absent = torch.full(X.shape[:-2], torch.nan, dtype=torch.float64)
            overlaps = absent, absent
        else:
            overlaps = basis_overlap(basis, self.last), basis_overlap(basis, self.first)
        self.first = basis if self.first is None else self.first
        self.last = basis
        return overlaps

    def _started(self, X: Tensor) -> Tensor:
        return top_subspace(X, min(self.k + SPARE, *X.shape[-2:]))

    def forked(self, X: Tensor) -> "SubspaceTracker":
        """A tracker with the same first look whose last look was at X, exactly: for a branch."""
        fork = SubspaceTracker(self.k)
        fork.first = self.first
        fork._wide = fork._started(X.double())
        fork.last = fork._wide[..., : min(self.k, *X.shape[-2:])]
        return fork


def _iterated(X: Tensor, basis: Tensor) -> Tensor:
    """Orthonormal (b, rows, wide), best directions first; a zero matrix leaves the basis as it is."""
    size = torch.linalg.matrix_norm(X)[..., None, None]
    unit = X / torch.where(size > 0, size, 1)
    Q = basis
    for _ in range(ROUNDS):
        Q = torch.linalg.qr(unit @ (unit.mT @ Q))[0]
    seen = unit.mT @ Q
    _, turn = torch.linalg.eigh(seen.mT @ seen)
    return torch.where(size > 0, Q @ turn.flip(-1), basis)
