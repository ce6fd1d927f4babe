"""What several benchmarks time with: the least of many calls, and a fixed number of threads."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

BUDGET_SECONDS = 0.5


def least_seconds(call: Callable[[], object]) -> float:
    """Least of as many calls as fit the budget, in seconds, one before it not counted: other work only ever adds."""
    call()
    best, end = math.inf, time.perf_counter() + BUDGET_SECONDS
    while time.perf_counter() < end or best == math.inf:
        start = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - start)
    return best


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """So many threads, whatever the process had before and has again afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
