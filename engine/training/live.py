"""A training that is watched while it is made: lanes in lockstep, for as long as the caller has time."""

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from torch import Tensor

from .errors import InvalidSpec, InvalidStep
from .lane import Trainable
from .spec import TrainingSpec
from .timeline import Timeline
from .track import Track, TrackKey, track_keys


class LiveTraining:
    """One to four trainings of a problem from the same weights on the same batches, recorded as they go.

    Lanes know nothing of one another: alone or among four a lane computes the same bits, and so does its replay, as long
    as torch works with one thread; with more the order of its sums changes from run to run. Nothing global is touched,
    neither random numbers nor the number of threads. Not to be advanced from two threads at once. Another one may read
    meanwhile: the rows of all steps in `steps` are there, and of a lane that has ended nothing moves any more; what is
    to be of one moment it takes from `Timeline.so_far`.

    Args:
        problem: as `anisoscope.engine.problems.Problem`.
        spec: lanes, steps, seed, steps between records.
        reuse: an earlier training of the same problem object; lanes equal in their own settings, in those of the lane
            they branched from, in steps, seed and every are taken over with their records instead of being trained
            again. They may be ahead: `head` is where all lanes have come to, and lanes behind are trained first.
        report_every: steps between two reports of the problem, which cost a pass over all data.

    Raises:
        InvalidSpec: when report_every is no integer ≥ 1.
    """

    def __init__(
        self,
        problem: Trainable,
        spec: TrainingSpec,
        reuse: "LiveTraining | None" = None,
        report_every: int = 10,
    ):
        if not isinstance(report_every, int) or report_every < 1:
            raise InvalidSpec(f"report_every is {report_every!r}: an integer of at least 1 is needed")
        self.problem, self.spec, self.report_every = problem, spec, report_every
        known: dict[TrackKey, Track] = {}
        if reuse is not None and reuse.problem is problem and reuse.report_every == report_every:
            known = {track.key: track for track in reuse._tracks}
        self._tracks: list[Track] = []
        for lane, key in zip(spec.lanes, track_keys(spec), strict=True):
            parent = None if lane.branch is None else self._tracks[lane.branch[0]]
            if key not in known:
                known[key] = Track(problem, key, parent, report_every)
            self._tracks.append(known[key])
        # equal lanes are one training, made once
        self._distinct = list(dict.fromkeys(self._tracks))

    @property
    def head(self) -> int:
        """The step all lanes have come to; stopped ones do not hold it back."""
        running = [track.step for track in self._tracks if track.running]
        return min(running) if running else max(track.step for track in self._tracks)

    @property
    def done(self) -> bool:
        """Whether no lane goes on."""
        return not any(track.running for track in self._tracks)

    @property
    def timelines(self) -> tuple[Timeline, ...]:
        """The records by lane; a branch shows its parent's own until it leaves it."""
        return tuple(track.timeline for track in self._tracks)

    @property
    def status(self) -> tuple[str, ...]:
        """By lane, as `Lane.status`."""
        return tuple(track.status for track in self._tracks)

    @property
    def steps(self) -> tuple[int, ...]:
        """The last whole step by lane."""
        return tuple(track.step for track in self._tracks)

    def advance(self, seconds: float = 0.0) -> int:
        """Steps of all lanes, at least one unless all is done, until this much time is used; how many were made."""
        began, made = time.perf_counter(), 0
        while not self.done:
            head = self.head
            for track in [track for track in self._distinct if track.running and track.step == head]:
                track.advance()
            for track in self._distinct:
                track.leave_when_due()
            made += 1
            if time.perf_counter() - began >= seconds:
                break
        return made

    def weights(self, lane: int, step: int) -> dict[str, Tensor]:
        """The state of a lane's model after a step, bit for bit, replayed from the nearest checkpoint.

        Raises:
            InvalidStep: on a lane that there is not, a step that has not been trained.
        """
        return self._track(lane).weights(step)

    def replay(self, lane: int, step: int) -> Iterator[dict[str, Tensor]]:
        """`weights` at every step from the nearest known one up to this, in turn: a long replay can be left between two.

        The training may be advanced, and other steps replayed, between two of them.

        Raises:
            InvalidStep: as `weights`, when the first is asked for.
        """
        yield from self._track(lane).replay(step)

    def branch_from(self, lane: int, step: int, **changes: Any) -> "LiveTraining":
        """A training with one more lane that leaves `lane` at `step` with some settings changed; the others are reused.

        Raises:
            InvalidSpec: when there are four lanes already, or step is no recorded one.
            UnknownOptimizer, UnknownSchedule: as `LaneSpec`.
            InvalidStep: on a lane that there is not.

        Without changes it repeats the lane it leaves, bit for bit.
        """
        self._track(lane)
        branch = replace(self.spec.lanes[lane], branch=(lane, step), **changes)
        spec = replace(self.spec, lanes=(*self.spec.lanes, branch))
        return LiveTraining(self.problem, spec, reuse=self, report_every=self.report_every)

    def _track(self, lane: int) -> Track:
        if not 0 <= lane < len(self._tracks):
            raise InvalidStep(f"lane is {lane}: 0 … {len(self._tracks) - 1} is needed")
        return self._tracks[lane]
