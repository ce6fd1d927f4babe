"""The uneven sky: what pairs of pulsars see of a gravitational-wave background that is not the same everywhere."""

from .lens import OverlapLens

LENS = OverlapLens

__all__ = ["LENS", "OverlapLens"]
