"""What a training is asked for: plain hashable values, checked when they are made."""

import math
from dataclasses import dataclass

from .catalogue import optimizer_choice
from .errors import InvalidSpec
from .schedule import check_schedule

MAX_LANES = 4


@dataclass(frozen=True)
class LaneSpec:
    """Settings of one lane.

    optimizer, schedule: names in `OPTIMIZERS` and `SCHEDULES`. learning_rate: finite, > 0. weight_decay: finite, ≥ 0.
    branch: (lane index, step): up to that step this lane *is* that earlier lane of the training, and goes on from
    its weights, and from its optimizer's state when the optimizer is the same, with these settings.

    Raises:
        UnknownOptimizer, UnknownSchedule, InvalidSpec: naming the field.
    """

    optimizer: str
    learning_rate: float
    schedule: str = "constant"
    weight_decay: float = 0.0
    branch: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        choice = optimizer_choice(self.optimizer)
        check_schedule(self.schedule)
        if not (_is_number(self.learning_rate) and self.learning_rate > 0):
            raise InvalidSpec(f"learning_rate is {self.learning_rate!r}: a finite number above 0 is needed")
        if not (_is_number(self.weight_decay) and self.weight_decay >= 0):
            raise InvalidSpec(
                f"weight_decay is {self.weight_decay!r}: a finite number of at least 0 is needed"
            )
        if self.weight_decay and not choice.decays:
            raise InvalidSpec(
                f"weight_decay is {self.weight_decay!r}: 0 is needed, as {choice.title} knows no weight decay"
            )
        if self.branch is not None and not (
            isinstance(self.branch, tuple) and len(self.branch) == 2 and all(map(_is_index, self.branch))
        ):
            raise InvalidSpec(
                f"branch is {self.branch!r}: None or a tuple (lane index, step) of integers ≥ 0 is needed"
            )


@dataclass(frozen=True)
class TrainingSpec:
    """Lanes that share weights at the start and batches.

    lanes: 1 … 4. steps: ≥ 1. seed: ≥ 0, of weights and batches. every: steps between two records, ≥ 1.

    Raises:
        InvalidSpec: naming the field.
    """

    lanes: tuple[LaneSpec, ...]
    steps: int
    seed: int = 0
    every: int = 1

    def __post_init__(self) -> None:
        if not isinstance(self.lanes, tuple) or not all(isinstance(lane, LaneSpec) for lane in self.lanes):
            raise InvalidSpec(f"lanes is {self.lanes!r}: a tuple of LaneSpec is needed")
        if not 1 <= len(self.lanes) <= MAX_LANES:
            raise InvalidSpec(f"lanes has {len(self.lanes)} entries: 1 … {MAX_LANES} are needed")
        for name, least in (("steps", 1), ("seed", 0), ("every", 1)):
            value = getattr(self, name)
            if not _is_index(value) or value < least:
                raise InvalidSpec(f"{name} is {value!r}: an integer of at least {least} is needed")
        for index, lane in enumerate(self.lanes):
            if lane.branch is not None:
                self._check_branch(index, *lane.branch)

    def _check_branch(self, index: int, parent: int, step: int) -> None:
        if parent >= index:
            raise InvalidSpec(f"branch of lane {index} is from lane {parent}: an earlier lane is needed")
        if step >= self.steps or step % self.every:
            raise InvalidSpec(
                f"branch of lane {index} is at step {step}: a recorded step, a multiple of every = {self.every}"
                f" from 0 and below steps = {self.steps}, is needed"
            )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_index(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
