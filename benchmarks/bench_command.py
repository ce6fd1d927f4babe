"""How long the command takes to answer."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

RUNS = 7


def rows() -> Iterator[dict[str, Any]]:
    """Wall time of a process, the bare interpreter's as the floor."""
    floor = _milliseconds("-c", "pass")
    yield {"name": "interpreter alone", "value": floor, "unit": "ms"}
    yield {
        "name": "anisoscope --help",
        "value": _milliseconds("-m", "anisoscope.app.command", "--help"),
        "unit": "ms",
        "floor": floor,
        "ratio_to": "interpreter alone",
    }


def _milliseconds(*arguments: str) -> float:
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-P", *arguments], check=True, capture_output=True)
        times.append(1e3 * (time.perf_counter() - start))
    return statistics.median(times)
