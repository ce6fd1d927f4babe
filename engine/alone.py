"""Computing one at a time and on one of torch's threads, so that the same bits come out wherever it is asked for."""

import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch

Part = TypeVar("Part")
End = TypeVar("End")

_DOOR, _TURN = threading.Lock(), threading.Lock()
_thread = threading.local()


@contextmanager
def alone() -> Iterator[None]:
    """For whoever trains, fits or replays: pages, exports and notebooks compute on threads of their own.

    One turn for all: torch's number of threads belongs to the process, and two that put it back one after the other
    would leave it at 1. Who leaves and comes back at once, as an export that trains, finds the door taken by whoever
    waits: the turn alone it would get again and again, and a page would wait for seconds.
    """
    if getattr(_thread, "inside", False):
        yield
        return
    with _DOOR:
        _TURN.acquire()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    _thread.inside = True
    try:
        yield
    finally:
        _thread.inside = False
        torch.set_num_threads(threads)
        _TURN.release()


def each_alone(parts: Generator[Part, None, End]) -> Generator[Part, None, End]:
    """The same parts and the same end, each part made alone: between two of them others have their turn."""
    while True:
        with alone():
            try:
                part = next(parts)
            except StopIteration as end:
                return end.value
        yield part
