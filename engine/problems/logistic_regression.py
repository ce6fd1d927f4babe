"""PolarGrad's matrix logistic regression. Lau et al. (2025), arXiv:2505.21799."""

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from .draws import mixed, require_integer, seeded
from .errors import InvalidProblem, UnknownProblem
from .matrix_regression import MatrixModel, uniform
from .problem import Problem


class LogisticRegression(Problem):
    """f(X) = Σ softplus(−C ∘ AXB), A (N, m) and B (n, q) of N(0, 1) entries, C (N, q) of signs; X₀ of U(−1, 1) entries.

    As in the authors' code: signs are +1 where a normal draw exceeds ½, which leaves 31 % of them positive; a batch is
    a draw of rows with replacement; and the batch's sum is minimised, so their learning rates hold here. `report` gives
    the mean over all entries; `loss / shown_divisor` stands beside it.

    | size | A | B | X | batch |
    |-|-|-|-|-|
    | paper | 10000×1000 | 100×400 | 1000×100 | 1000 |
    | live | 2000×200 | 40×80 | 200×40 | 200 |

    Args:
        size: one of the above.
        shape: (N, m, n, q) of your own instead.
        batch: rows a step; None takes that of the size.
        data_seed: of A, B and C, drawn in this order.
        dtype: of the data and of all sums.

    Raises:
        UnknownProblem, InvalidProblem: (ValueErrors) on an unknown size, a shape or batch below one.
    """

    slug = "logistic-regression"
    title = "Matrix logistic regression"
    source = "PolarGrad, arXiv:2505.21799, matrix logistic regression"
    sizes: ClassVar[dict[str, tuple[int, int, int, int]]] = {
        "paper": (10_000, 1000, 100, 400),
        "live": (2000, 200, 40, 80),
    }
    batches: ClassVar[dict[str, int]] = {"paper": 1000, "live": 200}

    def __init__(
        self,
        size: str = "live",
        shape: tuple[int, int, int, int] | None = None,
        batch: int | None = None,
        data_seed: int = 42,
        dtype: torch.dtype = torch.float32,
    ):
        if size not in self.sizes:
            raise UnknownProblem(f"size is {size!r}: one of {', '.join(self.sizes)} is needed")
        chosen = shape or self.sizes[size]
        if len(chosen) != 4:
            raise InvalidProblem(f"shape is {chosen!r}: (N, m, n, q) is needed")
        rows, m, n, q = (require_integer("shape", side, 1) for side in chosen)
        self.shape = (rows, m, n, q)
        self.rows = require_integer("batch", self.batches[size] if batch is None else batch, 1)
        self.batch = self.rows
        self.shown_divisor = float(self.rows * q)
        generator = seeded(data_seed)
        self.A = torch.randn(rows, m, generator=generator).to(dtype)
        self.B = torch.randn(n, q, generator=generator).to(dtype)
        self.C = 2 * (torch.randn(rows, q, generator=generator) > 0.5).to(dtype) - 1

    def model(self, seed: int, dtype: torch.dtype = torch.float32) -> MatrixModel:
        """X (m, n) uniform on (−1, 1)."""
        return MatrixModel(uniform(self.shape[1:3], seeded(seed), dtype))

    def losses(self, model: nn.Module, step: int, seed: int) -> Tensor:
        """(batch,) sums over the q entries of each row of the batch."""
        require_integer("step", step, 1)
        generator = mixed(require_integer("seed", seed, 0), step)
        rows = torch.randint(0, self.shape[0], (self.rows,), generator=generator)
        return self._entries(model, self.A[rows], self.C[rows]).sum(dim=-1)

    def loss(self, model: nn.Module, step: int, seed: int) -> Tensor:
        """The sum over the batch, as the authors minimise it."""
        return self.losses(model, step, seed).sum()

    @torch.no_grad()
    def report(self, model: nn.Module) -> dict[str, float]:
        """Mean softplus over all entries ("loss") and share of entries with the right sign ("accuracy")."""
        X = model.get_parameter("X").to(self.A.dtype)
        margins = self.C * (self.A @ (X @ self.B))
        return {
            "loss": functional.softplus(-margins).mean(dtype=torch.float64).item(),
            "accuracy": (margins > 0).double().mean().item(),
        }

    def matrix_names(self, model: nn.Module) -> list[str]:
        """X."""
        return ["X"]

    def _entries(self, model: nn.Module, A: Tensor, C: Tensor) -> Tensor:
        X = model.get_parameter("X").to(A.dtype)
        # The order of the two products with fewer multiplications.
        m, n = X.shape
        rows, q = A.shape[0], self.B.shape[1]
        product = (A @ X) @ self.B if rows * n * (m + q) <= m * q * (n + rows) else A @ (X @ self.B)
        return functional.softplus(-C * product)
