"""A grid at points that never change: rows and weights are found once, and a step is two sparse products.

Both products give every output one owner and its sum one order, so a fit is the same bit for bit each time.
"""

from typing import Any

import numpy as np
import torch
from scipy import sparse
from torch import Tensor, nn

from .grid import HashGrid
from .split import SplitHashGrid


class FixedPoints(nn.Module):
    """`grid(points)` for one set of points on the CPU, differentiable in the tables; the level mask is that of now.

    Memory is 16 bytes for every corner of every level and point, 24 where the tables are float64.
    """

    def __init__(self, grid: HashGrid | SplitHashGrid, points: Tensor) -> None:
        super().__init__()
        self.grid = grid
        self.count = len(points)
        grids = [grid] if isinstance(grid, HashGrid) else grid.grids
        self._parts = [(part, *_matrices(part, points)) for part in grids]

    def forward(self) -> Tensor:
        """Features (n, levels·features), as the grid gives them."""
        parts = [_Product.apply(part.table, matrix, transposed) for part, matrix, transposed in self._parts]
        return torch.cat(parts, -1).reshape(self.count, -1)


def _matrices(grid: HashGrid, points: Tensor) -> tuple[sparse.csr_matrix, sparse.csr_matrix]:
    """Weights by point and level, and row: (n·L, rows), and the transpose; level-major once reshaped."""
    levels = len(grid.level_mask)
    corners = [grid.corners(points, level) for level in range(levels)]
    columns = torch.stack([rows for rows, _ in corners], 1).to(torch.int32).numpy()
    mask = grid.level_mask.cpu()[:, None]
    weights = (torch.stack([weights for _, weights in corners], 1) * mask).to(grid.table.dtype).numpy()
    starts = np.arange(0, columns.size + 1, columns.shape[-1], dtype=np.int32)
    shape = (len(points) * levels, len(grid.table))
    matrix = sparse.csr_matrix((weights.ravel(), columns.ravel(), starts), shape=shape)
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    return matrix, sparse.csr_matrix(matrix.T)


class _Product(torch.autograd.Function):
    """matrix @ table, whose gradient is transposed @ gradient."""

    @staticmethod
    def forward(ctx: Any, table: Tensor, matrix: sparse.csr_matrix, transposed: sparse.csr_matrix) -> Tensor:
        ctx.matrices = matrix, transposed
        return torch.from_numpy(matrix @ table.detach().numpy())

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        matrix, transposed = ctx.matrices
        return _Product.apply(gradients[0].contiguous(), transposed, matrix), None, None
