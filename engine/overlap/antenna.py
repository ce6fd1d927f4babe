"""The response of pulsars to a source anywhere on the sky, pulsar by pulsar and pair by pair.

n is the SOURCE direction, A = n·p. The response of a pulsar is (1 + A)/2 times a phase e^{2iα}, α the azimuth of
the pulsar about the source: it vanishes for a source opposite the pulsar, and keeps modulus 1 but loses its phase
for a source exactly behind the pulsar. There we take the average over azimuth: no response together with any
other direction, and full response, 1, of two pulsars at that very place. So nothing is ever NaN.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from .harmonics import unit_vectors

# sin² of the angle, 1e-12 rad, below which the azimuth is lost to rounding
_CENTRED = 1e-24
# 1 - cos of the angle, about 1e-3 rad, below which components are taken from the difference of the vectors
_CLOSE = 1e-6


class Response(NamedTuple):
    """F₊ and F× of N pulsars at some points, each (N, points)."""

    plus: Tensor
    cross: Tensor
    centred: Tensor
    """bool: the point stands behind the pulsar, to rounding; its |F| is 1 and its phase nothing."""


def antenna_patterns(directions: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
    """F₊ and F× of every pulsar for a source at every point.

    F₊ = ½ [(p·e₁)² - (p·e₂)²]/(1 - n·p), F× = (p·e₁)(p·e₂)/(1 - n·p), e₁ = θ̂(n), e₂ = φ̂(n) of the SOURCE
    direction (the propagation direction has the other sign of φ̂, hence of F×). At the poles φ = 0. Both are 0
    where the source stands exactly behind the pulsar (average over azimuth) or exactly opposite (limit).
    Differentiable in both arguments. Mingarelli et al. (2013), arXiv:1306.5394.

    Args:
        directions: (N, 3) vectors to the pulsars, N ≥ 1; only the direction counts.
        points: (points, 3) vectors to the sources.

    Returns:
        two float64 (N, points), |F| ≤ 1.

    Raises:
        ValueError: on a wrong shape, a zero or non-finite vector.

    >>> plus, cross = antenna_patterns(torch.tensor([[0.0, 0.0, 1.0]]), torch.tensor([[1.0, 0.0, 0.0]]))
    >>> plus.item(), abs(cross.item())
    (0.5, 0.0)
    """
    pulsars = unit_vectors(vector_table(directions, "directions"))
    points = unit_vectors(vector_table(points, "points")).to(pulsars.device)
    response = responses(pulsars, points, *tangents(points))
    return response.plus, response.cross


def pair_response(pa: Tensor, pb: Tensor, points: Tensor) -> Tensor:
    """ΣF_aF_b = ¼ {2 (pa·pb - AB)²/[(1 - A)(1 - B)] - (1 + A)(1 + B)}: how a pair feels a source at each point.

    Written as (1 + A)(1 + B)/4 · cos 2(α_a - α_b), which loses no digits next to a pulsar. A source exactly
    behind one of two pulsars: the limit depends on the way there, its average over azimuth is 0 and is
    returned. Exactly behind both: 1. Equal pulsars: (1 + A)²/4.

    Args:
        pa: (..., 3) vectors to the first pulsars; only the direction counts.
        pb: (..., 3) vectors to the second pulsars, broadcast against pa.
        points: (points, 3) vectors to the sources.

    Returns:
        float64 (..., points), between -1 and 1; 3/2 of its mean over the sky, weighted with P, is Γ_ab.

    Raises:
        ValueError: on a wrong shape, a zero or non-finite vector.

    >>> north, east = torch.eye(3)[2], torch.eye(3)[0]
    >>> pair_response(north, east, torch.stack([north, -north, east, -east])).tolist()
    [0.0, 0.0, 0.0, 0.0]
    """
    points = unit_vectors(vector_table(points, "points"))
    along: list[Tensor] = []
    across: list[Tensor] = []
    for pulsar in (pa, pb):
        offset = unit_vectors(pulsar)[..., None, :] - points
        inward = (offset * points).sum(-1, keepdim=True)
        along.append(2 + inward[..., 0])
        across.append(offset - inward * points)
    (a, b), (u, v) = along, across
    size_u, size_v = (u * u).sum(-1), (v * v).sum(-1)
    lost = (size_u < _CENTRED) | (size_v < _CENTRED)
    both = (size_u < _CENTRED) & (size_v < _CENTRED) & (a > 1) & (b > 1)
    product = torch.where(lost, 1.0, size_u * size_v)
    cosine = torch.where(lost, both.double(), 2 * (u * v).sum(-1) ** 2 / product - 1)
    return a * b / 4 * cosine


def responses(pulsars: Tensor, points: Tensor, theta: Tensor, phi: Tensor) -> Response:
    """Patterns from unit vectors to the pulsars, to the points, and along the axes at the points."""
    along, x, y = pulsars @ points.T, pulsars @ theta.T, pulsars @ phi.T
    close = along.detach() > 1 - _CLOSE
    if bool(close.any()):
        # p·e = (p - n)·e, and the difference keeps the digits that the product has lost
        which, where = close.nonzero(as_tuple=True)
        offset = pulsars[which] - points[where]
        x = x.index_put((which, where), (offset * theta[where]).sum(-1))
        y = y.index_put((which, where), (offset * phi[where]).sum(-1))
    x_squared, y_squared = x * x, y * y
    size = x_squared + y_squared
    lost = size.detach() < _CENTRED
    scale = (1 + along) / (2 * size.masked_fill(lost, 1.0))
    plus, cross = scale * (x_squared - y_squared), scale * 2 * x * y
    if not bool(lost.any()):
        return Response(plus, cross, lost)
    return Response(plus.masked_fill(lost, 0.0), cross.masked_fill(lost, 0.0), lost & close)


def tangents(points: Tensor) -> tuple[Tensor, Tensor]:
    """θ̂ and φ̂ at unit vectors (points, 3); φ = 0 at the poles."""
    x, y, z = points.unbind(1)
    square = x * x + y * y
    pole = square == 0
    sine = square.masked_fill(pole, 1.0).sqrt()
    cosine_azimuth, sine_azimuth = (x / sine).masked_fill(pole, 1.0), y / sine
    theta = torch.stack([z * cosine_azimuth, z * sine_azimuth, -sine.masked_fill(pole, 0.0)], 1)
    return theta, torch.stack([-sine_azimuth, cosine_azimuth, torch.zeros_like(x)], 1)


def vector_table(vectors: Tensor, name: str) -> Tensor:
    """Vectors as float64 (one or more, 3).

    Raises:
        ValueError: on another shape.
    """
    values = torch.as_tensor(vectors, dtype=torch.float64)
    if values.ndim != 2 or values.shape[1] != 3 or not len(values):
        raise ValueError(f"{name} has shape {tuple(values.shape)}: (one or more, 3) is needed")
    return values
