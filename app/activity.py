"""When a reader last moved something: what can wait (drawing ahead) waits until nobody does."""

from __future__ import annotations

import time

_last = -1e9


def touched() -> None:
    """Somebody asked for a page or a frame."""
    global _last
    _last = time.monotonic()


def quiet_for() -> float:
    """Seconds since the last request of any reader."""
    return time.monotonic() - _last
