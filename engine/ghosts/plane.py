"""Domain colouring of the partition function in the complex step plane, without overflow."""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from .classes import one_sample

HUES = 64
LEVELS = 4

# (1 + 3e-4)⁴
_NUDGE = 1.0012


class PartitionPlane(NamedTuple):
    """G(t) = F(t)/F(Re t) on a grid: real and imaginary part, each (heights, columns), |G| ≤ 1."""

    real: Tensor
    imag: Tensor

    @property
    def phase(self) -> Tensor:
        """arg F in (-π, π]."""
        return torch.atan2(self.imag, self.real)

    @property
    def log2_modulus(self) -> Tensor:
        """log2|G| ≤ 0; -inf on a ghost."""
        return torch.hypot(self.real, self.imag).log2()


def partition_phase(z: Tensor, a: Tensor, re_axis: Tensor, im_axis: Tensor) -> PartitionPlane:
    """The partition function over the complex step plane, divided by its value on the real line below.

    With t = u + iy, G = F(t)/F(u) = Σ_k softmax_k(z + a u) exp(i a_k y): a product of a (heights, classes)
    and a (classes, columns) matrix. arg G = arg F, |G| ≤ 1, and G vanishes exactly where F does (ours).

    Args:
        z: (classes,) logits of one sample.
        a: (classes,) slopes per unit step.
        re_axis: (columns,) real parts of the step, same dtype as z.
        im_axis: (heights,) imaginary parts.

    Returns:
        PartitionPlane of two (heights, columns) tensors. G at conj(t) is conj(G): the lower half is a mirror.

    Raises:
        InvalidClasses: on logits or slopes that describe no softmax.

    >>> z, a = torch.zeros(2), torch.tensor([0.0, 1.0])
    >>> plane = partition_phase(z, a, torch.tensor([0.0]), torch.tensor([0.0, math.pi]))
    >>> plane.real.flatten().round(decimals=5).abs().tolist()
    [1.0, 0.0]
    """
    z, a = one_sample(z, a)
    weights = torch.softmax(z[:, None] + a[:, None] * re_axis, 0)
    angles = im_axis[:, None] * a
    both = torch.cat((angles.cos(), angles.sin())) @ weights
    return PartitionPlane(both[: len(im_axis)], both[len(im_axis) :])


def phase_index(real: Tensor, imag: Tensor) -> Tensor:
    """Colour index of a complex value: 64 hues of its argument times 4 lightness steps of its modulus.

    index = level·64 + hue, hue = round(64·arg/2π) mod 64, level = floor(4·frac(log2|G|)). Each hue is
    centred on its argument and |G| is taken 0.03 % larger, so that where one class rules and G is 1 up to
    rounding, the rounding shows no colour. The level is read from the binary exponent of |G|⁴, free of
    logarithms; below |G| = 2⁻³¹, next to a ghost, it stays at that value's.

    Args:
        real: (...) real parts, |G| ≤ 2³¹.
        imag: (...) imaginary parts.

    Returns:
        (...) uint8. `mirror_index` gives the lower half plane.

    >>> phase_index(torch.tensor([1.0, 0.0, -0.5]), torch.tensor([0.0, 1.0, 0.0])).tolist()
    [0, 16, 32]
    """
    real, imag = real.float(), imag.float()
    square = real.square().addcmul_(imag, imag).clamp_min_(2.0**-62)
    level = (
        square.square_()
        .mul_(_NUDGE)
        .view(torch.int32)
        .bitwise_right_shift_(23)
        .add_(1)
        .bitwise_and_(LEVELS - 1)
    )
    hue = torch.atan2(imag, real).mul_(HUES / (2 * math.pi)).round_().to(torch.int32).bitwise_and_(HUES - 1)
    return hue.add_(level, alpha=HUES).to(torch.uint8)


def mirror_index(index: Tensor) -> Tensor:
    """Colour index at the conjugate point: the hue runs backwards from 0, the lightness stays.

    Args:
        index: uint8 from `phase_index`.

    Returns:
        uint8 of the same shape; flip its rows to lay it under the upper half.

    >>> mirror_index(torch.tensor([0, 16, 64 + 5], dtype=torch.uint8)).tolist()
    [0, 48, 123]
    """
    hue = torch.bitwise_and(index, HUES - 1)
    return index - hue + torch.bitwise_and(HUES - hue, HUES - 1)
