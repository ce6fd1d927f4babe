"""The hash encoding as a torch module."""

from collections.abc import Sequence
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from . import accelerate
from .encode import encode, encode_differentiable
from .errors import InvalidGrid, TableTooLarge
from .hashing import SEED_MAX
from .lattice import Interpolation, make_lattice
from .levels import Convention, Levels, checked_count

Backend = Literal["auto", "torch", "compiled"]
FEATURES_MAX = 64
BYTES_MAX = 2**31
# Instant-NGP, section 3: tables start uniform within ±1e-4
_START = 1e-4


class HashGrid(nn.Module):
    """Multi-resolution hash encoding (Müller et al. 2022), its levels turned if wished (Dai and Fan 2026).

    Points (n, dim) in [0, 1] give features (n, levels·features), level-major. Gradients reach the table and, where
    the points require them, the points, twice if need be; sums run in a fixed order, so the table's gradient is
    the same bit for bit on any number of threads. Outside [0, 1] tiny-cuda-nn and nerfstudio go on or wrap,
    torch-ngp gives zeros, the paper's convention refuses; beyond ±2³¹ all refuse. float32 points tell 2²⁴ cells of
    an axis apart; for finer levels take float64.

    Args:
        dim: 1, 2 or 3.
        levels, features, log2_table_size, base_resolution, growth, convention: as for `level_table`; features 1–64.
        rotation: (levels,) radians in two dimensions, or (levels, dim, dim), about the centre of the cube. The
            levels' tables then cover the turned cube, so dense ones grow.
        seed: of the table's start, uniform within ±1e-4; no global generator is touched.
        interpolation: linear, or smoothstep for a continuous first derivative.
        hash_seeds: one hash a level, or one for all; 0 is the primes of every peer.
        level_mask: (levels,) weights of the levels' features; see `level_mask`.
        max_bytes: the budget for the table.
        backend: auto takes the compiled kernels on the CPU where numba is installed and the points need no gradient,
            in float32 and float64; compiled refuses everything else. Both give the same up to rounding.
        dtype: float32 or float64.

    Attributes:
        table: (rows, features) parameter, levels one after the other, axis 0 fastest in dense ones.
        offsets: (levels + 1,) int64, the first row of each level.

    Raises:
        InvalidGrid: on a value outside these ranges, here or when it encodes.
        TableTooLarge: before any allocation, when the table would need more than `max_bytes`.

    >>> HashGrid(2, 4, 2, 8, 4, 1.5)(torch.rand(5, 2)).shape
    torch.Size([5, 8])
    """

    table: nn.Parameter
    offsets: Tensor
    _mask: Tensor

    def __init__(
        self,
        dim: int,
        levels: int,
        features: int,
        log2_table_size: int,
        base_resolution: int,
        growth: float,
        convention: Convention = "paper",
        rotation: Tensor | None = None,
        seed: int = 0,
        *,
        interpolation: Interpolation = "linear",
        hash_seeds: int | Sequence[int] = 0,
        level_mask: Tensor | None = None,
        max_bytes: int = BYTES_MAX,
        backend: Backend = "auto",
        dtype: torch.dtype = torch.float32,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__()
        self.lattice = make_lattice(
            dim,
            levels,
            log2_table_size,
            base_resolution,
            growth,
            convention,
            rotation,
            interpolation=interpolation,
            hash_seeds=hash_seeds,
        )
        shape = self.lattice.levels
        self.dim, self.features = dim, checked_count("features", features, 1, FEATURES_MAX)
        self.growth, self.base_resolution, self.log2_table_size = growth, base_resolution, log2_table_size
        self.backend: Backend = checked_backend(backend)
        self.table = nn.Parameter(_fresh_table(shape, features, seed, max_bytes, dtype, device))
        self.register_buffer("offsets", shape.offsets.to(device), persistent=False)
        self.register_buffer("_mask", torch.ones(levels, dtype=torch.float64), persistent=False)
        if level_mask is not None:
            self.level_mask = level_mask

    @property
    def levels(self) -> Levels:
        """Resolutions, scales, sizes and strides of the levels."""
        return self.lattice.levels

    @property
    def convention(self) -> Convention:
        return self.lattice.convention

    @property
    def rotation(self) -> Tensor | None:
        """(levels, dim, dim) float64, or None where no level is turned."""
        return self.lattice.rotation

    @property
    def level_mask(self) -> Tensor:
        """(levels,) weights the levels' features are multiplied with: 0 switches one off, 1 is as it is."""
        return self._mask

    @level_mask.setter
    def level_mask(self, weights: Tensor) -> None:
        values = torch.as_tensor(weights, dtype=torch.float64).detach()
        if values.shape != self._mask.shape or not bool(torch.isfinite(values).all()):
            raise InvalidGrid(f"level_mask is {weights!r}: {len(self._mask)} finite numbers are needed")
        self._mask = values.to(self._mask.device, copy=True)

    @property
    def parameter_count(self) -> int:
        return self.table.numel()

    @property
    def gathers_per_point(self) -> int:
        """Table rows read for one point: levels·2^dim."""
        return len(self._mask) * 2**self.dim

    def load_table(self, values: Tensor) -> None:
        """Take a trained table (rows, features).

        Raises:
            InvalidGrid: on another shape, and on an entry that is NaN, or infinite in the table's dtype, naming the first.
        """
        table = torch.as_tensor(values).detach().to(self.table.dtype)
        if table.shape != self.table.shape:
            raise InvalidGrid(f"table has shape {tuple(table.shape)}: {tuple(self.table.shape)} is needed")
        bad = ~torch.isfinite(table)
        if bool(bad.any()):
            row, feature = bad.nonzero()[0].tolist()
            raise InvalidGrid(
                f"table[{row}, {feature}] is {table[row, feature].item()}: finite numbers are needed"
            )
        with torch.no_grad():
            self.table.copy_(table)

    def corners(self, points: Tensor, level: int) -> tuple[Tensor, Tensor]:
        """Rows of the table, int64 (n, 2^dim), and weights (n, 2^dim) of one level; axis 0 is the fastest corner.

        Raises:
            InvalidGrid: on a level that is not one of 0 to L - 1, and on points as when encoding.
        """
        checked_count("level", level, 0, len(self._mask) - 1)
        rows, weights = self.lattice.corners(self.lattice.checked(points), level)
        return rows + int(self.levels.offsets[level]), weights

    def forward(self, points: Tensor) -> Tensor:
        points = self.lattice.checked(points)
        mask = tuple(self._mask.tolist())
        differentiated = points.requires_grad and torch.is_grad_enabled()
        compiled = self.backend != "torch" and not differentiated and accelerate.takes(points, self.table)
        if compiled:
            return accelerate.encode_compiled(points, self.table, self.lattice, mask)
        if self.backend == "compiled":
            raise InvalidGrid(
                f"backend is 'compiled': points and table in float32 or float64 on the CPU, points without a gradient "
                f"are needed, not {points.dtype} on {points.device}{', with a gradient' * differentiated}"
            )
        return (encode_differentiable if differentiated else encode)(points, self.table, self.lattice, mask)

    def extra_repr(self) -> str:
        return (
            f"dim={self.dim}, levels={len(self._mask)}, features={self.features}, "
            f"rows={len(self.table)}, convention={self.convention!r}"
        )


def checked_backend(backend: Backend) -> Backend:
    """The backend, if it is one and can be had.

    Raises:
        InvalidGrid: on another name, and on "compiled" without numba.
    """
    if backend not in get_args(Backend):
        raise InvalidGrid(f"backend is {backend!r}: one of {', '.join(get_args(Backend))} is needed")
    if backend == "compiled" and not accelerate.available():
        raise InvalidGrid("backend is 'compiled': numba is needed, and it is not installed")
    return backend


def _fresh_table(
    shape: Levels, features: int, seed: int, max_bytes: int, dtype: torch.dtype, device: Any
) -> Tensor:
    if dtype not in (torch.float32, torch.float64):
        raise InvalidGrid(f"dtype is {dtype}: torch.float32 or torch.float64 is needed")
    checked_count("seed", seed, 0, SEED_MAX)
    rows = int(shape.table_sizes.sum())
    needed = rows * features * dtype.itemsize
    if needed > max_bytes:
        raise TableTooLarge(needed, max_bytes)
    generator = torch.Generator().manual_seed(seed)
    table = torch.empty(rows, features, dtype=dtype).uniform_(-_START, _START, generator=generator)
    return table.to(device)
