"""A lane with its records and its checkpoints; a branch is its parent's track up to where it leaves."""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from torch import Tensor

from .checkpoints import Checkpoints
from .errors import InvalidStep
from .lane import Lane, LaneState, Trainable
from .recording import Recording
from .spec import LaneSpec, TrainingSpec
from .timeline import Timeline

STOPPED = ("diverged", "stopped")
"""How the status of a lane begins whose weights are those of no whole step."""


class TrackKey(NamedTuple):
    """What makes two lanes of one problem equal, whatever trainings they are in."""

    lane: LaneSpec
    parent: "TrackKey | None"
    steps: int
    seed: int
    every: int


def track_keys(spec: TrainingSpec) -> list[TrackKey]:
    """Keys of all lanes: a branch is known by its parent's key, not by its number."""
    keys: list[TrackKey] = []
    for lane in spec.lanes:
        parent = None if lane.branch is None else keys[lane.branch[0]]
        plain = lane if lane.branch is None else replace(lane, branch=(0, lane.branch[1]))
        keys.append(TrackKey(plain, parent, spec.steps, spec.seed, spec.every))
    return keys


class Track:
    """One lane of a `LiveTraining`.

    Args:
        problem, key: of the lane.
        parent: the track that this one leaves at `key.lane.branch[1]`.
        report_every: as `Recording`.
    """

    def __init__(self, problem: Trainable, key: TrackKey, parent: "Track | None", report_every: int):
        self.problem, self.key = problem, key
        self._leaves_at = key.lane.branch[1] if key.lane.branch else 0
        # where the parent itself still was its own parent, that one is left
        while parent is not None and parent.parent is not None and self._leaves_at <= parent._leaves_at:
            parent = parent.parent
        self.parent = parent
        self._lane = self._fresh_lane()
        self._recording = Recording(self._lane, key.steps // key.every + 1, report_every)
        self._follows = parent is not None
        self._replayed: Lane | None = None
        if parent is None:
            self._checkpoints = Checkpoints(self._lane.state())
            self._recording.write(self._lane)
            self._tell()
        else:
            self.leave_when_due()

    @property
    def step(self) -> int:
        """The last whole step."""
        if self._follows and self.parent is not None:
            return min(self.parent.step, self._leaves_at)
        return self._step

    @property
    def running(self) -> bool:
        return self.status == "running"

    @property
    def status(self) -> str:
        """As `Lane.status`; that of the parent while this is still the same training."""
        return self.parent.status if self._follows and self.parent else self._status

    @property
    def timeline(self) -> Timeline:
        return self.parent.timeline if self._follows and self.parent else self._recording.timeline

    def advance(self) -> None:
        """One step, recorded when it is due; a branch that still follows has nothing to do."""
        if self._follows:
            return
        due = (self._lane.step + 1) % self.key.every == 0
        if self._lane.advance(self._recording if due else None):
            if due:
                self._recording.write(self._lane)
            if self._checkpoints.due(self._lane.step):
                self._checkpoints.keep(self._lane.state())
        self._tell()

    def weights(self, step: int) -> dict[str, Tensor]:
        """The model's state after a step, bit for bit."""
        return _weights_of(self._lane_at(step))

    def state(self, step: int) -> LaneState:
        return self._lane_at(step).state()

    def replay(self, step: int) -> Iterator[dict[str, Tensor]]:
        """`weights` at every step from the nearest known one up to this."""
        for lane in self._lanes_to(step):
            yield _weights_of(lane)

    def _lane_at(self, step: int) -> Lane:
        """A lane that stands at a step; not to be moved."""
        *_, lane = self._lanes_to(step)
        return lane

    def _lanes_to(self, step: int) -> Iterator[Lane]:
        """Lanes that stand at the steps from the nearest known one up to this; not to be moved."""
        keeper = self._keeper(step)
        return iter([keeper._lane]) if keeper._stands_at(step) else keeper._replaying(step)

    def _keeper(self, step: int) -> "Track":
        """Whose step it is: up to where a branch leaves its parent, the parent's."""
        if not 0 <= step <= self.step:
            raise InvalidStep(f"step is {step}: 0 … {self.step}, a step that has been trained, is needed")
        if self.parent is not None and (self._follows or step <= self._leaves_at):
            return self.parent._keeper(step)
        return self

    def _stands_at(self, step: int) -> bool:
        return step == self._lane.step and not self._lane.status.startswith(STOPPED)

    def _replaying(self, step: int) -> Iterator[Lane]:
        """A second lane that goes on to the step from the nearest one that is known, and is nobody else's meanwhile."""
        lane, known = self._replayed, self._checkpoints.nearest(step)
        if lane is not None and known.step <= lane.step <= step:
            self._replayed = None
        else:
            lane = self._fresh_lane()
            lane.restore(known)
        try:
            yield lane
            while lane.step < step:
                if not lane.advance():
                    raise RuntimeError(f"the replay of step {step} {lane.status}, which the training did not")
                yield lane
        finally:
            # left midway too: the next one may go on from there
            self._replayed = None if lane.status.startswith(STOPPED) else lane

    def leave_when_due(self) -> None:
        """A branch becomes a training of its own once its parent has come to the step where it leaves."""
        parent, step = self.parent, self._leaves_at
        if parent is None or not self._follows or parent.step < step:
            return
        row = parent.timeline.row_of(step)
        before = parent.weights(step - 1) if step else None
        self._lane.restore(parent.state(step))
        # a replay has its own clock
        self._lane.seconds = float(parent.timeline.seconds[row])
        self._checkpoints = Checkpoints(self._lane.state())
        self._recording.fork(parent._recording, row, before)
        self._tell()
        self._follows = False

    def _tell(self) -> None:
        """Says how far the lane is, after its row is written: a reader in another thread finds the row of every step."""
        self._step = self._lane.step
        # last: who reads that a lane has ended finds its last step
        self._status = self._lane.status

    def _fresh_lane(self) -> Lane:
        return Lane(self.problem, self.key.lane, self.key.steps, self.key.seed)


def _weights_of(lane: Lane) -> dict[str, Tensor]:
    return {name: t.detach().clone() for name, t in lane.model.state_dict().items()}
