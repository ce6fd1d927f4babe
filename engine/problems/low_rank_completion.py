"""PolarGrad's low-rank matrix completion. Lau et al. (2025), arXiv:2505.21799."""

from typing import ClassVar

import torch
from torch import Tensor, nn

from .draws import require_integer, seeded
from .errors import InvalidProblem, UnknownProblem
from .matrix_regression import uniform
from .problem import Problem


class FactorModel(nn.Module):
    """X (m, r) and Y (n, r), the factors of XYᵀ."""

    def __init__(self, X: Tensor, Y: Tensor):
        super().__init__()
        self.X = nn.Parameter(X)
        self.Y = nn.Parameter(Y)

    def forward(self) -> Tensor:
        """XYᵀ (m, n)."""
        return self.X @ self.Y.mT


class LowRankCompletion(Problem):
    """Mean square of XYᵀ − M over the observed entries, M = UVᵀ of rank r with N(0, 1) factors; f* = 0.

    Each entry is observed with probability 0.3, as in the authors' code; X₀ and Y₀ are uniform on (−1, 1).

    | size | M | rank |
    |-|-|-|
    | paper | 500×250 | 5 |
    | live | 200×100 | 5 |

    Args:
        size: one of the above.
        shape: (m, n, r) of your own instead.
        observed: share of entries that are observed, in (0, 1).
        data_seed: of U, V and the mask, drawn in this order.
        dtype: of the factors and their gradients; the authors' runs are in float32.

    Raises:
        UnknownProblem, InvalidProblem: (ValueErrors) on an unknown size, a shape below one, a share that leaves no
            entry on one side.
    """

    slug = "low-rank-completion"
    title = "Low-rank matrix completion"
    source = "PolarGrad, arXiv:2505.21799, low-rank matrix completion"
    sizes: ClassVar[dict[str, tuple[int, int, int]]] = {"paper": (500, 250, 5), "live": (200, 100, 5)}
    minimum = 0.0

    def __init__(
        self,
        size: str = "live",
        shape: tuple[int, int, int] | None = None,
        observed: float = 0.3,
        data_seed: int = 42,
        dtype: torch.dtype = torch.float64,
    ):
        if size not in self.sizes:
            raise UnknownProblem(f"size is {size!r}: one of {', '.join(self.sizes)} is needed")
        chosen = shape or self.sizes[size]
        if len(chosen) != 3:
            raise InvalidProblem(f"shape is {chosen!r}: (m, n, r) is needed")
        m, n, r = (require_integer("shape", side, 1) for side in chosen)
        if not 0 < observed < 1:
            raise InvalidProblem(f"observed is {observed!r}: a share in (0, 1) is needed")
        self.shape = (m, n, r)
        generator = seeded(data_seed)
        U = torch.randn(m, r, generator=generator, dtype=torch.float64)
        V = torch.randn(n, r, generator=generator, dtype=torch.float64)
        self.M = U @ V.mT
        self.mask = torch.rand(m, n, generator=generator, dtype=torch.float64) < observed
        self.known = int(self.mask.sum())
        if self.known in (0, m * n):
            raise InvalidProblem(
                f"observed is {observed!r}: it leaves {self.known} of {m * n} entries observed"
            )
        self.dtype = dtype
        self._cast: dict[torch.dtype, tuple[Tensor, Tensor]] = {}

    def model(self, seed: int, dtype: torch.dtype | None = None) -> FactorModel:
        """X (m, r), then Y (n, r), uniform on (−1, 1)."""
        m, n, r = self.shape
        generator, dtype = seeded(seed), dtype or self.dtype
        return FactorModel(uniform((m, r), generator, dtype), uniform((n, r), generator, dtype))

    def losses(self, model: nn.Module, step: int, seed: int) -> Tensor:
        """(1,) the mean square over observed entries; `step` and `seed` are checked and do not matter."""
        require_integer("step", step, 1)
        require_integer("seed", seed, 0)
        X, Y = model.get_parameter("X"), model.get_parameter("Y")
        target, mask = self._in(X.dtype)
        # The mask multiplies the known target once, when it is cast: (XYᵀ) ∘ mask − M ∘ mask.
        residual = (X @ Y.mT) * mask - target
        return residual.square().sum()[None] / self.known

    @torch.no_grad()
    def report(self, model: nn.Module) -> dict[str, float]:
        """Mean squares over the observed entries ("loss", equal to "gap") and over the others ("unobserved")."""
        X, Y = model.get_parameter("X").double(), model.get_parameter("Y").double()
        squares = (X @ Y.mT - self.M).square()
        loss = (squares[self.mask].sum() / self.known).item()
        return {"loss": loss, "gap": loss, "unobserved": squares[~self.mask].mean().item()}

    def matrix_names(self, model: nn.Module) -> list[str]:
        """X and Y."""
        return ["X", "Y"]

    def _in(self, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        if dtype not in self._cast:
            self._cast[dtype] = ((self.M * self.mask).to(dtype), self.mask.to(dtype))
        return self._cast[dtype]
