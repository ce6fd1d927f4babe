"""Rotations of real spherical harmonics, from the frame at a pulsar to the sky and back.

M(Q)_mk is defined by Y_lm(Q n) = Σ_k M(Q)_mk Y_lk(n); it is orthogonal and M(Q R) = M(Q) M(R). A turn about z
mixes only m and -m. A turn about y is one about z between two fixed quarter turns about x, whose matrices are
computed once, by exact quadrature: no Wigner d function and no arctangent appears.

The frame at a pulsar, Rz(φ)Ry(θ), has axes θ̂, φ̂ and the pulsar. Near the poles of the sky φ means nothing and
its gradient is infinite, so pulsars there get the same construction about the x axis.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from .harmonics import real_harmonics

# Rows of the cyclic permutation that sends the x axis to the pole: charted = TURN^T p = (p_y, p_z, p_x).
_TURN = torch.tensor([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], dtype=torch.float64)
_QUARTER = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]], dtype=torch.float64)
_STEEP = 0.9


class Frames(NamedTuple):
    """A right-handed frame at each of N directions."""

    azimuth: Tensor
    """(N, 2) cosine and sine of φ in the chart."""
    polar: Tensor
    """(N, 2) cosine and sine of θ in the chart."""
    turned: Tensor
    """(N,) bool: whether the chart is turned."""
    axes: Tensor
    """(N, 3, 3): columns θ̂, φ̂, p, in sky coordinates."""


def frames_at(directions: Tensor) -> Frames:
    """Frames whose third axis is each direction; differentiable everywhere on the sphere.

    Args:
        directions: (N, 3) unit vectors, float64.
    """
    turned = directions.detach()[:, 2].abs() > _STEEP
    x, y, z = torch.where(turned[:, None], directions.roll(-1, 1), directions).unbind(1)
    sine = (x * x + y * y).sqrt()
    cosine_azimuth, sine_azimuth, none = x / sine, y / sine, torch.zeros_like(x)
    theta = torch.stack([z * cosine_azimuth, z * sine_azimuth, -sine], 1)
    phi = torch.stack([-sine_azimuth, cosine_azimuth, none], 1)
    axes = torch.stack([theta, phi, torch.stack([x, y, z], 1)], 2)
    axes = torch.where(turned[:, None, None], axes.roll(1, 1), axes)
    azimuth = torch.stack([cosine_azimuth, sine_azimuth], 1)
    return Frames(azimuth, torch.stack([z, sine], 1), turned, axes)


def to_sky(frames: Frames, degrees: range) -> Tensor:
    """M of every frame on some degrees: (N, n, n), block-diagonal; sky values = M @ values in the frame."""
    start, stop = degrees.start**2, degrees.stop**2
    blocks: list[Tensor] = []
    for l in degrees:
        quarter, turn = _matrices(l, frames.axes.device)
        block = quarter @ _turn_z(quarter.T.expand(len(frames.turned), -1, -1), frames.polar, l)
        block = _turn_z(block, frames.azimuth, l)
        block = torch.where(frames.turned[:, None, None], turn @ block, block)
        blocks.append(pad(block, (l * l - start, stop - (l + 1) ** 2)))
    return torch.cat(blocks, 1)


def to_frames(coefficients: Tensor, frames: Frames, l_max: int) -> Tensor:
    """Coefficients of one sky in every frame, M^T c: (N, n). No matrix larger than one degree's is formed.

    Args:
        coefficients: (n,) in sky coordinates.
        frames: N of them.
        l_max: degree of the coefficients.
    """
    inverse = coefficients.new_tensor([1.0, -1.0])
    parts: list[Tensor] = []
    for l in range(l_max + 1):
        quarter, turn = _matrices(l, frames.axes.device)
        sky = coefficients[l * l : (l + 1) ** 2]
        rows = torch.where(frames.turned[:, None], sky @ turn, sky)
        rows = _turn_z(rows[:, :, None], frames.azimuth * inverse, l)
        rows = _turn_z(quarter.T @ rows, frames.polar * inverse, l)
        parts.append((quarter @ rows)[:, :, 0])
    return torch.cat(parts, 1)


def _turn_z(values: Tensor, angle: Tensor, l: int) -> Tensor:
    """M of a turn about z: values (N, 2l + 1, k), angle (N, 2) cosine and sine."""
    cosines, sines = multiples(angle, l)
    cosines = torch.cat([cosines[:, 1:].flip(1), cosines], 1)
    sines = torch.cat([sines[:, 1:].flip(1), -sines], 1)
    return cosines[:, :, None] * values + sines[:, :, None] * values.flip(1)


def multiples(angle: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """cos mα and sin mα, m = 0 … count, each (N, count + 1), from (N, 2) cosine and sine of α."""
    cosine, sine = angle.unbind(1)
    rows = [(torch.ones_like(cosine), torch.zeros_like(sine))]
    for _ in range(count):
        c, s = rows[-1]
        rows.append((cosine * c - sine * s, cosine * s + sine * c))
    cosines, sines = zip(*rows, strict=True)
    return torch.stack(cosines, 1), torch.stack(sines, 1)


@lru_cache(maxsize=128)
def _matrices(l: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """M of the quarter turn about x and of the cyclic permutation, by exact quadrature over the sphere."""
    z, weights = np.polynomial.legendre.leggauss(l + 1)
    azimuths = 2 * np.pi * np.arange(2 * l + 2) / (2 * l + 2)
    sine = np.sqrt(1 - z * z)
    points = np.stack(
        [np.outer(sine, np.cos(azimuths)), np.outer(sine, np.sin(azimuths)), np.outer(z, np.ones(2 * l + 2))],
        -1,
    )
    here = torch.from_numpy(points.reshape(-1, 3))
    weight = torch.from_numpy(np.repeat(weights, 2 * l + 2) * (np.pi / (l + 1)))
    plain = real_harmonics(here, l)[:, l * l :] * weight[:, None]
    quarter, turn = (real_harmonics(here @ q.T, l)[:, l * l :].T @ plain for q in (_QUARTER, _TURN))
    return quarter.to(device), turn.to(device)
