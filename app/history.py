"""Undo and redo: the settled states of one lens, the last fifty of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from .request import Request

MOST_STATES = 50


class History:
    """States in their order and where the reader is among them; all views of a lens share one.

    Args:
        opening: the state before anything was done; undo goes back to it.
    """

    def __init__(self, opening: Request) -> None:
        self._states = [opening]
        self._place = 0
        self._listeners: list[Callable[[], None]] = []
        self.moving = False
        """Whether the hand is moving: what comes of it is no state yet."""

    @property
    def can_undo(self) -> bool:
        return self._place > 0

    @property
    def can_redo(self) -> bool:
        return self._place < len(self._states) - 1

    @property
    def present(self) -> Request:
        return self._states[self._place]

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call `listener()` whenever there is something else to undo or redo."""
        self._listeners.append(listener)

    @contextmanager
    def hand_moving(self) -> Iterator[None]:
        """What is set in here is on the way to a state, not one."""
        before, self.moving = self.moving, True
        try:
            yield
        finally:
            self.moving = before

    def enter(self, state: Request) -> None:
        """A state was settled on; what could be redone is gone. The present state is not entered twice."""
        if state == self.present:
            return
        self._states[self._place + 1 :] = [state]
        del self._states[:-MOST_STATES]
        self._place = len(self._states) - 1
        self._tell()

    def amend(self, state: Request) -> None:
        """The present state has moved on by itself (a dial that follows a training): it stays one entry."""
        self._states[self._place] = state

    def travel(self, steps: int) -> Request | None:
        """Go back (-1) or on (+1); None, and nothing happens, where there is nothing."""
        place = self._place + steps
        if not 0 <= place < len(self._states):
            return None
        self._place = place
        self._tell()
        return self.present

    def _tell(self) -> None:
        for listener in self._listeners:
            listener()
