"""Rotations of the levels against each other, which make the encoding's kernel rounder.

A lattice turned by +t sees the point R (x − c) + c with R = [[cos t, sin t], [−sin t, cos t]], c the centre of the
cube. A quarter turn leaves a square lattice as it is, so two-dimensional angles live in [0, π/2); in three
dimensions the same holds for the 24 turns of the cube, which is why the octahedron's axes do nothing.
"""

import math
from itertools import product
from typing import Literal, get_args

import torch
from torch import Tensor

from .errors import InvalidGrid
from .levels import LEVELS_MAX, checked_count

RotationSet = Literal[
    "none", "octahedron", "tetrahedron", "cube", "icosahedron", "z 45", "body diagonal 60", "super-Fibonacci"
]

ROTATION_SETS: tuple[str, ...] = get_args(RotationSet)
_QUARTER = math.pi / 2
_GOLDEN = (1 + math.sqrt(5)) / 2
# Alexa (2022), Super-Fibonacci Spirals: the positive root of ψ⁴ = ψ + 4, and √2
_PHI, _PSI = math.sqrt(2), 1.533751168755204288118041


def cycle_angles(levels: int, count: int) -> Tensor:
    """(levels,) radians: level l turns by (l mod count)·(π/2)/count.

    >>> [round(math.degrees(t), 9) for t in cycle_angles(3, 2).tolist()]
    [0.0, 45.0, 0.0]
    """
    checked_count("levels", levels, 1, LEVELS_MAX)
    checked_count("count", count, 1, LEVELS_MAX)
    return (torch.arange(levels) % count).to(torch.float64) * (_QUARTER / count)


def golden_angles(levels: int) -> Tensor:
    """(levels,) radians: level l turns by l·(π/2)(√5 − 1)/2, so that neighbours always differ."""
    checked_count("levels", levels, 1, LEVELS_MAX)
    return torch.arange(levels, dtype=torch.float64) * (_QUARTER * (math.sqrt(5) - 1) / 2)


def split_angles(count: int) -> Tensor:
    """(count,) radians m·(π/2)/count, one for each pyramid of a split encoding."""
    checked_count("count", count, 1, LEVELS_MAX)
    return torch.arange(count, dtype=torch.float64) * (_QUARTER / count)


def rotation_set(name: RotationSet, count: int = 8) -> Tensor:
    """A set of rotations in three dimensions, (M, 3, 3) float64.

    Axis sets hold the smallest rotation that takes e_z to each axis: of the octahedron (3), the tetrahedron (4),
    the cube (8) or the icosahedron (6). `z 45` and `body diagonal 60` hold none and one turn about (0, 0, 1) or
    (1, 1, 1). `super-Fibonacci` spreads `count` rotations over all of them (Alexa 2022). How round the kernel
    becomes depends on the order of the axes too: six icosahedral axes give 1.09 to 1.16.

    Raises:
        InvalidGrid: on another name, or a count outside 1 to 32.

    >>> rotation_set("icosahedron").shape
    torch.Size([6, 3, 3])
    """
    if name not in ROTATION_SETS:
        raise InvalidGrid(f"rotation set is {name!r}: one of {', '.join(ROTATION_SETS)} is needed")
    if name == "none":
        return torch.eye(3, dtype=torch.float64)[None]
    if name == "super-Fibonacci":
        return _super_fibonacci(checked_count("count", count, 1, LEVELS_MAX))
    if name in ("z 45", "body diagonal 60"):
        axis = [0.0, 0.0, 1.0] if name == "z 45" else [1.0, 1.0, 1.0]
        return torch.stack([about_axis(axis, 0.0), about_axis(axis, math.pi / (4 if name == "z 45" else 3))])
    return torch.stack([_from_z(axis) for axis in _axes(name)])


def cycle_set(rotations: Tensor, levels: int) -> Tensor:
    """(levels, dim, dim): level l has rotation l mod M of the set."""
    checked_count("levels", levels, 1, LEVELS_MAX)
    return rotations[torch.arange(levels) % len(rotations)]


def rotation_matrices(rotation: Tensor | None, levels: int, dim: int) -> Tensor | None:
    """(levels, dim, dim) float64 matrices from angles or matrices; None for none, and where none turns.

    Args:
        rotation: (levels,) radians in two dimensions, or (levels, dim, dim) orthogonal matrices.

    Raises:
        InvalidGrid: on another shape, a number that is not finite, or a matrix that is not orthogonal.
    """
    if rotation is None:
        return None
    values = torch.as_tensor(rotation, dtype=torch.float64).detach().cpu()
    if not bool(torch.isfinite(values).all()):
        raise InvalidGrid("rotation holds a NaN or an infinite number: finite ones are needed")
    if dim == 2 and values.shape == (levels,):
        cos, sin = values.cos(), values.sin()
        values = torch.stack([torch.stack([cos, sin], -1), torch.stack([-sin, cos], -1)], -2)
    if values.shape != (levels, dim, dim):
        wanted = f"({levels}, {dim}, {dim})" + (f" or ({levels},) radians" if dim == 2 else "")
        raise InvalidGrid(f"rotation has shape {tuple(values.shape)}: {wanted} is needed")
    identity = torch.eye(dim, dtype=torch.float64)
    error = (values @ values.mT - identity).abs().amax((-1, -2))
    if bool((error > 1e-6).any()):
        raise InvalidGrid(f"rotation: the matrix of level {int(error.argmax())} is not orthogonal")
    return None if bool((values == identity).all()) else values


def about_axis(axis: list[float], angle: float) -> Tensor:
    """The matrix that turns vectors by the angle about the axis (Rodrigues)."""
    x, y, z = (part / math.hypot(*axis) for part in axis)
    cross = torch.tensor([[0, -z, y], [z, 0, -x], [-y, x, 0]], dtype=torch.float64)
    return torch.eye(3, dtype=torch.float64) + math.sin(angle) * cross + (1 - math.cos(angle)) * cross @ cross


def _axes(name: str) -> list[tuple[float, float, float]]:
    g = _GOLDEN
    if name == "octahedron":
        return [(1, 0, 0), (0, 1, 0), (0, 0, 1)]
    if name == "tetrahedron":
        return [(1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1)]
    if name == "cube":
        return [(float(x), float(y), float(z)) for x, y, z in product((1, -1), repeat=3)]
    return [(0, 1, g), (0, -1, g), (1, g, 0), (-1, g, 0), (g, 0, 1), (-g, 0, 1)]


def _from_z(axis: tuple[float, float, float]) -> Tensor:
    """The smallest rotation that takes e_z to the axis; half a turn about e_x where it points back."""
    x, y, z = axis
    length = math.hypot(x, y)
    turn = [-y, x, 0.0] if length > 0 else [1.0, 0.0, 0.0]
    return about_axis(turn, math.atan2(length, z))


def _super_fibonacci(count: int) -> Tensor:
    s = torch.arange(count, dtype=torch.float64) + 0.5
    alpha, beta = 2 * math.pi * s / _PHI, 2 * math.pi * s / _PSI
    low, high = (s / count).sqrt(), (1 - s / count).sqrt()
    x, y, z, w = low * alpha.sin(), low * alpha.cos(), high * beta.sin(), high * beta.cos()
    rows = [
        torch.stack([1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)], -1),
        torch.stack([2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)], -1),
        torch.stack([2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)], -1),
    ]
    return torch.stack(rows, -2)
