"""The loss of the linearised network along a step, and what a normalised step can do to probabilities."""

import math

from torch import Tensor

from .classes import live_classes
from .taylor import check_labels


def linearised_loss(z: Tensor, a: Tensor, y: Tensor, tau: Tensor) -> Tensor:
    """ℓ(τ) = -z_y - a_y τ + log Σ_k exp(z_k + a_k τ): convex and calm, at the radius and beyond it.

    Sao (2026), arXiv:2603.13552, section 3. What breaks at the radius is its Taylor model, not this curve.

    Args:
        z: (..., classes) logits.
        a: (..., classes) slopes per unit step.
        y: (...) integer labels.
        tau: (steps,) step sizes, any sign.

    Returns:
        (..., steps), in nats.

    Raises:
        InvalidClasses: as for `taylor_coefficients`.

    >>> import torch
    >>> z, a = torch.zeros(2), torch.tensor([0.0, 1.0])
    >>> [round(v, 4) for v in linearised_loss(z, a, torch.tensor(1), torch.tensor([0.0, 3.0])).tolist()]
    [0.6931, 0.0486]
    """
    z, a = live_classes(z, a)
    label = check_labels(z, y).unsqueeze(-1)
    # Relative to the label, so that a tiny loss is not the difference of two large numbers.
    z, a = z - z.gather(-1, label), a - a.gather(-1, label)
    return (z.unsqueeze(-2) + a.unsqueeze(-2) * tau[:, None]).logsumexp(-1)


def kl_bound(normalised_step: float | Tensor) -> float | Tensor:
    """(πr)²/8: no sample's KL divergence, in either direction, is larger after a linearised step r = τ/ρ_a.

    Ours, from Popoviciu's inequality: the variance of the slopes is at most Δ_a²/4. 1.234 nats at r = 1.

    Args:
        normalised_step: r ≥ 0, a number or tensor.

    Returns:
        nats, of the same kind.

    >>> round(kl_bound(1.0), 3)
    1.234
    """
    return (math.pi * normalised_step) ** 2 / 8


def flip_margin(normalised_step: float | Tensor) -> float | Tensor:
    """πr: a sample whose two largest logits differ by as much keeps its class in a linearised step r (ours).

    Args:
        normalised_step: r ≥ 0, a number or tensor.

    Returns:
        logit difference, of the same kind.

    >>> round(flip_margin(1.0), 4)
    3.1416
    """
    return math.pi * normalised_step
