"""What torch keeps once for the whole process: two threads that compute at the same time would take it from each other."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

_TURN = threading.RLock()


def jvp(function: Callable[..., Any], primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Any, ...]:
    """`torch.func.jvp`, one at a time: a second one begun meanwhile would compute on the level of the first, and lose
    its tangents when that one ends."""
    with _TURN:
        return torch.func.jvp(function, primals, tangents)


@contextmanager
def math_attention() -> Iterator[None]:
    """Attention by plain operations, which can be differentiated twice, one at a time: the choice of kernels belongs to
    the process, and two that put it back one after the other would leave it as it is here."""
    with _TURN, sdpa_kernel(SDPBackend.MATH):
        yield
