"""How far the leading directions of each recorded matrix have turned, record by record."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from .layers import Layer
from .snapshot import Snapshot
from .spectrum import scaled
from .subspaces import basis_overlap


class Rotation:
    """Mean cos² between the k leading left singular directions now, and before, and at the beginning.

    Keeps two bases (rows, k) in float64 of every matrix. Directions whose singular value is not above the
    noise floor are none; a matrix with no direction at all (zero, or not measured) has no rotation and leaves
    the bases as they are.

    Args:
        layers, kinds: as `measured`.
        subspace: k; matrices with fewer singular values have that many directions.
    """

    def __init__(self, layers: Sequence[Layer], kinds: Sequence[str], subspace: int):
        self._layers, self._kinds, self._subspace = layers, kinds, subspace
        self._first: dict[tuple[int, str], Tensor] = {}
        self._previous: dict[tuple[int, str], Tensor] = {}

    def turned(self, snapshot: Snapshot, floor: np.ndarray) -> np.ndarray:
        """(layers, kinds, 2) float32: overlap with the previous record's basis and with the first; NaN without.

        Args:
            snapshot: of this record.
            floor: (layers, kinds) noise floor, NaN where a matrix was not measured, as `measured` gives it.
        """
        found = np.full((len(self._layers), len(self._kinds), 2), np.nan, dtype=np.float32)
        for index, layer in enumerate(self._layers):
            for place, kind in enumerate(self._kinds):
                if np.isnan(floor[index, place]):
                    continue
                key, matrix = (index, kind), snapshot.matrices[index, kind]
                k = min(self._subspace, layer.values)
                basis = leading_left(matrix, k, float(floor[index, place]))
                if not bool(basis.any()):
                    continue
                if key in self._previous:
                    found[index, place, 0] = float(basis_overlap(basis, self._previous[key]))
                found[index, place, 1] = float(basis_overlap(basis, self._first.setdefault(key, basis)))
                self._previous[key] = basis
        return found


def leading_left(X: Tensor, k: int, floor: float) -> Tensor:
    """Orthonormal basis (rows, k) float64, on the processor, of the k leading left singular directions.

    By the eigenvectors of the smaller Gram matrix, formed on the device of X. Columns are zero where the
    singular value is not above the floor.

    Args:
        X: (rows, columns), finite.
        k: 1 … min(rows, columns).
        floor: in units of X.
    """
    matrix, scale = scaled(X)
    wide = matrix.shape[0] <= matrix.shape[1]
    gram = matrix @ matrix.mT if wide else matrix.mT @ matrix
    squares, vectors = torch.linalg.eigh(gram.cpu())
    sigma, vectors = squares.flip(0)[:k].clamp(min=0).sqrt(), vectors.flip(1)[:, :k]
    present = sigma > floor / float(scale)
    if wide:
        return vectors * present
    # XV = UΣ; the leading columns are orthogonal to rounding, QR makes them so exactly
    left = (matrix @ vectors.to(matrix.device)).cpu()
    return torch.linalg.qr(left)[0] * present
