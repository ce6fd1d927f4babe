"""The one gate for logits and slopes: what ghost functions accept, how masked classes leave the sum."""

import torch
from torch import Tensor

from .errors import InvalidClasses

_HALF = (torch.float16, torch.bfloat16)


def as_working_dtype(values: Tensor) -> Tensor:
    """Half precision rises to float32; float32 and float64 stay."""
    return values.float() if values.dtype in _HALF else values


def _name_samples(bad: Tensor) -> str:
    """The indices of the first bad samples, readable in a message."""
    if bad.ndim == 0:
        return "sample 0"
    found = bad.reshape(-1).nonzero().flatten()[:8].tolist()
    return f"sample {found[0]}" if len(found) == 1 else f"samples {found}"


def check_shapes(z: Tensor, a: Tensor) -> None:
    """Raises `InvalidClasses` unless z and a are floating tables of one shape and dtype, with a class."""
    if not (isinstance(z, Tensor) and isinstance(a, Tensor)):
        raise InvalidClasses(f"z and a must be tensors, not {type(z).__name__} and {type(a).__name__}")
    if z.shape != a.shape:
        raise InvalidClasses(f"z and a must have one shape, not {tuple(z.shape)} and {tuple(a.shape)}")
    if z.ndim == 0 or z.shape[-1] == 0:
        raise InvalidClasses(
            f"z must have shape (..., classes) with at least one class, not {tuple(z.shape)}"
        )
    if not (z.is_floating_point() and a.is_floating_point()):
        raise InvalidClasses(f"z and a must be real floating-point tensors, not {z.dtype} and {a.dtype}")
    if z.dtype != a.dtype:
        raise InvalidClasses(f"z and a must have one dtype, not {z.dtype} and {a.dtype}")


def check_values(z: Tensor, a: Tensor) -> None:
    """Raises `InvalidClasses`, naming the samples, on NaN or +inf logits, non-finite slopes, all masked.

    A non-finite slope is refused on a masked class too: whoever made it does not know what the step does.
    So are slopes whose spread overflows: of those no radius could be told from 0.
    """
    bad = (z.isnan() | (z == torch.inf)).any(-1)
    if bad.any():
        raise InvalidClasses(
            f"z: NaN or +inf logits in {_name_samples(bad)}; allowed are finite values, or -inf to mask"
        )
    a = as_working_dtype(a)
    bad = ~(a.amax(-1) - a.amin(-1)).isfinite()
    if bad.any():
        raise InvalidClasses(
            f"a: slopes that are not finite, or whose spread is not, in {_name_samples(bad)}; "
            "allowed are finite values"
        )
    bad = (z == -torch.inf).all(-1)
    if bad.any():
        raise InvalidClasses(
            f"z: every class is masked by -inf in {_name_samples(bad)}; at least one must be finite"
        )


def live_classes(z: Tensor, a: Tensor) -> tuple[Tensor, Tensor]:
    """Checked logits and slopes in which a class at -inf no longer counts.

    A masked class keeps its logit of -inf (its weight is zero everywhere) and takes the slope of the
    sample's most probable class, so that spreads and extrema ignore it without a mask being carried along.
    """
    check_shapes(z, a)
    check_values(z, a)
    z, a = as_working_dtype(z), as_working_dtype(a)
    masked = z == -torch.inf
    if masked.any():
        a = torch.where(masked, a.gather(-1, z.argmax(-1, keepdim=True)), a)
    return z, a


def merge_equal_slopes(z: Tensor, a: Tensor) -> tuple[Tensor, Tensor]:
    """Classes of one slope are one term of F: their weights are added, the others of the group masked.

    Splitting a class into halves therefore changes neither the margin radius nor the corridors.
    Takes and returns live classes; the order of classes changes where something was merged.
    """
    slopes, order = a.sort(dim=-1, stable=True)
    repeated = slopes[..., 1:] == slopes[..., :-1]
    if not repeated.any():
        return z, a
    weights = z.gather(-1, order)
    group = torch.cat((torch.zeros_like(order[..., :1]), (~repeated).cumsum(-1)), -1)
    top = weights.amax(-1, keepdim=True)
    # Summed relative to the largest weight of the group, not of the sample, which could underflow.
    peak = torch.full_like(weights, -torch.inf).scatter_reduce(-1, group, weights, "amax")
    shift = torch.where(peak == -torch.inf, top, peak)
    total = torch.zeros_like(weights).scatter_add(-1, group, (weights - shift.gather(-1, group)).exp())
    merged = torch.where(total > 0, shift + total.log(), -torch.inf)
    first = torch.cat((torch.ones_like(repeated[..., :1]), ~repeated), -1)
    return torch.where(first, merged.gather(-1, group), -torch.inf), slopes


def one_sample(z: Tensor, a: Tensor) -> tuple[Tensor, Tensor]:
    """Live classes of exactly one sample: z and a must be one-dimensional."""
    check_shapes(z, a)
    if z.ndim != 1:
        raise InvalidClasses(f"z: one sample of shape (classes,) is needed here, not {tuple(z.shape)}")
    return live_classes(z, a)


def apply_temperature(z: Tensor, a: Tensor, temperature: float | Tensor) -> tuple[Tensor, Tensor]:
    """Logits and slopes of softmax(z/T): both are divided by T.

    The bound becomes ρ_a·T; a binary ghost keeps its real part and moves to the height πT/Δ_a
    (Sao 2026, arXiv:2603.13552, section 6.4).

    Args:
        z: (..., classes) logits.
        a: (..., classes) slopes per unit step.
        temperature: positive number, or tensor that broadcasts against z.

    Returns:
        (z/T, a/T).

    Raises:
        InvalidClasses: when a temperature is not positive and finite.

    >>> z, a = apply_temperature(torch.tensor([2.0, 0.0]), torch.tensor([0.0, 1.0]), 0.5)
    >>> z.tolist(), a.tolist()
    ([4.0, 0.0], [0.0, 2.0])
    """
    value = torch.as_tensor(temperature)
    if not bool(((value > 0) & value.isfinite()).all()):
        raise InvalidClasses(f"temperature must be positive and finite, not {temperature}")
    return z / temperature, a / temperature
