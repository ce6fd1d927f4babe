"""The budget of the recorder, on a simulated clock: what it allows, and that it holds."""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest
import torch

from anisoscope.engine.spectra.budget import LONGEST_REST, RESERVE, Budget, Pace, Spent

LOOK, HOOKS = 2e-5, 4e-6


@dataclass
class Training:
    """Steps with a recorder on a clock of their own, and how long they take without one.

    A record is copied in the step; then the thread works for `elapsed` seconds, of which it computes `processor`, and
    the training meanwhile loses the share `lost` of its time, and a fifth of that in the same time afterwards.
    """

    step_seconds: float
    copying: float
    processor: float
    elapsed: float
    lost: float
    every: int = 10
    fraction: float = 0.05
    now: float = 0.0
    bare: float = 0.0
    taken: list[int] = field(default_factory=list)
    looks: int = 0

    def run(self, steps: int, pauses: tuple[int, ...] = ()) -> None:
        noise = torch.rand(steps, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        self.pace = Pace(Budget(self.fraction, self.every), lambda: self.now)
        self.ends = -1.0
        for step, drawn in enumerate(noise.tolist(), 1):
            self.now += HOOKS
            if step >= self.pace.next_look:
                self._look(step)
            self._train(self.step_seconds * (0.8 + 0.4 * drawn))
            if step in pauses:
                self.now, self.bare = self.now + 60.0, self.bare + 60.0

    def _look(self, step: int) -> None:
        began, idle = self.now, self.now >= self.ends
        self.pace.look(step, idle, lambda: Spent(self.processor, self.elapsed, self.ends))
        self.looks += 1
        self.now += LOOK
        if self.pace.settled and self.pace.budget.due(step):
            self.pace.planned(step)
            self.taken.append(step)
            self.now += self.copying
            self.ends = self.now + self.elapsed
        self.pace.charge(self.now - began)

    def _train(self, seconds: float) -> None:
        self.bare += seconds
        for until, lost in ((self.ends, self.lost), (self.ends + self.elapsed, 0.2 * self.lost)):
            if self.now < until:
                trained = min(seconds, (until - self.now) * (1 - lost))
                self.now += trained / (1 - lost) if trained == seconds else until - self.now
                seconds -= trained
        self.now += seconds

    @property
    def record(self) -> float:
        """What one record costs at most."""
        return LOOK + self.copying + max(self.processor, 1.2 * self.elapsed)


SMALL: dict[str, Any] = {"step_seconds": 4e-4, "copying": 2.5e-4}
MIDDLE: dict[str, Any] = {"step_seconds": 2e-2, "copying": 1e-2}


@pytest.mark.parametrize("lost", [0.0, 0.3, 0.99])
@pytest.mark.parametrize(
    "record",
    [
        SMALL | {"processor": 2.4e-3, "elapsed": 2.8e-3},
        # most of its time it waits: for the interpreter, or for a processor
        SMALL | {"processor": 5e-4, "elapsed": 5e-3},
        MIDDLE | {"processor": 0.7, "elapsed": 0.8},
        MIDDLE | {"processor": 0.1, "elapsed": 0.6},
    ],
)
def test_a_training_costs_five_per_cent_more(record: dict[str, Any], lost: float) -> None:
    """Whether the thread runs on a processor nobody missed, or stops the training altogether."""
    training = Training(**record, lost=lost)
    training.run(5000)
    over = training.now - training.bare
    # the first, whose effect on the steps has nothing to be compared with, and the last
    assert over <= 0.05 * training.bare + 2 * training.record
    # and it is used
    assert training.pace.budget.spent >= 0.04 * training.bare
    assert len(training.taken) >= 5


def test_what_costs_little_is_recorded_as_often_as_asked() -> None:
    training = Training(step_seconds=1.0, copying=1e-3, processor=1e-3, elapsed=1e-3, lost=0.5, every=3)
    training.run(60)
    assert training.taken == list(range(1, 61, 3))


def test_most_steps_are_not_looked_at() -> None:
    training = Training(**SMALL, processor=2.4e-3, elapsed=2.8e-3, lost=0.5)
    training.run(4000)
    # those of a record and of its aftermath are, and the last ones before the next
    assert training.looks <= 4000 / LONGEST_REST + 30 * len(training.taken)


def test_pauses_are_no_cost_and_earn_little() -> None:
    quiet, paused = (Training(**SMALL, processor=2.4e-3, elapsed=2.8e-3, lost=0.5) for _ in range(2))
    quiet.run(4000)
    # one of them behind a record, which is then charged for more than it cost, but not for the pause
    paused.run(4000, pauses=(quiet.taken[3], 1000, 2000, 3000))
    assert len(paused.taken) == pytest.approx(len(quiet.taken), abs=4)
    assert min(b - a for a, b in pairwise(paused.taken)) >= 0.5 * min(b - a for a, b in pairwise(quiet.taken))


def test_one_record_is_paid_before_the_next() -> None:
    """Steps of 1 s, records of 2 s, 5 % less a tenth: one record in 44 steps, never two in a row after a pause."""
    budget = Budget(0.05, every=10)
    taken = []
    for step in range(1, 2001):
        if step > 1:
            budget.trained(600.0 if step == 1000 else 1.0)
        if budget.due(step):
            taken.append(step)
            budget.planned(step)
            budget.charge(2.0)
    gaps = [after - before for before, after in pairwise(taken)]
    assert budget.spent <= 0.05 * (1 - RESERVE) * budget.training + 2.0
    # 2 s are earned back in 2/0.045 steps
    assert set(gaps[2:]) <= {42, 43, 44, 45}
    assert len(taken) == pytest.approx(45, abs=1)
    cheap = Budget(0.05, every=10)
    taken = []
    for step in range(1, 101):
        cheap.trained(1.0)
        if cheap.due(step):
            taken.append(step)
            cheap.planned(step)
            cheap.charge(0.4)
    assert taken == list(range(1, 101, 10))


def test_no_more_than_one_record_is_saved_up() -> None:
    """After a long time in which nothing was recorded come the record saved up and the one in debt, and no burst."""
    budget = Budget(0.05, every=1)
    for _ in range(2):
        budget.planned(1)
        budget.charge(2.0)
        for _ in range(1000):
            budget.trained(1.0)
    taken = 0
    for step in range(2, 50):
        budget.trained(0.01)
        if budget.due(step):
            taken += 1
            budget.planned(step)
            budget.charge(2.0)
    assert taken == 2


def test_what_is_charged_is_the_dearer_of_thread_and_slowdown() -> None:
    for thread, slowdown in ((0.3, 0.2), (0.1, 0.4)):
        budget = Budget(0.05, every=1)
        for _ in range(20):
            budget.trained(1.0)
        budget.trained(1.0 + slowdown, disturbed=True)
        budget.settle(thread, 1.0)
        assert budget.spent == pytest.approx(max(thread, slowdown))
        assert budget.training == pytest.approx(21)
        budget.settle(0.0, 0.0)
        assert budget.spent == pytest.approx(max(thread, slowdown))
