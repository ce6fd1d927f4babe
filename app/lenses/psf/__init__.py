"""The point-spread function of a hash encoding: its anisotropy, its cure, its tables, its choice."""

from .lens import PsfLens

LENS = PsfLens

__all__ = ["LENS", "PsfLens"]
