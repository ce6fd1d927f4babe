"""The spike lab: four lanes of one training in lockstep, that differ only in what holds back their steps."""

import time
from collections.abc import Iterable

from .spike_lane import SpikeData, SpikeLane
from .spike_limits import LIMITS
from .spike_spec import LaneSpec


class SpikeLab:
    """Plain, gradient-norm clip, step-norm cap and radius cap, from equal weights on equal batches.

    Args:
        data: what is trained on, and what is held back.
        spec: of all four lanes.
        target: largest r of the lane "radius".
        reuse: earlier labs on the same data: lanes that agree are taken over as they are, those that agree up to a spike
            are branched off. A lane taken over may be ahead of the others; only rows that all have count.

    Not to be used from two threads at once. A finished lab says the same whatever it was made from.

    Raises:
        InvalidSpike: a target that is not finite and positive.
    """

    def __init__(
        self, data: SpikeData, spec: LaneSpec, target: float = 1.0, reuse: Iterable["SpikeLab"] = ()
    ):
        self.spec, self.target = spec, target
        known = [lane for lab in reuse if lab.data is data for lane in lab.lanes]
        self.data = data
        self.lanes = tuple(self._lane(limit, known) for limit in LIMITS)

    def _lane(self, limit: str, known: list[SpikeLane]) -> SpikeLane:
        same = [
            lane
            for lane in known
            if lane.limit == limit and (limit != "radius" or lane.target == self.target)
        ]
        for lane in same:
            if lane.spec == self.spec:
                return lane
        nearest = max(same, key=lambda lane: lane.spec.parts_from(self.spec, lane.step + 1), default=None)
        if nearest is not None and nearest.spec.parts_from(self.spec, nearest.step + 1) > 1:
            return nearest.branch(self.spec)
        return SpikeLane(self.data, self.spec, limit, self.target)

    @property
    def head(self) -> int:
        """The step all lanes have come to; stopped ones do not hold it back."""
        running = [lane.step for lane in self.lanes if lane.running]
        return min(running) if running else max(lane.step for lane in self.lanes)

    def done(self, steps: int) -> bool:
        """Whether no lane goes on before this step."""
        return not any(lane.running and lane.step < steps for lane in self.lanes)

    def advance(self, steps: int, seconds: float = float("inf")) -> None:
        """Step by step to `steps`, at least one of all lanes, until this much time is used."""
        end = time.perf_counter() + seconds
        while not self.done(steps):
            head = self.head
            for lane in self.lanes:
                if lane.running and lane.step == head:
                    lane.advance()
            if time.perf_counter() >= end:
                break
