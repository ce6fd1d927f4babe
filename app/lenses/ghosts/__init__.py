"""Ghosts of softmax: how far along a step the Taylor model of a loss can be trusted."""

from .lens import GhostsLens

LENS = GhostsLens

__all__ = ["LENS", "GhostsLens"]
