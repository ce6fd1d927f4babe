"""How often one may look without slowing down what one looks at."""

import math
import time
from collections.abc import Callable
from typing import NamedTuple

# steps that may pass unlooked at: enough to make looking cheap, few enough to notice that a training has changed
LONGEST_REST = 16
# a record is felt for so many times as long as it took, its own time included: it has displaced caches
AFTERMATH = 3
# seconds that the hooks of a step between two looks take, caches missed included; too short to be timed there
UNTIMED = 5e-6
# share of the budget kept back for what is seen by no clock here, such as slower steps beyond the aftermath
RESERVE = 0.1


class Spent(NamedTuple):
    """What a thread has spent on records, in seconds."""

    processor: float
    """it computed"""
    elapsed: float
    """from beginnings to ends"""
    ended: float
    """the last of them, by the clock"""


class Budget:
    """Allows a record when the time spent on earlier ones has been earned back.

    Every second of training earns `fraction` of a second, less a reserve; hooks and records are paid from that, and
    the next record waits until the account is no longer in debt. Over a run the cost is therefore at most
    `fraction` of the training's time plus two records: the last, and the first, whose effect on the steps has nothing
    to be compared with. No more than one record is saved up, and a pause (a validation, say) earns no more than three
    steps, so that dense bursts do not follow.

    Args:
        fraction: of the time of training that may be spent, above 0, at most 1; None: no limit.
        every: steps between records at least.
    """

    def __init__(self, fraction: float | None, every: int):
        self.fraction = fraction
        self.every = every
        self.training = 0.0
        self.spent = 0.0
        self._balance = 0.0
        self._of_this_record = 0.0
        self._dearest = 0.0
        self._last: int | None = None
        self._usual: float | None = None
        self._excess = 0.0

    def due(self, step: int) -> bool:
        """Whether this step may be recorded."""
        if self._last is not None and step - self._last < self.every:
            return False
        return self.fraction is None or self._balance >= 0

    def rest(self, step: int, looking: float) -> int:
        """Steps after which the next can become due, if they take as long as usual: 1 up to `LONGEST_REST`.

        Args:
            step: the one that is looked at.
            looking: seconds that a look costs; small models would else never earn back what looking costs.
        """
        steps = 1 if self._last is None else self._last + self.every - step
        debt = looking - self._balance
        if self.fraction is not None and debt > 0 and self._usual:
            steps = max(steps, math.ceil(min(debt / self._earned(self._usual), LONGEST_REST)))
        return max(1, min(steps, LONGEST_REST))

    def _earned(self, seconds: float) -> float:
        """What so many seconds of training allow to be spent."""
        return (1 - RESERVE) * (self.fraction or 0.0) * seconds

    def planned(self, step: int) -> None:
        """A record of this step begins (or was dropped): the next is `every` steps away at least."""
        self._last = step
        self._dearest = max(self._of_this_record, 0.5 * self._dearest)
        self._of_this_record = 0.0

    def trained(self, seconds: float, steps: int = 1, disturbed: bool = False) -> None:
        """Steps of the training took this long together, the recorder's own time in them left out.

        Args:
            seconds: ≥ 0.
            steps: ≥ 1.
            disturbed: a record was being worked on meanwhile. What such steps take beyond the usual is cost:
                two threads share the interpreter, the memory and perhaps a processor.
        """
        usual = seconds / steps if self._usual is None else self._usual
        # one long pause counts as three steps
        credit = min(seconds, (steps + 2) * usual)
        if disturbed:
            self._excess += seconds - steps * usual
            seconds = credit = min(seconds, steps * usual)
        else:
            self._usual = usual + (1 - 0.9**steps) * (credit / steps - usual)
        self.training += seconds
        if self.fraction is not None:
            # one record can be saved up, but a debt is never forgiven
            saved = max(self._balance, self._dearest)
            self._balance = min(self._balance + self._earned(credit), saved)

    def settle(self, processor: float, elapsed: float) -> None:
        """A record is finished: the thread's time, or what it cost the training, the dearer of the two, is charged.

        The thread may have run on a processor nobody missed, or not. What steps took beyond `AFTERMATH` times its
        work was a pause.

        Args:
            processor: seconds the thread computed.
            elapsed: seconds from its beginning to its end.
        """
        self.charge(max(processor, min(self._excess, AFTERMATH * elapsed)))
        self._excess = 0.0

    def charge(self, seconds: float) -> None:
        """The recorder held up the training for this long."""
        self.spent += seconds
        self._of_this_record += seconds
        self._balance -= seconds


class Pace:
    """Times the steps of a training for a budget, at as few of them as that needs.

    Args:
        budget: what is kept account of.
        clock: seconds that only grow; another than the processor's in tests.
    """

    def __init__(self, budget: Budget, clock: Callable[[], float] = time.perf_counter):
        self.budget = budget
        self.clock = clock
        self._looking = 0.0
        self.begin(0)

    def begin(self, step: int) -> None:
        """Watching begins, again perhaps, before the step that follows this one."""
        self.next_look = step + 1
        self._began: float | None = None
        self._step, self._in_hooks, self._disturbed = step, 0.0, False
        self._finished: Spent | None = None

    def charge(self, seconds: float) -> None:
        """A hook took this long."""
        self._in_hooks += seconds
        self.budget.charge(seconds)
        if self.settled:
            self._looking = seconds

    def look(self, step: int, idle: bool, spent: Callable[[], Spent]) -> float:
        """A step begins: what has gone by since the last look is accounted for; returns the time.

        Args:
            step: its number.
            idle: no record is being worked on.
            spent: what the thread has spent since the last call.
        """
        now = self.clock()
        if self._began is not None:
            seconds = now - self._began - self._in_hooks
            # first, as what is earned may be capped at nothing saved
            self.budget.charge(UNTIMED * (step - self._step))
            self.budget.trained(seconds, step - self._step, self._disturbed)
        self._began, self._step, self._in_hooks = now, step, 0.0
        if self._disturbed and idle:
            self._finished = self._finished or spent()
            if now - self._finished.ended >= (AFTERMATH - 1) * self._finished.elapsed:
                self._settle()
        self.next_look = step + (1 if self._disturbed else self.budget.rest(step, self._looking))
        return now

    @property
    def settled(self) -> bool:
        """Whether the cost of the last record is known."""
        return not self._disturbed

    def planned(self, step: int) -> None:
        """This step is recorded, or dropped: the steps from here on are looked at until the record is finished."""
        self._settle()
        self.budget.planned(step)
        self._disturbed, self.next_look = True, step + 1

    def end(self, spent: Spent) -> None:
        """Watching ends, when the thread has spent this."""
        self._settle()
        self.budget.settle(spent.processor, spent.elapsed)

    def _settle(self) -> None:
        if self._finished is not None:
            self.budget.settle(self._finished.processor, self._finished.elapsed)
        self._finished, self._disturbed = None, False
