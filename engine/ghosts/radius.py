"""How far a step may go before the loss's Taylor series stops converging: bound, margin and exact."""

import math

import torch
from torch import Tensor

from .classes import apply_temperature, as_working_dtype, check_shapes, live_classes
from .errors import NotCertified
from .exact import exact_radius
from .margin import margin_radius, slope_spread


def convergence_radius(
    z: Tensor, a: Tensor, kind: str = "bound", temperature: float | Tensor = 1.0
) -> Tensor:
    """Distance from the present weights to where the Taylor series of each sample's loss stops converging.

    The loss along a step is ℓ(τ) = -z_y - a_y τ + log F(τ), F(τ) = Σ_k exp(z_k + a_k τ); its radius is the
    modulus of the zero of F nearest to 0 (Sao 2026, arXiv:2603.13552, section 3), whatever the label.

    * "bound": ρ_a = π/Δ_a, Δ_a = max a - min a (Sao 2026, theorem 4.6). Never too large.
    * "margin": ρ_m = √(u0² + (π/Δ_a)²), u0 the distance along the real line to the first place where no class
      has more than half the probability. Ours; ρ_a ≤ ρ_m ≤ ρ*, equal to ρ* for two classes.
    * "exact": ρ*, certified by a winding number, see `exact_radius`.

    Classes at -inf are dropped before the spread is taken. Half precision is computed in float32; "exact" is
    computed in float64 where the device has it, and returned in the dtype of the input. "bound" alone carries
    a gradient.

    Args:
        z: (..., classes) logits at the present weights; -inf masks a class.
        a: (..., classes) slopes of the logits per unit step.
        kind: "bound", "margin" or "exact".
        temperature: T of softmax(z/T), positive.

    Returns:
        (...) radii in units of the step, positive; +inf where all slopes of a sample agree.

    Raises:
        InvalidClasses: (a ValueError) naming the samples, on NaN or +inf logits, on slopes that are not
            finite (on masked classes too) and on samples without a live class.
        NotCertified: (a ValueError) naming the samples, when kind="exact" finds no certificate.
        ValueError: when kind is unknown.

    >>> z = torch.tensor([[2.0, 0.0]], dtype=torch.float64)
    >>> a = torch.tensor([[0.0, 1.0]], dtype=torch.float64)
    >>> [round(convergence_radius(z, a, kind).item(), 6) for kind in ("bound", "margin", "exact")]
    [3.141593, 3.724192, 3.724192]
    """
    if kind not in ("bound", "margin", "exact"):
        raise ValueError(f"kind must be 'bound', 'margin' or 'exact', not {kind!r}")
    check_shapes(z, a)
    if not (isinstance(temperature, (int, float)) and temperature == 1):
        z, a = apply_temperature(as_working_dtype(z), as_working_dtype(a), temperature)
    if kind == "bound":
        return math.pi / slope_spread(z, a)
    if kind == "margin":
        return margin_radius(*live_classes(z, a))
    found = exact_radius(z, a)
    if not bool(found.certified.all()):
        raise NotCertified((~found.certified).reshape(-1).nonzero().flatten().tolist())
    return found.radius


def top_two_radius(z: Tensor, a: Tensor) -> Tensor:
    """√(δ² + π²)/|a_1 - a_2| of the two most probable classes. For display only: NOT a lower bound.

    Printed as an approximation in Sao (2026), arXiv:2603.13552, eqs. 13 and 38. With more than two classes it
    is larger than the true radius for most samples, by factors up to 10⁴ (our measurement): never step by it.

    Args:
        z: (..., classes) logits; -inf masks a class.
        a: (..., classes) slopes per unit step.

    Returns:
        (...) in units of the step; +inf for one live class or two equal slopes.

    Raises:
        InvalidClasses: as for `convergence_radius`.

    >>> z, a = torch.tensor([1.0, 0.9, -1.0]), torch.tensor([0.50, 0.51, -2.0])
    >>> round(top_two_radius(z, a).item(), 1)   # the true radius is 1.6
    314.3
    """
    z, a = live_classes(z, a)
    if z.shape[-1] == 1:
        return torch.full_like(z[..., 0], torch.inf)
    values, classes = z.topk(2, -1)
    gap = (a.gather(-1, classes[..., :1]) - a.gather(-1, classes[..., 1:])).abs().squeeze(-1)
    margin = values[..., 0] - values[..., 1]
    return torch.where(gap > 0, torch.hypot(margin, margin.new_tensor(math.pi)) / gap, torch.inf)
