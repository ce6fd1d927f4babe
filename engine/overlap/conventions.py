"""Γ_lm and c_lm in the conventions of other codes and papers, and back.

Ours is E: Γ_lm = (3/8π) ∫ d²n Y_lm(n) ΣF_aF_b with real harmonics, Condon–Shortley phase and SOURCE direction n.
What the others return, in terms of ours (factors checked against independent kernels in the tests):

| convention | Γ_lm | sky direction | harmonics |
|-|-|-|-|
| anisoscope | Γ | source | real |
| enterprise, maps, defiant, pta_replicator | (-1)^l Γ | propagation | real |
| hasasia | √4π Γ (-1)^m | source | real, no Condon–Shortley phase |
| fastpta | 4π (-1)^l Γ (-1)^m, and - for m < 0 | propagation | real, no phase, conjugate sense of m < 0 |
| mingarelli, pyorfs | (8π/3) (-1)^l, m > 0: (Γ_m + iΓ_-m)/√2 | propagation | complex |
| allen | (2/3) (-1)^l Γ | propagation | real |

enterprise 3.5.0 `anis_basis`; MAPS; defiant; pta_replicator `correlated_basis`; hasasia pull request 31; fastPTA
`get_correlations_lm_IJ`; pyORFs; Mingarelli et al. (2013), arXiv:1306.5394; Allen (2023), arXiv:2205.05637, whose
isotropic curve has 1/3 at 0+.
"""

import math

import torch
from torch import Tensor

CONVENTIONS = (
    "anisoscope",
    "enterprise",
    "maps",
    "defiant",
    "pta_replicator",
    "hasasia",
    "fastpta",
    "mingarelli",
    "pyorfs",
    "allen",
)
_SCALES = {
    "hasasia": math.sqrt(4 * math.pi),
    "fastpta": 4 * math.pi,
    "mingarelli": 8 * math.pi / 3,
    "pyorfs": 8 * math.pi / 3,
    "allen": 2 / 3,
}
_SOURCE = ("anisoscope", "hasasia")
_NO_PHASE = ("hasasia", "fastpta")
_COMPLEX = ("mingarelli", "pyorfs")


def convert(values: Tensor, convention: str, inverse: bool = False, kind: str = "overlap") -> Tensor:
    """Γ_lm (or c_lm) of ours as another code writes them, or theirs as ours.

    Index l² + l + m on both sides. Coefficients take the factor that leaves Γ_ab = Σ c_lm Γ_lm as it is. In the
    complex conventions Γ_l-m = (-1)^m Γ_lm*; the way back averages what both signs of m say. Differentiable.

    Args:
        values: (..., (l_max + 1)²); complex only on the way back from a complex convention.
        convention: one of `CONVENTIONS`, in any case.
        inverse: from theirs to ours.
        kind: "overlap" for Γ_lm, "coefficients" for c_lm.

    Returns:
        the same shape; float64, or complex128 on the way to a complex convention.

    Raises:
        ValueError: on an unknown convention or kind, a last length that is no square, complex values where real
            ones belong.

    >>> ours = torch.tensor([0.5, 0.0, 0.1, 0.2])
    >>> [round(value, 6) for value in convert(ours, "enterprise").tolist()]
    [0.5, -0.0, -0.1, -0.2]
    """
    name = _checked_name(convention)
    if kind not in ("overlap", "coefficients"):
        raise ValueError(f"kind is {kind!r}: 'overlap' or 'coefficients' is needed")
    values = torch.as_tensor(values)
    l, m = _orders(values)
    values = _checked_type(values, name, inverse)
    factor = _factors(name, l, m)
    if (kind == "coefficients") != inverse:
        factor = 1 / factor
    if name not in _COMPLEX:
        return factor * values
    # P = Σ c Y, so c_lm carries the conjugate of the harmonic that Γ_lm carries
    sense = -1 if kind == "coefficients" else 1
    if inverse:
        return factor * _to_real(values, m, sense)
    return _to_complex(factor * values, m, sense)


def _checked_name(convention: str) -> str:
    name = convention.lower() if isinstance(convention, str) else convention
    if name not in CONVENTIONS:
        raise ValueError(f"convention is {convention!r}: one of {', '.join(CONVENTIONS)} is needed")
    return name


def _checked_type(values: Tensor, name: str, inverse: bool) -> Tensor:
    complex_side = inverse and name in _COMPLEX
    if values.is_complex() and not complex_side:
        raise ValueError(f"values are complex: convention {name!r} takes real ones in this direction")
    return values.to(torch.complex128 if complex_side else torch.float64)


def _orders(values: Tensor) -> tuple[Tensor, Tensor]:
    """l and m at index l² + l + m."""
    count = values.shape[-1] if values.ndim else 0
    side = math.isqrt(count)
    if side == 0 or side * side != count:
        raise ValueError(f"values has shape {tuple(values.shape)}: (..., (l_max + 1)²) is needed")
    index = torch.arange(count, device=values.device)
    l = index.double().sqrt().long()
    return l, index - l * l - l


def _factors(name: str, l: Tensor, m: Tensor) -> Tensor:
    """Theirs divided by ours, the complex combination apart."""
    factor = torch.full(l.shape, _SCALES.get(name, 1.0), dtype=torch.float64, device=l.device)
    if name not in _SOURCE:
        factor = factor * (1 - 2 * (l % 2))
    if name in _NO_PHASE:
        factor = factor * (1 - 2 * (m.abs() % 2))
    if name == "fastpta":
        factor = torch.where(m < 0, -factor, factor)
    return factor


def _to_complex(values: Tensor, m: Tensor, sense: int) -> Tensor:
    """m > 0: (v_m + i sense v_-m)/√2; m < 0: (-1)^m times the conjugate of that at |m|."""
    index = torch.arange(len(m), device=m.device)
    cosine, sine = values[..., index - m + m.abs()], values[..., index - m - m.abs()]
    halves = torch.complex(cosine, sense * sine * m.sign()) / math.sqrt(2)
    signed = halves * torch.where(m < 0, 1 - 2 * (m.abs() % 2), 1)
    return torch.where(m == 0, values + 0j, signed)


def _to_real(values: Tensor, m: Tensor, sense: int) -> Tensor:
    """√2 Re for m > 0 and √2 Im for m < 0 of the mean of v_|m| and (-1)^m v_-|m|*."""
    index = torch.arange(len(m), device=m.device)
    sign = 1 - 2 * (m.abs() % 2)
    mean = (values[..., index - m + m.abs()] + sign * values[..., index - m - m.abs()].conj()) / 2
    parts = torch.where(m < 0, sense * mean.imag, mean.real)
    return torch.where(m == 0, values.real, math.sqrt(2) * parts)
