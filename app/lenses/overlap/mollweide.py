"""The sky as one ellipse: equal areas stay equal, right ascension grows to the left (Mollweide 1805; Snyder 1987, eq. 31).

x from -2 to 2, y from -1 to 1; the middle is 12 h.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

CENTRE_DEGREES = 180.0
OUTSIDE = 0
"""Colour index of the pixels outside the ellipse."""

LEVELS = 255


def project(directions: Tensor | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """x and y of unit vectors (..., 3), ICRS."""
    vectors = np.asarray(directions, dtype=float)
    longitude = np.degrees(np.arctan2(vectors[..., 1], vectors[..., 0])) - CENTRE_DEGREES
    longitude = (longitude + 180.0) % 360.0 - 180.0
    latitude = np.arcsin(np.clip(vectors[..., 2], -1.0, 1.0))
    angle = _auxiliary(latitude)
    return -longitude / 90.0 * np.cos(angle), np.sin(angle)


def _auxiliary(latitude: np.ndarray) -> np.ndarray:
    """θ with 2θ + sin 2θ = π sin(latitude); Newton's steps in the cube-root variable that is smooth at the poles."""
    target = np.pi * np.abs(np.sin(latitude))
    # Near a pole 2θ + sin 2θ ≈ π - (4/3)(π/2 - θ)³.
    angle = np.minimum(np.abs(latitude), np.pi / 2 - np.cbrt(0.75 * np.maximum(np.pi - target, 0.0)))
    angle = np.where(
        np.pi - target < 1e-4, np.pi / 2 - np.cbrt(0.75 * np.maximum(np.pi - target, 0.0)), angle
    )
    for _ in range(30):
        slope = 2 + 2 * np.cos(2 * angle)
        excess = 2 * angle + np.sin(2 * angle) - target
        step = np.divide(excess, slope, out=np.zeros_like(excess), where=slope > 1e-9)
        angle = np.minimum(np.maximum(angle - step, 0.0), np.pi / 2)
        if np.all(np.abs(step) < 1e-15):
            break
    return np.copysign(angle, latitude)


def unproject(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors (..., 3) at places of the picture, and which places lie inside the ellipse."""
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    inside = (x / 2) ** 2 + y**2 <= 1.0
    angle = np.arcsin(np.clip(y, -1.0, 1.0))
    latitude = np.arcsin(np.clip((2 * angle + np.sin(2 * angle)) / np.pi, -1.0, 1.0))
    cosine = np.cos(angle)
    across = np.divide(-90.0 * x, cosine, out=np.zeros_like(x), where=cosine > 1e-12)
    longitude = np.radians(np.clip(across, -180.0, 180.0) + CENTRE_DEGREES)
    vectors = np.stack(
        [np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude), np.sin(latitude)], -1
    )
    return vectors, inside


@lru_cache(maxsize=4)
def raster(columns: int) -> tuple[Tensor, np.ndarray]:
    """Directions (inside, 3) of the picture's pixels inside the ellipse, and the mask (columns / 2, columns).

    Row 0 is the lowest, as images of a frame are.
    """
    rows = columns // 2
    x = (np.arange(columns) + 0.5) * 4 / columns - 2
    y = (np.arange(rows) + 0.5) * 2 / rows - 1
    vectors, inside = unproject(*np.meshgrid(x, y))
    return torch.from_numpy(vectors[inside]), inside


def image(values: Tensor | np.ndarray, low: float, high: float, columns: int) -> dict[str, np.ndarray]:
    """Columns of an image layer: values at the raster's directions as colour indices 1 to 255, 0 outside."""
    _, inside = raster(columns)
    flat = np.asarray(values, dtype=float)
    span = high - low if high > low else 1.0
    index = np.clip(np.rint((flat - low) / span * (LEVELS - 1)), 0, LEVELS - 1) + 1
    pixels = np.full(inside.shape, OUTSIDE, dtype=np.uint8)
    pixels[inside] = index.astype(np.uint8)
    edges = {"x0": [-2.0], "x1": [2.0], "y0": [-1.0], "y1": [1.0]}
    return {**{name: np.array(value) for name, value in edges.items()}, "image": pixels}


def curve(directions: Tensor | np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """A line of directions as pieces xs, ys, cut where it leaves the picture on one side and enters on the other."""
    x, y = project(directions)
    jumps = np.flatnonzero(np.abs(np.diff(x)) > 1.5) + 1
    pieces = [(a, b) for a, b in zip(np.split(x, jumps), np.split(y, jumps), strict=True) if len(a) > 1]
    return [a for a, _ in pieces], [b for _, b in pieces]


def direction(right_ascension_degrees: float, declination_degrees: float) -> Tensor:
    """Unit vector (3,) of a place on the sky."""
    ra, dec = np.radians(right_ascension_degrees), np.radians(declination_degrees)
    return torch.tensor(
        [np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], dtype=torch.float64
    )


def circle(centre: Tensor, radius: float, points: int = 121) -> Tensor:
    """Directions (points, 3) on a circle of angular radius `radius` (rad) around a place."""
    axis = torch.zeros(3, dtype=torch.float64)
    axis[int(centre.abs().argmin())] = 1.0
    first = torch.linalg.cross(centre, axis)
    first = first / first.norm()
    second = torch.linalg.cross(centre, first)
    angle = torch.linspace(0, 2 * torch.pi, points, dtype=torch.float64)[:, None]
    return centre * np.cos(radius) + np.sin(radius) * (first * angle.cos() + second * angle.sin())


def arc(start: Tensor, end: Tensor) -> Tensor:
    """Directions (41, 3) on the great circle from one place to another; any of them between antipodes."""
    share = torch.linspace(0, 1, 41, dtype=torch.float64)[:, None]
    angle = torch.atan2(torch.linalg.cross(start, end).norm(), (start * end).sum())
    if float(angle.sin()) < 1e-9:
        middle = circle(start, float(torch.pi / 2), 2)[0]
        turn = angle * share
        return start * turn.cos() + middle * turn.sin()
    return (start * ((1 - share) * angle).sin() + end * (share * angle).sin()) / angle.sin()
