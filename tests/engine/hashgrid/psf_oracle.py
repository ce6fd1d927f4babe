"""Reference values, and the rotations they use, for the tests of the point-spread function."""

import itertools
import json
import math
from pathlib import Path

import torch

ORACLE = json.loads(Path(__file__).with_name("point_spread_oracle.json").read_text())
FLOORED = torch.tensor(ORACLE["levels"]["floored"], dtype=torch.float64)


def real_levels(count: int = 16, coarsest: float = 16, growth: float = 1.38) -> torch.Tensor:
    return coarsest * growth ** torch.arange(count, dtype=torch.float64)


def golden(count: int = 16) -> torch.Tensor:
    return torch.arange(count, dtype=torch.float64) * (math.pi / 2) * (math.sqrt(5) - 1) / 2


def cycle(turns: int, count: int = 16) -> torch.Tensor:
    return (torch.arange(count, dtype=torch.float64) % turns) * (math.pi / 2) / turns


def angles(name: str, count: int = 16) -> torch.Tensor | None:
    if name == "none":
        return None
    return golden(count) if name == "golden" else cycle(int(name.split()[1]), count)


def to_axis(axis: tuple[float, ...]) -> torch.Tensor:
    """The smallest rotation that takes e_z to the axis."""
    n = torch.tensor(axis, dtype=torch.float64)
    n = n / n.norm()
    v = torch.linalg.cross(torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64), n)
    if v.norm() < 1e-12:
        return (
            torch.eye(3, dtype=torch.float64)
            if n[2] > 0
            else torch.diag(torch.tensor([1.0, -1, -1])).double()
        )
    return about(tuple(v.tolist()), math.acos(n[2].item()))


def about(axis: tuple[float, ...], angle: float) -> torch.Tensor:
    n = torch.tensor(axis, dtype=torch.float64)
    x, y, z = (n / n.norm()).tolist()
    return torch.linalg.matrix_exp(
        angle * torch.tensor([[0, -z, y], [z, 0, -x], [-y, x, 0]], dtype=torch.float64)
    )


def rotations_3d(name: str, count: int = 16) -> torch.Tensor | None:
    g = (1 + math.sqrt(5)) / 2
    axes = {
        "octahedron axes": [(1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1)],
        "tetrahedron": [(1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1)],
        "cube": list(itertools.product((1, -1), repeat=3)),
        "icosahedron 6 axes": [(0, 1, g), (0, -1, g), (1, g, 0), (-1, g, 0), (g, 0, 1), (-g, 0, 1)],
    }
    if name == "none":
        return None
    if name in axes:
        turns = [to_axis(axis) for axis in axes[name]]
    else:
        turn = about((0, 0, 1), math.pi / 4) if name.startswith("z") else about((1, 1, 1), math.pi / 3)
        turns = [torch.eye(3, dtype=torch.float64), turn]
    return torch.stack([turns[l % len(turns)] for l in range(count)])
