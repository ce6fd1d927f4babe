"""Muon versus Adam: the singular values of a training, live."""

from .lens import SpectraLens

LENS = SpectraLens

__all__ = ["LENS", "SpectraLens"]
