"""The kernels of one level in one dimension: value, piecewise polynomial and Fourier transform.

A point that is fitted alone writes into the corners of its cell; what a point u cells away reads of that is the
level's kernel. In D dimensions it is a product of these profiles. Where the fitted point sits in its cell
decides which: on a node, in the middle, or anywhere with equal chance, under least squares or sign descent.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from .errors import InvalidGrid


class Profile(NamedTuple):
    """An even function of the distance u in cells, 1 at u = 0.

    value: (…) -> (…). peak: what the raw kernel is at u = 0, for one dimension. ends: where its polynomials
    end, the last one being the support; pieces[j] holds the coefficients, lowest power first, up to ends[j].
    transform: Fourier transform over its integral, at t cycles per cell; integral: that of the raw kernel.
    """

    value: Callable[[Tensor], Tensor]
    peak: float
    ends: tuple[float, ...]
    pieces: tuple[tuple[float, ...], ...]
    transform: Callable[[Tensor], Tensor]
    integral: float

    @property
    def support(self) -> float:
        """Distance in cells beyond which the profile vanishes."""
        return self.ends[-1]


def tent(u: Tensor) -> Tensor:
    """hat(u) = max(0, 1 - |u|): the fitted point is a node, one corner alone is written."""
    return (1 - u.abs()).relu()


def cubic(u: Tensor) -> Tensor:
    """3/2 hat∗hat: 1 - 3/2 u² + 3/4 |u|³ within 1, (2 - |u|)³/4 within 2; mean over the place in the cell."""
    distance = u.abs()
    far, near = (2 - distance).clamp_min(0), (1 - distance).clamp_min(0)
    return far * far * far / 4 - near * near * near


def trapezoid(u: Tensor) -> Tensor:
    """clip(3/2 - |u|, 0, 1): the fitted point is the middle of its cell, both corners are written equally."""
    return (1.5 - u.abs()).clamp(0, 1)


def sign_descent(u: Tensor) -> Tensor:
    """1 - u²/2 within 1, (2 - |u|)²/2 within 2: equal steps on both corners, mean over the place in the cell."""
    distance = u.abs()
    far, near = (2 - distance).clamp_min(0), (1 - distance).clamp_min(0)
    return far * far / 2 - near * near


# Averaged: mean of Σ w_i(x) w_i(x0) over x0 in its cell is hat∗hat, whose peak is 2/3. Mid-cell: both weights
# are 1/2, so the peak is 1/2. Sign descent moves both corners by one step whatever their weight: the corners lie
# with density 1 on (-1, 1) about x0, and hat∗box(2) has the peak 1 and the integral 2.
PROFILES: dict[str, Profile] = {
    "node": Profile(
        value=tent,
        peak=1.0,
        ends=(1.0,),
        pieces=((1.0, -1.0),),
        transform=lambda t: torch.sinc(t) ** 2,
        integral=1.0,
    ),
    "mid_cell": Profile(
        value=trapezoid,
        peak=0.5,
        ends=(0.5, 1.5),
        pieces=((1.0,), (1.5, -1.0)),
        transform=lambda t: torch.sinc(t) * torch.sinc(2 * t),
        integral=1.0,
    ),
    "averaged": Profile(
        value=cubic,
        peak=2 / 3,
        ends=(1.0, 2.0),
        pieces=((1.0, 0.0, -1.5, 0.75), (2.0, -3.0, 1.5, -0.25)),
        transform=lambda t: torch.sinc(t) ** 4,
        integral=1.0,
    ),
    "adam": Profile(
        value=sign_descent,
        peak=1.0,
        ends=(1.0, 2.0),
        pieces=((1.0, 0.0, -0.5), (2.0, -2.0, 0.5)),
        transform=lambda t: torch.sinc(t) ** 2 * torch.sinc(2 * t),
        integral=2.0,
    ),
}

SHIFT_INVARIANT: tuple[str, ...] = tuple(PROFILES)
EXACT: tuple[str, ...] = ("cell", "adam_cell")
KERNELS: tuple[str, ...] = EXACT + SHIFT_INVARIANT
SIGN_DESCENT: tuple[str, ...] = ("adam", "adam_cell")


def profile(kernel: str) -> Profile:
    """The profile of a shift-invariant kernel.

    Raises:
        InvalidGrid: on another name; "cell" and "adam_cell" depend on the place of x0 and have no profile.
    """
    if kernel not in PROFILES:
        raise InvalidGrid(f"kernel is {kernel!r}: one of {', '.join(SHIFT_INVARIANT)} is needed here")
    return PROFILES[kernel]


def cell_factor(a: Tensor, b: Tensor) -> Tensor:
    """Σ_c w_c(a) w_c(b) in one dimension: (1 - f) hat(a - i) + f hat(a - i - 1), i = floor(b), f = b - i.

    Args:
        a: (…) cell coordinates that read.
        b: (…) cell coordinates that were fitted, broadcast against a.
    """
    corner = b.floor()
    fraction = b - corner
    distance = a - corner
    return torch.addcmul(tent(distance) * (1 - fraction), tent(distance - 1), fraction)


def adam_cell_factor(a: Tensor, b: Tensor) -> Tensor:
    """Σ w_c(a) over the corners c with w_c(b) > 0, in one dimension: a point on a node has one such corner.

    Args:
        a: (…) cell coordinates that read.
        b: (…) cell coordinates that were fitted, broadcast against a.
    """
    corner = b.floor()
    distance = a - corner
    return tent(distance) + torch.where(b > corner, tent(distance - 1), 0.0)
