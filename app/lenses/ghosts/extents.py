"""Extents that tables and figures share; here, since figures are drawn before torch is there."""

from __future__ import annotations

HIGHEST_ORDER = 48
TILES_ACROSS, TILES_DOWN = 8, 3
COLDEST, HOTTEST = 0.02, 20.0
"""Ends of the parameter `temperature`."""


def estimate_ceiling(radius: float) -> float:
    """Upper end of the axis of the running estimates of a radius."""
    return 2.0 * radius
