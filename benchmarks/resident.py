"""What a call needs of memory beyond what the process held before it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def most_resident(call: Callable[[], object]) -> float:
    """Megabytes that were resident at most during the call, over those before it; Linux only, else 0."""
    if not _RESET.exists():
        return 0.0
    # 5 sets the high-water mark back to what is resident now.
    _RESET.write_text("5", encoding="ascii")
    before = _kilobytes("VmRSS")
    kept = call()
    more = _kilobytes("VmHWM") - before
    del kept
    return more / 1000


def _kilobytes(key: str) -> int:
    lines = _STATUS.read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(key))
