"""To come."""

from ...figure import Figure
from ...frame import Frame


def figures(frame: Frame) -> tuple[Figure, ...]:
    return ()
