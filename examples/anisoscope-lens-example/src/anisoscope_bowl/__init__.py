"""Gradient descent in a quadratic bowl: a lens for Anisoscope from a package of its own."""

from .lens import BowlLens as LENS

__all__ = ["LENS"]
