"""The exact radius: the nearest zero of the partition function, with a certificate that none is nearer."""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from .classes import live_classes, merge_equal_slopes
from .errors import InvalidWindow
from .margin import margin_radius
from .partition import newton, partition_ratio
from .taylor import radius_estimate, taylor_coefficients
from .winding import half_disc_is_empty
from .zeros import partition_zeros

_STARTS = 4
_ORDERS = [5, 7, 9, 12, 16, 24]
_INSIDE = 1 - 1e-9
_SHORT, _LONG = (4, 3, 3), (4, 3, 3, 4, 8, 12)
"""Newton's steps between two looks at which starts have arrived: the certificate says whether the first was enough."""


class ExactRadius(NamedTuple):
    """radius: (...) ρ*, the rigorous lower bound ρ_m where not certified, +inf where slopes agree.

    ghost: complex (...), the nearest zero in the upper half plane; NaN where not certified or none exists.
    certified: bool (...), whether a winding number proves that the disc |t| < ρ*(1 - 10⁻⁹) holds no zero.
    """

    radius: Tensor
    ghost: Tensor
    certified: Tensor


def exact_radius(z: Tensor, a: Tensor) -> ExactRadius:
    """Nearest ghost of each sample, and whether it is proven to be the nearest.

    Newton's iteration starts from the ghosts of the pairs (most probable class, other class), Sao (2026,
    arXiv:2603.13552) theorem 4.3; the nearest zero found is certified by the winding number of F on the
    circle through it. What is not certified at once is tried again from more starts, and then with a
    search of the whole half disc by `partition_zeros`. Computed in float64 where the device
    has it; no gradient flows back.

    Args:
        z: (..., classes) logits; -inf masks a class.
        a: (..., classes) slopes per unit step.

    Returns:
        ExactRadius(radius, ghost, certified), each (...).

    Raises:
        InvalidClasses: as for `convergence_radius`.

    >>> z = torch.tensor([[0.0, 0.0], [2.0, 0.0]], dtype=torch.float64)
    >>> found = exact_radius(z, torch.tensor([[0.0, 1.0], [0.0, 1.0]], dtype=torch.float64))
    >>> found.radius.numpy().round(6).tolist(), found.certified.tolist()
    ([3.141593, 3.724192], [True, True])
    """
    z, a = (values.detach() for values in live_classes(z, a))
    shape, dtype = z.shape[:-1], z.dtype
    work = dtype if z.device.type == "mps" else torch.float64
    z, a = merge_equal_slopes(z.to(work).reshape(-1, z.shape[-1]), a.to(work).reshape(-1, z.shape[-1]))
    height, top = z.max(-1, keepdim=True)
    z, a = z - height, a - a.gather(-1, top)
    a = torch.where(z == -torch.inf, 0.0, a)
    spread = a.amax(-1) - a.amin(-1)
    # Where even the bound is beyond the largest number, so is the radius.
    certified = (math.pi / spread).isinf()
    moving = (~certified).nonzero().flatten()
    radius = torch.full_like(spread, torch.inf)
    ghost = torch.full_like(torch.complex(radius, radius), complex(math.nan, math.nan))
    for starts, rounds in ((_pair_starts, _SHORT), (_all_starts, _LONG)):
        rows = moving[~certified[moving]]
        if len(rows):
            found, certified[rows] = _nearest_ghosts(z[rows], a[rows], starts(z[rows], a[rows]), rounds)
            ghost[rows], radius[rows] = found, found.abs()
    for sample in (~certified).nonzero().flatten().tolist():
        ghost[sample], certified[sample] = _searched_ghost(z[sample], a[sample], radius[sample].item())
        radius[sample] = ghost[sample].abs() if certified[sample] else margin_radius(z[sample], a[sample])
    single = torch.complex64 if dtype == torch.float32 else torch.complex128
    return ExactRadius(
        radius.to(dtype).reshape(shape), ghost.to(single).reshape(shape), certified.reshape(shape)
    )


def _nearest_ghosts(z: Tensor, a: Tensor, starts: Tensor, rounds: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Nearest zero found from the starts, and its certificate, for samples whose top class has z = a = 0."""
    spread = a.amax(-1) - a.amin(-1)
    ghosts = _converged(z, a, starts, spread, rounds)
    # The nearest, and the nearest that is another one: both are divided out of the certificate.
    nearest = ghosts.gather(-1, ghosts.abs().argmin(-1, keepdim=True))
    distance = nearest.abs()
    other = torch.where((ghosts - nearest).abs() > 1e-7 / spread[:, None], ghosts, complex(math.inf, 0))
    second = other.gather(-1, other.abs().argmin(-1, keepdim=True))
    certified = torch.zeros_like(spread, dtype=torch.bool)
    rows = distance[:, 0].isfinite().nonzero().flatten()
    known = torch.cat((nearest[rows], second[rows]), -1)
    certified[rows] = half_disc_is_empty(z[rows], a[rows], distance[rows, 0] * _INSIDE, known)
    return nearest.squeeze(-1), certified


def _pair_starts(z: Tensor, a: Tensor) -> Tensor:
    """The nearest two-class ghosts of the top class with another, in the upper half plane."""
    usable = (a != 0) & (z > -torch.inf)
    slopes = torch.where(usable, a, 1.0)
    height = math.pi / slopes.abs()
    side = torch.where(usable, -z / slopes, torch.inf)
    count = min(_STARTS, z.shape[-1] - 1)
    chosen = torch.hypot(side, height).topk(count, -1, largest=False).indices
    return torch.complex(side.gather(-1, chosen), height.gather(-1, chosen))


def _all_starts(z: Tensor, a: Tensor) -> Tensor:
    """More starts: those of `_pair_starts`, and where the Taylor coefficients put the nearest pair of ghosts.

    Where the logits nearly agree, no pair of classes says much; the coefficients see all classes at once.
    """
    spread = a.amax(-1) - a.amin(-1)
    unit = math.pi / spread
    estimate = radius_estimate(taylor_coefficients(z, a, z.argmax(-1), max(_ORDERS), unit))
    modulus, cosine = estimate.mercer_roberts[:, _ORDERS], estimate.cosine[:, _ORDERS].clamp(-1, 1)
    seen = torch.polar(modulus, cosine.acos()) * unit[:, None]
    seen = torch.where(seen.real.isfinite() & (seen.imag > 0), seen, complex(math.inf, 0))
    return torch.cat((_pair_starts(z, a), seen), -1)


def _converged(z: Tensor, a: Tensor, starts: Tensor, spread: Tensor, rounds: tuple[int, ...]) -> Tensor:
    """Zeros that Newton's iteration reaches, (batch, starts); infinite where it does not arrive."""
    count = starts.shape[1]
    arrived = torch.full_like(starts, complex(math.inf, 0)).reshape(-1)
    alive = starts.real.isfinite().reshape(-1).nonzero().flatten()
    t = starts.reshape(-1)[alive]
    for steps in rounds:
        sample = alive // count
        rows, slopes, reach = z[sample], a[sample], 1 / spread[sample]
        t = newton(rows, slopes, t, reach, steps)
        value, slope = partition_ratio(rows, slopes, t, 1)
        done = (value.abs() <= 1e-12) & (value.abs() <= 1e-10 * slope.abs() * reach)
        arrived[alive[done]] = torch.complex(t[done].real, t[done].imag.abs())
        alive, t = alive[~done], t[~done]
        if not len(alive):
            break
    return arrived.reshape(starts.shape)


def _searched_ghost(z: Tensor, a: Tensor, candidate: float) -> tuple[Tensor, bool]:
    """Nearest zero of one sample by searching whole half discs; (NaN, False) where that cannot be done."""
    none = torch.tensor(complex(math.nan, math.nan), device=z.device), False
    reach = candidate * (1 + 1e-6) if math.isfinite(candidate) else 1.5 * margin_radius(z, a).item()
    for _ in range(12):
        try:
            found = partition_zeros(z, a, (-reach, reach, 0.0, reach))
        except InvalidWindow:
            return none
        if not found.complete:
            return none
        if len(found.zeros) and found.zeros[0].abs().item() <= reach * (1 + 1e-9):
            return found.zeros[0], True
        reach *= 1.6
    return none
