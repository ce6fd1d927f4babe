"""Computing one at a time and on one of torch's threads, so that the same bits come out wherever it is asked for."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

_TURN = threading.RLock()


@contextmanager
def alone() -> Iterator[None]:
    """For whoever trains, fits or replays: pages, exports and notebooks compute on threads of their own.

    One turn for all: torch's number of threads belongs to the process, and two that put it back one after the other
    would leave it at 1.
    """
    with _TURN:
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(threads)
