"""PolarGrad's strongly convex quadratic ½‖AXB − C‖². Lau et al. (2025), arXiv:2505.21799."""

from functools import cached_property
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from .draws import require_integer, seeded
from .errors import InvalidProblem, UnknownProblem
from .problem import Problem


class MatrixModel(nn.Module):
    """The unknown X and nothing else."""

    def __init__(self, X: Tensor):
        super().__init__()
        self.X = nn.Parameter(X)


class Curvature(NamedTuple):
    """Eigenvalues, ascending, and eigenvectors of AᵀA (m) and BBᵀ (n): the Hessian's are the products λᵢμⱼ."""

    left: Tensor
    left_basis: Tensor
    right: Tensor
    right_basis: Tensor


class MatrixRegression(Problem):
    """f(X) = ½‖AXB − C‖²_F with A (p, m), B (n, q), C (p, q) of N(0, 1) entries, X₀ of U(−1, 1) entries.

    The gradient is taken as G = AᵀA (X − X*) BBᵀ with X* from least squares, and the value as
    f* + ½⟨X − X*, G⟩: two products of the size of X instead of four with the data, and no cancellation near the
    minimum, where C is nearly orthogonal to the range: in float64 gaps hold to full relative accuracy.

    | size | A | B | X |
    |-|-|-|-|
    | paper | 1000×500 | 100×250 | 500×100 |
    | live | 400×200 | 50×125 | 200×50 |
    | small | 200×100 | 20×50 | 100×20 |

    Args:
        size: one of the above.
        shape: (p, m, n, q) of your own instead, p ≥ m and q ≥ n.
        data_seed: of A, B and C, drawn in this order.
        dtype: of X and its gradient; the authors' runs are in float32.

    Raises:
        UnknownProblem, InvalidProblem: (ValueErrors) on an unknown size, a shape without a unique minimum.
    """

    slug = "matrix-regression"
    title = "Matrix regression"
    source = "PolarGrad, arXiv:2505.21799, matrix quadratic regression"
    sizes: ClassVar[dict[str, tuple[int, int, int, int]]] = {
        "paper": (1000, 500, 100, 250),
        "live": (400, 200, 50, 125),
        "small": (200, 100, 20, 50),
    }

    def __init__(
        self,
        size: str = "live",
        shape: tuple[int, int, int, int] | None = None,
        data_seed: int = 42,
        dtype: torch.dtype = torch.float64,
    ):
        if size not in self.sizes:
            raise UnknownProblem(f"size is {size!r}: one of {', '.join(self.sizes)} is needed")
        self.shape = _checked(shape or self.sizes[size])
        p, m, n, q = self.shape
        generator = seeded(data_seed)
        self.A = torch.randn(p, m, generator=generator, dtype=torch.float64)
        self.B = torch.randn(n, q, generator=generator, dtype=torch.float64)
        self.C = torch.randn(p, q, generator=generator, dtype=torch.float64)
        self.left, self.right = self.A.mT @ self.A, self.B @ self.B.mT
        # "gels": the default driver leaves the order of its pivots, and so the last bit, to chance.
        half = torch.linalg.lstsq(self.A, self.C, driver="gels").solution
        self.X_star = torch.linalg.lstsq(self.B.mT, half.mT, driver="gels").solution.mT.contiguous()
        """(m, n) the minimiser"""
        self.optimum = 0.5 * (self.A @ self.X_star @ self.B - self.C).square().sum().item()
        self.minimum = self.optimum
        self.dtype = dtype
        self._cast: dict[torch.dtype, tuple[Tensor, Tensor, Tensor]] = {}

    @cached_property
    def curvature(self) -> Curvature:
        """The Hessian in its own frame."""
        return Curvature(*torch.linalg.eigh(self.left), *torch.linalg.eigh(self.right))

    @property
    def lipschitz(self) -> float:
        """L, the largest eigenvalue of the Hessian."""
        return (self.curvature.left[-1] * self.curvature.right[-1]).item()

    @property
    def strong_convexity(self) -> float:
        """μ, the smallest eigenvalue of the Hessian."""
        return (self.curvature.left[0] * self.curvature.right[0]).item()

    def model(self, seed: int, dtype: torch.dtype | None = None) -> MatrixModel:
        """X (m, n) uniform on (−1, 1)."""
        return MatrixModel(uniform(self.X_star.shape, seeded(seed), dtype or self.dtype))

    def losses(self, model: nn.Module, step: int, seed: int) -> Tensor:
        """(1,) the value f; `step` and `seed` are checked and do not matter."""
        require_integer("step", step, 1)
        require_integer("seed", seed, 0)
        X = model.get_parameter("X")
        gap = _Quadratic.apply(X, *self._in(X.dtype))
        assert isinstance(gap, Tensor)
        return (gap + self.optimum)[None]

    @torch.no_grad()
    def report(self, model: nn.Module) -> dict[str, float]:
        """f ("loss") and f − f* ("gap"), in float64 whatever the model's type."""
        gap = self.gap(model.get_parameter("X"))
        return {"loss": self.optimum + gap, "gap": gap}

    @torch.no_grad()
    def gap(self, X: Tensor) -> float:
        """f(X) − f* = ½‖A(X − X*)B‖²."""
        D = X.double() - self.X_star
        return 0.5 * (self.A @ D @ self.B).square().sum().item()

    def matrix_names(self, model: nn.Module) -> list[str]:
        """X."""
        return ["X"]

    def _in(self, dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
        if dtype not in self._cast:
            self._cast[dtype] = (self.left.to(dtype), self.right.to(dtype), self.X_star.to(dtype))
        return self._cast[dtype]


class _Quadratic(torch.autograd.Function):
    """½⟨D, P D Q⟩ with D = X − X*; the gradient P D Q is there already when the value is."""

    @staticmethod
    def forward(ctx: Any, X: Tensor, P: Tensor, Q: Tensor, X_star: Tensor) -> Tensor:
        D = X - X_star
        G = P @ D @ Q
        ctx.save_for_backward(G)
        return 0.5 * torch.dot(D.flatten(), G.flatten())

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None, None]:  # pyright: ignore[reportIncompatibleMethodOverride]
        (G,) = ctx.saved_tensors
        return grad * G, None, None, None


def uniform(shape: Any, generator: torch.Generator, dtype: torch.dtype) -> Tensor:
    """Uniform on (−1, 1), drawn in float64 and cast: other types start at the same numbers, rounded."""
    if not dtype.is_floating_point:
        raise InvalidProblem(f"dtype is {dtype}: a floating-point type is needed")
    return torch.empty(shape, dtype=torch.float64).uniform_(-1, 1, generator=generator).to(dtype)


def _checked(shape: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    if len(shape) != 4:
        raise InvalidProblem(f"shape is {shape!r}: (p, m, n, q) is needed")
    p, m, n, q = (require_integer("shape", side, 1) for side in shape)
    if p < m or q < n:
        raise InvalidProblem(f"shape is {shape!r}: p ≥ m and q ≥ n are needed, or the minimum is not unique")
    return p, m, n, q
