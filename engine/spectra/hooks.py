"""What step hooks meet in the wild: several optimizers, steps inside steps, gradients that a closure makes."""

import sys
from collections.abc import Callable
from typing import Any

import torch

Arguments = tuple[tuple[Any, ...], dict[str, Any]]


class Rounds:
    """Groups the steps of several optimizers: a round ends when each has stepped, or one begins again.

    A step that another step of the same optimizer runs inside itself is part of it.

    Args:
        optimizers: as the indices of the hooks count them.
    """

    def __init__(self, optimizers: list[torch.optim.Optimizer]):
        self._optimizers = optimizers
        # a bit for each optimizer: this runs in every step, which may take less than a millisecond
        self._begun = self._ended = 0
        self._all = (1 << len(optimizers)) - 1
        self._inner = [0] * len(optimizers)

    def begins(self, index: int) -> bool | None:
        """A step begins: True when a new round does, None for a step inside one that runs."""
        bit = 1 << index
        if self._begun & ~self._ended & bit and is_nested(self._optimizers[index]):
            self._inner[index] += 1
            return None
        # a step that raised inside another has never ended
        self._inner[index] = 0
        first = not self._begun or self._begun & bit != 0
        if first:
            self._begun = self._ended = 0
        self._begun |= bit
        return first

    def ends(self, index: int) -> bool | None:
        """A step has ended: True when all of the round have, None for one that was inside."""
        if self._inner[index]:
            self._inner[index] -= 1
            return None
        self._ended |= 1 << index
        return self._ended == self._all


def is_nested(optimizer: torch.optim.Optimizer) -> bool:
    """Whether the step that called this hook runs inside another step of the same optimizer.

    A subclass whose `step` calls `super().step()` fires the hooks twice once its parent has been wrapped too.
    A step that raised leaves no trace on the stack, so that it is not mistaken for an outer one.
    """
    # all steps with hooks share the code of torch's wrapper
    wrapper = getattr(type(optimizer).step, "__code__", None)
    frame, steps = sys._getframe(1), 0
    while frame is not None:
        steps += frame.f_code is wrapper and frame.f_locals.get("self") is optimizer
        frame = frame.f_back
    return steps > 1


def closure_of(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Callable[..., Any] | None:
    """The closure among the arguments of a step; the first argument is the optimizer."""
    return next(filter(callable, (*args[1:], *kwargs.values())), None)


def observed(args: tuple[Any, ...], kwargs: dict[str, Any], called: Callable[[], None]) -> Arguments:
    """Arguments of a step whose closure tells when it has been called for the first time.

    Its gradients are then those at the weights before the step, and the optimizer has not touched them.
    """
    closure = closure_of(args, kwargs)
    assert closure is not None
    waiting = [called]

    def telling(*inner: Any, **named: Any) -> Any:
        loss = closure(*inner, **named)
        if waiting:
            waiting.pop()()
        return loss

    return (
        tuple(telling if value is closure else value for value in args),
        {name: telling if value is closure else value for name, value in kwargs.items()},
    )


def capturing(parameter: torch.Tensor) -> bool:
    """Whether a CUDA graph is being captured: nothing may be read then, and hooks will not run on replay."""
    return parameter.is_cuda and torch.cuda.is_current_stream_capturing()
