"""States kept along the way, so that any step can be had again by going on from the nearest."""

from .lane import LaneState

EVERY = 25
MAX_BYTES = 64 << 20


class Checkpoints:
    """States of one lane, one every 25 steps, every 50 when those outgrow 64 MB, and so on; the first is always kept.

    Args:
        first: where the lane begins.
        every: steps between two.
        max_bytes: of all together.
    """

    def __init__(self, first: LaneState, every: int = EVERY, max_bytes: int = MAX_BYTES):
        self.every, self._max_bytes = every, max_bytes
        self._first = first.step
        self._states = {first.step: first}

    def due(self, step: int) -> bool:
        return step % self.every == 0 and step not in self._states

    def keep(self, state: LaneState) -> None:
        self._states[state.step] = state
        while len(self._states) > 2 and sum(s.bytes for s in self._states.values()) > self._max_bytes:
            self.every *= 2
            kept = (s for s in self._states.values() if s.step in (self._first, state.step))
            spaced = (s for s in self._states.values() if s.step % self.every == 0)
            self._states = {s.step: s for s in (*kept, *spaced)}

    def nearest(self, step: int) -> LaneState:
        """The last state at or before a step."""
        return self._states[max(known for known in self._states if known <= max(step, self._first))]
