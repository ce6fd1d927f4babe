"""One encoding split into pyramids with fewer features each: turned against each other, or only hashed differently.

M pyramids of F/M features have the parameters of one with F; each has a hash of its own. With rotation this is the
split form of rotated encodings (Dai and Fan 2026); without, it is the control that tells how much of its gain is
rotation and how much is only that what collides in one pyramid is apart in another.
"""

from typing import Any

import torch
from torch import Tensor, nn

from .errors import InvalidGrid
from .grid import BYTES_MAX, HashGrid
from .levels import Convention, checked_count
from .rotations import cycle_set, rotation_set, split_angles


class SplitHashGrid(nn.Module):
    """M pyramids of levels × F/M features side by side; output (n, levels·features), level-major.

    Args:
        splits: M, a divisor of features.
        rotated: pyramid m turns as a whole by m·(π/2)/M in two dimensions, by element m of `turns` in three;
            otherwise only the hashes differ.
        turns: (M', 3, 3) rotations in three dimensions, taken in turn; the icosahedron's when left out.
        max_bytes: the budget for all tables together.
        more: further keywords of `HashGrid`, but rotation and hash_seeds.

    Raises:
        InvalidGrid: as for `HashGrid`, and when splits does not divide features.
    """

    def __init__(
        self,
        dim: int,
        levels: int,
        features: int,
        log2_table_size: int,
        base_resolution: int,
        growth: float,
        convention: Convention = "paper",
        *,
        splits: int,
        rotated: bool = True,
        turns: Tensor | None = None,
        seed: int = 0,
        max_bytes: int = BYTES_MAX,
        **more: Any,
    ) -> None:
        super().__init__()
        checked_count("splits", splits, 1, checked_count("features", features, 1, 64))
        if features % splits:
            raise InvalidGrid(f"splits is {splits}: a divisor of features, {features}, is needed")
        self.dim, self.features, self.splits = dim, features, splits
        rotations = _rotations(dim, levels, splits, turns) if rotated else [None] * splits
        self.pyramids = nn.ModuleList(
            HashGrid(
                dim,
                levels,
                features // splits,
                log2_table_size,
                base_resolution,
                growth,
                convention,
                rotations[m],
                seed + m,
                hash_seeds=m,
                max_bytes=max_bytes // splits,
                **more,
            )
            for m in range(splits)
        )

    @property
    def grids(self) -> list[HashGrid]:
        """The pyramids."""
        return [grid for grid in self.pyramids if isinstance(grid, HashGrid)]

    @property
    def parameter_count(self) -> int:
        return sum(grid.parameter_count for grid in self.grids)

    @property
    def gathers_per_point(self) -> int:
        """Table rows read for one point, each F/M wide."""
        return sum(grid.gathers_per_point for grid in self.grids)

    def forward(self, points: Tensor) -> Tensor:
        parts = [grid(points).unflatten(-1, (-1, grid.features)) for grid in self.grids]
        return torch.cat(parts, -1).flatten(-2)


def _rotations(dim: int, levels: int, splits: int, turns: Tensor | None) -> list[Tensor | None]:
    if dim == 2:
        return [angle.expand(levels) for angle in split_angles(splits)]
    if dim == 3:
        chosen = cycle_set(rotation_set("icosahedron") if turns is None else turns, splits)
        return [turn.expand(levels, 3, 3) for turn in chosen]
    raise InvalidGrid(f"dim is {dim!r}: a rotated split needs 2 or 3")
