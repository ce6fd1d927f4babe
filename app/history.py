"""Undo and redo: the settled states of one lens, the last fifty of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

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
        return self.neighbour(-1) is not None

    @property
    def can_redo(self) -> bool:
        return self.neighbour(1) is not None

    @property
    def present(self) -> Request:
        return self._states[self._place]

    def neighbour(self, step: int) -> Request | None:
        """The state before (-1) or after (+1) the present one; None where there is none."""
        place = self._place + step
        return self._states[place] if 0 <= place < len(self._states) else None

    def restart(self, opening: Request) -> None:
        """Nothing has been done yet, and this is where the reader begins."""
        self._states, self._place = [opening], 0
        self._tell()

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call `listener()` whenever a state has settled, or there is something else to undo or redo."""
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
        if state != self.present:
            self._states[self._place + 1 :] = [state]
            del self._states[:-MOST_STATES]
            self._place = len(self._states) - 1
        self._tell()

    def amend(self, values: Mapping[str, Any]) -> None:
        """Values of the present state have moved on by themselves (a dial that follows a training): one entry still.

        Only these: what a hand holds meanwhile has not settled.
        """
        self._states[self._place] = self.present.replace(**values)
        self._tell()

    def travel(self, step: int, state: Request) -> None:
        """The lens has gone to the neighbouring state, and is `state` now: what follows from its values may have moved."""
        self._place += step
        self._states[self._place] = state
        self._tell()

    def forget(self, step: int) -> None:
        """The neighbouring state can no longer be gone to; the next one takes its place."""
        del self._states[self._place + step]
        self._place += min(step, 0)
        self._tell()

    def leave(self, listener: Callable[[], None]) -> None:
        """Call a listener no more; nothing where it is not called."""
        if listener in self._listeners:
            self._listeners.remove(listener)

    def _tell(self) -> None:
        for listener in tuple(self._listeners):
            listener()
