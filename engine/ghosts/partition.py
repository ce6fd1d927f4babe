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
    terms = torch.polar(torch.softmax(z + a * real, -1), a * imag)
    results = [terms.sum(-1)]
    for _ in range(orders):
        terms = terms * a
        results.append(terms.sum(-1))
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
        step = numerator / denominator.masked_fill(denominator == 0, 1)
        # Below the rounding of the sum a step is noise, and at a multiple zero a large one.
        step = step.masked_fill(values[0].abs() <= 2 * torch.finfo(z.dtype).eps, 0)
        length = step.abs()
        if not bool(length.any()):
            break
        t = t - step * (reach / length).clamp(max=1)
    return t
