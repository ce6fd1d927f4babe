"""The partition function F(t) = Σ_k exp(z_k + a_k t) at complex steps, over its value on the real line."""

import torch
from torch import Tensor


def partition_ratio(z: Tensor, a: Tensor, t: Tensor, orders: int = 0) -> list[Tensor]:
    """F⁽ⁿ⁾(t)/F(Re t) for n = 0..orders; |F(t)/F(Re t)| ≤ 1, so nothing overflows.

    Args:
        z: (..., classes) live logits.
        a: (..., classes) slopes.
        t: complex (...) steps, one for each sample.
        orders: highest derivative.

    Returns:
        orders + 1 complex tensors of the shape of t.
    """
    real, imag = t.real.unsqueeze(-1), t.imag.unsqueeze(-1)
    terms = torch.softmax(z + a * real, -1)
    angles = a * imag
    cosines, sines = terms * angles.cos(), terms * angles.sin()
    results = []
    for order in range(orders + 1):
        if order:
            cosines, sines = cosines * a, sines * a
        results.append(torch.complex(cosines.sum(-1), sines.sum(-1)))
    return results


def newton(z: Tensor, a: Tensor, t: Tensor, reach: Tensor, steps: int, multiple: bool = False) -> Tensor:
    """Newton's iteration on F, each step no longer than `reach` (one over the spread of slopes).

    multiple=True iterates on F/F' instead (Schröder 1870), which keeps the order two at a multiple zero.
    """
    for _ in range(steps):
        values = partition_ratio(z, a, t, 2 if multiple else 1)
        numerator, denominator = values[0], values[1]
        if multiple:
            numerator, denominator = numerator * denominator, denominator.square() - numerator * values[2]
        step = numerator / torch.where(denominator == 0, torch.ones_like(denominator), denominator)
        # Below the rounding of the sum a step is noise, and at a multiple zero a large one.
        step = torch.where(values[0].abs() <= 2 * torch.finfo(z.dtype).eps, torch.zeros_like(step), step)
        length = step.abs()
        if not bool((length > 0).any()):
            break
        t = t - step * torch.where(length > reach, reach / length, torch.ones_like(length))
    return t
