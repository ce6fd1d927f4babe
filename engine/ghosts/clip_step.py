"""One step of a `RadiusClip`: how the optimizer takes it, and what is told of it."""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch


class ClipStep(NamedTuple):
    """What one `RadiusClip.step` found and did; plain numbers.

    step: count of calls, from 0. step_norm: ‖p‖ of the optimizer's own step. radius: ρ along it, in the same
    unit. normalized_step: r = ‖p‖/ρ before, normalized_step_taken: after scaling. scale: s of θ + s·p.
    clipped: whether the radius set the length (s ≠ 1). bottleneck_index: the sample whose radius it is, by
    its place in the batch or the given samples; -1 where none, and where it is another process's. measured:
    False where ρ, bottleneck_index, backend and reason are those of an earlier step; in mode "monitor" the
    length of such a step is not looked at: ‖p‖ and both r are NaN. refused: whether the step was undone for
    values that are not finite; then r is +inf, s is 0 and reason says why. skipped: whether a gradient scaler
    left the step out. backend: how the slopes were found. loss: what the optimizer returned. reused: whether
    logits of training's own pass, kept or handed in, were taken for the start.
    """

    step: int
    step_norm: float
    radius: float
    normalized_step: float
    normalized_step_taken: float
    scale: float
    clipped: bool
    bottleneck_index: int
    measured: bool
    refused: bool
    skipped: bool
    backend: str
    reason: str
    loss: Any
    reused: bool


class Advance(NamedTuple):
    """loss: what the optimizer returned. skipped: whether a gradient scaler left the step out."""

    loss: Any
    skipped: bool


def advance(optimizer: torch.optim.Optimizer, closure: Callable[[], Any] | None, scaler: Any) -> Advance:
    """The optimizer's own step, with a closure or through a gradient scaler."""
    if scaler is None:
        return Advance(optimizer.step() if closure is None else optimizer.step(closure), False)
    ran: list[bool] = []
    # A fused optimizer is called all the same and told by `found_inf` to leave its weights.
    handle = optimizer.register_step_post_hook(
        lambda *_: ran.append(not bool(getattr(optimizer, "found_inf", False)))
    )
    try:
        loss = scaler.step(optimizer)
    finally:
        handle.remove()
    return Advance(loss, not any(ran))
