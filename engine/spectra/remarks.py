"""Words and numbers that a training adds to its records."""

from typing import Any, SupportsFloat

import numpy as np
from torch import Tensor

from .errors import InvalidRecorder
from .snapshot import Snapshot


class Remarks:
    """What was noted since the last record, until a record takes it along."""

    def __init__(self) -> None:
        self._notes: list[str] = []
        self._scalars: dict[str, Any] = {}

    def note(self, text: str) -> None:
        """Words, kept in their order."""
        self._notes.append(str(text))

    def scalar(self, name: str, value: Any) -> None:
        """A number, of which the latest counts; tensors stay where they are and are read later.

        Raises:
            InvalidRecorder: naming what is no single number.
        """
        if isinstance(value, Tensor) and value.numel() == 1 and not value.is_complex():
            self._scalars[name] = value.detach().clone()
        else:
            self._scalars[name] = _number(name, value)

    def go_with(self, snapshot: Snapshot) -> None:
        """Moves everything into the snapshot."""
        snapshot.notes, self._notes = self._notes, []
        snapshot.scalars, self._scalars = self._scalars, {}

    def come_back(self, snapshot: Snapshot) -> None:
        """The snapshot was dropped; its words wait for the next."""
        self._notes, self._scalars = snapshot.notes, snapshot.scalars


def _number(name: str, value: Any) -> float:
    """What is no tensor as a number. An array has a `__float__` as well, which raises; that of a complex one warns."""
    try:
        if not isinstance(value, Tensor) and not np.iscomplexobj(value) and isinstance(value, SupportsFloat):
            return float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidRecorder(f"scalar {name} is {value!r}: one number is needed") from error
    raise InvalidRecorder(f"scalar {name} is {value!r}: one number is needed")
