"""The Taylor model of the loss along a step, whose coefficients are the power sums of inverse ghosts."""

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad

from .classes import live_classes
from .errors import InvalidClasses

# Samples whose triangles stand in memory together.
_SOLVED_AT_ONCE = 256


def check_labels(z: Tensor, y: Tensor) -> Tensor:
    """Integer labels of shape (...); raises `InvalidClasses` where out of range, masked or misshapen."""
    if y.is_floating_point() or y.is_complex() or y.dtype == torch.bool:
        raise InvalidClasses(f"y must hold integer class labels, not {y.dtype}")
    if y.shape != z.shape[:-1]:
        raise InvalidClasses(
            f"y must have shape {tuple(z.shape[:-1])}, one label for each sample, not {tuple(y.shape)}"
        )
    y = y.long()
    classes = z.shape[-1]
    if y.numel() and (int(y.min()) < 0 or int(y.max()) >= classes):
        wrong = y[(y < 0) | (y >= classes)].flatten()[0].item()
        raise InvalidClasses(f"y holds the label {wrong}; allowed are 0..{classes - 1}")
    if bool((z.gather(-1, y.unsqueeze(-1)) == -torch.inf).any()):
        raise InvalidClasses("y names a class that is masked by -inf: its loss is infinite")
    return y


def taylor_coefficients(z: Tensor, a: Tensor, y: Tensor, order: int, scale: float | Tensor = 1.0) -> Tensor:
    """Coefficients ℓ_0..ℓ_order of the loss ℓ(τ) = -z_y - a_y τ + log Σ_k exp(z_k + a_k τ) at τ = 0.

    With f_n = E_softmax[(a - a_top)ⁿ]/n!, the logarithm obeys n ℓ_n = n f_n - Σ_{k<n} k ℓ_k f_{n-k}; n ℓ_n
    is minus the sum of t_j⁻ⁿ over all ghosts, n ≥ 2 (ours). The recurrence runs in units of ρ_a = π/Δ_a
    and relative to the most probable class, so that neither large slopes nor large margins overflow or
    cancel. No gradient flows back.

    Args:
        z: (..., classes) logits.
        a: (..., classes) slopes per unit step.
        y: (...) integer labels; only ℓ_0 and ℓ_1 depend on them.
        order: highest order, at least 0.
        scale: unit of the step, a number or (...): the coefficients are those of τ/scale, ℓ_n·scaleⁿ. In
            float32 pass the radius: plain coefficients leave the range of the type beyond |log10 ρ|·order
            ≈ 38.

    Returns:
        (..., order + 1).

    Raises:
        InvalidClasses: as for `convergence_radius`; on labels out of range, masked or not integers.
        ValueError: on a negative order or a scale that is not positive and finite.

    >>> z, a = torch.zeros(2, dtype=torch.float64), torch.tensor([0.0, 1.0], dtype=torch.float64)
    >>> taylor_coefficients(z, a, torch.tensor(0), 3).numpy().round(6).tolist()   # log 2, 1/2, 1/8, 0
    [0.693147, 0.5, 0.125, 0.0]
    """
    if not isinstance(order, int) or order < 0:
        raise ValueError(f"order must be a whole number of at least 0, not {order!r}")
    z, a = (values.detach() for values in live_classes(z, a))
    label = check_labels(z, y).unsqueeze(-1)
    unit = torch.as_tensor(scale, dtype=z.dtype, device=z.device).expand(z.shape[:-1])
    if not bool(((unit > 0) & unit.isfinite()).all()):
        raise ValueError(f"scale must be positive and finite, not {scale}")
    spread = a.amax(-1) - a.amin(-1)
    inner = torch.where(spread > 0, math.pi / spread, torch.ones_like(spread))
    orders = torch.arange(order + 1, dtype=z.dtype, device=z.device)
    sums = _power_sums(_scaled_moments(z, a, inner, order))
    coefficients = sums / orders.clamp(min=1) * (unit / inner).unsqueeze(-1) ** orders
    coefficients[..., 0] = z.logsumexp(-1) - z.gather(-1, label).squeeze(-1)
    if order:
        drift = (a.gather(-1, z.argmax(-1, keepdim=True)) - a.gather(-1, label)).squeeze(-1)
        coefficients[..., 1] += drift * unit
    return coefficients


def _scaled_moments(z: Tensor, a: Tensor, unit: Tensor, order: int) -> Tensor:
    """f_n = E_softmax[((a - a_top)·unit)ⁿ]/n!, (..., order + 1)."""
    slopes = (a - a.gather(-1, z.argmax(-1, keepdim=True))) * unit.unsqueeze(-1)
    orders = torch.arange(1, order + 1, dtype=z.dtype, device=z.device)
    factors = slopes.unsqueeze(-1) / orders
    start = torch.softmax(z, -1).unsqueeze(-1)
    return torch.cat((start, start * factors.cumprod(-1)), -1).sum(-2)


def _power_sums(moments: Tensor) -> Tensor:
    """n ℓ_n from f_n, (..., order + 1): n ℓ_n + Σ_{0<k<n} k ℓ_k f_{n-k} = n f_n, a triangle of f with f_0 = 1 across."""
    order = moments.shape[-1] - 1
    orders = torch.arange(order + 1, dtype=moments.dtype, device=moments.device)
    sums = moments * orders
    if order < 2:
        return sums
    flat = moments.reshape(-1, order + 1)
    triangles = pad(flat[:, :-1], (order - 1, 0)).unfold(-1, order, 1).split(_SOLVED_AT_ONCE)
    known = sums.reshape(-1, order + 1, 1)[:, 1:].split(_SOLVED_AT_ONCE)
    solved = [
        torch.linalg.solve_triangular(triangle.flip(-1), right, upper=False, unitriangular=True).squeeze(-1)
        for triangle, right in zip(triangles, known, strict=True)
    ]
    return pad(torch.cat(solved), (1, 0)).reshape(moments.shape)


def taylor_partial_sums(coefficients: Tensor, tau: Tensor) -> Tensor:
    """T_n(τ) of every order at once, each from the one before: one more term, nothing evaluated twice.

    Args:
        coefficients: (..., order + 1) from `taylor_coefficients`.
        tau: (steps,) in the unit the coefficients were scaled to.

    Returns:
        (..., order + 1, steps); row n is the Taylor polynomial of degree n.

    >>> taylor_partial_sums(torch.tensor([1.0, 2.0, 3.0]), torch.tensor([2.0])).flatten().tolist()
    [1.0, 5.0, 17.0]
    """
    exponents = torch.arange(coefficients.shape[-1], device=tau.device)
    powers = tau[None, :] ** exponents[:, None]
    return (coefficients.unsqueeze(-1) * powers).cumsum(-2)


def taylor_polynomial(coefficients: Tensor, tau: Tensor) -> Tensor:
    """The Taylor polynomial of full degree, by Horner's rule.

    Args:
        coefficients: (..., order + 1) from `taylor_coefficients`.
        tau: (steps,) in the unit the coefficients were scaled to.

    Returns:
        (..., steps).

    >>> taylor_polynomial(torch.tensor([1.0, 2.0, 3.0]), torch.tensor([2.0])).tolist()
    [17.0]
    """
    value = torch.zeros_like(coefficients[..., :1] * tau)
    for n in range(coefficients.shape[-1] - 1, -1, -1):
        value = value * tau + coefficients[..., n : n + 1]
    return value


class RadiusEstimate(NamedTuple):
    """Running estimates, (..., order + 1), NaN where an order is too low.

    root_test: |n ℓ_n/2|^(-1/n). mercer_roberts: radius of the pair of ghosts through four successive
    coefficients.
    cosine: cos φ of that pair, φ = arg of the ghost.
    """

    root_test: Tensor
    mercer_roberts: Tensor
    cosine: Tensor


def radius_estimate(coefficients: Tensor) -> RadiusEstimate:
    """The radius of convergence as the coefficients themselves tell it, order by order.

    One conjugate pair of ghosts ρ exp(±iφ) gives s_n = n ℓ_n = -2 ρ⁻ⁿ cos nφ. Root test (Cauchy-Hadamard),
    and the estimate of Mercer and Roberts (1990, SIAM J. Appl. Math. 50, 1547), taken on s_n, for which it
    is exact for one pair:
    ρ⁻² = (s_{n+1} s_{n-1} - s_n²)/(s_n s_{n-2} - s_{n-1}²). Wrong where two pairs tie in modulus.

    Args:
        coefficients: (..., order + 1) from `taylor_coefficients`, in any scale; the estimates have its unit.

    Returns:
        RadiusEstimate; entry n uses coefficients up to n, from n = 5 on (ℓ_1 holds the label's slope).

    >>> s = [0.0, 0.0] + [-2 * 0.5**n * math.cos(n * 0.7) / n for n in range(2, 12)]
    >>> estimate = radius_estimate(torch.tensor(s, dtype=torch.float64))
    >>> round(estimate.mercer_roberts[-1].item(), 6), round(estimate.cosine[-1].acos().item(), 6)
    (2.0, 0.7)
    """
    orders = torch.arange(coefficients.shape[-1], dtype=coefficients.dtype, device=coefficients.device)
    sums = coefficients * orders
    root_test = (sums.abs() / 2) ** (-1 / orders.clamp(min=1))
    root_test[..., :2] = torch.nan
    mercer_roberts, cosine = torch.full_like(sums, torch.nan), torch.full_like(sums, torch.nan)
    if sums.shape[-1] > 5:
        first, second, third, fourth = sums[..., 2:-3], sums[..., 3:-2], sums[..., 4:-1], sums[..., 5:]
        # Scaled by the largest of the four: products of tiny coefficients would vanish.
        size = torch.stack((first, second, third, fourth)).abs().amax(0)
        first, second, third, fourth = (s / size for s in (first, second, third, fourth))
        below = third * first - second**2
        square = (fourth * second - third**2) / below
        inverse = torch.where(square > 0, square, torch.nan).sqrt()
        mercer_roberts[..., 5:] = 1 / inverse
        cosine[..., 5:] = (fourth * first - third * second) / (2 * inverse * below)
    return RadiusEstimate(root_test, mercer_roberts, cosine)


def ghost_pair_reference(phase: Tensor, order: int) -> Tensor:
    """-2 cos nφ, what n ℓ_n ρⁿ oscillates as when one pair of ghosts ρ exp(±iφ) is nearest by far (ours).

    Args:
        phase: (...) φ in radians, arg of the ghost.
        order: highest n.

    Returns:
        (..., order + 1), n = 0..order.

    >>> ghost_pair_reference(torch.tensor(math.pi), 3).tolist()
    [-2.0, 2.0, -2.0, 2.0]
    """
    orders = torch.arange(order + 1, dtype=phase.dtype, device=phase.device)
    return -2 * torch.cos(phase.unsqueeze(-1) * orders)
