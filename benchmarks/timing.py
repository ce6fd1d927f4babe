"""What several benchmarks time with: the least of many calls, a lens's frames, and a fixed number of threads."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch

from anisoscope.app.lens import Lens

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


def frame_milliseconds(lens: Lens, states: Iterable[Mapping[str, Any]]) -> float:
    """Median over the states of the time to the first frame, the one under the hand, on one thread."""
    times = []
    with torch_threads(1):
        for state in states:
            request = lens.validated(state)
            started = time.perf_counter()
            next(iter(lens.frames(request)))
            times.append(time.perf_counter() - started)
    return 1000 * statistics.median(times)
