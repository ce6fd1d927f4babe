"""Words of the lens that quote a frame."""

from __future__ import annotations

from ...control import Card, Claim, Table
from ...frame import Frame
from ...request import Request


def card(request: Request, frame: Frame) -> Card | None:
    """The matrix that is looked at."""
    return None


def table(request: Request, frame: Frame) -> Table | None:
    """All numbers of the spectra at the end."""
    return None


def claims(request: Request, frame: Frame) -> tuple[Claim, ...]:
    """What the papers say and what we find."""
    return ()
