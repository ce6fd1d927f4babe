"""Real spherical harmonics of unit vectors, as polynomials in x, y and z: nothing special happens at a pole."""

import math
from functools import lru_cache

import torch
from torch import Tensor


def real_harmonics(directions: Tensor, l_max: int) -> Tensor:
    """All real spherical harmonics up to degree l_max, with the Condon–Shortley phase.

    m > 0: √2 Re Y_lm = √2 N_lm P_l^m(cos θ) cos mφ; m < 0: √2 Im Y_l|m|; m = 0: Y_l0. They stand at index
    l² + l + m. Written as q_lm(z) Re or Im (x + iy)^m, where q_lm is the normalised P_l^m without its factor
    sin^m θ: the recurrence in l is stable, and values and gradients are exact at the poles.

    Args:
        directions: (..., 3); only the direction counts, the length is divided out.
        l_max: 0 or more.

    Returns:
        float64 (..., (l_max + 1)²), orthonormal over the sphere.

    Raises:
        ValueError: on a wrong shape, a zero or non-finite vector, a negative l_max.

    >>> diagonal = real_harmonics(torch.tensor([1.0, 1.0, 1.0]), 1)
    >>> [round(value, 6) for value in diagonal.tolist()]
    [0.282095, -0.282095, 0.282095, -0.282095]
    """
    if not isinstance(l_max, int) or isinstance(l_max, bool) or l_max < 0:
        raise ValueError(f"l_max is {l_max!r}: a whole number, 0 or more, is needed")
    x, y, z = unit_vectors(directions).unbind(-1)
    real, imaginary = [torch.ones_like(x)], [torch.zeros_like(x)]
    for _ in range(l_max):
        real, imaginary = (
            [*real, x * real[-1] - y * imaginary[-1]],
            [*imaginary, x * imaginary[-1] + y * real[-1]],
        )
    cosines, sines = torch.stack(real, -1), torch.stack(imaginary, -1)
    rows: list[Tensor] = []
    z = z.unsqueeze(-1)
    before, current = z[..., :0], torch.full_like(z, math.sqrt(0.25 / math.pi))
    for degree, (ahead, back, top) in enumerate(_recurrence(l_max, z.device), start=1):
        rows.append(_row(current, cosines, sines, degree - 1))
        below_top = ahead * z * current - torch.nn.functional.pad(back * before, (0, 1))
        before, current = current, torch.cat([below_top, top.expand_as(z)], -1)
    rows.append(_row(current, cosines, sines, l_max))
    return torch.cat(rows, -1)


def unit_vectors(directions: Tensor) -> Tensor:
    """Float64 copies of length one.

    Args:
        directions: (..., 3), anything that `torch.as_tensor` takes.

    Raises:
        ValueError: on a wrong shape, or naming the first zero or non-finite vector.
    """
    vectors = torch.as_tensor(directions, dtype=torch.float64)
    if vectors.ndim == 0 or vectors.shape[-1] != 3:
        raise ValueError(f"directions has shape {tuple(vectors.shape)}: (..., 3) is needed")
    # The largest component goes first, so that neither huge nor tiny vectors lose their length.
    largest = vectors.detach().abs().amax(-1, keepdim=True)
    bad = ~(torch.isfinite(largest) & (largest > 0)).reshape(-1)
    if bool(bad.any()):
        first = int(bad.nonzero()[0])
        raise ValueError(
            f"directions: vector {first} is {vectors.reshape(-1, 3)[first].tolist()}; "
            "finite vectors other than zero are needed"
        )
    scaled = vectors / largest
    return scaled / torch.linalg.vector_norm(scaled, dim=-1, keepdim=True)


def _row(current: Tensor, cosines: Tensor, sines: Tensor, degree: int) -> Tensor:
    """One degree l, m = -l … l, from q_l0 … q_ll (each with √2 for m > 0)."""
    negative = (current[..., 1:] * sines[..., 1 : degree + 1]).flip(-1)
    return torch.cat([negative, current * cosines[..., : degree + 1]], -1)


@lru_cache(maxsize=64)
def _recurrence(l_max: int, device: torch.device) -> list[tuple[Tensor, Tensor, Tensor]]:
    """For l = 1 … l_max: q_lm = ahead z q_(l-1)m - back q_(l-2)m for m < l, and the constant q_ll."""
    steps: list[tuple[Tensor, Tensor, Tensor]] = []
    top = math.sqrt(0.5 / math.pi)
    for degree in range(1, l_max + 1):
        m = torch.arange(degree, dtype=torch.float64)
        ahead = ((4 * degree**2 - 1) / (degree**2 - m**2)).sqrt()
        inner = m[:-1]
        upper = (2 * degree + 1) * ((degree - 1) ** 2 - inner**2)
        back = (upper / (abs(2 * degree - 3) * (degree**2 - inner**2))).sqrt()
        top = -top * math.sqrt((2 * degree + 1) / (2 * degree))
        constant = torch.tensor([top], dtype=torch.float64)
        steps.append((ahead.to(device), back.to(device), constant.to(device)))
    return steps
